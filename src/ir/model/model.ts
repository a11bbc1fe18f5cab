import type { Span, SourceFile } from "../../diagnostics/span.js";
import type { Type } from "../../types/type.js";
import type { ForwardChain, Marginals, Prediction } from "../diffusion/coefficients.js";
import type { DistributionName } from "../../distributions/names.js";
import type { FunctionName } from "./functions.js";
import type { LayerName } from "./layers.js";

/**
 * The model IR: what the checker makes of a file, one program for each `model`. Names are resolved, sizes are numbers, every
 * expression has its type *for one data row*; rows, plates and chain steps are axes that lowering adds. Invariants: sites and
 * bindings stand in dependency order; each latent site has exactly one guide entry; types and supports agree everywhere.
 */
export interface ModelProgram {
  readonly name: string;
  readonly doc: string;
  readonly source: SourceFile;
  readonly origin: Span;
  readonly columns: readonly Column[];
  /** `where length(x) <= T`: the column that holds the rows' lengths, and the most that one may be. Columns with as many steps in front end with their row. */
  readonly length?: { readonly column: string; readonly most: number };
  readonly parameters: readonly Parameter[];
  readonly networks: readonly Network[];
  /** Bindings and sites of the model in dependency order. */
  readonly model: readonly Step[];
  /** Bindings and guide entries in dependency order. */
  readonly guide: readonly GuideStep[];
  readonly training: Training;
  /** The model is the reverse of a noising chain (`guide(x[t-1] | x[t], …)`): then `model` and `guide` are empty, and everything follows from this. */
  readonly diffusion?: Diffusion;
  /** `train prior on vae.z`: rows are made by a model that is trained before. Then `columns` are those of the data, and `stage.columns` those that the model itself declares. */
  readonly stage?: Stage;
}

/**
 * What the stage before makes of a row of its data: a draw of a latent from its guide (`latent`), in units of its standard deviation where it is real; or the datum of a diffusion at a
 * step that is drawn evenly (`noised`).
 */
export type Stage = {
  readonly model: ModelProgram;
  /** The latent, or the datum; the column of the same name is what this model sees of it. */
  readonly site: string;
  /** As the model declares them, those that the stage before makes included. */
  readonly columns: readonly Column[];
  readonly origin: Span;
} & (
  | { readonly kind: "latent"; /** Name of the stored number by which the latent is divided; undefined where it is not real. */ readonly scale?: string }
  | { readonly kind: "noised"; /** The column that is told the step. */ readonly step?: string }
);

/** A datum x[0] that the guide turns to noise without parameters, step by step or in continuous time, and the model back. */
export interface DiffusionOf<Time> {
  /** x: the column, and the states of the chain. */
  readonly name: string;
  /** Of one state: real, whatever the datum is. */
  readonly type: Type;
  /** The datum is bytes; the states of the chain are those of x_0 / 127.5 − 1, on [−1, 1]. */
  readonly bytes: boolean;
  /** log p(x_0 | x_1) of the datum: the density of a Gaussian, or the mass that it gives to the bin of a byte (Ho et al. 2020, eq. 13). */
  readonly reconstruction: "gaussian" | "discretized";
  readonly time: Time;
  /** What the network says, of the state `x[t]` and of `t`: the datum, the noise, or the velocity. */
  readonly prediction: Prediction;
  /** Reads the state as `x[t]` (a reference to the site x, whole, at step t of the plate), `t` as the plate's loop variable, and columns. */
  readonly network: Expr;
  /** Of p(x_{t−1} | x_t): that of q(x_{t−1} | x_t, x_0), that of the forward step, or between them as `mix` says. */
  readonly variance: "small" | "large" | "learnt";
  /** Where the variance is learnt: log variance = mix · log large + (1 − mix) · log small (Nichol & Dhariwal 2021). In unit, of the datum's shape or one for all elements; reads what `network` reads. */
  readonly mix?: Expr;
  /** p(x_T). */
  readonly prior: { readonly mean: number; readonly scale: number; readonly origin: Span };
  /** Bindings of the reverse chain, in order. */
  readonly bindings: readonly Binding[];
  readonly origin: Span;
  readonly guideOrigin: Span;
}

