import { describe, expect, it } from "vitest";
import { type RandomSource, seededRandom } from "../../src/ir/tensor/evaluate.js";
import { derivedGradient, gradient, lowerText, maxError, run, someParameters } from "../support/lowered.js";
import { gaussianText, quadratic } from "./support/gaussian.js";

/** A chain that does not preserve variance, an end that is not standard, and a linear network, so that all of it can be said by hand. */
const a = [0.95, 0.9, 0.97, 0.6, 0.8];
const b = [0.2, 0.35, 0.5, 0.7, 0.4];
const T = a.length;
const prior = { mean: 0.2, scale: 1.3 };
const predictions = ["x[0]", "noise", "velocity"] as const;
const variances = ["small", "large"] as const;

const text = (prediction: string, variance: string, weight = "bound"): string => `const T = ${T}
const a = [${a.join(", ")}]
const b = [${b.join(", ")}]
network net(x: real[2], t: real) -> (y: real[2]) { y = concat(x, reshape(t / T, 1)) |> dense(2) }
model m(x[0]: real[2]) {
  x[T] ~ Normal(${prior.mean}, ${prior.scale})
  chain t in T..1 { x[t-1] ~ guide(x[t-1] | x[t], ${prediction} = net(x[t], t), variance = ${variance}) }
}
guide m { chain t in 1..T { x[t] ~ Normal(a[t] * x[t-1], b[t]) } }
train m { maximize elbo(weight = ${weight}) }
`;

/** Signal and variance of q(x_t | x_0), by simulating moments. */
const marginals = a.reduce<{ signal: number; variance: number }[]>((all, factor, at) => [...all, { signal: all[at]!.signal * factor, variance: factor ** 2 * all[at]!.variance + b[at]! ** 2 }], [{ signal: 1, variance: 0 }]);

const klOfNormals = (m1: number, v1: number, m2: number, v2: number): number => 0.5 * (Math.log(v2 / v1) + (v1 + (m1 - m2) ** 2) / v2 - 1);

interface ByHand {
  /** −KL at t ≥ 2, log p(x_0 | x_1) at t = 1. */
  readonly term: number;
  /** (target − output)² and (x_0 − x̂_0)². */
  readonly outputError: number;
  readonly datumError: number;
}

/** One element of one step, from Bayes' rule: precisions of q(x_{t−1} | x_0) and of q(x_t | x_{t−1}) add. */
function byHand(t: number, x0: number, noise: number, output: number, prediction: string, variance: string): ByHand {
  const { signal, variance: v } = marginals[t]!;
  const d = Math.sqrt(v);
  const xt = signal * x0 + d * noise;
  const r = Math.hypot(signal, d);
  // velocity: x_t = s x + σ ε and r v = s ε − σ x, solved for x.
  const seen = { "x[0]": output, noise: (xt - d * output) / signal, velocity: (signal * xt - d * r * output) / r ** 2 }[prediction]!;
  const target = { "x[0]": x0, noise, velocity: (signal * noise - d * x0) / r }[prediction]!;
  const errors = { outputError: (target - output) ** 2, datumError: (x0 - seen) ** 2 };
  const step = b[t - 1]! ** 2;
  if (t === 1) return { ...errors, term: -0.5 * Math.log(2 * Math.PI * step) - (x0 - seen) ** 2 / (2 * step) };
  const before = marginals[t - 1]!;
  const precision = 1 / before.variance + a[t - 1]! ** 2 / step;
  const mean = (datum: number): number => ((before.signal * datum) / before.variance + (a[t - 1]! * xt) / step) / precision;
  return { ...errors, term: -klOfNormals(mean(x0), 1 / precision, mean(seen), variance === "small" ? 1 / precision : step) };
}

const sum = (values: readonly number[]): number => values.reduce((all, each) => all + each, 0);

/** dense(2) of [x, t / T]. */
function network(parameters: Readonly<Record<string, readonly number[]>>, x: readonly number[], t: number): readonly number[] {
  const [kernel, bias] = [parameters["net.dense_1.kernel"]!, parameters["net.dense_1.bias"]!];
  return bias.map((each, out) => each + sum([...x, t / T].map((value, at) => value * kernel[2 * at + out]!)));
}

