import type { TensorNode } from "../../ir/tensor/nodes.js";
import { alignedKinds } from "../costs.js";
import { countOf, staticShape } from "../static-shape.js";
import { kernelBuilder, type TemplateKernel } from "../templates/template.js";
import { type EmitContext, groupsFor } from "./context.js";
import { Expressions } from "./expressions.js";
import { longAxes, walk } from "./places.js";
import { writeResults } from "./results.js";

/** A kernel for elementwise results: one loop over their places, vectors along the last axis. */
export function mapKernel(context: EmitContext): TemplateKernel {
  const { unit, places, target } = context;
  const k = kernelBuilder(target);
  const expressions = new Expressions(k, places, context.use, context.loops);
  const space = spaceOf(context);
  const groups = walk(k, { space, groups: groupsFor(unit.count * context.cost), repeatable: !context.inPlace, vectors: true }, (position) =>
    writeResults(k, expressions, context, position));
  return { title: "map", groups, body: k.body(), flops: unit.count * context.flops, bytes: 0 };
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
