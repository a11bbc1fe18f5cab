import type { KernelBuilder } from "../../ir/kernel/builder.js";
import type { KernelExpr, Width } from "../../ir/kernel/nodes.js";
import { vectorAxis } from "./template.js";
import { product, unravel } from "./views.js";

/** Groups of a kernel at most: enough for 32 threads, few enough that what each group owns stays small. */
export const maxGroups = 128;
/** Of a target: workgroups are as many as there is work. */
export const mostGroups = (simt: boolean | undefined): number => (simt ? Infinity : maxGroups);

/** Runs `each` for 0 … total − 1, dealt to groups in equal runs (workgroups take one each); gives their number. */
export function inGroups(k: KernelBuilder, total: number, each: (id: KernelExpr) => void, most = mostGroups(k.simt)): number {
  const perGroup = Math.max(1, Math.ceil(total / most));
  if (perGroup === 1) {
    if (total > 0) each(k.group());
    return total;
  }
  const from = k.share(k.multiply(k.group(), perGroup));
  k.loop(from, k.share(k.min(k.add(from, perGroup), total)), 1, each, "item");
  return Math.ceil(total / perGroup);
}

/** How many groups `inGroups` makes. */
export function groupsOf(total: number, most = maxGroups): number {
  return Math.ceil(total / Math.max(1, Math.ceil(total / most)));
}

/**
 * Visits every element of a tensor, whole vectors along its vector axis first; gives the number of groups. Long lines are cut, so that a
 * few lines still make many groups.
 */
export function overElements(k: KernelBuilder, shape: readonly number[], each: (index: readonly KernelExpr[], width: Width) => void): number {
  const axis = vectorAxis(shape);
  if (axis < 0) {
    each([], "scalar");
    return 1;
  }
  const size = shape[axis]!;
  const outer = shape.slice(0, axis);
  const lines = product(outer);
  const tail = shape.slice(axis + 1).map(() => k.integer(0));
  if (k.simt) {
    const pieces = Math.ceil(size / k.lanes);
    return inGroups(k, lines * pieces, (id) => {
      const [line, part] = unravel(k, id, [lines, pieces]) as [KernelExpr, KernelExpr];
      const from = k.share(k.multiply(part, k.lanes));
      k.lanesBelow(from, size, () => each([...unravel(k, line, outer), from, ...tail], "vector"));
    });
  }
  const whole = size - (size % k.lanes);
  const vectors = whole / k.lanes;
  const pieces = Math.max(1, Math.min(Math.ceil(64 / Math.max(1, lines)), Math.ceil(vectors / 16)));
  const piece = Math.ceil(vectors / pieces) * k.lanes;
  return inGroups(k, lines * pieces, (id) => {
    const [line, part] = unravel(k, id, [lines, pieces]) as [KernelExpr, KernelExpr];
    const lead = unravel(k, line, outer);
    const from = k.share(k.multiply(part, piece));
    k.loop(from, k.share(k.min(k.add(from, piece), whole)), k.lanes, (i) => each([...lead, i, ...tail], "vector"), "i");
    const rest = () => k.loop(whole, size, 1, (i) => each([...lead, i, ...tail], "scalar"), "i");
    if (whole === size) return;
    if (pieces === 1) rest();
    else k.when(k.compare("equal", part, pieces - 1), rest);
  });
}
