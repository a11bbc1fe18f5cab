import type { Marginals } from "../../ir/diffusion/coefficients.js";

export const spacingNames = ["time", "log_snr"] as const;
/** Strides in continuous time unless one says how many. */
export const continuousStrides = 250;
export type Spacing = (typeof spacingNames)[number];

/**
 * The places at which a sampler looks, from the last, T, down to 0, `count` strides, each once:
 * - `time`: at equal strides of t;
 * - `log_snr`: at equal strides of λ = log(signal / deviation) from T, or from the last step with signal, down to the first with noise, and then the datum (Lu et al. 2022): what solvers of second order take for time.
 *   Where λ moves by more than a stride within one step, each step is taken and the strides elsewhere are as they can be.
 */
export function stepTimes({ signal, deviation }: Marginals, count: number, spacing: Spacing): readonly number[] {
  const T = signal.length - 1;
  if (count === T || spacing === "time") return Array.from({ length: count + 1 }, (_, at) => Math.round((T * (count - at)) / count));
  const lambda = (t: number): number => Math.log(signal[t]! / deviation[t]!);
  const top = signal[T] === 0 ? T - 1 : T;
  const bottom = deviation[0] === 0 ? 1 : 0;
  // Strides between the first and the last place of which λ is a number.
  const strides = count - bottom - (T - top);
  const wanted = Array.from({ length: Math.max(1, strides + 1) }, (_, at) => lambda(top) + ((lambda(bottom) - lambda(top)) * at) / Math.max(1, strides));
  const nearest = wanted.map((value) => nearestStep(lambda, bottom, top, value));
  const times = [...(top < T ? [T] : []), ...nearest].slice(0, count + 1 - bottom);
  // Each step once: no later than below the one before, no earlier than leaves one for each that follows.
  times.forEach((time, at) => (times[at] = Math.max(count - at, Math.min(time, at === 0 ? T : times[at - 1]! - 1))));
  return bottom === 1 ? [...times, 0] : times;
}

/** λ falls with t: the place from `bottom` to `top` whose λ is nearest. */
function nearestStep(lambda: (t: number) => number, bottom: number, top: number, value: number): number {
  let [low, high] = [bottom, top];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (lambda(middle) >= value) low = middle;
    else high = middle;
  }
  return Math.abs(lambda(low) - value) <= Math.abs(lambda(high) - value) ? low : high;
}
