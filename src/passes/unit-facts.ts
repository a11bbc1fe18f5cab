import type { Span } from "../diagnostics/span.js";
import type { TensorNode } from "../ir/tensor/nodes.js";
import { elementCost, elementFlops, repetitions } from "./costs.js";
import type { Unit } from "./fuse.js";
import { countOf, staticShape } from "./static-shape.js";

/** What a unit costs, and where it comes from. */
export interface Facts {
  /** Of one place, in units of one addition. */
  readonly cost: number;
  readonly work: number;
  readonly flops: number;
  readonly bytes: number;
  readonly origins: readonly Span[];
}

/** What a unit's own expressions cost; heavy operations add theirs. */
export function factsOf(unit: Unit, stored: ReadonlySet<TensorNode>): Facts {
  const seen = new Set<TensorNode>();
  let [prologue, epilogue, flops] = [0, 0, 0];
  const anchorShape = unit.anchor?.inputs[0];
  // Of what is gathered or sliced, no more is read than arrives.
  const taken = new Map<TensorNode, number>();
  const visit = (node: TensorNode, inside: boolean): void => {
    if (seen.has(node)) return;
    seen.add(node);
    const count = countOf(staticShape(node));
    if (inside) prologue += elementCost(node) * count;
    else epilogue += elementCost(node) * count;
    flops += elementFlops(node) * count;
    node.inputs.forEach((input, at) => {
      const part = at === 0 && (node.op.kind === "gather" || node.op.kind === "slice");
      taken.set(input, (taken.get(input) ?? 0) + (part ? count : Infinity));
      if (!stored.has(input) && !unit.results.includes(input)) visit(input, inside || node === unit.anchor);
    });
  };
  for (const result of unit.results) visit(result, false);
  const anchored = unit.anchor ? heavyWork(unit.anchor) : 0;
  const touched = [...unit.reads.keys(), ...unit.results.filter((node) => stored.has(node))];
  const walked = unit.anchor && anchorShape ? countOf(staticShape(anchorShape)) : unit.count;
  const work = prologue * (unit.anchor ? repetitions(unit.anchor) : 1) + epilogue + anchored;
  return {
    cost: Math.max(1, work / Math.max(1, walked)), work, flops: flops + (unit.anchor?.op.kind === "reduce" ? walked : 0),
    bytes: 4 * touched.reduce((sum, node) => sum + Math.min(countOf(staticShape(node)), unit.results.includes(node) ? Infinity : (taken.get(node) ?? Infinity)), 0),
    origins: uniqueOrigins([...seen].sort((a, b) => a.id - b.id).flatMap((node) => node.origin ?? [])),
  };
}

/** Work of the heavy operation itself, in units of one addition. */
function heavyWork(node: TensorNode): number {
  const [a, b] = node.inputs.map((input) => countOf(staticShape(input)));
  const own = countOf(staticShape(node));
  switch (node.op.kind) {
    case "dot":
      return own * staticShape(node.inputs[0]!).at(node.op.transposeLeft ? -2 : -1)!;
    case "conv2d":
      return own * countOf(staticShape(node.inputs[1]!).slice(0, 3));
    case "conv2d-input-gradient":
      return a! * countOf(staticShape(node.inputs[1]!).slice(0, 3));
    case "conv2d-filter-gradient":
      return b! * countOf(staticShape(node).slice(0, 3));
    case "cholesky":
    case "triangular-solve":
      return own * staticShape(node.inputs[0]!).at(-1)!;
    default:
      return Math.max(a ?? 0, own);
  }
}

export function uniqueOrigins(origins: readonly Span[]): Span[] {
  const seen = new Set<string>();
  return origins.filter((span) => {
    const key = `${span.source.path}:${span.start}:${span.end}`;
    return !seen.has(key) && seen.add(key);
  });
}
