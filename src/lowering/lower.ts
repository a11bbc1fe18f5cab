import { lineOf } from "../diagnostics/span.js";
import type { LoweredModel, StoredColumn, StoredParameter } from "../ir/lowered-model.js";
import type { Column, ModelProgram } from "../ir/model/model.js";
import type { Objective } from "../ir/objective/objective.js";
import type { TensorProgram } from "../ir/tensor/nodes.js";
import { dims } from "../types/type.js";
import { lowerDiffusion } from "./diffusion/lower-diffusion.js";
import { lowerSecondStage } from "./stages/second-stage.js";
import { storedParameter } from "./parameters.js";
import { modelStates } from "./chains/states.js";
import { lowerBelief } from "./programs/belief.js";
import { lowerEvaluate } from "./programs/evaluate.js";
import { lowerImportance } from "./programs/importance.js";
import { lowerInfer } from "./programs/infer.js";
import { lowerReconstruct } from "./programs/reconstruct.js";
import { lowerRollout } from "./programs/rollout.js";
import { lowerSample } from "./programs/sample.js";
import { lowerTrain, multiplierName } from "./programs/train.js";

/** Importance samples per call of the importance program: enough to amortize the call, few enough for memory. */
const IMPORTANCE_SAMPLES = 50;

/** Numbers in the largest tensor of one call: 16 MB in float32, of which a device holds many. */
const IMPORTANCE_ELEMENTS = 2 ** 22;

/** 64 MB in float32. */
const EVALUATION_ELEMENTS = 2 ** 24;

/** Rows of any program in one run. */
const mostRows = 256;

/** The tensor programs of a checked model: model IR and objective IR → tensor IR. */
export function lower(program: ModelProgram, training: Objective, evaluation: Objective): LoweredModel {
  if (program.stage) return { ...lowerSecondStage(program, program.stage, training, evaluation, lower), columns: program.columns.map(storedColumn) };
  if (program.diffusion) {
    const programs = lowerDiffusion(program, program.diffusion);
    // Each row is evaluated at several steps at once, by a network that may be large.
    const evaluationRows = rowsWithin(programs.evaluate, EVALUATION_ELEMENTS);
    return {
      program, training, evaluation, parameters: program.parameters.map(storedParameter), columns: program.columns.map(storedColumn),
      programs: { ...programs, importanceSamples: IMPORTANCE_SAMPLES, importanceRows: 1, ...(evaluationRows < mostRows ? { evaluationRows } : {}) },
    };
  }
  const latent = program.model.some((step) => step.kind === "site" && (step.role === "latent" || step.partlyObserved));
  // A point has no density to divide by: importance weights would be of another measure than the model's.
  const hasDensities = !evaluation.latents.some(({ estimator }) => estimator === "deterministic");
  const importance = latent && evaluation.bound === "elbo" && hasDensities ? lowerImportance(program, evaluation, IMPORTANCE_SAMPLES) : undefined;
  // A state that is summed out has no draw that only the past decides: the guide's posterior of it reads all columns.
  const states = latent && !program.guide.some(({ kind }) => kind === "marginalized") ? modelStates(program) : undefined;
  return {
    program,
    training,
    evaluation,
    parameters: [...program.parameters.map(storedParameter), ...multipliers(training)],
    columns: program.columns.map(storedColumn),
    programs: {
      train: lowerTrain(program, training),
      evaluate: lowerEvaluate(program, evaluation),
      importance,
      importanceSamples: IMPORTANCE_SAMPLES,
      importanceRows: importance ? rowsWithin(importance, IMPORTANCE_ELEMENTS) : 1,
      sample: lowerSample(program, evaluation),
      infer: latent ? lowerInfer(program, evaluation) : undefined,
      reconstruct: lowerReconstruct(program, evaluation),
      ...(states ? { belief: lowerBelief(program, evaluation, states), rollout: lowerRollout(program, evaluation, states, "rollout"), imagine: lowerRollout(program, evaluation, states, "imagine") } : {}),
    },
  };
}

export function storedColumn({ name, type }: Column): StoredColumn {
  return { name, dtype: type.support.kind === "index" ? "i32" : "f32", shape: dims(type) };
}

/** Rows for which no tensor of a program has more numbers than `most`; at least one, at most 256. */
function rowsWithin(program: TensorProgram, most: number): number {
  const perRow = program.nodes.filter(({ shape }) => shape.includes("rows")).map(({ shape }) => shape.reduce<number>((product, dim) => (typeof dim === "number" ? product * dim : product), 1));
  return Math.max(1, Math.min(mostRows, Math.floor(most / Math.max(1, ...perRow))));
}

/** One learnt Lagrange multiplier for each constraint; λ starts at 1. */
function multipliers(objective: Objective): StoredParameter[] {
  return objective.constraints.map((constraint) => ({
    name: multiplierName(constraint.name),
    shape: [],
    init: { kind: "constant", value: 0 },
    trainable: true,
    line: lineOf(constraint.origin),
  }));
}
