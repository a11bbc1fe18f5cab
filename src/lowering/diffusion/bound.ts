import { byteScale, datumOf, marginalsOf, posteriorsOf } from "../../ir/diffusion/coefficients.js";
import type { Diffusion, DiscreteDiffusion, TrainingObjective } from "../../ir/model/model.js";
import type { TensorNode } from "../../ir/tensor/nodes.js";
import { elementCount } from "../../types/type.js";
import type { LoweringContext } from "../context.js";
import { asNumber } from "../elementwise.js";
import { lowerExpression } from "../expressions.js";
import { expanded, ROWS, SAMPLES, type AxisName, type Value } from "../value.js";
import { datumOfRows, errorWithinBytes, holdsBytes } from "./datum.js";
import { DenoisingContext } from "./denoising-context.js";
import { droppedRows } from "./left-out.js";

/**
 * −log p(x_0 | x_1) at t = 1 and KL(q(x_{t−1} | x_t, x_0) ‖ p(x_{t−1} | x_t)) at t ≥ 2 are `error_t · e² + constant_t · D` in the squared error e² of what the network predicts,
 * summed over D elements; in float64, by step from t = 1 on. The density of bytes is that of their scaled values over 127.5, which the constant of t = 1 has; where their reconstruction is
 * discretized, t = 1 here is nearly that: a bin is as wide as 1 / 127.5.
 */
export interface StepLosses {
  readonly error: readonly number[];
  readonly constant: readonly number[];
}

export function stepLosses({ time: { forward }, prediction, variance, bytes }: Pick<DiscreteDiffusion, "time" | "prediction" | "variance" | "bytes">): StepLosses {
  const marginals = marginalsOf(forward);
  const posteriors = posteriorsOf(forward, marginals);
  const { ofOutput } = datumOf(prediction, marginals);
  const steps = forward.step.map((_, t) => t).slice(1);
  return {
    error: steps.map((t) => {
      const spread = t === 1 || variance === "large" ? forward.noise[t]! : posteriors.deviation[t]!;
      return ((posteriors.ofData[t]! * ofOutput[t]!) / spread) ** 2 / 2;
    }),
    constant: steps.map((t) => {
      if (t === 1) return Math.log(forward.noise[1]!) + 0.5 * Math.log(2 * Math.PI) + (bytes ? Math.log(byteScale) : 0);
      const ratio = variance === "large" ? (posteriors.deviation[t]! / forward.noise[t]!) ** 2 : 1;
      return (ratio - 1 - Math.log(ratio)) / 2;
    }),
  };
}

/** What the squared errors weigh in training; undefined for the bound. */
export function trainingWeights({ time: { forward }, prediction }: DiscreteDiffusion, weight: TrainingObjective["weight"]): readonly number[] | undefined {
  if (!weight || weight.kind === "bound") return undefined;
  const T = forward.step.length - 1;
  if (weight.kind === "simple") return new Array<number>(T).fill(1 / T);
  const marginals = marginalsOf(forward);
  const { ofOutput } = datumOf(prediction, marginals);
  return Array.from({ length: T }, (_, at) => (Math.min(marginals.snr[at + 1]!, weight.gamma) * ofOutput[at + 1]! ** 2) / T);
}

/**
 * Ends of the steps' shares of (0, 1), in which a step is drawn for the bound: in proportion to what its term is for data of unit variance with the optimal denoiser, whose squared
 * error is 1 / (1 + snr), and a fifth evenly, so that no step is rare. As numbers of float32, where draws are compared with them.
 */
export function stepShares(diffusion: Pick<DiscreteDiffusion, "time" | "prediction" | "variance" | "bytes">): readonly number[] {
  const marginals = marginalsOf(diffusion.time.forward);
  const losses = stepLosses({ ...diffusion, prediction: "data" });
  const T = losses.error.length;
  const terms = losses.error.map((error, at) => Math.abs(losses.constant[at]! + error / (1 + marginals.snr[at + 1]!)));
  const total = terms.reduce((sum, each) => sum + each, 0);
  let end = 0;
  return terms.map((each, at) => (at === T - 1 ? 1 : Math.fround((end += (0.8 * each) / total + 0.2 / T))));
}

/** One step of each row: its number less one, the error there of each element, its square summed over them, and one over the probability that it was drawn. */
export interface StepDraw {
  readonly place: Value;
  /** Of bytes that are held within their range (`holdsBytes`) that of the held datum. */
  readonly error: Value;
  readonly squared: Value;
  /** The squares of what the network itself says. */
  readonly raw: Value;
  /** Of a learnt variance: where it lies between small and large. */
  readonly mix?: Value;
  readonly times: TensorNode;
}

/**
 * Draws a step for each row and the state there in closed form, and asks the network. With `strata` above 1 there are as many draws of a row, one in each part of (0, 1), and steps have
 * the shares of `stepShares`; where that is T itself each step is there once. One draw alone is even over 1 … T, unless it is asked `byShare`.
 */
