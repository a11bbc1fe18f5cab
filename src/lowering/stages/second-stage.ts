import type { LoweredModel, LoweredPrograms } from "../../ir/lowered-model.js";
import type { ModelProgram, Stage } from "../../ir/model/model.js";
import { frozenParameters, withoutStage } from "../../ir/model/stages.js";
import type { Objective } from "../../ir/objective/objective.js";
import { TensorBuilder } from "../../ir/tensor/builder.js";
import type { TensorProgram } from "../../ir/tensor/nodes.js";
import { InternalError } from "../../util/internal-error.js";
import { storedParameter } from "../parameters.js";
import { streamsOf, within } from "./compose.js";
import { latentPrograms } from "./latent-stage.js";
import { lowerNoise } from "./noise.js";

/** Lowers a model alone, of no stage. */
export type LowerAlone = (program: ModelProgram, training: Objective, evaluation: Objective) => LoweredModel;

/**
 * The programs of a second stage are those of its own model with what the first makes of the data in place of its columns: so the latents of a row, or its noise, are drawn within each step,
 * and what is sampled goes on through the first stage's likelihood. The first stage's parameters are inputs among the others, and stay as they are.
 */
export function lowerSecondStage(program: ModelProgram, stage: Stage, training: Objective, evaluation: Objective, lowerAlone: LowerAlone): LoweredModel {
  const own = lowerAlone(withoutStage(program), ownTerms(training), ownTerms(evaluation));
  const programs = stage.kind === "noised" ? noisedPrograms(stage, own) : latentPrograms(stage, own.programs, firstOf(evaluation), evaluation.terms.filter(({ frozen, kind }) => frozen && kind !== "rescaling"));
  return {
    ...own, program, training, evaluation, programs,
    parameters: [...own.parameters, ...frozenParameters(program).map((parameter) => ({ ...storedParameter(parameter), frozen: true as const }))],
  };
}

function ownTerms(objective: Objective): Objective {
  return { ...objective, terms: objective.terms.filter(({ frozen }) => !frozen) };
}

/** How the first stage is evaluated. */
export function firstOf({ first, model }: Objective): Objective {
  if (!first) throw new InternalError(`${model} has no first stage`);
  return first;
}

function noisedPrograms(stage: Extract<Stage, { readonly kind: "noised" }>, { programs }: LoweredModel): LoweredPrograms {
  const noised = (program: TensorProgram): TensorProgram => {
    const b = new TensorBuilder();
    const noise = within(b, lowerNoise(stage, streamsOf(program.name, stage)), {}, stage.model);
    return b.program(program.name, within(b, program, noise));
  };
  const { train, evaluate, sample, importance, infer, reconstruct } = programs;
  return {
    ...programs, train: noised(train), evaluate: noised(evaluate), sample: noised(sample), importance: importance && noised(importance), infer: infer && noised(infer), reconstruct: reconstruct && noised(reconstruct),
    belief: undefined, rollout: undefined, imagine: undefined,
  };
}
