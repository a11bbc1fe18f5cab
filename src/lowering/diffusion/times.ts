import { scheduleTimes } from "../../ir/diffusion/coefficients.js";
import type { ContinuousTime } from "../../ir/model/model.js";
import type { TensorNode } from "../../ir/tensor/nodes.js";
import type { LoweringContext } from "../context.js";
import { ROWS, SAMPLES, type AxisName } from "../value.js";

const cells = 64;

/**
 * Ends of the shares of (0, 1) in which times are drawn that lie in each of 64 equal parts of [0, 1]: in proportion to what the bound is there for data of unit variance with the optimal
 * denoiser, ½ ∫ −d snr / (1 + snr), and a fifth evenly. As numbers of float32, where draws are compared with them.
 */
export function timeShares({ marginals: { snr } }: Pick<ContinuousTime, "marginals">): readonly number[] {
  const stride = (scheduleTimes.length - 1) / cells;
  const terms = Array.from({ length: cells }, (_, cell) => Math.log1p(snr[cell * stride]!) - Math.log1p(snr[(cell + 1) * stride]!));
  const total = terms.reduce((sum, each) => sum + each, 0);
  let end = 0;
  return terms.map((each, cell) => (cell === cells - 1 ? 1 : Math.fround((end += (0.8 * each) / total + 0.2 / cells))));
}

/**
 * Times in (0, 1) along `axes`, and one over the density of each. Several of a row lie one in each part of (0, 1); one of each row has them spread over the rows of a batch: the row's
 * number over their number, and one uniform number for all (Kingma et al. 2021, appendix I.1). `byShare` draws more where the bound has more.
 */
export function drawTimes(context: LoweringContext, time: ContinuousTime, axes: readonly AxisName[], byShare: boolean): { readonly t: TensorNode; readonly times: TensorNode } {
  const { b, space } = context;
  const dims = space.dims(axes);
  const even = axes.includes(SAMPLES) ? withinParts() : overRows();
  if (!byShare) return { t: even, times: b.full(1, dims) };
  const ends = timeShares(time);
  const shares = ends.map((end, cell) => end - (ends[cell - 1] ?? 0));
  const cell = b.cast(b.sumLast(b.cast(b.greaterEqual(b.expandDims(even, [dims.length]), b.constant(ends.slice(0, -1), [cells - 1])), "f32"), 1), "i32");
  const at = (values: readonly number[]): TensorNode => b.gather(b.constant(values, [cells]), cell);
  const inside = b.divide(b.subtract(even, at([0, ...ends.slice(0, -1)])), at(shares));
  return { t: b.multiply(b.add(b.cast(cell, "f32"), inside), 1 / cells), times: at(shares.map((share) => 1 / (share * cells))) };

  function withinParts(): TensorNode {
    const parts = space.size(SAMPLES) as number;
    return b.multiply(b.add(b.reshape(b.cast(b.iota(parts), "f32"), [parts, 1]), b.uniform(context.stream("time"), dims)), 1 / parts);
  }

  function overRows(): TensorNode {
    const moved = b.add(b.divide(b.cast(b.iota(space.size(ROWS)), "f32"), b.size("rows")), b.uniform(context.stream("time"), [1]));
    return b.subtract(moved, b.unary("floor", moved));
  }
}