/** t in 1..T: the numbers of each step. */
export interface DiscreteTime {
  readonly kind: "discrete";
  readonly plate: Plate;
  readonly forward: ForwardChain;
}

/** t in 0..1, every number of it: q(x_t | x_0) = Normal(signal x_0, variance), both scalar expressions of constants and the one loop variable (Kingma et al. 2021). */
export interface ContinuousTime {
  readonly kind: "continuous";
  readonly plate: Plate;
  readonly signal: Expr;
  readonly variance: Expr;
  /** The numbers at `scheduleTimes`, in float64. */
  readonly marginals: Marginals;
}

export type DiscreteDiffusion = DiffusionOf<DiscreteTime>;
export type ContinuousDiffusion = DiffusionOf<ContinuousTime>;
export type Diffusion = DiscreteDiffusion | ContinuousDiffusion;

/** Whether time is continuous; a test of `time.kind` alone would say so of `time`, not of the diffusion. */
export function isContinuous(diffusion: Diffusion): diffusion is ContinuousDiffusion {
  return diffusion.time.kind === "continuous";
}

/** A column of the data. `observed` when it stands on the left of `~`, else it is an input to condition on. */
export interface Column {
  readonly name: string;
  readonly type: Type;
  readonly role: "observed" | "input";
  /** `?`: observed in some rows only; a missing value is -1 (discrete) or NaN (continuous) in the data. */
  readonly partlyObserved: boolean;
  /** Of a condition of a diffusion: in which share of the rows training leaves it out, so that sampling may be guided (Ho & Salimans 2022). Left out, a label is of no class, and numbers are 0. */
  readonly dropout?: number;
  readonly origin: Span;
}

/** A learnt array (or a running statistic, `trainable: false`), stored on the unconstrained scale. */
export interface Parameter {
  /** `encoder.dense_1.kernel`, `loadings`, `auto.level.location`: the key in checkpoints. */
  readonly name: string;
  /** The type of the constrained value that expressions see. For `perRow` parameters it is the type for one row. */
  readonly type: Type;
  /** One copy for each row of the data set (`local`, automatic guides of row latents): stored as [rows of the data set, …shape]. */
  readonly perRow: boolean;
  readonly trainable: boolean;
  /** Initial value on the constrained scale. */
  readonly init: Initializer;
  readonly origin: Span;
}

export type Initializer =
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "values"; readonly values: readonly number[] }
  | { readonly kind: "uniform"; readonly low: number; readonly high: number }
  | { readonly kind: "normal"; readonly mean: number; readonly scale: number }
  /** LeCun et al. 1998: uniform within ±sqrt(3 / fanIn), of variance 1 / fanIn. */
  | { readonly kind: "lecun_uniform"; readonly fanIn: number }
  /** He et al. 2015: normal with variance 2 / fanIn. */
  | { readonly kind: "he_normal"; readonly fanIn: number }
  /** The identity matrix (also as `cholesky`). */
  | { readonly kind: "identity" };

/** A network: a function with weights of its own. Calling it twice shares them; `repeat` makes copies as networks of their own. */
export interface Network {
  readonly name: string;
  readonly doc: string;
  readonly inputs: readonly { readonly name: string; readonly type: Type; readonly origin: Span }[];
  readonly outputs: readonly { readonly name: string; readonly type: Type; readonly value: Expr; readonly origin: Span }[];
  /** In order; `name` is unique within the network. */
  readonly bindings: readonly Binding[];
  readonly origin: Span;
}

