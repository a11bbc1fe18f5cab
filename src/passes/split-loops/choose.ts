import type { Shape, TensorNode } from "../../ir/tensor/nodes.js";
import { type Arc, minCut } from "../../util/min-cut.js";
import { elementCost } from "../costs.js";
import type { LoopFacts } from "./analyze.js";

/** What leaves the loop, and what is computed on both sides. */
export interface Choice {
  /** Free nodes that are computed before the loop and given to it. */
  readonly before: ReadonlySet<TensorNode>;
  /** Nodes that are computed after the loop, for all steps at once; those of `required` in the loop too. */
  readonly after: ReadonlySet<TensorNode>;
}

// In units of one addition of one element, as in `fuse.ts`: a store and a load of what crosses between the loop and the program around it.
const crossing = 5;
const loading = 1;
/** A kernel of its own at every step: the start, and what few rows leave idle. */
const ownKernel = 4096;
/** All steps at once cost half of step after step. */
const outsideShare = 0.5;
/** What a symbolic size is taken for. */
const assumedRows = 128;

/** Work is counted in quarters of an addition: capacities are whole. */
const whole = (work: number): number => Math.round(4 * work);
const words = (shape: Shape): number => shape.reduce<number>((product, dim) => product * (typeof dim === "number" ? dim : assumedRows), 1);

/** The work of a node at one step. */
function workOf(node: TensorNode): number {
  const { op, inputs, shape } = node;
  const own = words(shape);
  const of = (at: number, from = 0, to?: number): number => words(inputs[at]!.shape.slice(from, to));
  switch (op.kind) {
    case "dot":
      return ownKernel + own * words([inputs[0]!.shape.at(op.transposeLeft ? -2 : -1)!]);
    case "conv2d":
      return ownKernel + own * of(1, 0, 3);
    case "conv2d-input-gradient":
      return ownKernel + of(0) * of(1, 0, 3);
    case "conv2d-filter-gradient":
      return ownKernel + of(1) * words(shape.slice(0, 3));
    case "cholesky":
    case "triangular-solve":
      return ownKernel + own * words(inputs[0]!.shape.slice(-1));
    case "softmax":
    case "log-softmax":
      return ownKernel + 40 * own;
    case "reduce":
    case "arg-reduce":
    case "cumulative-sum":
    case "pool2d":
    case "pool2d-gradient":
    case "scatter-add":
      return ownKernel + Math.max(own, ...inputs.map((input) => words(input.shape)));
    default:
      return own * elementCost(node);
  }
}

/** Whether to keep a node of all steps costs less than to compute it for all steps a second time. */
export function saves(node: TensorNode): boolean {
  return outsideShare * workOf(node) > crossing * words(node.shape);
}

/** A network whose nodes 0 and 1 are the loop and what is outside. */
function network() {
  const arcs: Arc[] = [];
  let count = 2;
  return {
    node: (): number => count++,
    arc: (from: number, to: number, capacity: number): void => void arcs.push({ from, to, capacity }),
    cut: (): boolean[] => minCut(count, arcs),
  };
}

/**
 * Chooses what leaves the loop: the cut with the least work at each step + half of the work outside + 5 for each word that crosses between the two, of equal ones that which moves the least.
 */
export function choose(facts: LoopFacts, steps: number, hasHistory: (carry: number) => boolean, carryOf: (node: TensorNode) => number | undefined): Choice {
  const after = chooseAfter(facts, hasHistory, carryOf);
  return { after, before: chooseBefore(facts, after, steps) };
}

/** Nodes that no later step needs: the loop stacks what they are computed from. Nodes that the next step needs may be computed a second time outside, where that is cheaper than stacking them. */
function chooseAfter({ live, users, free, required, bound, stacks, accumulators }: LoopFacts, hasHistory: (carry: number) => boolean, carryOf: (node: TensorNode) => number | undefined): Set<TensorNode> {
  const net = network();
  const ids = new Map(live.filter((node) => !free.has(node) && !bound.has(node)).map((node) => [node, net.node()]));
  for (const node of live) {
    if (free.has(node)) continue;
    const id = ids.get(node) ?? 0;
    const work = workOf(node);
    const leaves = id !== 0 && !required.has(node);
    if (leaves) net.arc(id, 1, whole(work * (1 - outsideShare)));
    else if (id !== 0) net.arc(0, id, whole(work * outsideShare));
    const carry = carryOf(node);
    const known = carry !== undefined && (hasHistory(carry) || accumulators.has(carry));
    const stack = net.node();
    net.arc(id, stack, known ? 0 : whole(crossing * words(node.shape)));
    if (stacks.has(node)) net.arc(stack, 1, Infinity);
    for (const user of users.get(node)!) {
      const other = ids.get(user);
      if (other === undefined) continue;
      net.arc(stack, other, Infinity);
      if (leaves) net.arc(other, id, Infinity);
    }
  }
  // All additions of an accumulator or none.
  for (const { chain } of accumulators.values()) for (const node of chain.slice(1)) net.arc(ids.get(chain[0]!)!, ids.get(node)!, Infinity);
  const outside = net.cut();
  return new Set([...ids].flatMap(([node, id]) => (outside[id] ? [node] : [])));
}

/** Free nodes that the loop needs: it scans them, or what they are computed from. */
function chooseBefore({ live, users, free, required, stacks }: LoopFacts, after: ReadonlySet<TensorNode>, steps: number): Set<TensorNode> {
  const stays = (node: TensorNode): boolean => !free.has(node) && (required.has(node) || !after.has(node));
  const inside = new Set(live.filter(stays));
  for (const node of inside) for (const input of node.inputs) if (free.has(input)) inside.add(input);
  // What is computed outside in any case.
  const made = new Set(live.filter((node) => after.has(node) || stacks.has(node)));
  for (const node of made) for (const input of node.inputs) if (free.has(input)) made.add(input);

  const net = network();
  const isAnywhere = ({ op }: TensorNode): boolean => op.kind === "iota" || op.kind === "size" || op.kind === "constant" || (op.kind === "input" && op.name === "index");
  const candidates = live.filter((node) => free.has(node) && inside.has(node) && !isAnywhere(node));
  const ids = new Map(candidates.map((node) => [node, node.op.kind === "input" ? 1 : net.node()]));
  for (const [node, id] of ids) {
    const batched = free.get(node)!;
    const work = workOf(node);
    const outside = made.has(node) ? 0 : outsideShare * (batched ? work : work / steps);
    const given = node.op.kind === "input" ? loading : batched ? crossing : loading + (crossing - loading) / steps;
    if (id !== 1) net.arc(id, 1, whole(work - outside));
    const use = net.node();
    net.arc(use, id, whole(given * words(node.shape)));
    for (const user of users.get(node)!) {
      const other = ids.get(user);
      if (other !== undefined) net.arc(other, use, Infinity);
      else if (inside.has(user)) net.arc(0, use, Infinity);
      // Where the user is computed outside alone, so is this; it may be computed in the loop again.
      if (other !== undefined && id !== 1) net.arc(id, other, whole(outside));
    }
  }
  const outside = net.cut();
  return new Set([...ids].flatMap(([node, id]) => (id !== 1 && outside[id] ? [node] : [])));
}
