import { InternalError } from "../util/internal-error.js";
import type { TensorNode, TensorProgram } from "../ir/tensor/nodes.js";
import type { Unit } from "./fuse.js";
import { type Block, checkMemoryPlan, planMemory } from "./memory-plan.js";
import type { Part } from "./stages.js";
import { countOf, staticShape } from "./static-shape.js";

export interface PlacingProblem {
  readonly program: TensorProgram;
  readonly ordered: readonly Unit[];
  readonly stored: ReadonlySet<TensorNode>;
  /** Of a loop's body: what lies outside of its arena. */
  readonly outside: ReadonlySet<TensorNode>;
  readonly inPlace: ReadonlyMap<TensorNode, TensorNode>;
  readonly mains: ReadonlyMap<Unit, Part>;
  readonly made: ReadonlyMap<Part, { readonly unit: Unit; readonly which: number }>;
  /** In which stage a part stands; of a loop's body undefined for those that run before its steps. */
  readonly stageOf: ReadonlyMap<Part, number>;
  /** Words that each unit's kernels reserve. */
  readonly scratch: ReadonlyMap<Unit, readonly number[]>;
  readonly overwrites: (unit: Unit) => boolean;
  readonly pinned: Readonly<Record<string, number>>;
}

/** Of the histories of a loop's carries: a slice more than they have, for the carry after the last step, and whether it comes first. */
export function sliceBeyond(node: TensorNode): { readonly words: number; readonly first: boolean } | undefined {
  const loop = node.op.kind === "loop-result" ? node.inputs[0]! : node;
  if (loop.op.kind !== "loop") return undefined;
  const result = node.op.kind === "loop-result" ? node.op.result : 0;
  const { carried, stacked, reverse } = loop.op;
  return result < carried + stacked ? undefined : { words: countOf(staticShape(node).slice(1)), first: reverse };
}

const roleOrder = ["parameter", "state", "scalar", "row-index", "latent", "column"];

/** Divides an arena among all that units read and write, by the stages between which it lives. */
export function placeUnits(problem: PlacingProblem) {
  const { program, ordered, stored, outside, inPlace, mains, made, stageOf, scratch, overwrites, pinned } = problem;
  const blocks: Block[] = [];
  const blockOf = new Map<TensorNode, number>();
  const add = (node: TensorNode, live: Block["live"], replaces?: number): void => {
    blockOf.set(node, blocks.length);
    blocks.push({ words: countOf(staticShape(node)) + (sliceBeyond(node)?.words ?? 0), live, replaces });
  };
  const role = (node: TensorNode): number => (node.op.kind === "input" ? roleOrder.indexOf(node.op.role) + 1 || roleOrder.length + 1 : 0);
  for (const node of [...program.inputs].sort((a, b) => role(a) - role(b) || a.id - b.id)) if (!outside.has(node)) add(node, undefined);
  const outputs = new Set(Object.values(program.outputs));
  for (const node of stored) if (!blockOf.has(node) && !outside.has(node) && !inPlace.has(node) && (outputs.has(node) || node.op.kind === "constant") && !isAliasSource(node, inPlace)) add(node, undefined);

  // Lives of the rest, in stages.
  const written = new Map<TensorNode, number>();
  const read = new Map<TensorNode, { last: number; units: { unit: Unit; stage: number }[] }>();
  for (const unit of ordered) {
    const stage = stageOf.get(mains.get(unit)!)!;
    for (const node of unit.results) written.set(node, stage);
    for (const node of unit.reads.keys()) {
      const known = read.get(node) ?? { last: 0, units: [] };
      read.set(node, { last: Math.max(known.last, stage), units: [...known.units, { unit, stage }] });
    }
  }
  const inPlaceUnits = new Set(ordered.filter(overwrites));
  const taken = new Set<TensorNode>();
  for (const unit of ordered) {
    for (const node of unit.results) {
      if (!stored.has(node) || blockOf.has(node) || outside.has(node) || inPlace.has(node)) continue;
      const from = written.get(node)!;
      const live = { from, to: Math.max(from, read.get(node)?.last ?? from) };
      // In the place of an operand of as many words that this unit is the last to read, and reads in step. Templates may take other memory then.
      const heir = (unit.anchor && unit.anchor.op.kind !== "reduce" ? [] : [...unit.reads]).find(([operand, aligned]) => {
        const block = blockOf.get(operand);
        const readers = read.get(operand)!;
        return aligned && block !== undefined && blocks[block]!.live && !taken.has(operand) && !sliceBeyond(operand) && countOf(staticShape(operand)) === countOf(staticShape(node))
          && readers.last === from && readers.units.filter((each) => each.stage === from).length === 1 && written.get(operand)! < from;
      });
      if (heir) {
        taken.add(heir[0]);
        inPlaceUnits.add(unit);
      }
      add(node, live, heir && blockOf.get(heir[0]));
    }
  }
  // Memory of the templates, from their first kernel to the last; what is prepared before the steps of a loop is kept for all of them.
  const scratchBlocks = new Map<Unit, number[]>();
  for (const unit of ordered) {
    const own = [...made].filter(([, each]) => each.unit === unit).map(([part]) => stageOf.get(part));
    const stages = own.filter((stage) => stage !== undefined);
    const live = stages.length < own.length ? undefined : { from: Math.min(...stages), to: Math.max(...stages) };
    scratchBlocks.set(unit, scratch.get(unit)!.map((words) => blocks.push({ words, live }) - 1));
  }
  const plan = planMemory(blocks);
  checkMemoryPlan(blocks, plan);
  const offsetOf = (node: TensorNode): number => {
    const fixed = node.op.kind === "input" ? pinned[node.op.name] : undefined;
    if (fixed !== undefined) return fixed;
    const block = blockOf.get(inPlace.get(node) ?? node);
    if (block === undefined) throw new InternalError(`node %${node.id} has no place`);
    const beyond = sliceBeyond(node);
    return plan.offsets[block]! + (beyond?.first ? beyond.words : 0);
  };
  return { blocks, plan, offsetOf, inPlaceUnits, scratchOf: new Map([...scratchBlocks].map(([unit, ids]) => [unit, ids.map((id) => plan.offsets[id]!)])) };
}

/** Outputs that are copied into an input's place at the end have memory of their own only until then. */
function isAliasSource(node: TensorNode, inPlace: ReadonlyMap<TensorNode, TensorNode>): boolean {
  return [...inPlace.keys()].some((copy) => copy.op.kind === "stop-gradient" && copy.inputs[0] === node);
}
