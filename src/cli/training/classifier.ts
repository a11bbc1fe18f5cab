import type { CompiledModel } from "../../driver/compile.js";
import { readFileBytes } from "../../runtime/node/read-file.js";
import { withClassifier } from "../../runtime/train/first-stage.js";
import { accept } from "../front.js";
import type { CommandContext } from "../run.js";
import { modelOfRun, openRun } from "./run-config.js";

/** The model of a run that guides another's samples: compiled anew from the run's own copy, and what puts its parameters beside those of a checkpoint. @throws UsageError where there is no such run */
export async function openClassifier(context: CommandContext, name: string): Promise<{ readonly compiled: CompiledModel; readonly beside: (checkpoint: Uint8Array) => Uint8Array }> {
  const run = openRun(name, context.io.cwd);
  const input = modelOfRun(run);
  const { compile } = await import("../../driver/compile.js");
  const compiled = accept(context, compile(input.source, input.options));
  const checkpoint = await readFileBytes(run.checkpoint);
  return { compiled, beside: (bytes) => withClassifier(bytes, { model: compiled.program.name, checkpoint }) };
}
