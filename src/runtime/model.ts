/**
 * The interface of every emitted module: plain data in and out, so that programs keep it whatever computes underneath. A module narrows the type
 * parameters to its model's own names and shapes.
 */

import type { CrossEntropyOptions } from "./planning/cross-entropy.js";
import type { History, LatentModel } from "./planning/latent-model.js";
import type { PlanningColumns } from "./planning/latent-rows.js";
import type { Planned } from "./planning/planner.js";

/** A column of plain numbers, row after row. */
export interface Column<Shape extends readonly number[] = readonly number[]> {
  readonly rows: number;
  /** rows × shape. Bytes are grey levels or small integers; labels and counts may be Int32Array. A missing value is NaN, or −1 in an Int32Array. */
  readonly values: Float32Array | Int32Array | Uint8Array;
  /** Of one row: [] for a number, [28, 28] for an image. */
  readonly shape: Shape;
}

/** A value that belongs to no row: a global latent. */
export interface Value<Shape extends readonly number[] = readonly number[]> {
  readonly values: Float32Array | Int32Array;
  readonly shape: Shape;
}

export type Columns = { readonly [name: string]: Column | undefined };
export type Outputs = { readonly [name: string]: Column | Value };

export interface CreateOptions {
  /** Of a module of kernels `native`, `wasm` or `webgpu`, by default `native` where there is a C compiler, and in pages `webgpu` where there is a GPU; of one on TensorFlow.js `tfjs-node-gpu`, `tfjs-node`, `tfjs-webgpu`, `tfjs-wasm`, `tfjs-cpu`, by default the first that is installed. */
  readonly device?: string;
  /** On TensorFlow.js in browsers: the folder (URL) of the .wasm files of @tensorflow/tfjs-backend-wasm. */
  readonly wasmPaths?: string;
  /** Everything random follows from it. Default: the model file's. */
  readonly seed?: number;
}

/** A trained (or fresh) model on a device. */
export interface Model<Data = Columns, Term extends string = string, Sample = Outputs, Inference = Outputs, Reconstruction = Outputs> {
  readonly description: ModelDescription;
  /** What computes: `wasm`. */
  readonly device: string;
  /** The position of the run: steps done so far. */
  readonly step: number;
  /**
   * Trains and yields after each step. Metrics are read from the device every few steps only; between, the last ones are repeated.
   * @throws LvmError LVM702x where the data does not fit the model, LVM7101 where the loss is not finite
   */
  train(data: Data, options?: TrainOptions<Data>): AsyncGenerator<TrainStep<Term>, TrainResult<Term>, void>;
  /** The evaluation objective (no annealing, no free bits, β = 1) over all the rows given, in nats per row. */
  evaluate(data: Data, options?: EvaluateOptions): Promise<Evaluation<Term>>;
  /** Ancestral draws of `rows` rows; each call draws anew. */
  sample(rows: number, options?: SampleOptions<Data>): Promise<Sample>;
  /** What the guide says about the latents of each row. */
  infer(data: Data, options?: DrawOptions): Promise<Inference>;
  /** Draws from the guide through the likelihood. */
  reconstruct(data: Data, options?: DrawOptions): Promise<Reconstruction>;
  /**
   * The best actions from here on that the model can think of, by the cross-entropy method in latent space, for models with a chain of states and actions.
   * @throws LvmError LVM7110 where no plan has a finite reward, LVM7111 where the model is not made for planning
   */
  plan(history: History, options: PlanOptions): Promise<Planned>;
  /** What `plan` thinks with: the belief about the present, and what follows from it. @throws LvmError LVM7111 */
  latentModel(columns: PlanningColumns): LatentModel;
  /** Everything that a run continues from, as safetensors. */
  save(): Promise<Uint8Array>;
  /** @throws LvmError LVM7102 for a checkpoint of another model, naming what differs; LVM7103 for one that cannot be read */
  load(bytes: Uint8Array): Promise<LoadReport>;
  /** The parameters by their names in checkpoints: as they are stored, on the unconstrained scale, or on the scale of the model file. */
  parameters(options?: ParameterOptions): Promise<Readonly<Record<string, Value>>>;
  /** Frees the device's memory; the model cannot be used afterwards. */
  dispose(): void;
}

export interface PlanOptions extends PlanningColumns, Partial<CrossEntropyOptions> {
  /** Bounds of each number of an action. */
  readonly low: number;
  readonly high: number;
  /** Everything random follows from it. Default 0. */
  readonly seed?: number;
  /** `actions` of the plan of the step before: the search begins there. */
  readonly before?: Float32Array;
}

export interface ParameterOptions {
  /** A `positive` parameter as a positive number, a `simplex` as shares …, instead of what is stored. Running statistics and weights are the same on both scales. */
  readonly constrained?: boolean;
}

export interface LoadReport extends RunPosition {
  /** False when the model's text has changed since, though its parameters fit. */
  readonly sameSource: boolean;
  /** The best validation bound so far and its step, where there was an evaluation. */
  readonly best?: { readonly step: number; readonly elbo: number };
}

