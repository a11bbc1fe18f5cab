import { printable } from "../../diagnostics/render.js";
import { exitCodes } from "../exit-codes.js";
import { lineEnd, watchInterrupts } from "../interrupt.js";
import type { CommandContext, CommandResult } from "../run.js";
import { evaluateModel, refitSteps } from "../training/evaluate-model.js";
import { evaluationText } from "../training/evaluation-text.js";
import { builtinSource, dataSources, loadModelData } from "../training/model-data.js";
import type { RunConfig } from "../training/run-config.js";
import { openTrained, type TrainedModelOptions } from "../training/trained-model.js";

export interface EvalCommandOptions extends TrainedModelOptions {
  readonly data?: readonly string[];
  readonly evidenceSamples: number;
  readonly batch?: number;
  readonly refitSteps?: number;
}

/** `lvmc eval RUN`: the evaluation objective in nats per row, its terms, active units, accuracy, and the importance-sampled log evidence. */
export async function evaluate(context: CommandContext, file: string, options: EvalCommandOptions): Promise<CommandResult> {
  const { io, report } = context;
  const interrupt = watchInterrupts(io, () => report.say(`${lineEnd(io)}stopping; Ctrl-C again ends at once`));
  const { model, compiled, run, sameSource } = await openTrained(context, file, options);
  try {
    const { config } = run;
    const own = options.data === undefined || options.data.length === 0;
    const perRow = compiled.program.parameters.some((parameter) => parameter.perRow);
    const sources = own ? (config.testData.length > 0 ? config.testData : config.data) : dataSources(compiled.program, options.data);
    const builtin = (source: string): boolean => source === builtinSource(compiled.program) || /^\s*\w+\s*\(.*\)\s*$/.test(source);
    // Data made by code has other rows for testing; parameters per row belong to the rows of training.
    const training = own ? config.testData.length === 0 && (perRow || !sources.every(builtin)) : perRow && isTrainingData(sources, io.cwd, config) && !sources.some(builtin);
    const fitted = perRow && !training ? (options.refitSteps ?? refitSteps) : options.refitSteps;
    const data = await loadModelData(compiled.program, sources, { seed: training && perRow ? config.seed : (options.seed ?? config.seed), split: training ? "train" : "test", folder: own ? config.folder : io.cwd, hide: training });
    const what = `${sources.join(" ")}${training ? " (training rows)" : ""}`;
    report.say(`${report.color.bold(compiled.program.name)} at step ${model.step}, ${data.rows.toLocaleString("en-US")} rows of ${printable(what)}, on ${model.device}; nats per row:`);
    const notes = perRow && fitted !== undefined ? [...data.notes, `parameters of these rows are fitted for ${fitted.toLocaleString("en-US")} steps, everything else frozen (--refit-steps)`] : data.notes;
    for (const note of notes) report.say(report.color.dim(note));
    const evaluation = await evaluateModel(model, compiled, data, { evidenceSamples: options.evidenceSamples, batch: options.batch, refitSteps: fitted, signal: interrupt.signal });
    report.say(evaluationText(evaluation, compiled, report.color));
    if (options.evidenceSamples > 0 && evaluation.logEvidence === undefined) report.say(report.color.dim("log p(x) is not estimated: importance sampling needs a guide with a density over each latent"));
    const facts = { model: compiled.program.name, run: run.folder, checkpoint: run.checkpoint, step: model.step, sameSource, data: sources, split: training ? "train" : "test", notes };
    report.event("evaluation", { step: model.step, ...evaluation });
    return { exit: exitCodes.ok, facts: { ...facts, evaluation } };
  } catch (error) {
    if (interrupt.interrupted()) return { exit: exitCodes.interrupted };
    throw error;
  } finally {
    interrupt.stop();
    model.dispose();
  }
}

/** Whether `--data` names the files that the run was trained on, whose rows have parameters already. */
function isTrainingData(sources: readonly string[], cwd: string, config: RunConfig): boolean {
  return cwd === config.folder && sources.join("\0") === config.data.join("\0");
}
