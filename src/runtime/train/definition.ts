import type { ColumnSpec, ColumnSupport } from "../data/index.js";
import type { OptimizerPlan } from "./optimizer-plan.js";

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
  /** Of a stage before: it has no average of its own. */
  readonly frozen?: true;
  /** Where its values lie on the scale of the model file; absent for all real numbers. */
  readonly support?: ColumnSupport;
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

/** What the run time knows of a model whatever computes it. */
export interface ModelTables {
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
  /** Draws of one run of the program of importance weights. */
  readonly importanceSamples: number;
  /** Rows of one such run for which its largest tensor stays small. */
  readonly importanceRows?: number;
  /** The same of one run of the evaluation. */
  readonly evaluationRows?: number;
}

/** Programs over the rows of data, by the question that each answers. */
export type RowProgram = "evaluate" | "importance" | "sample" | "infer" | "reconstruct" | "belief" | "rollout" | "imagine";

export function isPerRow(parameter: ParameterPlan): boolean {
  return parameter.shape.includes("dataset");
}

export function hasPerRow(tables: ModelTables): boolean {
  return tables.parameters.some(isPerRow);
}

/** The shape of a stored parameter for a number of rows. */
export function boundShape(parameter: ParameterPlan, dataset: number | undefined): number[] {
  return parameter.shape.map((dim) => (dim === "dataset" ? (dataset ?? 0) : dim));
}
