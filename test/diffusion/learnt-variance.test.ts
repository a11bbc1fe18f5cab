import { describe, expect, it } from "vitest";
import { type RandomSource, seededRandom } from "../../src/ir/tensor/evaluate.js";
import type { DiscreteDiffusion } from "../../src/ir/model/model.js";
import { lowerDiffusionSample } from "../../src/lowering/diffusion/sample.js";
import { derivedGradient, gradient, lowerText, maxError, run, someParameters } from "../support/lowered.js";
import { logNormalMassByQuadrature } from "./support/normal-mass.js";

/** A chain that does not preserve variance, a linear network for the noise, and one for the mix: all of it can be said by hand. */
const a = [0.95, 0.9, 0.97, 0.6, 0.8];
const b = [0.2, 0.35, 0.5, 0.7, 0.4];
const T = a.length;
const predictions = ["x[0]", "noise", "velocity"] as const;

interface Wish {
  readonly prediction?: string;
  readonly datum?: string;
  /** `unit[2]`, or `unit` for one of both elements. */
  readonly mix?: string;
  readonly options?: string;
  readonly step?: string;
}

const text = ({ prediction = "noise", datum = "real[2]", mix = "unit[2]", options = "", step = "" }: Wish = {}): string => `const T = ${T}
const a = [${a.join(", ")}]
const b = [${b.join(", ")}]
network net(x: real[2], t: real) -> (y: real[2], mix: ${mix}) {
  y = concat(x, reshape(t / T, 1)) |> dense(2)
  mix = concat(x, reshape(t / T, 1)) |> dense(${mix === "unit" ? "1" : "2"}) |> sigmoid${mix === "unit" ? " |> sum" : ""}
}
model m(x[0]: ${datum}) {
  x[T] ~ Normal(0, 1)
  chain t in T..1 {
    said = net(x[t], t)
    x[t-1] ~ guide(x[t-1] | x[t], ${prediction} = said.y, variance = said.mix${step})
  }
}
guide m { chain t in 1..T { x[t] ~ Normal(a[t] * x[t-1], b[t]) } }
train m { maximize elbo${options === "" ? "" : `(${options})`} }
`;

/** Signal and variance of q(x_t | x_0), moments carried along. */
const marginals = a.reduce<{ s: number; v: number }[]>((all, factor, at) => [...all, { s: all[at]!.s * factor, v: factor ** 2 * all[at]!.v + b[at]! ** 2 }], [{ s: 1, v: 0 }]);
/** Variance of q(x_{t−1} | x_t, x_0), precisions added. */
const posterior = (t: number): number => 1 / (1 / marginals[t - 1]!.v + a[t - 1]! ** 2 / b[t - 1]! ** 2);
const sum = (values: readonly number[]): number => values.reduce((all, each) => all + each, 0);
const klOfNormals = (m1: number, v1: number, m2: number, v2: number): number => 0.5 * (Math.log(v2 / v1) + (v1 + (m1 - m2) ** 2) / v2 - 1);
/** The last step's variance is between the forward step's and the posterior's of t = 2. */
const variance = (t: number, mix: number): number => b[t - 1]! ** (2 * mix) * posterior(Math.max(2, t)) ** (1 - mix);

/** dense(n) of [x, t / T]. */
function dense(parameters: Readonly<Record<string, readonly number[]>>, layer: string, x: readonly number[], t: number): readonly number[] {
  const [kernel, bias] = [parameters[`net.${layer}.kernel`]!, parameters[`net.${layer}.bias`]!];
  return bias.map((each, out) => each + sum([...x, t / T].map((value, at) => value * kernel[bias.length * at + out]!)));
}

interface ByHand {
  /** −KL at t ≥ 2, log p(x_0 | x_1) at t = 1, of both elements. */
  readonly term: number;
  readonly squared: number;
}