/** An axis inside the row, from `each t in a..b` or `chain t in a..b`. */
export interface Plate {
  /** Unique in the program: `t`, or `t_2` where two loops use the same letter. */
  readonly name: string;
  /** Least value of the loop variable. */
  readonly from: number;
  readonly size: number;
  /** Of a `chain`: its steps are taken in order, `1..T` upwards or `T..1` downwards, and may read those before. */
  readonly chain?: "up" | "down";
  /** `where length(x) <= T`: the steps of a row end with its own length, which this column of the data holds. */
  readonly length?: string;
  /** `chain t in 0..1` of a diffusion: t is any number of [0, 1], and no axis is made of the loop. */
  readonly continuous?: true;
  /** As the file says it, for readers: the letter `t` of `t_2`, and the ends of the range, `1` and `T`. */
  readonly written?: { readonly variable: string; readonly from: string; readonly to: string };
  readonly origin: Span;
}

/** The loop variable as the user named it. */
export function letterOf({ name, written }: Pick<Plate, "name" | "written">): string {
  return written?.variable ?? name;
}

/**
 * What a chain defines, where values before its first step are given: `h[0] = zeros[64]`, `z[1] ~ …`. The variable's own plate (the last of its `plates`) then has all
 * positions, those of the starts and those of `chain`, without gaps.
 */
export interface Sequence<Start> {
  /** The loop whose steps define the positions that are no starts. */
  readonly chain: Plate;
  /** In order of position. */
  readonly starts: readonly { readonly position: number; readonly value: Start; readonly origin: Span }[];
}

export type Step = Binding | Site;

/** `h = …`: a named value. Inside plates it has one value for each of their steps. */
export interface Binding {
  readonly kind: "binding";
  /** Unique within the model's or the guide's list. */
  readonly name: string;
  readonly plates: readonly Plate[];
  readonly value: Expr;
  readonly sequence?: Sequence<Expr>;
  readonly origin: Span;
}

/** `z ~ …` in a model. */
export interface Site {
  readonly kind: "site";
  readonly name: string;
  readonly role: "latent" | "observed";
  readonly scope: "row" | "global";
  /** Observed in some rows only. */
  readonly partlyObserved: boolean;
  readonly plates: readonly Plate[];
  /** Type of the value at one step of the plates. */
  readonly type: Type;
  readonly distribution: DistributionCall;
  readonly sequence?: Sequence<DistributionCall>;
  readonly origin: Span;
}

/** A distribution with its arguments, one of its parameterizations chosen by the names given. */
export interface DistributionCall {
  readonly distribution: DistributionName;
  /** By parameter name, as in one entry of the distribution's `parameterizations`. */
  readonly args: Readonly<Record<string, Expr | DistributionCall>>;
  /** Type of a draw (before it is broadcast to the site's type). */
  readonly type: Type;
  readonly origin: Span;
}

export function isDistributionCall(value: Expr | DistributionCall): value is DistributionCall {
  return "distribution" in value;
}

export type GuideStep = Binding | GuideSite | AutoGroup | Marginalized;

/** `z ~ …` in a guide. */
export interface GuideSite {
  readonly kind: "guide-site";
  readonly site: string;
  readonly plates: readonly Plate[];
  readonly distribution: DistributionCall;
  readonly sequence?: Sequence<DistributionCall>;
  /** From `by`; undefined when the compiler chooses. */
  readonly by?: By;
  readonly origin: Span;
}

export type By =
  | { readonly estimator: "reparameterization"; readonly origin: Span }
  | { readonly estimator: "enumeration"; readonly origin: Span }
  /** `samples`: draws per row, at least 2 for the leave-one-out baseline. */
  | { readonly estimator: "score"; readonly baseline: "leave_one_out" | "none"; readonly samples: number; readonly origin: Span }
  | { readonly estimator: "relaxation"; readonly temperature: number; readonly origin: Span }
  | { readonly estimator: "straight_through"; readonly origin: Span };

/**
 * `auto full_rank a, b`: one Gaussian over the unconstrained values of these sites, concatenated in order, all of one scope (the checker
 * splits a statement that names both). Its parameters stand in the program's list: `location` [P] and, for mean_field, `scale`
 * (positive [P]); for full_rank, `scale` (cholesky [P]); for low_rank, `scale` (positive [P]) and `factor` (real [P, rank]).
 */
