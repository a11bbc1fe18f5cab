/** How s(t)² falls over the share t / T of the chain; s² + σ² = 1. */
export interface Schedule {
  readonly text: (t: string) => string;
  readonly value: (share: number) => number;
}

/** s² = exp(−C (t / T)²): σ grows like t. */
export const quadratic = (decay: number): Schedule => ({ text: (t) => `exp(-${decay} * (${t}) * (${t}) / (T * T))`, value: (share) => Math.exp(-decay * share ** 2) });

/** λ = log s / σ falls evenly from 7 to −3, s = 1 at the data: equal steps of t are equal steps of λ. */
export const evenLogarithm: Schedule = {
  text: (t) => `(1 + exp(-14)) / (1 + exp(20 * (${t}) / T - 14))`,
  value: (share) => (1 + Math.exp(-14)) / (1 + Math.exp(20 * share - 14)),
};

/** Diffusion of Gaussian data, where everything is known: x_0 ~ Normal(0, v), E[x_0 | x_t] = s v / (s² v + σ²) · x_t. */
export interface GaussianDiffusion {
  readonly steps: number;
  /** v */
  readonly variance: number;
  readonly schedule: Schedule;
  readonly prediction?: "x[0]" | "noise" | "velocity";
  readonly reverse?: "small" | "large";
}

/** The model with the optimal denoiser written out, in any of the three predictions. */
export function gaussianText({ steps, variance, schedule, prediction = "x[0]", reverse = "small" }: GaussianDiffusion): string {
  const optimal = { "x[0]": "s * V / m * x[t]", noise: "d / m * x[t]", velocity: "(s * d - d * s * V) / m * x[t]" }[prediction];
  const kept = `${schedule.text("t")} / (${schedule.text("t - 1")})`;
  return `const T = ${steps}
const V = ${variance}
model gaussian(x[0]: real[1]) {
  x[T] ~ Normal(0, 1)
  chain t in T..1 {
    s = sqrt(${schedule.text("t")})
    d = sqrt(1 - s * s)
    m = s * s * V + 1 - s * s
    x[t-1] ~ guide(x[t-1] | x[t], ${prediction} = ${optimal}, variance = ${reverse})
  }
}
guide gaussian {
  chain t in 1..T {
    x[t] ~ Normal(sqrt(${kept}) * x[t-1], variance = 1 - ${kept})
  }
}
`;
}
