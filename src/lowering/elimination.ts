import { InternalError } from "../util/internal-error.js";
import type { LoweringContext } from "./context.js";
import { maskedRows } from "./plates.js";
import { addValues, isPlateAxis, sumAxes, unionAxes, type AxisName, type Value } from "./value.js";

/** A variable to sum out: its axis, and the plates that it stands in. */
export interface Variable {
  readonly axis: AxisName;
  readonly plates: readonly AxisName[];
}

/**
 * log Σ over all variables of exp Σ factors, by variable elimination with plates (Obermeyer et al. 2019, tensor variable elimination):
 * innermost plates first; within them the variable whose elimination makes the smallest table. The cost is that of the largest
 * intermediate table, so a chain of T variables with K values costs T·K². Variables in `keep` stay as axes of the result.
 */
export function eliminate(context: LoweringContext, factors: readonly Value[], variables: readonly Variable[], keep: readonly AxisName[] = []): Value {
  const { b, space } = context;
  const pool = eliminateWithin(context, factors, variables.filter((variable) => !keep.includes(variable.axis)));
  const keptPlates = variables.filter((variable) => keep.includes(variable.axis)).flatMap((variable) => variable.plates);
  return addValues(b, space, pool.map((factor) => sumAxes(b, factor, (axis) => isPlateAxis(axis) && !keptPlates.includes(axis))));
}

/** What is left of the factors when the variables are eliminated; axes in `shared` stay, whatever plates a variable has. */
export function eliminateWithin(context: LoweringContext, factors: readonly Value[], variables: readonly Variable[], shared: ReadonlySet<AxisName> = new Set()): readonly Value[] {
  const { b, space } = context;
  let pool = [...factors];
  const pending = [...variables];
  while (pending.length > 0) {
    const depth = Math.max(...pending.map((variable) => variable.plates.length));
    const leaves = pending.filter((variable) => variable.plates.length === depth);
    const next = leaves.reduce((best, variable) => (tableSize(context, pool, variable) < tableSize(context, pool, best) ? variable : best));
    pending.splice(pending.indexOf(next), 1);
    // Plates that the variable does not share are products of independent factors: sums of logs.
    const involved = pool.filter((factor) => factor.axes.includes(next.axis)).map((factor) => sumAxes(b, factor, (axis) => isPlateAxis(axis) && !next.plates.includes(axis) && !shared.has(axis)));
    pool = pool.filter((factor) => !factor.axes.includes(next.axis));
    if (involved.length === 0) throw new InternalError(`no factor holds ${next.axis}`);
    const joint = addValues(b, space, involved);
    pool.push(maskedRows(context, { node: b.logsumexp(joint.node, [joint.axes.indexOf(next.axis)]), axes: joint.axes.filter((axis) => axis !== next.axis) }));
  }
  return pool;
}

function tableSize(context: LoweringContext, pool: readonly Value[], variable: Variable): number {
  const axes = unionAxes(context.space, pool.filter((factor) => factor.axes.includes(variable.axis)));
  return axes.reduce((product, axis) => {
    const size = context.space.size(axis);
    return typeof size === "number" ? product * size : product;
  }, 1);
}