export interface AutoGroup {
  readonly kind: "auto";
  readonly family: "mean_field" | "full_rank" | "low_rank";
  readonly rank: number;
  readonly scope: "row" | "global";
  /** `dimension` = number of unconstrained coordinates, plates included. */
  readonly sites: readonly { readonly site: string; readonly dimension: number }[];
  /** Parameter names by role: location, scale, factor. */
  readonly parameters: { readonly location: string; readonly scale: string; readonly factor?: string };
  readonly origin: Span;
}

/** `marginalize k`: summed (a linear-Gaussian chain: integrated) out exactly. A chain of labels without a guide entry is, too. */
export interface Marginalized {
  readonly kind: "marginalized";
  readonly site: string;
  readonly origin: Span;
}

// ── Expressions ────────────────────────────────────────────────────────────────────────────────────────────────────

interface ExprBase {
  readonly type: Type;
  readonly origin: Span;
}

export type Expr =
  /** `written`: the expression that was computed while checking, `sqrt(0.5)`; for readers only. */
  | (ExprBase & { readonly kind: "number"; readonly value: number; readonly written?: Expr })
  /** A constant array (`const`, `ones[K]`, `[1, 2]`), row-major; `written` as above: `ones[K] / K`. */
  | (ExprBase & { readonly kind: "constant"; readonly name?: string; readonly values: readonly number[]; readonly written?: Expr })
  | (ExprBase & { readonly kind: "reference"; readonly to: Reference })
  /** The value of a loop variable, as a number. */
  | (ExprBase & { readonly kind: "loop-variable"; readonly plate: Plate })
  /**
   * `x[t + offset]` along the first axis, giving a value inside the plate; steps outside the array read as zeros. `offset` is for an array that counts
   * from 1: at loop value t the element t + offset − 1 (from 0) is read. The checker shifts it for a site whose loop begins elsewhere.
   */
  | (ExprBase & { readonly kind: "step"; readonly target: Expr; readonly plate: Plate; readonly offset: number })
  /** `x[3]`: one position of the first axis, counted from 0 here. */
  | (ExprBase & { readonly kind: "position"; readonly target: Expr; readonly at: number })
  /** `x[2..5]`: `start` counted from 0 and `length`, along the first axis. */
  | (ExprBase & { readonly kind: "slice"; readonly target: Expr; readonly start: number; readonly length: number })
  /** `table[k]` with k of an index type (0-based labels): the first axis of `target` is replaced by the shape of `index`. */
  | (ExprBase & { readonly kind: "gather"; readonly target: Expr; readonly index: Expr })
  /** A function or operator without weights; `attributes` hold its constant arguments (sizes, axes). */
  | (ExprBase & { readonly kind: "apply"; readonly function: FunctionName; readonly args: readonly Expr[]; readonly attributes: Attributes })
  /** A layer with weights (inside networks only); `parameters` by role: kernel, bias … */
  | (ExprBase & {
      readonly kind: "layer";
      readonly layer: LayerName;
      readonly args: readonly Expr[];
      readonly attributes: Attributes;
      readonly parameters: Readonly<Record<string, string>>;
    })
  /** One named output of a network call. Outputs of one call share `call` and are computed once. */
  | (ExprBase & { readonly kind: "call"; readonly call: number; readonly network: string; readonly args: readonly Expr[]; readonly output: string });

export type Attributes = Readonly<Record<string, number | string | boolean | readonly number[]>>;

export type Reference =
  | { readonly kind: "column"; readonly name: string }
  /** A latent or observed site; `whole` when read outside its plates: the plate axes stand in front as ordinary axes. */
  | { readonly kind: "site"; readonly name: string; readonly whole: boolean }
  | { readonly kind: "parameter"; readonly name: string }
  | { readonly kind: "binding"; readonly name: string; readonly whole: boolean }
  /** An input of the network whose body this is. */
  | { readonly kind: "input"; readonly name: string };

