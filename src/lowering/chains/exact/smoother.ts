import type { TensorNode } from "../../../ir/tensor/nodes.js";
import { InternalError } from "../../../util/internal-error.js";
import type { LoweringContext } from "../../context.js";
import { type AxisName, canonical, expanded, type Value } from "../../value.js";
import { type FilterPass, type FilterRecord, recordNames } from "./kalman.js";
import { stretches } from "./linear-steps.js";
import type { LinearSystem } from "./linear-system.js";
import type { Place } from "./loop-values.js";
import { block, combined, rowsOf, symmetric, times, zeros } from "./matrices.js";
import { classAxis } from "./pieces.js";

/** Of a chain given all data, along its axis: mean and draw [n, 1], covariance [n, n]. */
export interface Smoothed {
  readonly mean: Value;
  readonly covariance: Value;
  readonly draw: Value;
}

/**
 * The smoother of the filter's records, backwards (de Jong 1989; Durbin & Koopman 2012, section 4.4), which inverts nothing but the covariances of the prediction errors:
 *   r = Hᵀ S⁻¹ v + (I − K H)ᵀ F₊ᵀ r₊,   mean = a + P r,   N = Hᵀ S⁻¹ H + (I − K H)ᵀ F₊ᵀ N₊ F₊ (I − K H),   covariance = P − P N P.
 * A draw is the simulated state plus the difference of the smoothed means of the data and of the simulated data (Durbin & Koopman 2002).
 */
export function smoothed(context: LoweringContext, system: LinearSystem, pass: FilterPass): Smoothed {
  const { b, space } = context;
  const chain = system.layout.chain!;
  const { size } = system;
  const { ahead, behind } = stretches(system);
  const { records } = pass.loop;
  if (!records) throw new InternalError("the filter kept no records");
  const all: { readonly axes: readonly AxisName[] }[] = [...[...pass.written.values()].flatMap((record) => Object.values(record) as Value[]), ...Object.values(records)];
  const lead = space.sort(all.flatMap(({ axes }) => axes));
  let back = { r: zeros(context, size, 2), n: zeros(context, size, size) };
  const results: { readonly from: number; readonly nodes: readonly TensorNode[] }[] = [];
  const put = (made: ReturnType<typeof smootherStep>["result"], place: Place): TensorNode[] => [made.mean, made.covariance, made.draw].map((value) => expanded(place.b, space, value, lead));
  const writtenOut = (position: number): void => {
    const made = smootherStep(context, pass.written.get(position)!, back);
    back = made.back;
    results.push({ from: position, nodes: put(made.result, context).map((node) => b.expandDims(node, [0])) });
  };
  [...behind].reverse().forEach(writtenOut);
  const made = b.loop({
    steps: pass.loop.size, reverse: system.layout.direction === "up", carries: [expanded(b, space, back.r, lead), expanded(b, space, back.n, lead)], scans: recordNames.map((name) => records[name].node),
    body: (inner, step) => {
      const place = { b: inner, space };
      const record = Object.fromEntries(recordNames.map((name, at) => [name, { node: step.scans[at]!, axes: records[name].axes }])) as unknown as FilterRecord;
      const { back: next, result } = smootherStep(place, record, { r: { node: step.carries[0]!, axes: lead }, n: { node: step.carries[1]!, axes: lead } });
      return { carries: [expanded(inner, space, next.r, lead), expanded(inner, space, next.n, lead)], stacks: put(result, place) };
    },
  });
  back = { r: { node: made.carries[0]!, axes: lead }, n: { node: made.carries[1]!, axes: lead } };
  results.push({ from: pass.loop.from, nodes: made.stacks });
  [...ahead].reverse().forEach(writtenOut);
  const sorted = [...results].sort((left, right) => left.from - right.from);
  const [mean, covariance, draw] = [0, 1, 2].map((at) => canonical(b, space, b.concatenate(sorted.map(({ nodes }) => nodes[at]!), 0), [classAxis(chain), ...lead])) as [Value, Value, Value];
  return { mean, covariance, draw };
}

function smootherStep(place: Place, { a, P, rhs, J, info, F, x }: FilterRecord, back: { readonly r: Value; readonly n: Value }) {
  const size = rowsOf(P);
  const r = combined(place, "add", rhs, times(place, J, back.r, { left: true }));
  const n = combined(place, "add", info, times(place, times(place, J, back.n, { left: true }), J));
  const means = combined(place, "add", a, times(place, P, r));
  const column = (at: number): Value => block(place, means, [0, size], [at, 1]);
  const covariance = symmetric(place, combined(place, "subtract", P, times(place, times(place, P, n), P)));
  return {
    result: { mean: column(0), covariance, draw: combined(place, "add", x, combined(place, "subtract", column(0), column(1))) },
    back: { r: times(place, F, r, { left: true }), n: times(place, times(place, F, n, { left: true }), F) },
  };
}
