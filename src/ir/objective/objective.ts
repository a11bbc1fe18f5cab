import type { Span } from "../../diagnostics/span.js";
import type { Formula } from "./formula.js";

/**
 * The objective IR: what is maximized, as a sum of expectation terms in nats per row, with the way each latent is handled and the
 * steps by which it was derived. `lvmc explain objective` prints it; lowering computes exactly these terms.
 */
export interface Objective {
  readonly model: string;
  /** Evaluation: no annealing, no free bits, β = 1, no supervision, no constraints. */
  readonly mode: "training" | "evaluation";
  readonly bound: "elbo" | "importance-weighted" | "likelihood" | "posterior";
  /**
   * Importance samples K; 1 for the plain bound. With K > 1 all terms of rows but `supervision` stand in one log-mean-exp over the draws;
   * enumerated latents stand outside it: E_{q(y)} log 1/K Σ_k exp(Σ terms at y, z_k), which is tighter than the sum over y inside.
   */
  readonly samples: number;
  readonly terms: readonly Term[];
  /** How each latent site is handled, in dependency order of the guide. */
  readonly latents: readonly LatentPlan[];
  readonly constraints: readonly LagrangeConstraint[];
  /** From log p(x) to the sum of terms. */
  readonly steps: readonly DerivationStep[];
  /** Of a second stage that is trained on draws of a latent: how the first is evaluated, which makes them. */
  readonly first?: Objective;
  readonly origin: Span;
}

export type TermKind =
  /** E_q log p(x | parents) of an observed site. */
  | "reconstruction"
  /** −KL(q(z) ‖ p(z | parents)) in closed form. */
  | "kl"
  /** E_q [log p(z | parents) − log q(z)], both densities at the draw: a KL by sampling or enumeration. */
  | "log-ratio"
  /** E_q log p(z | parents) of an automatic guide, with the log Jacobian of its bijection. */
  | "cross-entropy"
  /**
   * H(q) of an automatic guide on the unconstrained scale, over `sites` only (others of the group may have a KL of their own). Estimator
   * closed-form; else −log q at the draw: in an importance-weighted bound, and for a guide site whose log p is a factor of `evidence`.
   */
  | "entropy"
  /** log p(z | parents) at a point (Delta guide, posterior mode). */
  | "log-prior"
  /**
   * log Σ_k p(k) Π p(x | k): everything that depends on marginalized sites; of linear Gaussian chains an integral, with the estimator closed-form. A factor that is an automatic latent carries its log Jacobian.
   * Rows of a partly observed site take its value instead of the sum.
   */
  | "evidence"
  /** −Σ_d KL(q(z_t) ‖ p(z_t | z_{t − d})): predictions of a chain's prior over several steps (Hafner et al. 2019). */
  | "overshooting"
  /** −KL(q(x_T | x_0) ‖ p(x_T)) of a diffusion. */
  | "prior-matching"
  /** −Σ_t E KL(q(x_{t−1} | x_t, x_0) ‖ p(x_{t−1} | x_t)) of a diffusion, t ≥ 2: weighted squared errors. */
  | "denoising"
  /** −D log s: the density of a latent of D elements from that of the latent over s, which a second stage learns. */
  | "rescaling"
  /** Weight · log q(y | x) on the observed rows of a partly observed column. */
  | "supervision";

export interface Term {
  /** Unique: `reconstruction.x`, `kl.z`, `evidence`, `entropy.center+spread`: the metric's name. */
  readonly name: string;
  readonly kind: TermKind;
  /** The site, or the sites of a group (`evidence`, `entropy`). */
  readonly sites: readonly string[];
  /** For `evidence`: all sites whose densities are factors of the sum, the summed ones (`sites`) included. */
  readonly factors: readonly string[];
  readonly origin: Span;
  /** Axes summed over, for readers: `784 pixels`, `t = 1..T`. */
  readonly axes: readonly TermAxis[];
  /** Latent sites under whose guide the expectation stands. */
  readonly expectation: readonly string[];
  readonly weight: TermWeight;
  /** Of the stage before: nothing that is trained is in it. */
  readonly frozen?: true;
  /** `overshooting`: the farthest prediction. */
  readonly distance?: number;
  /** What computes the expectation. */
  readonly estimator: Estimator;
  readonly exactness: "exact" | "unbiased" | "biased";
  /** Why this label: one sentence. */
  readonly reason: string;
  readonly formula: Formula;
}

export interface TermAxis {
  readonly kind: "event" | "plate" | "rows";
  readonly name: string;
  readonly size?: number;
}

/** Weight of a term beside its natural one. Global terms are divided by the rows of the data set: `perDataset`. */
export interface TermWeight {
  /** Constant factor: β, the supervision weight. */
  readonly factor: number;
  /** Rises from 0 during annealing (the runtime gives the scalar input `anneal`). */
  readonly annealed: boolean;
  /** 1/N: the term of a global latent. */
  readonly perDataset: boolean;
  /** Least nats per coordinate, of its mean over the rows of the minibatch; 0 for none. */
  readonly freeBits: number;
  /** Share of a KL's gradient that goes to the prior, the rest to the guide; undefined for the whole to both. */
  readonly balance?: number;
}

export type Estimator = "closed-form" | "enumeration" | "reparameterization" | "implicit-reparameterization" | "score-function" | "relaxation" | "straight-through" | "deterministic";

/** How one latent (or one automatic group) is drawn and differentiated. */
export interface LatentPlan {
  readonly sites: readonly string[];
  readonly scope: "row" | "global";
  readonly guide: "guide-site" | "auto" | "marginalized";
  readonly estimator: Estimator;
  /** score-function: draws for each row (≥ 2 with the leave-one-out baseline). */
  readonly scoreSamples?: number;
  readonly baseline?: "leave_one_out" | "none";
  /** score-function: some density reads a step of the site from another step, or all of them: then each step's score needs the terms of all steps. */
  readonly coupled?: true;
  readonly temperature?: number;
  /** log q stands at the draw, and its parameters have no gradient there: that of the draw's path alone is left. */
  readonly path?: true;
  /** Values summed over by enumeration or marginalization. */
  readonly cardinality?: number;
  /** Terms downstream of the site: those that its score-function gradient needs. */
  readonly downstream: readonly string[];
  /** Why this estimator and not another: `closed-form KL (Normal, Normal); expectation by reparameterization`. */
  readonly reason: string;
  readonly origin: Span;
}

/**
 * `kl(z) <= 12`: adds λ (bound − quantity) for `<=`, λ (quantity − bound) for `>=`; λ ≥ 0 grows while the constraint is violated. The quantity
 * is −Σ terms for `kl` (terms are maximized, so a KL enters them negated) and Σ terms for `reconstruction`, both without weights.
 */
export interface LagrangeConstraint {
  readonly name: string;
  readonly quantity: "kl" | "reconstruction";
  readonly terms: readonly string[];
  readonly relation: "<=" | ">=";
  readonly bound: number;
  readonly origin: Span;
}

/** One line of the derivation: the formula and the rule that led to it. */
export interface DerivationStep {
  readonly relation: "=" | "≥" | "≈" | "→" | "";
  readonly formula: Formula;
  readonly rule: string;
}
