import { InternalError } from "../util/internal-error.js";

/** Something that lies in the arena. */
export interface Block {
  readonly words: number;
  /** First and last kernel between which its words are its own; undefined for what keeps its place from step to step. */
  readonly live: { readonly from: number; readonly to: number } | undefined;
  /** Another block in whose place it begins: that one is read for the last time, element by element, by the kernel that writes this one. */
  readonly replaces?: number;
}

export interface MemoryPlan {
  /** First word of each block, in their order. */
  readonly offsets: readonly number[];
  /** Size of the arena. */
  readonly words: number;
  /** Words of blocks that live from step to step, and of those that do not. */
  readonly persistentWords: number;
  readonly temporaryWords: number;
}

/** 64 bytes: a line of the cache, and the widest vector. */
export const alignment = 16;
/** The engine's own words come first: step, key, key, spare. */
export const reservedWords = 4;

const aligned = (words: number): number => Math.ceil(words / alignment) * alignment;

/**
 * Places every block in one arena at offsets that are multiples of 64 bytes. What persists comes first, in the order given (parameters side by
 * side, optimizer state side by side); after it the temporary blocks, largest first, each in the smallest gap that is free during its life.
 */
export function planMemory(blocks: readonly Block[]): MemoryPlan {
  const offsets = new Array<number>(blocks.length).fill(-1);
  let end = aligned(reservedWords);
  blocks.forEach((block, at) => {
    if (block.live) return;
    offsets[at] = end;
    end += aligned(Math.max(1, block.words));
  });
  const start = end;
  // A block that takes over another's place and that other are one, from the first's beginning to the last's end.
  const chains = chainsOf(blocks);
  const sorted = chains.sort((a, b) => b.words - a.words || a.from - b.from || a.members[0]! - b.members[0]!);
  const placed: (Chain & { offset: number })[] = [];
  for (const chain of sorted) {
    const busy = placed.filter((other) => other.from <= chain.to && chain.from <= other.to).sort((a, b) => a.offset - b.offset);
    const size = aligned(Math.max(1, chain.words));
    let best: { offset: number; room: number } | undefined;
    let free = start;
    for (const other of busy) {
      const room = other.offset - free;
      if (room >= size && (!best || room < best.room)) best = { offset: free, room };
      free = Math.max(free, other.offset + aligned(Math.max(1, other.words)));
    }
    const offset = best?.offset ?? free;
    for (const member of chain.members) offsets[member] = offset;
    placed.push({ ...chain, offset });
    end = Math.max(end, offset + size);
  }
  return { offsets, words: end, persistentWords: start, temporaryWords: end - start };
}

interface Chain {
  readonly members: readonly number[];
  readonly words: number;
  readonly from: number;
  readonly to: number;
}

function chainsOf(blocks: readonly Block[]): Chain[] {
  const next = new Map<number, number>();
  blocks.forEach((block, at) => {
    if (block.replaces !== undefined) next.set(block.replaces, at);
  });
  return blocks.flatMap((block, at) => {
    if (!block.live || block.replaces !== undefined) return [];
    const members = [at];
    for (let follower = next.get(at); follower !== undefined; follower = next.get(follower)) members.push(follower);
    const lives = members.map((member) => blocks[member]!.live!);
    return [{
      members, words: Math.max(...members.map((member) => blocks[member]!.words)),
      from: Math.min(...lives.map((live) => live.from)), to: Math.max(...lives.map((live) => live.to)),
    }];
  });
}

/**
 * Throws InternalError unless every block is inside the arena, aligned, apart from the engine's words, and shares no word with a block that lives
 * at the same time. (Its own reasoning, by pairs: it uses nothing of the planner.) `replaces` excuses one kernel: the one that writes the new block.
 */
export function checkMemoryPlan(blocks: readonly Block[], plan: MemoryPlan): void {
  blocks.forEach((block, at) => {
    const offset = plan.offsets[at]!;
    const broken = (problem: string): never => {
      throw new InternalError(`memory plan, block ${at} (${block.words} words at ${offset}): ${problem}`);
    };
    if (!Number.isInteger(offset) || offset < reservedWords) broken("it lies on the engine's own words");
    if (offset % alignment !== 0) broken("it is not aligned");
    if (offset + block.words > plan.words) broken(`it ends outside the arena of ${plan.words} words`);
    for (let other = 0; other < at; other++) {
      const [mine, theirs] = [block, blocks[other]!];
      const apart = offset + mine.words <= plan.offsets[other]! || plan.offsets[other]! + theirs.words <= offset;
      if (apart || mine.words === 0 || theirs.words === 0) continue;
      if (!mine.live || !theirs.live) broken(`it shares words with block ${other}, and one of them persists`);
      const [a, b] = [mine.live!, theirs.live!];
      const shared = Math.min(a.to, b.to) - Math.max(a.from, b.from);
      const handover = (mine.replaces === other && a.from === b.to) || (theirs.replaces === at && b.from === a.to);
      if (shared > 0 || (shared === 0 && !handover)) broken(`it shares words with block ${other} while both live`);
    }
  });
}
