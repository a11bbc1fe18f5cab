import type { Marginals } from "../../ir/diffusion/coefficients.js";
import type { Diffusion } from "../../ir/model/model.js";
import type { SamplerChain } from "./sampler-chain.js";
import { type Spacing, stepTimes } from "./step-times.js";

export const samplerNames = ["ancestral", "ddim", "dpm_solver", "heun"] as const;
export type SamplerName = (typeof samplerNames)[number];

/** x_to = ofDatum · x̂_0 + ofState · x_from + ofBefore · (x̂_0 of the step before) + noise · ε. */
export interface SamplerStep {
  readonly from: number;
  readonly to: number;
  readonly ofDatum: number;
  readonly ofState: number;
  readonly ofBefore: number;
  readonly noise: number;
  /** Of a learnt variance: log of the forward step's deviation over the posterior's, of which a share is added to that of `noise`. */
  readonly spread?: number;
  /** Heun: x_to anew, of x_from, its datum, the first x_to, and the datum that is seen there. */
  readonly second?: { readonly ofState: number; readonly ofDatum: number; readonly ofNext: number; readonly ofThere: number };
  /** From x_to back to x_from, as the forward chain goes: the step is done once more. */
  readonly back?: { readonly ofState: number; readonly noise: number };
}

/** What a plan follows from, beside the chain. */
export interface PlanOptions {
  readonly sampler?: SamplerName;
  /** Steps from noise to the datum; by default all T, and 250 in continuous time. */
  readonly steps?: number;
  /** DDIM: 0 (deterministic) to 1 (the variance of the posterior). */
  readonly eta?: number;
  /** Default: `log_snr` of `dpm_solver` and `heun`, `time` of the others. */
  readonly spacing?: Spacing;
  /** How often each step is done, with steps of the forward chain between (Lugmayr et al. 2022). Default 1. */
  readonly repeats?: number;
}

export interface SamplerPlan {
  readonly steps: readonly SamplerStep[];
  readonly stochastic: boolean;
  /** The network says between which deviations that of the noise lies. */
  readonly learnt: boolean;
  readonly multistep: boolean;
  readonly secondOrder: boolean;
  readonly repeated: boolean;
}

/**
 * The steps of a sampler, from the marginals of the guide alone, in float64:
 * - `ancestral`: x_to ~ p(x_to | x_from), the composed posterior with x̂_0 (Ho et al. 2020); with fewer steps that of the skipped chain, and a learnt variance between both of its (Nichol & Dhariwal 2021).
 * - `ddim`: with noise η times the posterior's deviation; η = 0 follows the probability flow (Song, Meng & Ermon 2021).
 * - `dpm_solver`: DPM-Solver++(2M), multistep of second order in half the log signal-to-noise ratio (Lu et al. 2022).
 * - `heun`: Heun's method on the flow of x / signal over deviation / signal (Karras et al. 2022, deterministic).
 */
export function samplerPlan({ marginals, count }: SamplerChain, variance: Diffusion["variance"], { sampler = "ancestral", eta, spacing, repeats = 1 }: PlanOptions): SamplerPlan {
  const solver = sampler === "dpm_solver" || sampler === "heun";
  const times = stepTimes(marginals, count, spacing ?? (solver ? "log_snr" : "time"));
  const share = sampler === "ancestral" ? 1 : sampler === "ddim" ? (eta ?? 0) : 0;
  const made = times.slice(1).flatMap((to, at): SamplerStep[] => {
    const from = times[at]!;
    const before = at === 0 ? undefined : times[at - 1]!;
    // Done once more, the datum before is that of another state at the same step.
    const step = (again: boolean): SamplerStep => sampler === "dpm_solver" ? solverStep(marginals, from, to, again ? undefined : before) : flowStep(marginals, from, to, share, sampler === "heun", sampler === "ancestral" ? variance : "small");
    const turns = isDatum(marginals, to) ? 1 : repeats;
    return Array.from({ length: turns }, (_, turn) => ({ ...step(turn > 0), ...(turn < turns - 1 ? { back: { ofState: marginals.signal[from]! / marginals.signal[to]!, noise: forwardDeviation(marginals, from, to) } } : {}) }));
  });
  return { steps: made, stochastic: share > 0, learnt: sampler === "ancestral" && variance === "learnt", multistep: sampler === "dpm_solver", secondOrder: sampler === "heun", repeated: made.some(({ back }) => back) };
}

/** Whether no noise is in a state: it is the datum. */
const isDatum = ({ deviation }: Marginals, place: number): boolean => deviation[place] === 0;

/** Of q(x_from | x_to): the forward chain's way from `to` to `from` has the factor s_from / s_to. */
function forwardDeviation({ signal, deviation }: Marginals, from: number, to: number): number {
  return Math.sqrt(Math.max(0, deviation[from]! ** 2 - (signal[from]! / signal[to]!) ** 2 * deviation[to]! ** 2));
}

function flowStep(marginals: Marginals, from: number, to: number, share: number, heun: boolean, variance: Diffusion["variance"]): SamplerStep {
  const { signal, deviation } = marginals;
  const [s, d] = [signal[from]!, deviation[from]!];
  const [s1, d1] = [signal[to]!, deviation[to]!];
  const forward = forwardDeviation(marginals, from, to);
  const posterior = (d1 * forward) / d;
  const spread = share * posterior;
  const along = Math.sqrt(Math.max(0, d1 ** 2 - spread ** 2));
  const ofDatum = s1 - (along * s) / d;
  return { from, to, ofDatum, ofState: along / d, ofBefore: 0, noise: isDatum(marginals, to) ? 0 : variance === "large" ? share * forward : spread, ...(variance === "learnt" && posterior > 0 ? { spread: Math.log(forward / posterior) } : {}), ...(heun && d1 > 0 && s > 0 ? { second: heunStep(s, d, s1, d1) } : {}) };
}

/** y = x / signal follows dy = ε̂ dσ with σ = deviation / signal and ε̂ = (x − signal x̂_0) / deviation: the mean of both ends' ε̂ in place of the first. */
function heunStep(s: number, d: number, s1: number, d1: number): SamplerStep["second"] {
  const half = (s1 * (d1 / s1 - d / s)) / 2;
  return { ofState: s1 / s + half / d, ofDatum: (-half * s) / d, ofNext: half / d1, ofThere: (-half * s1) / d1 };
}

function solverStep(marginals: Marginals, from: number, to: number, before: number | undefined): SamplerStep {
  const { signal, deviation } = marginals;
  const lambda = (t: number): number => Math.log(signal[t]! / deviation[t]!);
  const rest = { from, to, noise: 0 };
  if (isDatum(marginals, to)) return { ...rest, ofDatum: 1, ofState: 0, ofBefore: 0 };
  const h = lambda(to) - lambda(from);
  const all = -signal[to]! * Math.expm1(-h);
  const ofState = deviation[to]! / deviation[from]!;
  if (before === undefined || signal[before] === 0) return { ...rest, ofDatum: all, ofState, ofBefore: 0 };
  const r = (lambda(from) - lambda(before)) / h;
  return { ...rest, ofDatum: all * (1 + 1 / (2 * r)), ofState, ofBefore: -all / (2 * r) };
}