/** One step of one datum by Bayes' rule. `likelihood` is log p(x_0 | x̂_0, v). */
function byHand(parameters: Readonly<Record<string, readonly number[]>>, t: number, x0: readonly number[], noise: readonly number[], prediction: string, likelihood: (element: number, mean: number, v: number) => number): ByHand {
  const { s, v } = marginals[t]!;
  const d = Math.sqrt(v);
  const r = Math.hypot(s, d);
  const xt = x0.map((value, at) => s * value + d * noise[at]!);
  const outputs = dense(parameters, "dense_1", xt, t);
  const said = dense(parameters, "dense_2", xt, t).map((logit) => 1 / (1 + Math.exp(-logit)));
  const elements = x0.map((value, at) => {
    const output = outputs[at]!;
    const seen = { "x[0]": output, noise: (xt[at]! - d * output) / s, velocity: (s * xt[at]! - d * r * output) / r ** 2 }[prediction]!;
    const target = { "x[0]": value, noise: noise[at]!, velocity: (s * noise[at]! - d * value) / r }[prediction]!;
    const spread = variance(t, said[at] ?? said[0]!);
    if (t === 1) return { term: likelihood(at, seen, spread), squared: (target - output) ** 2 };
    const before = marginals[t - 1]!;
    const mean = (datum: number): number => posterior(t) * ((before.s * datum) / before.v + (a[t - 1]! * xt[at]!) / b[t - 1]! ** 2);
    return { term: -klOfNormals(mean(value), posterior(t), mean(seen), spread), squared: (target - output) ** 2 };
  });
  return { term: sum(elements.map(({ term }) => term)), squared: sum(elements.map(({ squared }) => squared)) };
}

const density = (x: number, mean: number, v: number): number => -0.5 * Math.log(2 * Math.PI * v) - (x - mean) ** 2 / (2 * v);
const data = [0.4, -1.2, 1.7, 0.1, -0.6, 0.9];
const matching = (x0: readonly number[]): number => -sum(x0.map((value) => klOfNormals(marginals[T]!.s * value, marginals[T]!.v, 0, 1)));

describe("the bound with a learnt variance", () => {
  // Guards every term against KL and density by hand, at the mixes that a random network says, for each element or for both: 1e-9 in float64. T draws of t have each step once.
  it.each(predictions.flatMap((prediction) => ["unit[2]", "unit"].map((mix) => ({ prediction, mix }))))("is the sum of its divergences: $prediction, $mix", ({ prediction, mix }) => {
    const lowered = lowerText(text({ prediction, mix }));
    const parameters = someParameters(lowered, 3);
    const outputs = run(lowered.programs.evaluate, { ...parameters, x: data }, { rows: 3, random: seededRandom(5) });
    const normals = noiseOf(lowered.programs.evaluate, T * 3 * 2, 5);
    for (let row = 0; row < 3; row++) {
      const x0 = data.slice(2 * row, 2 * row + 2);
      const terms = a.map((_, at) => byHand(parameters, at + 1, x0, [0, 1].map((element) => normals[(row * T + at) * 2 + element]!), prediction, (element, mean, v) => density(x0[element]!, mean, v)).term);
      const found = (name: string): number => outputs[`row.${name}.x`]!.values[row]!;
      expect(Math.abs(found("reconstruction") - terms[0]!)).toBeLessThan(1e-9);
      expect(Math.abs(found("denoising") - sum(terms.slice(1)))).toBeLessThan(1e-9);
      expect(Math.abs(found("prior-matching") - matching(x0))).toBeLessThan(1e-9);
    }
  });

  // Guards bytes: the mass of a bin under the deviation that the network says.
  it("gives bytes the mass of their bins", () => {
    const lowered = lowerText(text({ datum: "byte[2]" }));
    const parameters = someParameters(lowered, 2);
    const bytes = [0, 130, 255, 77];
    const outputs = run(lowered.programs.evaluate, { ...parameters, x: bytes }, { rows: 2, random: seededRandom(5) });
    const normals = noiseOf(lowered.programs.evaluate, T * 2 * 2, 5);
    for (let row = 0; row < 2; row++) {
      const own = bytes.slice(2 * row, 2 * row + 2);
      const x0 = own.map((byte) => byte / 127.5 - 1);
      const mass = (element: number, mean: number, v: number): number => {
        // What is seen is held within the range of bytes.
        const end = (shift: number): number => (x0[element]! + shift / 255 - Math.max(-1, Math.min(1, mean))) / Math.sqrt(v);
        return logNormalMassByQuadrature(own[element] === 0 ? -Infinity : end(-1), own[element] === 255 ? Infinity : end(1));
      };
      const { term } = byHand(parameters, 1, x0, [0, 1].map((element) => normals[row * T * 2 + element]!), "noise", mass);
      expect(Math.abs(outputs["row.reconstruction.x"]!.values[row]! - term)).toBeLessThan(1e-9);
    }
  });

  // Guards the ends: a mix of 0 is the small variance at t ≥ 2, a mix of 1 the large one everywhere, by the terms of the fixed variances.
  it.each([["0", "small"], ["1", "large"]] as const)("with mix %s has the denoising terms of %s", (mix, fixed) => {
    const programOf = (said: string) => lowerText(text().replace("variance = said.mix", `variance = ${said}`)).programs.evaluate;
    const parameters = someParameters(lowerText(text()), 3);
    const [found, expected] = [mix, fixed].map((said) => run(programOf(said), { ...parameters, x: data }, { rows: 3, seed: 4 }));
    expect(maxError(found!["row.denoising.x"]!.values, expected!["row.denoising.x"]!.values)).toBeLessThan(1e-12);
    if (fixed === "large") expect(maxError(found!["row.reconstruction.x"]!.values, expected!["row.reconstruction.x"]!.values)).toBeLessThan(1e-12);
  });
});

