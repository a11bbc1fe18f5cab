import { bodyInputName } from "../../ir/tensor/loops.js";
import type { LoopOp, TensorNode } from "../../ir/tensor/nodes.js";
import { sameDims } from "../../ir/tensor/shapes.js";
import { canLeave } from "./batch-rules.js";
import { sumOf } from "./sum-rules.js";

/** A carry that only collects: what it begins with plus the sum over the steps of its terms. */
export interface Accumulator {
  /** The additions, from the carry to the next one. */
  readonly chain: readonly TensorNode[];
  readonly terms: readonly { readonly node: TensorNode; readonly negative: boolean }[];
}

/** What of a loop's body could leave it. */
export interface LoopFacts {
  /** The nodes that something needs, in order. */
  readonly live: readonly TensorNode[];
  /** The users of each, one entry for each operand. */
  readonly users: ReadonlyMap<TensorNode, readonly TensorNode[]>;
  /** Results of the loop that something reads; `stacks`: their nodes. */
  readonly reads: ReadonlySet<number>;
  readonly stacks: ReadonlySet<TensorNode>;
  /** Carries that something needs, by number. */
  readonly carries: readonly number[];
  /** What depends on no step before: whether it differs from step to step. */
  readonly free: ReadonlyMap<TensorNode, boolean>;
  /** Carries that never change. */
  readonly constant: ReadonlySet<number>;
  /** Carries that are what such a node was a step ago. */
  readonly delayed: ReadonlySet<number>;
  readonly accumulators: ReadonlyMap<number, Accumulator>;
  /** Of these nothing is needed but their sum over the steps. */
  readonly summed: ReadonlySet<TensorNode>;
  /** What the next step needs, and what cannot leave. */
  readonly required: ReadonlySet<TensorNode>;
  /** Of `required` what exists nowhere but in the loop: operations that cannot be computed for all steps at once. */
  readonly bound: ReadonlySet<TensorNode>;
}

/** The facts about a loop of whose results `reads` are read. */
export function analyze(op: LoopOp, reads: ReadonlySet<number>): LoopFacts {
  const { body, carried, stacked } = op;
  const next = (at: number): TensorNode => body.outputs[`carry.${at}`]!;
  const carryOf = new Map(body.inputs.flatMap((node) => (bodyInputName(node).startsWith("carry.") ? [[node, Number(bodyInputName(node).slice("carry.".length))] as const] : [])));
  const isRead = (at: number): boolean => reads.has(at) || reads.has(carried + stacked + at);
  const stacks = new Set(Array.from({ length: stacked }, (_, at) => at).flatMap((at) => (reads.has(carried + at) ? [body.outputs[`stack.${at}`]!] : [])));

  const carries = new Set(Array.from({ length: carried }, (_, at) => at).filter(isRead));
  const needed = new Set<TensorNode>([...stacks, ...[...carries].map(next)]);
  for (const node of needed) {
    for (const input of node.inputs) needed.add(input);
    const at = carryOf.get(node);
    if (at === undefined || carries.has(at)) continue;
    carries.add(at);
    needed.add(next(at));
  }
  const live = body.nodes.filter((node) => needed.has(node));
  const users = new Map<TensorNode, TensorNode[]>(live.map((node) => [node, []]));
  for (const node of live) for (const input of node.inputs) users.get(input)!.push(node);
  const outputs = [...stacks, ...[...carries].map(next)];

  const constant = new Set([...carries].filter((at) => carryOf.get(next(at)) === at));
  const { free, delayed } = findFree(live, carryOf, carries, constant, next);
  const accumulators = new Map([...carries].flatMap((at) => {
    const carry = live.find((node) => carryOf.get(node) === at);
    const found = carry && !reads.has(carried + stacked + at) && outputs.filter((node) => node === next(at)).length === 1 ? accumulatorOf(carry, next(at), users) : undefined;
    return found ? [[at, found] as const] : [];
  }));

  const chains = new Set([...accumulators.values()].flatMap(({ chain }) => chain));
  const ends = new Set(outputs);
  const batchedOf = (node: TensorNode): readonly boolean[] => node.inputs.map((input) => free.get(input) ?? true);
  const summed = new Set<TensorNode>();
  const asksForSum = (user: TensorNode, node: TensorNode): boolean => {
    if (chains.has(user)) return true;
    const sum = summed.has(user) ? sumOf(user, batchedOf(user)) : undefined;
    return sum !== undefined && user.inputs.every((input, at) => input !== node || sum.sums[at]);
  };
  for (const node of [...live].reverse()) if (!chains.has(node) && !ends.has(node) && users.get(node)!.every((user) => asksForSum(user, node))) summed.add(node);

  const bound = new Set(live.filter((node) => !free.has(node) && !chains.has(node) && !canLeave(node, batchedOf(node)) && !(summed.has(node) && sumOf(node, batchedOf(node)))));
  const required = new Set<TensorNode>([...bound, ...[...carries].filter((at) => !accumulators.has(at)).map(next)].filter((node) => !free.has(node)));
  for (const node of required) for (const input of node.inputs) if (!free.has(input)) required.add(input);
  return { live, users, reads, stacks, carries: [...carries].sort((a, b) => a - b), free, constant, delayed, accumulators, summed, required, bound };
}

/** What depends on no step before, and carries that are such a value of the step before: they do not either. */
function findFree(live: readonly TensorNode[], carryOf: ReadonlyMap<TensorNode, number>, carries: ReadonlySet<number>, constant: ReadonlySet<number>, next: (at: number) => TensorNode) {
  const delayed = new Set<number>();
  for (;;) {
    const free = new Map<TensorNode, boolean>();
    for (const node of live) {
      if (node.op.kind === "input") {
        const at = carryOf.get(node);
        if (at === undefined || constant.has(at) || delayed.has(at)) free.set(node, !(at === undefined ? node.op.name.startsWith("invariant.") : constant.has(at)));
        continue;
      }
      const batched = node.inputs.map((input) => free.get(input));
      if (batched.every((each) => each !== undefined) && canLeave(node, batched)) free.set(node, batched.includes(true));
    }
    const more = [...carries].filter((at) => !constant.has(at) && !delayed.has(at) && free.has(next(at)));
    if (more.length === 0) return { free, delayed };
    more.forEach((at) => delayed.add(at));
  }
}

/** `next` as `carry` ± terms, each addition read by the following one alone. */
function accumulatorOf(carry: TensorNode, next: TensorNode, users: ReadonlyMap<TensorNode, readonly TensorNode[]>): Accumulator | undefined {
  if (carry.dtype !== "f32") return undefined;
  const chain: TensorNode[] = [];
  const terms: { node: TensorNode; negative: boolean }[] = [];
  for (let at = carry; at !== next; ) {
    const [user, ...others] = users.get(at)!;
    if (!user || others.length > 0 || user.op.kind !== "binary" || !sameDims(user.shape, carry.shape)) return undefined;
    const left = user.inputs[0] === at;
    if (user.op.function !== "add" && !(user.op.function === "subtract" && left)) return undefined;
    chain.push(user);
    terms.push({ node: user.inputs[left ? 1 : 0]!, negative: user.op.function === "subtract" });
    at = user;
  }
  return chain.length > 0 && users.get(next)!.length === 0 ? { chain, terms } : undefined;
}