// ── Training ───────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Training {
  readonly objective: TrainingObjective;
  readonly optimizer: Optimizer;
  readonly batch: number;
  readonly epochs: number;
  /** Global-norm clipping; undefined for none. */
  readonly clip?: number;
  /** Decay of the exponential moving average of the weights that evaluation uses; undefined for none. */
  readonly ema?: number;
  readonly earlyStopping?: { readonly patience: number };
  readonly seed: number;
  /** How grey levels become `binary`: afresh at each visit with probability grey/255, or by threshold. */
  readonly binarize: { readonly kind: "fresh" } | { readonly kind: "threshold"; readonly at: number };
  /** Every how many steps the gradient of a chain keeps its states: `sqrt` for memory that grows with the root of the steps. Undefined for all. */
  readonly checkpoint?: number | "sqrt";
  /** Built-in data: `digits(8192)`. */
  readonly data?: { readonly source: string; readonly args: readonly number[]; readonly origin: Span };
  /** `observe y = 0.1`: keep this share of a partly observed column. */
  readonly observe: readonly { readonly column: string; readonly share: number }[];
  readonly origin: Span;
}

export interface TrainingObjective {
  readonly kind: "elbo" | "likelihood" | "posterior";
  /** Importance samples; 1 for the plain bound. */
  readonly samples: number;
  readonly beta: number;
  /** Least nats for each latent coordinate (Kingma et al. 2016). */
  readonly freeBits: number;
  /** β rises from 0 (linear) over this many steps; 0 for none. `cycles` > 1 repeats it within them, in steps / cycles steps each (Fu et al. 2019: T and M). */
  readonly anneal: { readonly steps: number; readonly cycles: number };
  /** Share of the gradient of a KL that goes to the prior, the rest to the guide (Hafner et al. 2021): undefined for both whole. */
  readonly balance?: number;
  /** `path`: the guide's parameters have their gradient through the draws alone, without that of log q at a fixed draw (Roeder, Wu & Duvenaud 2017). */
  readonly gradient?: "path";
  /** Of a diffusion: how the squared errors of the steps are weighed: as the bound has it, all alike (Ho et al. 2020), or by min(snr, γ) (Hang et al. 2023). */
  readonly weight?: { readonly kind: "bound" } | { readonly kind: "simple" } | { readonly kind: "min_snr"; readonly gamma: number };
  /** Of a diffusion: steps are drawn in training as often as they are expected to count, over their probabilities, instead of evenly. */
  readonly timesteps?: "importance";
  /** Of a diffusion of learnt variance whose squared errors are weighed otherwise than in the bound: the share of the bound, with means that are held, that is added to train the variance (Nichol & Dhariwal 2021). */
  readonly hybrid?: number;
  /** Farthest prediction of a chain's prior that is held against the guide (Hafner et al. 2019); 1 for none but the next step. */
  readonly overshooting?: number;
  /** Weight of log q(y | x) on observed rows of a partly observed column (Kingma et al. 2014). */
  readonly supervision: number;
  readonly constraints: readonly Constraint[];
  readonly origin: Span;
}

/** `kl(z) <= 12`, `reconstruction(x) >= -80` in nats per row; the Lagrange multiplier is learnt. */
export interface Constraint {
  readonly term: "kl" | "reconstruction";
  readonly site: string;
  readonly relation: "<=" | ">=";
  readonly bound: number;
  readonly origin: Span;
}

export interface Optimizer {
  readonly kind: "adam" | "adamw" | "sgd";
  readonly rate: Schedule;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Decoupled weight decay (adamw, sgd). */
  readonly decay: number;
  readonly momentum: number;
}

export type Schedule =
  | { readonly kind: "constant"; readonly value: number }
  /** Linear warm-up over `warmup` steps, then cosine to `end` at `steps`. */
  | { readonly kind: "cosine"; readonly value: number; readonly end: number; readonly steps: number; readonly warmup: number }
  | { readonly kind: "exponential"; readonly value: number; readonly factor: number; readonly every: number }
  | { readonly kind: "linear"; readonly value: number; readonly end: number; readonly steps: number; readonly warmup: number };

/** A checked file: its programs and what an editor wants to know. */
export interface CheckedModule {
  readonly source: SourceFile;
  readonly programs: readonly ModelProgram[];
}