describe("training a learnt variance", () => {
  const atEachStep = (noise: readonly number[]): RandomSource => ({
    uniform: (_, count) => Float64Array.from({ length: count }, (_, row) => (row + 0.5) / count),
    normal: (_, count) => Float64Array.from({ length: count }, (_, at) => noise[at % 2]!),
    logGamma: () => expect.fail("no gamma is drawn"),
  });
  const x0 = data.slice(0, 2);
  const noise = [0.3, -0.8];

  // Guards the loss: the mean of squared errors and λ of the bound, or the bound alone; with one row at each step it is known.
  it.each([["weight = simple", 0.001], ["weight = simple, hybrid = 0.2", 0.2], ["weight = bound", undefined], ["", undefined]] as const)("elbo(%s) is what it says", (options, share) => {
    const lowered = lowerText(text({ options }));
    const parameters = someParameters(lowered, T);
    const outputs = run(lowered.programs.train, { ...parameters, x: a.flatMap(() => x0) }, { rows: T, random: atEachStep(noise) });
    const steps = a.map((_, at) => byHand(parameters, at + 1, x0, noise, "noise", (element, mean, v) => density(x0[element]!, mean, v)));
    const bound = sum(steps.map(({ term }) => term)) + matching(x0);
    expect(Math.abs(outputs["elbo"]!.values[0]! - bound)).toBeLessThan(1e-9);
    expect(Math.abs(outputs["loss"]!.values[0]! - (share === undefined ? -bound : sum(steps.map(({ squared }) => squared)) / T - share * bound))).toBeLessThan(1e-9);
  });

  // Guards gradients, with held means held, against float64 central differences.
  it.each(["weight = simple, hybrid = 0.2", "weight = min_snr(2)", "weight = bound"])("elbo(%s) has the gradient of its loss", (options) => {
    for (const datum of ["real[2]", "byte[2]"]) {
      const lowered = lowerText(text({ options, datum }));
      const inputs = { ...someParameters(lowered, 3), x: datum === "byte[2]" ? [3, 200, 255, 0, 128, 17] : data };
      for (const { name } of lowered.parameters) {
        const derived = derivedGradient(lowered.programs.train, "loss", name, inputs, { rows: 3, seed: 11 });
        expect(Math.max(...derived.map(Math.abs)), `${datum} ${name}`).toBeGreaterThan(1e-6);
        expect(maxError(derived, gradient(lowered.programs.train, "loss", name, inputs, { rows: 3, seed: 11 })), `${datum} ${name}`).toBeLessThan(1e-7);
      }
    }
  });

  // Guards that the means are trained by their squared errors alone: λ does not change the gradient of the layer that says them, and that of the mix is λ times that of the bound.
  it("holds the means in the share of the bound", () => {
    const gradients = (options: string, layer: string): readonly number[] => {
      const lowered = lowerText(text({ options }));
      const inputs = { ...someParameters(lowered, 3), x: data };
      return ["kernel", "bias"].flatMap((part) => derivedGradient(lowered.programs.train, "loss", `net.${layer}.${part}`, inputs, { rows: 3, seed: 11 }));
    };
    expect(maxError(gradients("weight = simple, hybrid = 0.7", "dense_1"), gradients("weight = simple, hybrid = 1e-9", "dense_1"))).toBe(0);
    expect(maxError(gradients("weight = simple, hybrid = 0.7", "dense_2"), gradients("weight = bound", "dense_2").map((each) => 0.7 * each))).toBeLessThan(1e-12);
    expect(Math.max(...gradients("weight = bound", "dense_2").map(Math.abs))).toBeGreaterThan(1e-3);
  });
});