export function drawStep(context: LoweringContext, diffusion: DiscreteDiffusion, strata: number, byShare = strata > 1): StepDraw {
  const { b, space } = context;
  const { name, type, time: { plate, forward }, prediction } = diffusion;
  const T = plate.size;
  const axes: AxisName[] = strata > 1 ? space.sort([space.declare(SAMPLES, strata), ROWS]) : [ROWS];
  const dims = space.dims(axes);
  const parts = strata > 1 ? b.reshape(b.cast(b.iota(strata), "f32"), [strata, 1]) : b.scalar(0);
  const even = !byShare || strata >= T;
  const within = b.add(parts, strata >= T ? b.full(0.5, dims) : b.uniform(context.stream("step"), dims));
  const ends = stepShares(diffusion);
  const place = even
    ? b.minimum(b.cast(b.unary("floor", b.multiply(within, T / strata)), "i32"), b.scalar(T - 1, "i32"))
    : b.cast(b.sumLast(b.cast(b.greaterEqual(b.expandDims(b.divide(within, strata), [dims.length]), b.constant(ends.slice(0, -1), [T - 1])), "f32"), 1), "i32");
  const times = even ? b.scalar(T) : b.gather(b.constant(ends.map((end, at) => 1 / (end - (ends[at - 1] ?? 0))), [T]), place);
  const { signal, deviation } = marginalsOf(forward);
  const shape = type.shape.map(({ value }) => value);
  const each = (values: readonly number[]): TensorNode => {
    const picked = b.gather(b.constant(values, [T]), place);
    return b.reshape(picked, [...picked.shape, ...shape.map(() => 1)]);
  };
  const data = datumOfRows(context, diffusion);
  const x0 = expanded(b, space, data, axes);
  const noise = b.normal(context.stream("noise"), [...dims, ...shape]);
  const [s, d] = [each(signal.slice(1)), each(deviation.slice(1))];
  const state: Value = { node: b.add(b.multiply(s, x0), b.multiply(d, noise)), axes };
  const asked = new DenoisingContext(context, { name, plate, state, place: { node: place, axes }, dropped: droppedRows(context) });
  const output = asNumber(asked, lowerNetwork(asked, diffusion));
  const mix = lowerMix(asked, diffusion);
  const radius = each(signal.slice(1).map((value, at) => Math.hypot(value, deviation[at + 1]!)));
  const target = prediction === "data" ? x0 : prediction === "noise" ? noise : b.divide(b.subtract(b.multiply(s, noise), b.multiply(d, x0)), radius);
  const said = b.subtract(target, expanded(b, space, output, axes));
  const error = holdsBytes(context, diffusion) ? errorWithinBytes(b, x0, said, each(datumOf(prediction, marginalsOf(forward)).ofOutput.slice(1))) : said;
  const squares = (of: TensorNode): Value => ({ node: b.sumLast(b.square(of), shape.length), axes });
  return { place: { node: place, axes }, error: { node: error, axes }, squared: squares(error), raw: squares(said), times, ...(mix ? { mix } : {}) };
}

/** The network's output, with the bindings of the reverse chain. */
export function lowerNetwork(context: LoweringContext, { bindings, network }: Diffusion): Value {
  // Bindings are looked up by name in the program's model, which is empty here.
  for (const { name, value } of bindings) context.bind("model", name, lowerExpression(context, { of: "model" }, value));
  return lowerExpression(context, { of: "model" }, network);
}

/** What the network says of a learnt variance, once `lowerNetwork` has bound what it reads. */
export function lowerMix(context: LoweringContext, { mix }: Diffusion): Value | undefined {
  return mix && asNumber(context, lowerExpression(context, { of: "model" }, mix));
}

/** KL(q(x_T | x_0) ‖ p(x_T)) of each row, summed over elements. */
export function priorDivergence(context: LoweringContext, diffusion: DiscreteDiffusion): Value {
  const { b } = context;
  const { type, time: { forward }, prior } = diffusion;
  const { signal, deviation } = marginalsOf(forward);
  const [s, d] = [signal.at(-1)!, deviation.at(-1)!];
  const data = datumOfRows(context, diffusion);
  const moved = b.subtract(b.multiply(data.node, s), prior.mean);
  const squares = b.sumLast(b.square(moved), type.shape.length);
  const constant = elementCount(type) * (Math.log(prior.scale / d) + d ** 2 / (2 * prior.scale ** 2) - 0.5);
  return { node: b.add(b.multiply(squares, 1 / (2 * prior.scale ** 2)), constant), axes: data.axes };
}

/** Elements of a table at each draw's step. */
export function atStep(context: LoweringContext, values: readonly number[], { place }: StepDraw): Value {
  const { b } = context;
  return { node: b.gather(b.constant(values, [values.length]), place.node), axes: place.axes };
}
