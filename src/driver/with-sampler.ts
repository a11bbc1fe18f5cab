import type { Column, ModelProgram } from "../ir/model/model.js";
import { withoutStage } from "../ir/model/stages.js";
import { knownInput, maskInput } from "../lowering/diffusion/known-part.js";
import { lowerDiffusionSample, type SamplerOptions as LoweredSamplerOptions } from "../lowering/diffusion/sample.js";
import { storedColumn } from "../lowering/lower.js";
import { sampleThrough } from "../lowering/stages/latent-stage.js";
import { firstOf } from "../lowering/stages/second-stage.js";
import { classifierOf } from "./classifier.js";
import type { CompiledModel } from "./compile.js";

/** How a diffusion is sampled; `classifier`: a second stage of its datum with noise (`classifierProblem` says whether it is one), and how strongly it draws samples to labels. */
export interface SamplerOptions extends Omit<LoweredSamplerOptions, "classifier"> {
  readonly classifier?: { readonly compiled: CompiledModel; readonly strength: number };
}

export { knownInput, maskInput } from "../lowering/diffusion/known-part.js";

/**
 * The same model, whose program `sample` goes from noise to data in another way; undefined where it is no diffusion. With `known` elements it has two inputs more, which name them and say
 * which they are: it is for sampling alone then. With a classifier its parameters stand beside the others as `<its name>.<parameter>`, and its other columns are inputs.
 */
export function withSampler(compiled: CompiledModel, { classifier, ...options }: SamplerOptions): CompiledModel | undefined {
  const { diffusion } = compiled.program;
  if (!diffusion) return undefined;
  const given = options.known ? withKnownInputs(compiled.program) : compiled.program;
  const guide = classifier && classifierOf(classifier.compiled);
  const program = guide ? { ...given, columns: [...given.columns, ...guide.inputs.filter(({ name }) => !given.columns.some((column) => column.name === name))] } : given;
  const lowered = guide ? { ...compiled.lowered, parameters: [...compiled.lowered.parameters, ...guide.parameters] } : compiled.lowered;
  const { stage } = program;
  const own = lowerDiffusionSample(withoutStage(program), diffusion, { ...options, ...(guide ? { classifier: { ...guide.classifier, strength: classifier!.strength } } : {}) });
  const sample = stage?.kind === "latent" ? sampleThrough(stage, own, firstOf(compiled.evaluation)) : own;
  return { ...compiled, program, lowered: { ...lowered, program, columns: program.columns.map(storedColumn), programs: { ...lowered.programs, sample } } };
}

function withKnownInputs(program: ModelProgram): ModelProgram {
  const datum = program.columns.find(({ name }) => name === program.diffusion?.name);
  if (!datum) return program;
  const input = { ...datum, role: "input" as const };
  const mask: Column = { ...input, name: maskInput(datum.name), type: { ...datum.type, support: { kind: "binary" } } };
  return { ...program, columns: [...program.columns, { ...input, name: knownInput(datum.name) }, mask] };
}