/** The normals that a program of one normal draw gets. */
function noiseOf(program: { readonly nodes: readonly { readonly op: { readonly kind: string; readonly stream?: string; readonly distribution?: string } }[] }, count: number, seed: number): Float64Array {
  const draws = program.nodes.filter(({ op }) => op.kind === "random" && op.distribution === "normal");
  expect(draws).toHaveLength(1);
  return seededRandom(seed).normal(draws[0]!.op.stream ?? "", count);
}

/** Gaussian data of unequal scale, x_i ~ Normal(0, V_i), where everything is known: s² = exp(−20 (t / T)²), the datum that is seen is E[x_0 | x_t] = s V / (s² V + σ²) · x_t. */
const steps = 100;
const scales = [0.02, 0.3, 0.9];
const kept = (t: number): number => Math.exp(-20 * (t / steps) ** 2);
const whole = (t: number, V: number): number => kept(t) * V + 1 - kept(t);
const alphaOf = (t: number): number => kept(t) / kept(t - 1);
/** Variances of q(x_{t−1} | x_t, x_0), of the forward step, and of q(x_{t−1} | x_t) with the datum integrated out: that of the joint Gaussian, whole(t − 1) − covariance² / whole(t). */
const small = (t: number): number => 1 / (1 / (1 - kept(Math.max(2, t) - 1)) + alphaOf(Math.max(2, t)) / (1 - alphaOf(Math.max(2, t))));
const large = (t: number): number => 1 - alphaOf(t);
const exact = (t: number, V: number): number => whole(t - 1, V) - (alphaOf(t) * whole(t - 1, V) ** 2) / whole(t, V);
const optimal = (t: number, V: number): number => Math.log(exact(t, V) / small(t)) / Math.log(large(t) / small(t));
const logit = (share: number): number => Math.log(share / (1 - share));

const gaussianText = (said: string, values: readonly number[] = scales): string => `const T = ${steps}
const V = [${values.join(", ")}]
param logits: real[T, ${values.length}] = normal(0, 1)
model g(x[0]: real[${values.length}]) {
  x[T] ~ Normal(0, 1)
  chain t in T..1 {
    s = sqrt(exp(-20 * t * t / (T * T)))
    m = s * s * V + (1 - s * s)
    x[t-1] ~ guide(x[t-1] | x[t], x[0] = s * V / m * x[t], variance = ${said})
  }
}
guide g {
  chain t in 1..T { x[t] ~ Normal(sqrt(exp(-20 * (2 * t - 1) / (T * T))) * x[t-1], variance = 1 - exp(-20 * (2 * t - 1) / (T * T))) }
}
`;
const best = Array.from({ length: steps }, (_, at) => scales.map((V) => logit(optimal(at + 1, V)))).flat();

/** Inputs and draws whose mean is the expectation, exactly: of quadratic forms ±1 and ±√V have all that counts, at each step once. */
function expected(logits: readonly number[]) {
  const rows = steps * 4;
  const sign = (row: number, of: number): number => ((row >> of) & 1) * 2 - 1;
  const random: RandomSource = {
    uniform: (_, count) => Float64Array.from({ length: count }, (_, row) => (Math.floor(row / 4) + 0.5) / steps),
    normal: (_, count) => Float64Array.from({ length: count }, (_, at) => sign(Math.floor(at / 3), 0)),
    logGamma: () => expect.fail("no gamma is drawn"),
  };
  const x = Array.from({ length: rows }, (_, row) => scales.map((V) => sign(row, 1) * Math.sqrt(V))).flat();
  return { inputs: { logits, x }, options: { rows, random } };
}

function expectedBound(said: string): number {
  const { inputs, options } = expected(best);
  return run(lowerText(gaussianText(said)).programs.train, inputs, options)["elbo"]!.values[0]!;
}

