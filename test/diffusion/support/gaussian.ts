/** Diffusion of Gaussian data, where everything is known: x_0 ~ Normal(0, v), s(t)² = exp(−C (t / T)²), s² + σ² = 1, and E[x_0 | x_t] = s v / (s² v + σ²) · x_t. */
export interface GaussianDiffusion {
  readonly steps: number;
  /** v */
  readonly variance: number;
  /** C */
  readonly decay: number;
  readonly prediction?: "x[0]" | "noise" | "velocity";
  readonly reverse?: "small" | "large";
}

/** The model with the optimal denoiser written out, in any of the three predictions. */
export function gaussianText({ steps, variance, decay, prediction = "x[0]", reverse = "small" }: GaussianDiffusion): string {
  const optimal = { "x[0]": "s * V / m * x[t]", noise: "d / m * x[t]", velocity: "(s * d - d * s * V) / m * x[t]" }[prediction];
  return `const T = ${steps}
const V = ${variance}
const C = ${decay}
model gaussian(x[0]: real[1]) {
  x[T] ~ Normal(0, 1)
  chain t in T..1 {
    s = exp(-0.5 * C * (t / T) * (t / T))
    d = sqrt(1 - s * s)
    m = s * s * V + 1 - s * s
    x[t-1] ~ guide(x[t-1] | x[t], ${prediction} = ${optimal}, variance = ${reverse})
  }
}
guide gaussian {
  chain t in 1..T {
    x[t] ~ Normal(exp(-0.5 * C * (2 * t - 1) / (T * T)) * x[t-1], variance = 1 - exp(-C * (2 * t - 1) / (T * T)))
  }
}
`;
}
