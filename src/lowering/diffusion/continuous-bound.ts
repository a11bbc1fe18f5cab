import { byteScale, type Prediction } from "../../ir/diffusion/coefficients.js";
import type { ContinuousDiffusion, TrainingObjective } from "../../ir/model/model.js";
import type { TensorNode } from "../../ir/tensor/nodes.js";
import { elementCount } from "../../types/type.js";
import type { LoweringContext } from "../context.js";
import { asNumber } from "../elementwise.js";
import { expanded, ROWS, SAMPLES, type AxisName, type Value } from "../value.js";
import { lowerNetwork } from "./bound.js";
import { datumOfRows, errorWithinBytes, holdsBytes } from "./datum.js";
import { DenoisingContext } from "./denoising-context.js";
import { logBinMass } from "./discretized.js";
import { droppedRows } from "./left-out.js";
import { lowerSchedule, type Schedule } from "./schedule.js";
import { drawTimes } from "./times.js";

/** One time of each row, or several: the schedule there, the squared error of what the network says, summed over elements, and one over the density of the draw. All have `axes`. */
export interface TimeDraw {
  readonly axes: readonly AxisName[];
  readonly schedule: Schedule<TensorNode>;
  readonly squared: TensorNode;
  /** Of what the network itself says, where bytes are held within their range (`holdsBytes`). */
  readonly raw: TensorNode;
  readonly times: TensorNode;
}

/** Draws a time and the state there in closed form, and asks the network (see `drawTimes`). */
export function drawTime(context: LoweringContext, diffusion: ContinuousDiffusion, strata: number, byShare: boolean): TimeDraw {
  const { b, space } = context;
  const { name, type, time, prediction } = diffusion;
  const axes: AxisName[] = strata > 1 ? space.sort([space.declare(SAMPLES, strata), ROWS]) : [ROWS];
  const { t, times } = drawTimes(context, time, axes, byShare);
  const schedule = lowerSchedule(context, time, { node: t, axes });
  const shape = type.shape.map(({ value }) => value);
  const each = (node: TensorNode): TensorNode => b.reshape(node, [...node.shape, ...shape.map(() => 1)]);
  const [s, v] = [each(schedule.signal), each(schedule.variance)];
  const d = b.sqrt(v);
  const x0 = expanded(b, space, datumOfRows(context, diffusion), axes);
  const noise = b.normal(context.stream("noise"), [...space.dims(axes), ...shape]);
  const state: Value = { node: b.add(b.multiply(s, x0), b.multiply(d, noise)), axes };
  const asked = new DenoisingContext(context, { name, plate: time.plate, state, time: { node: t, axes }, dropped: droppedRows(context) });
  const output = asNumber(asked, lowerNetwork(asked, diffusion));
  const target = prediction === "data" ? x0 : prediction === "noise" ? noise : b.divide(b.subtract(b.multiply(s, noise), b.multiply(d, x0)), b.sqrt(b.add(b.square(s), v)));
  const said = b.subtract(target, expanded(b, space, output, axes));
  const ofOutput = { data: () => b.scalar(1), noise: () => b.negate(b.divide(d, s)), velocity: () => b.negate(b.divide(d, b.sqrt(b.add(b.square(s), v)))) }[prediction];
  const error = holdsBytes(context, diffusion) ? errorWithinBytes(b, x0, said, ofOutput()) : said;
  const squares = (of: TensorNode): TensorNode => b.sumLast(b.square(of), shape.length);
  return { axes, schedule, squared: squares(error), raw: squares(said), times };
}

/**
 * What the squared error of a prediction weighs in the bound, at each draw: ½ (−d snr / dt) for the datum (Kingma et al. 2021, eq. 14), and as |x_0 − x̂_0|² is |ε − ε̂|² / snr and
 * |v − v̂|² σ² / (s² + σ²), ½ (−d log snr / dt) for the noise and s² / (s² + σ²) of it for the velocity. Nothing is divided by the signal unless noise is predicted.
 */
export function boundWeight({ b }: LoweringContext, prediction: Prediction, { signal, variance, signalSlope, varianceSlope }: Schedule<TensorNode>): TensorNode {
  const growth = b.divide(varianceSlope, variance);
  if (prediction === "noise") return b.subtract(b.multiply(growth, 0.5), b.divide(signalSlope, signal));
  const fall = b.subtract(b.multiply(b.multiply(b.square(signal), growth), 0.5), b.multiply(signal, signalSlope));
  return b.divide(fall, prediction === "data" ? variance : b.add(b.square(signal), variance));
}

/** What it weighs in training, where that is not the bound: 1, or min(snr, γ) of the datum's. */
export function timeWeight({ b }: LoweringContext, prediction: Prediction, weight: TrainingObjective["weight"], { signal, variance }: Schedule<TensorNode>): TensorNode | undefined {
  if (!weight || weight.kind === "bound") return undefined;
  if (weight.kind === "simple") return b.broadcast(b.scalar(1), signal.shape);
  const square = b.square(signal);
  // |x_0 − x̂_0|² of the output's squared error; min(snr, γ) / snr is min(1, γ σ² / s²).
  if (prediction === "noise") return b.minimum(b.divide(b.multiply(variance, weight.gamma), square), 1);
  const capped = b.minimum(b.divide(square, variance), weight.gamma);
  return prediction === "data" ? capped : b.divide(b.multiply(capped, variance), b.add(square, variance));
}

/** KL(q(x_1 | x_0) ‖ p(x_1)) of each row, summed over elements. */
export function lastDivergence(context: LoweringContext, diffusion: ContinuousDiffusion): Value {
  const { b } = context;
  const { type, time: { marginals }, prior } = diffusion;
  const [s, d] = [marginals.signal.at(-1)!, marginals.deviation.at(-1)!];
  const data = datumOfRows(context, diffusion);
  const squares = b.sumLast(b.square(b.subtract(b.multiply(data.node, s), prior.mean)), type.shape.length);
  const constant = elementCount(type) * (Math.log(prior.scale / d) + d ** 2 / (2 * prior.scale ** 2) - 0.5);
  return { node: b.add(b.multiply(squares, 1 / (2 * prior.scale ** 2)), constant), axes: data.axes };
}

/**
 * E log p(x_0 | x_{0+}) of each row with p = Normal(x_{0+} / s, (σ / s)²), s and σ at t = 0: what is left to say of the datum is the noise ε of x_{0+} alone. The expected density is
 * −½ log(2πe σ² / s²) for each element; of bytes the mass of their bins is taken at draws of ε.
 */
export function firstReconstruction(context: LoweringContext, diffusion: ContinuousDiffusion, axes: readonly AxisName[]): Value {
  const { b, space } = context;
  const { type, time: { marginals }, bytes, reconstruction } = diffusion;
  const deviation = marginals.deviation[0]! / marginals.signal[0]!;
  if (reconstruction === "gaussian") {
    const each = -Math.log(deviation) - 0.5 * Math.log(2 * Math.PI * Math.E) - (bytes ? Math.log(byteScale) : 0);
    return { node: b.full(elementCount(type) * each, space.dims([ROWS])), axes: [ROWS] };
  }
  const datum = expanded(b, space, datumOfRows(context, diffusion), axes);
  const mass = logBinMass(b, datum, b.multiply(b.normal(context.stream("last"), datum.shape), -deviation), deviation);
  return { node: b.sumLast(mass, type.shape.length), axes };
}