describe("Gaussian data of unequal scale", () => {
  const likelihood = sum(scales.map((V) => -0.5 * Math.log(2 * Math.PI * Math.E * V)));
  const atEnd = sum(scales.map((V) => klOfNormals(0, whole(steps, V), 0, 1)));

  // Guards the reach of a learnt variance: all mixes lie in (0, 1), and with them the reverse chain is the forward one backwards, so the bound lacks no more than the divergence at t = T.
  it("has the exact likelihood with the best mix, which small and large have not", () => {
    for (let t = 1; t <= steps; t++) for (const V of scales) expect(optimal(t, V) > 0 && optimal(t, V) < 1, `t = ${t}, V = ${V}`).toBe(true);
    expect(Math.abs(expectedBound("sigmoid(logits[t])") - (likelihood - atEnd))).toBeLessThan(1e-8);
    for (const fixed of ["small", "large"]) expect(likelihood - expectedBound(fixed)).toBeGreaterThan(0.01);
  });

  // Guards that training finds it: the gradient of the bound is 0 there, and leads there from either side.
  it("has its optimum there", () => {
    const { programs } = lowerText(gaussianText("sigmoid(logits[t])"));
    const gradientAt = (shift: number): readonly number[] => {
      const { inputs, options } = expected(best.map((each) => each + shift));
      return derivedGradient(programs.train, "loss", "logits", inputs, options);
    };
    expect(Math.max(...gradientAt(0).map(Math.abs))).toBeLessThan(1e-9);
    expect(gradientAt(-1).every((each) => each < 0)).toBe(true);
    expect(gradientAt(1).every((each) => each > 0)).toBe(true);
  });

  /** Variance of what is drawn, exactly: rows that have a one in one place give the coefficients of the start and of each step's noise. */
  const drawnVariance = (V: number, said: string, logits: readonly number[], count = steps): number => {
    const lowered = lowerText(gaussianText(said, [V]));
    const random: RandomSource = {
      uniform: () => expect.fail("only normals are drawn"),
      logGamma: () => expect.fail("only normals are drawn"),
      normal: (stream, size) => {
        const values = new Float64Array(size);
        if (!stream.endsWith("noise")) values[0] = 1;
        else for (let row = 1; row <= count; row++) values[row * count + row - 1] = 1;
        return values;
      },
    };
    const { values } = run(lowerDiffusionSample(lowered.program, lowered.program.diffusion as DiscreteDiffusion, { steps: count }), { logits }, { rows: count + 1, random })["x"]!;
    return sum([...values].map((value) => value ** 2));
  };

  // Guards ancestral sampling: with the best mix x_1 has the variance of q(x_1), since p(x_T) is q(x_T) up to e⁻²⁰, and the last step takes its mean, s V / m of it.
  it.each(scales)("is drawn back with the best mix: V = %d", (V) => {
    const own = Array.from({ length: steps }, (_, at) => logit(optimal(at + 1, V)));
    expect(Math.abs(drawnVariance(V, "sigmoid(logits[t])", own) / ((kept(1) * V ** 2) / whole(1, V)) - 1)).toBeLessThan(1e-6);
  });

  // Guards fewer steps: the variance is between those of the chain that skips the others, by Bayes' rule.
  it.each([100, 13])("is drawn between both variances in %d steps", (count) => {
    const V = 0.3;
    const mix = 0.35;
    const times = Array.from({ length: count + 1 }, (_, at) => Math.round((steps * (count - at)) / count));
    const expected = times.slice(1).reduce((variance, to, at) => {
      const from = times[at]!;
      const factor = Math.sqrt(kept(from) / kept(to));
      const forward = 1 - factor ** 2;
      const seen = (Math.sqrt(kept(from)) * V) / whole(from, V);
      if (to === 0) return variance * seen ** 2;
      const precision = 1 / (1 - kept(to)) + factor ** 2 / forward;
      const gain = ((Math.sqrt(kept(to)) * seen) / (1 - kept(to)) + factor / forward) / precision;
      return variance * gain ** 2 + forward ** mix * precision ** (mix - 1);
    }, 1);
    expect(Math.abs(drawnVariance(V, String(mix), best.slice(0, steps), count) - expected)).toBeLessThan(1e-9);
  });
});