/** What the terms of one datum are at a noise for each step. */
function datumByHand(parameters: Readonly<Record<string, readonly number[]>>, x0: readonly number[], noiseAt: (t: number) => readonly number[], prediction: string, variance: string): readonly (readonly ByHand[])[] {
  return a.map((_, at) => {
    const t = at + 1;
    const noise = noiseAt(t);
    const { signal, variance: v } = marginals[t]!;
    const output = network(parameters, x0.map((value, element) => signal * value + Math.sqrt(v) * noise[element]!), t);
    return x0.map((value, element) => byHand(t, value, noise[element]!, output[element]!, prediction, variance));
  });
}

const data = [0.4, -1.2, 1.7, 0.1, -0.6, 0.9];
const datumOf = (row: number): readonly number[] => data.slice(2 * row, 2 * row + 2);

describe.each(predictions.flatMap((prediction) => variances.map((variance) => ({ prediction, variance }))))("the bound with $prediction and $variance variance", ({ prediction, variance }) => {
  // Guards the weight of every step: the program's weighted squared errors are the sum of Gaussian KLs, term by term, to 1e-9 in float64. T draws of t have each step once.
  it("is the sum of its divergences", () => {
    const lowered = lowerText(text(prediction, variance));
    const parameters = someParameters(lowered, 3);
    const outputs = run(lowered.programs.evaluate, { ...parameters, x: data }, { rows: 3, random: seededRandom(5) });
    const normals = noiseOf(lowered.programs.evaluate, T * 3 * 2, 5);
    // Draws are counted by rows first.
    for (let row = 0; row < 3; row++) {
      const steps = datumByHand(parameters, datumOf(row), (t) => [0, 1].map((element) => normals[(row * T + t - 1) * 2 + element]!), prediction, variance).map((elements) => sum(elements.map(({ term }) => term)));
      const end = marginals[T]!;
      const matching = -sum(datumOf(row).map((value) => klOfNormals(end.signal * value, end.variance, prior.mean, prior.scale ** 2)));
      const at = (name: string): number => outputs[`row.${name}.x`]!.values[row]!;
      expect(Math.abs(at("prior-matching") - matching)).toBeLessThan(1e-9);
      expect(Math.abs(at("reconstruction") - steps[0]!)).toBeLessThan(1e-9);
      expect(Math.abs(at("denoising") - sum(steps.slice(1)))).toBeLessThan(1e-9);
    }
  });

  // Guards training: with one row at each step its mean is the bound, and each weight is the mean of the squared errors that it says.
  it.each(["bound", "simple", "min_snr(0.7)"])("is trained with weight %s", (weight) => {
    const lowered = lowerText(text(prediction, variance, weight));
    const parameters = someParameters(lowered, T);
    const noise = [0.3, -0.8];
    const x0 = datumOf(0);
    const each = eachStepOnce(T, () => noise);
    const outputs = run(lowered.programs.train, { ...parameters, x: a.flatMap(() => x0) }, { rows: T, random: each });
    const steps = datumByHand(parameters, x0, () => noise, prediction, variance);
    const end = marginals[T]!;
    const bound = sum(steps.flat().map(({ term }) => term)) - sum(x0.map((value) => klOfNormals(end.signal * value, end.variance, prior.mean, prior.scale ** 2)));
    const snr = (t: number): number => marginals[t]!.signal ** 2 / marginals[t]!.variance;
    const mean = (of: (step: ByHand, t: number) => number): number => sum(steps.flatMap((elements, at) => elements.map((step) => of(step, at + 1)))) / T;
    const loss = { bound: -bound, simple: mean(({ outputError }) => outputError), "min_snr(0.7)": mean(({ datumError }, t) => Math.min(snr(t), 0.7) * datumError) }[weight]!;
    expect(Math.abs(outputs["elbo"]!.values[0]! - bound)).toBeLessThan(1e-9);
    expect(Math.abs(outputs["loss"]!.values[0]! - loss)).toBeLessThan(1e-9);
  });

  // Guards the gradient of the loss against float64 central differences (step 1e-5: errors of 1e-10 beside those of rounding, 1e-9).
  it.each(["bound", "simple", "min_snr(5)"])("has the gradient of its loss with weight %s", (weight) => {
    const lowered = lowerText(text(prediction, variance, weight));
    const inputs = { ...someParameters(lowered, 3), x: data };
    for (const { name } of lowered.parameters) {
      const derived = derivedGradient(lowered.programs.train, "loss", name, inputs, { rows: 3, seed: 11 });
      expect(Math.max(...derived.map(Math.abs)), name).toBeGreaterThan(1e-3);
      expect(maxError(derived, gradient(lowered.programs.train, "loss", name, inputs, { rows: 3, seed: 11 })), name).toBeLessThan(1e-7);
    }
  });
});

