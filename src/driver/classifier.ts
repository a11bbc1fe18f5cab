import { isContinuous, type Column, type ModelProgram } from "../ir/model/model.js";
import { frozenName, withoutStage } from "../ir/model/stages.js";
import type { StoredParameter } from "../ir/lowered-model.js";
import type { Classifier } from "../lowering/diffusion/classifier-gradient.js";
import { lower } from "../lowering/lower.js";
import { deriveObjective } from "../objectives/derive.js";
import { InternalError } from "../util/internal-error.js";
import type { CompiledModel } from "./compile.js";

/** Why a model cannot guide the samples of a diffusion; undefined where it can. */
export function classifierProblem(diffusion: ModelProgram, classifier: ModelProgram): string | undefined {
  const { stage } = classifier;
  const own = diffusion.diffusion;
  if (!own) return `${diffusion.name} is no diffusion`;
  if (stage?.kind !== "noised") return `${classifier.name} was not trained on the noised datum of a diffusion`;
  const other = stage.model.diffusion!;
  if (stage.model.name !== diffusion.name) return `${classifier.name} was trained on ${stage.model.name}, not on ${diffusion.name}`;
  const chain = ({ diffusion: each }: ModelProgram): string => (!each || isContinuous(each) ? "" : JSON.stringify(each.time.forward));
  if (chain(diffusion) !== chain(stage.model) || other.bytes !== own.bytes) return `${classifier.name} was trained on another chain of ${diffusion.name}: its noise is not that of the samples`;
  if (deriveObjective(withoutStage(classifier), "evaluation").bound !== "likelihood") return `${classifier.name} has latents, so its log density is not known exactly`;
  return undefined;
}

/** A second stage of a diffusion's datum with noise as a sampler wants it: its density alone, its parameters under the names that they have beside the diffusion's, and what it reads beside the state. */
export function classifierOf({ program }: CompiledModel): { readonly classifier: Omit<Classifier, "strength">; readonly parameters: readonly StoredParameter[]; readonly inputs: readonly Column[] } {
  const { stage } = program;
  if (stage?.kind !== "noised") throw new InternalError(`${program.name} is no classifier of noised data`);
  const alone = withoutStage(program);
  const { programs, parameters } = lower(alone, deriveObjective(alone, "training"), deriveObjective(alone, "evaluation"));
  return {
    classifier: { program, evaluate: programs.evaluate, site: stage.site, ...(stage.step === undefined ? {} : { step: stage.step }) },
    parameters: parameters.map((parameter) => ({ ...parameter, name: frozenName(program, parameter.name), trainable: false, frozen: true })),
    inputs: alone.columns.filter(({ name }) => name !== stage.site && name !== stage.step).map((column) => ({ ...column, role: "input" })),
  };
}
