import type { TensorNode } from "../../ir/tensor/nodes.js";
import type { Unit } from "../fuse.js";
import type { LoopPlan } from "../loop-plan.js";
import type { Target, Template, TemplateKernel, View } from "../templates/template.js";
import type { Facts } from "../unit-facts.js";
import type { EmitContext } from "./context.js";
import { heavyKernel } from "./heavy-kernel.js";
import { mapKernel } from "./map-kernel.js";

/** A unit's kernels as emitted, and what they reserved. */
export interface EmittedUnit {
  readonly template: Template;
  readonly scratch: readonly number[];
  /** What its template decided by looking at its expressions. */
  readonly decisions: readonly boolean[];
  /** What a kernel of the template loads; undefined where that is not known. */
  readonly loads: (kernel: TemplateKernel) => ReadonlySet<TensorNode> | undefined;
}

export interface UnitProblem {
  readonly unit: Unit;
  readonly options: { readonly target: Target; readonly use?: string };
  readonly places: (node: TensorNode) => View | undefined;
  readonly inPlace: boolean;
  readonly facts: Facts;
  /** Steps of the loops around. */
  readonly loops: readonly number[];
  readonly planLoop: (context: EmitContext) => LoopPlan;
  readonly reserve: (words: number) => number;
  /** The decisions of the first time. */
  readonly decided?: readonly boolean[];
}

/** Writes the kernels of one unit, at the places that it is given. */
export function emitUnit({ unit, options: { target, use }, places, inPlace, facts, loops, planLoop, reserve, decided }: UnitProblem): EmittedUnit {
  const scratch: number[] = [];
  const decisions: boolean[] = [];
  const context: EmitContext = {
    unit, target, places, inPlace, cost: facts.cost, flops: 0, use, loops,
    planLoop: () => planLoop(context),
    scratch: (words) => {
      scratch.push(words);
      return reserve(words);
    },
    decide: (look) => {
      const decision = decided?.[decisions.length] ?? look();
      decisions.push(decision);
      return decision;
    },
  };
  const { template, loads } = unit.anchor ? heavyKernel(context) : { template: { ...mapKernel(context), before: [] }, loads: () => undefined };
  return { template, scratch, decisions, loads };
}
