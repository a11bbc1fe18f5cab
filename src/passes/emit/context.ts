import type { TensorNode } from "../../ir/tensor/nodes.js";
import type { Unit } from "../fuse.js";
import type { LoopPlan } from "../loop-plan.js";
import type { TemplateContext, View } from "../templates/template.js";

/** What the kernels of a unit are made with. */
export interface EmitContext extends TemplateContext {
  readonly unit: Unit;
  /** Where what is in memory lies. */
  readonly places: (node: TensorNode) => View | undefined;
  /** Whether a result overwrites something that the unit reads: then no place may be computed twice. */
  readonly inPlace: boolean;
  /** Cost of one place, in units of one addition. */
  readonly cost: number;
  readonly flops: number;
  /** Separates the random streams of programs that share a step. */
  readonly use?: string;
  /** Steps of the loops around, outermost first. */
  readonly loops: readonly number[];
  /** How the body of this unit's loop is planned; the same each time. */
  readonly planLoop: () => LoopPlan;
}

/** Work of a group at least, in units of one addition of vectors' elements: below that a barrier costs more than a second thread gives. */
export const groupWork = 16384;
export const mostGroups = 64;

export function groupsFor(work: number): number {
  return Math.max(1, Math.min(mostGroups, Math.round(work / groupWork)));
}
