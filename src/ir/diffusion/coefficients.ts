/**
 * A parameter-free linear-Gaussian chain x_t = a_t x_{t−1} + b_t ε, t = 1 … T, in float64. Everything that diffusion models need of their forward process follows from a and b
 * alone (Sohl-Dickstein et al. 2015; Ho, Jain & Abbeel 2020; Kingma et al. 2021). Arrays have T + 1 places: place 0 is the data.
 */
export interface ForwardChain {
  /** Factor of the step before, a_t; place 0 is 1. */
  readonly step: readonly number[];
  /** Standard deviation of the step's noise, b_t; place 0 is 0. */
  readonly noise: readonly number[];
}

/** q(x_t | x_0) = Normal(signal_t x_0, deviation_t²). */
export interface Marginals {
  readonly signal: readonly number[];
  readonly deviation: readonly number[];
  /** signal² / deviation²; infinite at the data. */
  readonly snr: readonly number[];
}

/** q(x_{t−1} | x_t, x_0) = Normal(ofData_t x_0 + ofState_t x_t, deviation_t²), for t = 1 … T; place 0 is of no use. */
export interface Posteriors {
  readonly ofData: readonly number[];
  readonly ofState: readonly number[];
  readonly deviation: readonly number[];
}

/** The marginals of a chain: signals multiply, variances follow v_t = a_t² v_{t−1} + b_t². */
export function marginalsOf({ step, noise }: ForwardChain): Marginals {
  const signal = [1];
  const variance = [0];
  for (let t = 1; t < step.length; t++) {
    signal.push(signal[t - 1]! * step[t]!);
    variance.push(step[t]! ** 2 * variance[t - 1]! + noise[t]! ** 2);
  }
  return { signal, deviation: variance.map(Math.sqrt), snr: signal.map((each, t) => each ** 2 / variance[t]!) };
}

/** The posterior of a step given its successor and the data, by Bayes' rule on the joint Gaussian. */
export function posteriorsOf({ step, noise }: ForwardChain, { signal, deviation }: Marginals): Posteriors {
  const places = step.map((_, t) => t);
  const variance = (t: number): number => deviation[t]! ** 2;
  return {
    ofData: places.map((t) => (t === 0 ? 0 : (signal[t - 1]! * noise[t]! ** 2) / variance(t))),
    ofState: places.map((t) => (t === 0 ? 0 : (step[t]! * variance(t - 1)) / variance(t))),
    deviation: places.map((t) => (t === 0 ? 0 : (deviation[t - 1]! * noise[t]!) / deviation[t]!)),
  };
}

/** Draws of t for each row in one evaluation of the bound; no more than there are steps. */
export const evaluationDraws = 16;

/** Where a schedule in continuous time is looked at: 0, 1/1024 … 1. */
export const scheduleTimes: readonly number[] = Array.from({ length: 1025 }, (_, at) => at / 1024);

/** Below this ratio of signal to noise nothing is left of the datum: rounding in float32 of what is left is a hundredth of it. */
export const leastRatio = 1e-10;

/** What a network says of the clean datum, given x_t = signal x_0 + deviation ε. */
export type Prediction = "data" | "noise" | "velocity";

/**
 * x̂_0 = ofState · x_t + ofOutput · network: the datum that a network's output stands for at each t. Velocity is (signal ε − deviation x_0) / r with r² = signal² + deviation², the
 * derivative along the circle on which signal and noise trade places (Salimans & Ho 2022; r is 1 where the chain preserves variance).
 */
export function datumOf(prediction: Prediction, { signal, deviation }: Marginals): { readonly ofState: readonly number[]; readonly ofOutput: readonly number[] } {
  const radius = signal.map((each, t) => Math.hypot(each, deviation[t]!));
  switch (prediction) {
    case "data":
      return { ofState: signal.map(() => 0), ofOutput: signal.map(() => 1) };
    case "noise":
      return { ofState: signal.map((each) => 1 / each), ofOutput: signal.map((each, t) => -deviation[t]! / each) };
    case "velocity":
      return { ofState: signal.map((each, t) => each / radius[t]! ** 2), ofOutput: radius.map((each, t) => -deviation[t]! / each) };
  }
}

/** Bytes are seen on [−1, 1], as x / 127.5 − 1 (Ho et al. 2020): a byte's bin is as wide as 1 / 127.5 there. */
export const byteScale = 127.5;
