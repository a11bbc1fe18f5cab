import type * as tf from "@tensorflow/tfjs-core";
import type { ModelTables } from "../train/definition.js";
import type { Draws } from "./draws.js";

export type { ColumnPlan, ConstraintPlan, InitializerPlan, ParameterPlan, TrainingPlan } from "../train/definition.js";

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

/** A compiled model: its tables, and its functions on tensors. */
export interface Definition<Weights, Tensors, Scalars = Record<never, tf.Scalar>> extends ModelTables {
  readonly trainObjective: Program<Weights, Tensors, Scalars>;
  readonly evaluateRows: Program<Weights, Tensors, Scalars>;
  readonly importanceWeights?: Program<Weights, Tensors, Scalars>;
  readonly sampleRows: Program<Weights, Tensors, Scalars>;
  readonly inferRows?: Program<Weights, Tensors, Scalars>;
  readonly reconstructRows?: Program<Weights, Tensors, Scalars>;
}
