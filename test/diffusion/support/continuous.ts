/** A schedule in continuous time, as text and as numbers: bindings, the mean's factor and the spread, and s, σ² and λ = log s² / σ². */
export interface TimeSchedule {
  readonly name: string;
  readonly bindings: string;
  readonly signal: string;
  readonly spread: string;
  readonly s: (t: number) => number;
  readonly variance: (t: number) => number;
}

const sigmoid = (value: number): number => 1 / (1 + Math.exp(-value));

const preserving = (name: string, text: string, g: (t: number) => number): TimeSchedule => ({
  name, bindings: `g = ${text}`, signal: "sqrt(sigmoid(g))", spread: "variance = sigmoid(-g)", s: (t) => Math.sqrt(sigmoid(g(t))), variance: (t) => sigmoid(-g(t)),
});

/** λ falls evenly from 6 to −5. */
export const even = preserving("even", "6 - 11 * t", (t) => 6 - 11 * t);
/** The same ends by another way. */
export const bent = preserving("bent", "6 - 11 * (0.3 * t + 0.7 * t * t * t)", (t) => 6 - 11 * (0.3 * t + 0.7 * t ** 3));
/** Noise that grows under a signal that stays. */
export const exploding: TimeSchedule = { name: "exploding", bindings: "l = -3 + 4.5 * t", signal: "1", spread: "log_scale = l", s: () => 1, variance: (t) => Math.exp(2 * (-3 + 4.5 * t)) };
/** A schedule that preserves no variance, with a scale and functions of all kinds. */
export const odd: TimeSchedule = {
  name: "odd", bindings: "a = cos(1.4 * t + 0.01)\n    b = exp(tanh(2 * t) - 2) / (1 + log1p(t))", signal: "-(-a) / (1 + t ^ 2)", spread: "scale = b * (2 + sqrt(t + 0.1))",
  s: (t) => Math.cos(1.4 * t + 0.01) / (1 + t ** 2), variance: (t) => ((Math.exp(Math.tanh(2 * t) - 2) / (1 + Math.log1p(t))) * (2 + Math.sqrt(t + 0.1))) ** 2,
};
/** Cosine, with the variance that is left. */
export const cosine: TimeSchedule = { name: "cosine", bindings: "a = cos(0.5 * pi * (0.97 * t + 0.02))", signal: "a", spread: "variance = 1 - a ^ 2", s: (t) => Math.cos(0.5 * Math.PI * (0.97 * t + 0.02)), variance: (t) => Math.sin(0.5 * Math.PI * (0.97 * t + 0.02)) ** 2 };

export const schedules = [even, bent, exploding, odd, cosine];
export const predictions = ["x[0]", "noise", "velocity"] as const;
export type PredictionText = (typeof predictions)[number];

export const snr = ({ s, variance }: TimeSchedule, t: number): number => s(t) ** 2 / variance(t);

/** d/dt of a function, by central differences of step h and h/2 without their term in h²: to about 1e-10 of values near 1. */
export function slopeOf(of: (t: number) => number, t: number, h = 1e-3): number {
  const central = (step: number): number => (of(t + step) - of(t - step)) / (2 * step);
  const [first, second, third] = [central(h), central(h / 2), central(h / 4)];
  const [left, right] = [(4 * second - first) / 3, (4 * third - second) / 3];
  return (16 * right - left) / 15;
}

export interface ContinuousText {
  readonly schedule: TimeSchedule;
  readonly prediction?: PredictionText;
  /** What the network says of x[t], with s, v, d = √v and g of the model's own bindings; by default the optimal denoiser of Normal(0, V). */
  readonly said?: string;
  readonly V?: number;
  readonly objective?: string;
  readonly reverse?: "small" | "large";
  readonly type?: string;
}

/** A model of one element, on Gaussian data of variance V, whose optimal denoiser is written out. */
export function continuousText({ schedule, prediction = "noise", said, V = 1, objective = "", reverse = "small", type = "real[1]" }: ContinuousText): string {
  const optimal = { "x[0]": "s * V / m * x[t]", noise: "d / m * x[t]", velocity: "(s * d - d * s * V) / (m * sqrt(s * s + v)) * x[t]" }[prediction];
  const variance = { variance: "v", scale: "v * v", log_scale: "exp(2 * v)" }[schedule.spread.split(" = ")[0]!]!;
  return `const V = ${V}
model m(x[0]: ${type}) {
  x[1] ~ Normal(0, 1)
  chain t in 1..0 {
    ${schedule.bindings}
    s = ${schedule.signal}
    v = ${variance.replace(/\bv\b/g, `(${schedule.spread.split(" = ")[1]!})`)}
    d = sqrt(v)
    m = s * s * V + v
    x[t-dt] ~ guide(x[t-dt] | x[t], ${prediction} = ${said ?? optimal}, variance = ${reverse})
  }
}
guide m {
  chain t in 0..1 {
    ${schedule.bindings}
    x[t] ~ Normal(${schedule.signal} * x[0], ${schedule.spread})
  }
}
train m { maximize elbo(${objective}) }
`;
}