describe("the bound of Gaussian data with the optimal denoiser", () => {
  /** E over data and noise is exact: of quadratic forms, ±1 and ±√v have all that counts. */
  const boundAt = (prediction: (typeof predictions)[number], variance: (typeof variances)[number], steps: number, v: number): number => {
    const lowered = lowerText(gaussianText({ steps, variance: v, schedule: quadratic(20), prediction, reverse: variance }));
    const signs = [[1, 1], [1, -1], [-1, 1], [-1, -1]];
    const rows = steps * signs.length;
    const random = eachStepOnce(rows, (row) => [signs[row % 4]![1]!], (row) => (Math.floor(row / 4) + 0.5) / steps);
    const x = Array.from({ length: rows }, (_, row) => signs[row % 4]![0]! * Math.sqrt(v));
    return run(lowered.programs.train, { x }, { rows, random })["elbo"]!.values[0]!;
  };

  /**
   * What the bound lacks: the divergence between both chains as a whole, KL(q(x_T) ‖ p(x_T)) + Σ_t ½ (r_t − 1 − log r_t), where r_t is the variance of q(x_{t−1} | x_t), with x_0
   * integrated out, over that of the model, since the optimal denoiser has the right mean.
   */
  const gapByHand = (variance: (typeof variances)[number], steps: number, v: number): number => {
    const noise = (t: number): number => -Math.expm1(-20 * (t / steps) ** 2);
    const whole = (t: number): number => (1 - noise(t)) * v + noise(t);
    const ratios = Array.from({ length: steps }, (_, at) => {
      const t = at + 1;
      return (whole(t - 1) / whole(t)) * (variance === "large" || t === 1 ? 1 : noise(t) / noise(t - 1));
    });
    return klOfNormals(0, whole(steps), 0, 1) + sum(ratios.map((ratio) => 0.5 * (ratio - 1 - Math.log(ratio))));
  };

  const cases = predictions.flatMap((prediction) => variances.map((variance) => ({ prediction, variance })));
  const v = 0.3;
  /** E log p(x) of Normal(0, v) */
  const exact = -0.5 * Math.log(2 * Math.PI * Math.E * v);

  // Guards that nothing of the bound is lost and nothing counted twice, at any number of steps.
  it.each(cases)("lacks the divergence between the chains: $prediction, $variance", ({ prediction, variance }) => {
    for (const steps of [3, 20, 150]) expect(Math.abs(exact - boundAt(prediction, variance, steps, v) - gapByHand(variance, steps, v)), `T = ${steps}`).toBeLessThan(1e-8);
  });

  // Guards the draws of long chains' evaluation, which prefer steps that count: over all their places in (0, 1) they give the same bound. 2,048 places in each of 16 parts leave less than 1e-3 of it.
  it.each(variances)("is what evaluation draws, on average: %s", (variance) => {
    const steps = 100;
    const lowered = lowerText(gaussianText({ steps, variance: v, schedule: quadratic(20), reverse: variance }));
    const places = 2048;
    const rows = 4 * places;
    const sign = (row: number, of: number): number => ((row >> of) & 1) * 2 - 1;
    // One draw is a row's at all 16 parts: rows first.
    const random: RandomSource = {
      uniform: (_, count) => Float64Array.from({ length: count }, (_, at) => ((Math.floor(at / 16) >> 2) + 0.5) / places),
      normal: (_, count) => Float64Array.from({ length: count }, (_, at) => sign(Math.floor(at / 16), 0)),
      logGamma: () => {
        throw new Error("no gamma is drawn");
      },
    };
    const outputs = run(lowered.programs.evaluate, { x: Array.from({ length: rows }, (_, row) => sign(row, 1) * Math.sqrt(v)) }, { rows, random });
    const found = sum(["prior-matching", "denoising", "reconstruction"].map((name) => sum([...outputs[`row.${name}.x`]!.values]) / rows));
    expect(Math.abs(found - boundAt("x[0]", variance, steps, v))).toBeLessThan(1e-3);
  });

  // Guards `timesteps = importance`: over all places in (0, 1) training has the bound that uniform steps have, and so has its weighted loss; a single draw differs. 65,536 places: each step's
  // share is off by at most one of them, which is below 1e-3 of the sum.
  it.each(["bound", "simple"])("is what training draws by importance, on average: %s", (weight) => {
    const steps = 40;
    const places = 65536;
    const programOf = (timesteps: string) => lowerText(`${gaussianText({ steps, variance: v, schedule: quadratic(8), reverse: "large" })}train gaussian { maximize elbo(weight = ${weight}, timesteps = ${timesteps}) }`).programs.train;
    const [uniform, importance] = [programOf("uniform"), programOf("importance")];
    const still = (rows: number, place: (row: number) => number): RandomSource => eachStepOnce(rows, () => [0.8], place);
    const outputs = (program: typeof uniform, rows: number, place?: (row: number) => number) => run(program, { x: new Array<number>(rows).fill(0.6) }, { rows, random: still(rows, place ?? ((row) => (row + 0.5) / rows)) });
    const [all, drawn] = [outputs(uniform, steps), outputs(importance, places)];
    for (const name of ["elbo", "loss"]) expect(Math.abs(drawn[name]!.values[0]! / all[name]!.values[0]! - 1)).toBeLessThan(1e-3);
    expect(Math.abs(outputs(importance, 1, () => 0.5)["elbo"]!.values[0]! - outputs(uniform, 1, () => 0.5)["elbo"]!.values[0]!)).toBeGreaterThan(1e-2);
  });

  // Guards the limit: with the forward steps' variance, which is that of q(x_{t−1} | x_t) for short steps, the gap goes like 1/T. (That of the posterior given x_0 stays too narrow in the first steps.)
  it.each(predictions)("converges to the exact likelihood: %s", (prediction) => {
    const gaps = [64, 128, 256, 512].map((steps) => exact - boundAt(prediction, "large", steps, v));
    for (const gap of gaps) expect(gap).toBeGreaterThan(0);
    expect(gaps.at(-1)!).toBeLessThan(0.02);
    for (const [at, gap] of gaps.slice(1).entries()) expect(Math.abs(Math.log2(gaps[at]! / gap) - 1)).toBeLessThan(0.1);
  });
});

