import { lineOf } from "../diagnostics/span.js";
import type { LoweredModel, StoredParameter } from "../ir/lowered-model.js";
import type { ModelProgram } from "../ir/model/model.js";
import type { Objective } from "../ir/objective/objective.js";
import { dims } from "../types/type.js";
import { storedParameter } from "./parameters.js";
import { lowerEvaluate } from "./programs/evaluate.js";
import { lowerImportance } from "./programs/importance.js";
import { lowerInfer } from "./programs/infer.js";
import { lowerReconstruct } from "./programs/reconstruct.js";
import { lowerSample } from "./programs/sample.js";
import { lowerTrain, multiplierName } from "./programs/train.js";

/** Importance samples per call of the importance program: enough to amortize the call, few enough for memory. */
const IMPORTANCE_SAMPLES = 50;

/** The tensor programs of a checked model: model IR and objective IR → tensor IR. */
export function lower(program: ModelProgram, training: Objective, evaluation: Objective): LoweredModel {
  const latent = program.model.some((step) => step.kind === "site" && (step.role === "latent" || step.partlyObserved));
  // A point has no density to divide by: importance weights would be of another measure than the model's.
  const hasDensities = !evaluation.latents.some(({ estimator }) => estimator === "deterministic");
  return {
    program,
    training,
    evaluation,
    parameters: [...program.parameters.map(storedParameter), ...multipliers(training)],
    columns: program.columns.map(({ name, type }) => ({ name, dtype: type.support.kind === "index" ? "i32" : "f32", shape: dims(type) })),
    programs: {
      train: lowerTrain(program, training),
      evaluate: lowerEvaluate(program, evaluation),
      importance: latent && evaluation.bound === "elbo" && hasDensities ? lowerImportance(program, evaluation, IMPORTANCE_SAMPLES) : undefined,
      importanceSamples: IMPORTANCE_SAMPLES,
      sample: lowerSample(program, evaluation),
      infer: latent ? lowerInfer(program, evaluation) : undefined,
      reconstruct: lowerReconstruct(program, evaluation),
    },
  };
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