export interface ModelDescription {
  readonly name: string;
  /** Of the model's source text: part of checkpoints. */
  readonly hash: string;
  readonly source: string;
  readonly parameters: readonly { readonly name: string; readonly shape: readonly (number | "dataset")[]; readonly trainable: boolean; readonly line: number }[];
  /** Without those of a stage before. */
  readonly parameterCount: number;
  readonly columns: readonly { readonly name: string; readonly shape: readonly number[]; readonly role: "observed" | "input" }[];
  readonly terms: readonly { readonly name: string; readonly line: number }[];
  readonly training: { readonly epochs: number; readonly batch: number; readonly seed: number };
}

export interface TrainOptions<Data = Columns> {
  /** Default: the model file's. Counted from the start of the run, also when it is resumed. */
  readonly epochs?: number;
  /** Stops after this many steps of the run, whatever the epochs. */
  readonly steps?: number;
  readonly batch?: number;
  /** Instead of the schedule's value; its shape is kept. */
  readonly learningRate?: number;
  /** Steps between two readings of the metrics; default 10. */
  readonly metricsEvery?: number;
  /** Steps between two yields; default 1. An epoch of several steps ends with a yield as well, and so does what is evaluated or saved. Engines that run many steps at a time are faster then. */
  readonly yieldEvery?: number;
  /** Evaluated after each `evaluateEvery` epochs, and what early stopping watches. */
  readonly validation?: Data;
  /** For models with parameters per row: steps that fit those of the validation rows at each evaluation, everything else frozen; default 200. */
  readonly refitSteps?: number;
  readonly evaluateEvery?: number;
  readonly signal?: AbortSignal;
  /** Called with the model's bytes every `checkpointEvery` steps (never with a state that is not finite). */
  readonly onCheckpoint?: (bytes: Uint8Array, position: RunPosition) => void | Promise<void>;
  readonly checkpointEvery?: number;
}

export interface RunPosition {
  readonly step: number;
  readonly epoch: number;
}

export interface TrainStep<Term extends string = string> {
  /** Steps done, this one included. */
  readonly step: number;
  readonly epoch: number;
  readonly stepsPerEpoch: number;
  readonly metrics: Metrics<Term>;
  /** Whether `metrics` were read after this step. */
  readonly fresh: boolean;
  /** After an epoch in which the validation data was evaluated. */
  readonly validation?: Evaluation<Term>;
  /** With `validation`: whether its bound is the highest so far, over the whole run, resumed or not. */
  readonly improved?: boolean;
}

export interface Metrics<Term extends string = string> {
  readonly loss: number;
  /** Nats per row, without β, annealing and free bits. */
  readonly elbo: number;
  readonly terms: Readonly<Record<Term, number>>;
  readonly learningRate: number;
  /** Global norm of the gradient before it was clipped; absent where nothing clips. */
  readonly gradientNorm?: number;
  readonly constraints?: Readonly<Record<string, { readonly value: number; readonly multiplier: number }>>;
}

export interface TrainResult<Term extends string = string> {
  readonly reason: "finished" | "aborted" | "early-stopping";
  readonly step: number;
  readonly metrics: Metrics<Term>;
}

export interface EvaluateOptions {
  /** Importance samples for each row for the log evidence; 0 (the default) for none. */
  readonly evidenceSamples?: number;
  /** Rows per pass; does not change the result but for rounding. */
  readonly batch?: number;
  /**
   * For models with parameters per row: steps that fit those of new rows, everything else frozen. Without it, as many rows as were trained on are taken for
   * the training rows, and another number of rows is refused (LVM7104).
   */
  readonly refitSteps?: number;
  readonly signal?: AbortSignal;
}

export interface Evaluation<Term extends string = string> {
  readonly rows: number;
  /** Nats per row. */
  readonly elbo: number;
  readonly terms: Readonly<Record<Term, number>>;
  /** KL of each latent's coordinates, mean over rows, in nats: one number where the guide or the prior binds them jointly (MultivariateNormal, Dirichlet). */
  readonly coordinates: Readonly<Record<string, readonly number[]>>;
  /**
   * By row latent: coordinates whose posterior mean varies between rows with a variance above 0.01 (Burda et al. 2015), or, without a mean, whose KL is above
   * 0.01 nats. Absent where the guide has neither a mean nor a KL by coordinate.
   */
  readonly activeUnits: Readonly<Record<string, number>>;
  /** Of how many coordinates `activeUnits` tells. */
  readonly units?: Readonly<Record<string, number>>;
  /** Share of rows whose most probable label is the observed one. */
  readonly accuracy: Readonly<Record<string, number>>;
  /** log p(x) per row by importance sampling: a lower bound in the mean, tight for many samples. */
  readonly logEvidence?: number;
  readonly evidenceSamples?: number;
}

export interface DrawOptions {
  /** Another stream of draws; by default each call takes the next. */
  readonly draw?: number;
}

export interface SampleOptions<Data = Columns> extends DrawOptions {
  /** Values of the input columns that the model is conditioned on; their rows are repeated as often as needed. */
  readonly inputs?: Partial<Data>;
  /** Rows in one pass, 256 by default; what is drawn does not depend on it. An emitted module's kernels have the rows that they were compiled for. */
  readonly batch?: number;
  /** Called after each pass with the rows that are done. */
  readonly onProgress?: (rows: number) => void;
  readonly signal?: AbortSignal;
}