/** A source that puts row r at step r + 1, with given noise. */
function eachStepOnce(rows: number, noise: (row: number) => readonly number[], place: (row: number) => number = (row) => (row + 0.5) / rows): RandomSource {
  const each = (of: (row: number) => readonly number[], count: number): Float64Array => {
    const values = Array.from({ length: rows }, (_, row) => of(row)).flat();
    if (values.length !== count) throw new Error(`${count} draws for ${values.length}`);
    return Float64Array.from(values);
  };
  return {
    uniform: (_, count) => each((row) => [place(row)], count),
    normal: (_, count) => each(noise, count),
    logGamma: () => {
      throw new Error("no gamma is drawn");
    },
  };
}

/** The normals that a program of one normal draw gets. */
function noiseOf(program: { readonly nodes: readonly { readonly op: { readonly kind: string; readonly stream?: string; readonly distribution?: string } }[] }, count: number, seed: number): Float64Array {
  const draws = program.nodes.filter(({ op }) => op.kind === "random" && op.distribution === "normal");
  if (draws.length !== 1) throw new Error(`${draws.length} normal draws`);
  return seededRandom(seed).normal(draws[0]!.op.stream ?? "", count);
}

// Guards memory: a row is evaluated at 16 steps at once, and 256 rows of a U-Net at that would be tens of gigabytes. The largest tensor of a run stays within 64 MB.
it("evaluates as many rows at a time as fit", () => {
  const wide = lowerText(`const T = 20
const alpha = cosine_schedule(T)
network denoise(x: real[32, 32, 1], t: positive) -> (noise: real[32, 32, 1]) { noise = x |> conv2d(64, kernel = 3) |> relu |> conv2d(1, kernel = 3) }
model pictures(x[0]: real[32, 32, 1]) { x[T] ~ Normal(0, 1)  chain t in T..1 { x[t-1] ~ guide(x[t-1] | x[t], noise = denoise(x[t], t)) } }
guide pictures { chain t in 1..T { x[t] ~ Normal(sqrt(alpha[t]) * x[t-1], variance = 1 - alpha[t]) } }
`);
  const { evaluationRows, evaluate } = wide.programs;
  const largest = Math.max(...evaluate.nodes.map(({ shape }) => shape.reduce<number>((product, dim) => product * (dim === "rows" ? evaluationRows! : (dim as number)), 1)));
  expect(evaluationRows).toBeGreaterThan(1);
  expect(largest).toBeLessThanOrEqual(2 ** 24);
  // Small ones are evaluated as everything else is.
  expect(lowerText(wide.program.source.text.replaceAll("32, 32, 1", "2, 2, 1")).programs.evaluationRows).toBeUndefined();
});
