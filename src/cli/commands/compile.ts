import { resolve } from "node:path";
import { printable } from "../../diagnostics/render.js";
import { writeFileAtomic } from "../../runtime/node/atomic-file.js";
import type { Stage } from "../../driver/stages.js";
import { exitCodes } from "../exit-codes.js";
import { UsageError } from "../errors.js";
import { accept, openModel, type ModelInput, type ModelOptions } from "../front.js";
import type { CommandContext, CommandResult } from "../run.js";

export interface CompileFileOptions extends ModelOptions {
  readonly out?: string;
  readonly target: "tfjs" | "kernels";
  /** Rows of the data set: for kernels of models with parameters per row. */
  readonly rows?: number;
  readonly emit: Stage | "ts";
}

/** `lvmc compile FILE -o FILE.ts`: the emitted TypeScript, or a stage before it. */
export async function compileFile(context: CommandContext, file: string, options: CompileFileOptions): Promise<CommandResult> {
  const input = openModel(context, file, options);
  const text = await emit(context, input, options);
  const { io, report } = context;
  const facts = { file, emit: options.emit, target: options.target };
  if (options.out === undefined) {
    if (!report.json) io.stdout.write(text);
    return { exit: exitCodes.ok, facts: { ...facts, text } };
  }
  const out = resolve(io.cwd, options.out);
  if (input.sources().some((source) => resolve(io.cwd, source.path) === out)) throw new UsageError(`-o ${options.out} is the model file itself`);
  await writeFileAtomic(out, text);
  report.say(`${report.color.green("✓")} ${printable(file)} → ${printable(options.out)}`);
  return { exit: exitCodes.ok, facts: { ...facts, out: options.out } };
}

async function emit(context: CommandContext, input: ModelInput, { emit: stage, target, rows }: CompileFileOptions): Promise<string> {
  if (stage !== "ts") {
    const { printStage } = await import("../../driver/stages.js");
    return accept(context, printStage(input.source, stage, input.options));
  }
  const { compile } = await import("../../driver/compile.js");
  const compiled = accept(context, compile(input.source, input.options));
  if (target === "tfjs") return compiled.typescript;
  if (rows === undefined && compiled.program.parameters.some(({ perRow }) => perRow)) {
    throw new UsageError(`${compiled.program.name} has parameters of its own for each row: kernels are compiled for one number of rows`, "say how many: --rows 10000");
  }
  const [{ emitKernelModule }, { printDocComment }] = await Promise.all([import("../../driver/kernel-programs.js"), import("../../driver/explain.js")]);
  return emitKernelModule(compiled.lowered, { source: input.source.text, sourcePath: input.source.path, version: input.options.version, docComment: printDocComment(compiled.training) }, { dataset: rows });
}
