import type * as tf from "@tensorflow/tfjs-core";
import type { ColumnSpec } from "../data/index.js";
import type { OptimizerPlan } from "../train/optimizer-plan.js";
import type { Draws } from "./draws.js";

/** What each function of an emitted module may take; it names what it needs. Shapes stand in the module's own types. */
export interface ProgramInputs<Weights, Tensors, Scalars = Record<never, tf.Scalar>> {
  readonly w: Weights;
  /** Columns of one batch, [rows, …shape]. */
  readonly data: Tensors;
  /** Draws by named stream. */
  readonly random: Draws;
  /** Rows of the batch, and of the whole data set. */
  readonly rows: number;
  readonly dataset: number;
  /** The position of each row in the data set. */
  readonly rowIndex: tf.Tensor1D;
  /** What changes by step: the annealing weight, multipliers of constraints. */
  readonly scalars: Scalars;
}

export type TensorOutputs = { readonly [name: string]: tf.Tensor };
export type Program<Weights, Tensors, Scalars> = (inputs: ProgramInputs<Weights, Tensors, Scalars>) => TensorOutputs;

export type InitializerPlan =
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "values"; readonly values: readonly number[] }
  | { readonly kind: "uniform"; readonly low: number; readonly high: number }
  | { readonly kind: "normal"; readonly mean: number; readonly scale: number }
  | { readonly kind: "lecun_uniform"; readonly fanIn: number }
  | { readonly kind: "he_normal"; readonly fanIn: number }
  | { readonly kind: "identity" };

export interface ParameterPlan {
  readonly name: string;
  /** On the unconstrained scale. */
  readonly shape: readonly (number | "dataset")[];
  readonly init: InitializerPlan;
  /** False for running statistics, which steps replace instead of descending. */
  readonly trainable: boolean;
  /** Line of the model file. */
  readonly line: number;
}

export interface ColumnPlan extends ColumnSpec {
  readonly dtype: "f32" | "i32";
}

export interface ConstraintPlan {
  readonly name: string;
  readonly relation: "<=" | ">=";
  readonly bound: number;
  readonly line: number;
}

export interface TrainingPlan {
  readonly optimizer: OptimizerPlan;
  readonly batch: number;
  readonly epochs: number;
  readonly seed: number;
  readonly clip?: number;
  readonly ema?: number;
  readonly patience?: number;
  readonly anneal: { readonly steps: number; readonly cycles: number };
  readonly binarize: { readonly kind: "fresh" } | { readonly kind: "threshold"; readonly at: number };
}

/** A compiled model: its tables, and its functions on tensors. */
export interface Definition<Weights, Tensors, Scalars = Record<never, tf.Scalar>> {
  readonly name: string;
  readonly source: string;
  readonly hash: string;
  readonly parameters: readonly ParameterPlan[];
  readonly columns: readonly ColumnPlan[];
  readonly terms: readonly { readonly name: string; readonly line: number }[];
  readonly constraints: readonly ConstraintPlan[];
  readonly training: TrainingPlan;
  /** Outputs of the programs that draw which have no rows: what concerns global latents. */
  readonly sharedOutputs: readonly string[];
  readonly trainObjective: Program<Weights, Tensors, Scalars>;
  readonly evaluateRows: Program<Weights, Tensors, Scalars>;
  readonly importanceWeights?: Program<Weights, Tensors, Scalars>;
  readonly importanceSamples: number;
  readonly sampleRows: Program<Weights, Tensors, Scalars>;
  readonly inferRows?: Program<Weights, Tensors, Scalars>;
  readonly reconstructRows?: Program<Weights, Tensors, Scalars>;
}
