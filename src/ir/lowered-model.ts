import type { Initializer, ModelProgram } from "./model/model.js";
import type { Objective } from "./objective/objective.js";
import type { DType, Shape, TensorProgram } from "./tensor/nodes.js";

/**
 * A model as tensor programs: what every target is emitted from. Inputs of the programs by role: `parameter` (its stored, unconstrained
 * value), `column` ([rows, …shape]), `row-index` (i32 [rows], present when some parameter is per row), `scalar` (`anneal`, 0…1).
 */
export interface LoweredModel {
  readonly program: ModelProgram;
  readonly training: Objective;
  readonly evaluation: Objective;
  readonly parameters: readonly StoredParameter[];
  readonly columns: readonly StoredColumn[];
  readonly programs: LoweredPrograms;
}

export interface LoweredPrograms {
  /**
   * One training step's objective. Outputs: `loss` (scalar; its gradient is the one to descend, its value may be a surrogate's),
   * `elbo` (scalar: the bound in nats per row without β, annealing, free bits), `term.<name>` (scalar: mean nats per row of each term,
   * unweighted), `constraint.<name>` (scalar: what is bounded), `state.<parameter>` (new value of a parameter that is not trainable).
   */
  readonly train: TensorProgram;
  /**
   * Outputs: `elbo` [rows] (global terms divided by the rows of the data set are added to each row), `row.<term>` [rows], `global.<term>` []
   * (for the whole data set), `coordinates.<site>` [rows, …] KL of each latent coordinate, `accuracy.<site>` [rows] for labels.
   */
  readonly evaluate: TensorProgram;
  /**
   * Importance weights: `log_weight` [S, rows]; with global latents also `log_weight_global` [S] (the same draws for the same random key,
   * whatever the batch). S is `importanceSamples`. Undefined where the model has no latent, or the guide of one is a point
   * (`Delta`), which has no density.
   */
  readonly importance?: TensorProgram;
  readonly importanceSamples: number;
  /** Rows in one run of that program for which its largest tensor stays within 16 MB. */
  readonly importanceRows: number;
  /** Rows in one run of `evaluate` for which its largest tensor stays within 64 MB; undefined where any usual number does. */
  readonly evaluationRows?: number;
  /** Ancestral sampling of `rows` rows from the model (global latents from the guide): `<site>` draws, and `mean.<column>` where it exists. */
  readonly sample: TensorProgram;
  /**
   * The guide given all columns: for each row latent `<site>` (a draw) and, where it exists, `mean.<site>`; `probs.<site>` [rows, K] for summed sites; global latents likewise without rows.
   * Of chains that are summed out, the exact posterior: `probs.<site>` [rows, T, K] of labels with a path drawn (`<site>`) and the most probable one (`mode.<site>`); `mean.<site>`, `scale.<site>` (standard
   * deviations), `covariance.<site>` [rows, T, n, n] where a step has several elements, and a draw (`<site>`) of linear Gaussian ones.
   */
  readonly infer?: TensorProgram;
  /**
   * Of models of whose future one can imagine (`chains/states.ts`): the states at the present step, `state.<name>` [rows, steps back, …], of which `present` (i32 [rows]) says which it
   * is; and from such states, as columns, the means of observed columns at all steps from the present one on: of those that are one number a step (`rollout`), and of all (`imagine`).
   */
  readonly belief?: TensorProgram;
  readonly rollout?: TensorProgram;
  readonly imagine?: TensorProgram;
  /** Draws from the guide through the likelihood: `mean.<column>`, or `<column>` where the mean does not exist. */
  readonly reconstruct?: TensorProgram;
}

export interface StoredParameter {
  readonly name: string;
  /** Stored shape, on the unconstrained scale; the first axis is "dataset" for parameters with one value per row. */
  readonly shape: Shape;
  /** On the unconstrained scale. */
  readonly init: Initializer;
  readonly trainable: boolean;
  /** Of a stage before: as it is, whatever is trained, averages included. */
  readonly frozen?: true;
  /** Line of the model file, for messages. */
  readonly line: number;
}

export interface StoredColumn {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}
