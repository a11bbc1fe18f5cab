import type { TensorNode } from "../../ir/tensor/nodes.js";
import { alignedKinds } from "../costs.js";
import { countOf, staticShape } from "../static-shape.js";
import { kernelBuilder, type TemplateKernel } from "../templates/template.js";
import { type EmitContext, groupsFor } from "./context.js";
import { type Piece, sideBySide } from "../merge-kernels.js";
import { plus } from "./coordinate.js";
import { Expressions } from "./expressions.js";
import { longAxes, walk } from "./places.js";
import { writeResults } from "./results.js";

/**
 * A kernel for elementwise results: one loop over their places, vectors along the last axis. Where parts are put side by side along that axis (the gradient of gates that are slices of one
 * product), it is walked part by part, so that each is read and computed in its own columns alone.
 */
export function mapKernel(context: EmitContext): TemplateKernel {
  const { unit, places, target } = context;
  const space = spaceOf(context);
  const columns = space.at(-1) ?? 1;
  const cuts = space.length > 1 ? [0, ...cutsOf(context, columns), columns] : [0, columns];
  const piece = (from: number, end: number): Piece => {
    const k = kernelBuilder(target);
    const expressions = new Expressions(k, places, context.use, context.loops);
    const whole = end - from === columns;
    const shape = whole ? space : [...space.slice(0, -1), end - from];
    const groups = walk(k, { space: shape, groups: groupsFor((unit.count / columns) * (end - from) * context.cost), repeatable: !context.inPlace, vectors: true }, ({ at }) => {
      const last = at.at(-1);
      const moved = whole || last?.kind !== "affine" ? last && plus(k, last, from) : plus(k, { ...last, range: { from: 0, end: end - from } }, from);
      writeResults(k, expressions, context, { shape: space, at: moved ? [...at.slice(0, -1), moved] : at });
    });
    return { groups, body: k.body() };
  };
  const { groups, body } = sideBySide(cuts.slice(1).map((end, at) => piece(cuts[at]!, end)));
  return { title: "map", groups, body, flops: unit.count * context.flops, bytes: 0 };
}

const mostParts = 8;

/** Where the last axis is cut by what is put side by side or padded along it, in expressions that are computed here. */
function cutsOf({ unit, places, target }: EmitContext, columns: number): readonly number[] {
  const cuts = new Set<number>();
  const seen = new Set<TensorNode>();
  const visit = (node: TensorNode): void => {
    const shape = staticShape(node);
    if (seen.has(node) || shape.at(-1) !== columns) return;
    seen.add(node);
    const { op, inputs } = node;
    if (op.kind === "pad") [op.low.at(-1)!, columns - op.high.at(-1)!].forEach((cut) => cuts.add(cut));
    else if (op.kind === "concatenate" && op.axis === shape.length - 1) inputs.reduce((end, input) => cuts.add(end + staticShape(input).at(-1)!) && end + staticShape(input).at(-1)!, 0);
    else if (alignedKinds.has(op.kind)) for (const input of inputs) if (!places(input)) visit(input);
  };
  unit.results.forEach(visit);
  const sorted = [...cuts].filter((cut) => cut > 0 && cut < columns).sort((a, b) => a - b);
  const widths = [...sorted, columns].map((end, at) => end - (sorted[at - 1] ?? 0));
  // Narrow parts would be walked number by number.
  return sorted.length < mostParts && widths.every((width) => width >= target.lanes) ? sorted : [];
}

/** One axis where every operand is read in step or is one value, or where the last axis is too short for vectors; else the axes of the results. */
function spaceOf({ unit, places, target }: EmitContext): readonly number[] {
  const shapes = unit.results.map(staticShape).sort((a, b) => longAxes(b).length - longAxes(a).length);
  const space = longAxes(shapes[0]!).map((axis) => shapes[0]![axis]!);
  if (space.length <= 1) return space;
  const flat = unit.results.every((root) => isFlat(root, unit.count, places, unit.results)) || (space.at(-1)! < target.lanes && unit.count >= target.lanes);
  return flat ? [unit.count] : space;
}

function isFlat(root: TensorNode, count: number, places: EmitContext["places"], mates: readonly TensorNode[]): boolean {
  const seen = new Set<TensorNode>();
  const check = (node: TensorNode): boolean => {
    if (seen.has(node)) return true;
    seen.add(node);
    if (node.op.kind === "random") return true;
    return alignedKinds.has(node.op.kind) && node.inputs.every((input) => {
      const size = countOf(staticShape(input));
      if (size === 1) return true;
      return size === count && (places(input) !== undefined || mates.includes(input) || input.op.kind === "constant" || check(input));
    });
  };
  return root.op.kind === "constant" || check(root);
}
