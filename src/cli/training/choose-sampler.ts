import type { CompiledModel } from "../../driver/compile.js";
import { continuousStrides, type SamplerName, type Spacing } from "../../driver/sampler-names.js";
import { UsageError } from "../errors.js";

/** How a diffusion goes from noise to data. */
export interface SamplerChoice {
  readonly sampler?: SamplerName;
  readonly steps?: number;
  readonly eta?: number;
  readonly spacing?: Spacing;
  readonly guidance?: number;
}

/** As Lugmayr et al. 2022 do: of what is drawn with each step done once, the unknown part agrees badly with the known one. */
const usualRepeats = 10;

/** What is asked of single samples. */
export interface MomentsChoice {
  /** Moments from noise to the datum that a picture shows. */
  readonly strip?: number;
  /** Whether a part of the datum is known. */
  readonly known?: boolean;
  /** How often each step is done. */
  readonly resample?: number;
  /** Draws samples to labels, as strongly as `guidance` says. */
  readonly classifier?: CompiledModel;
}

/** The model with the sampler that is asked for, or as it is. @throws UsageError where the model has no such choice */
export async function chooseSampler(compiled: CompiledModel, { sampler, steps, eta, spacing, guidance }: SamplerChoice, { strip, known, resample, classifier }: MomentsChoice = {}): Promise<CompiledModel> {
  const given = Object.entries({ sampler, steps, eta, spacing, guidance, strip, known: known || undefined, resample, classifier }).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`]));
  if (given.length === 0) return compiled;
  const { program } = compiled;
  const { name, diffusion } = program;
  if (!diffusion) throw new UsageError(`${given.join(", ")}: ${name} is no diffusion, it draws without a sampler`, `leave ${given.length > 1 ? "them" : "it"} out`);
  if (program.stage && (strip !== undefined || known)) throw new UsageError(`--${strip === undefined ? "known" : "strip"}: the states of ${name} are latents of ${program.stage.model.name}, not data`, "leave it out");
  const T = diffusion.time.kind === "continuous" ? continuousStrides : diffusion.time.plate.size;
  if (steps !== undefined && steps > T && diffusion.time.kind === "discrete") throw new UsageError(`--steps ${steps}: the chain of ${name} has ${T} steps`, `from 1 to ${T}`);
  if (eta !== undefined && sampler !== "ddim") throw new UsageError(`--eta ${eta}: only ddim has noise that can be chosen`, "add --sampler ddim, or leave --eta out");
  if (strip !== undefined && strip > (steps ?? T) + 1) throw new UsageError(`--strip ${strip}: ${steps ?? T} steps have ${(steps ?? T) + 1} moments`, `from 2 to ${(steps ?? T) + 1}`);
  if (resample !== undefined && !known) throw new UsageError(`--resample ${resample}: it repeats steps where a part is known`, "add --known FILE, or leave --resample out");
  if (guidance !== undefined && guidance !== 1 && !classifier) checkGuidance(program, guidance);
  const [{ withSampler }, { classifierProblem }] = await Promise.all([import("../../driver/with-sampler.js"), import("../../driver/classifier.js")]);
  const problem = classifier && classifierProblem(program, classifier.program);
  if (problem !== undefined) throw new UsageError(`--classifier: ${problem}`, `train one on the datum with noise: \`train side on ${name}.${diffusion.name} { … }\``);
  // With a classifier `--guidance` is its strength.
  const strength = classifier ? { classifier: { compiled: classifier, strength: guidance ?? 1 } } : { guidance };
  return withSampler(compiled, { sampler, steps, eta, spacing, ...strength, moments: strip, known, ...(known ? { repeats: resample ?? usualRepeats } : {}) }) ?? compiled;
}

/** Guidance goes from the model without its conditions to the model with them: it must have learnt both. */
function checkGuidance({ name, columns }: CompiledModel["program"], guidance: number): void {
  if (columns.some(({ dropout }) => dropout !== undefined)) return;
  const inputs = columns.filter(({ role }) => role === "input");
  const why = inputs.length === 0 ? "has no conditions, and guidance is towards one" : "has never been without its conditions, and guidance leads away from the model without them";
  const column = inputs[0]?.name ?? "label";
  throw new UsageError(`--guidance ${guidance}: ${name} ${why}`, `declare \`${column}: … dropout 0.1\` in the model's head, which leaves ${column} out of every tenth row, and train again`);
}
