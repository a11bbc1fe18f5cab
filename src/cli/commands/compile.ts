import { resolve } from "node:path";
import { printable } from "../../diagnostics/render.js";
import { writeFileAtomic } from "../../runtime/node/atomic-file.js";
import type { KernelTarget } from "../../driver/kernel-programs.js";
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
  /** Rows in a minibatch, for kernels. */
  readonly batch?: number;
  /** Which device's kernels are printed. */
  readonly device?: "native" | "wasm";
  readonly emit: Stage | "kernels" | "ts";
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

async function emit(context: CommandContext, input: ModelInput, { emit: stage, target, rows, batch, device }: CompileFileOptions): Promise<string> {
  const kernels = stage === "kernels" || (stage === "ts" && target === "kernels");
  if (batch !== undefined && !kernels) throw new UsageError("--batch is for kernels, which have one size of minibatch", "add --emit kernels or --target kernels");
  if (device !== undefined && stage !== "kernels") throw new UsageError("--device says which device's kernels are printed", "add --emit kernels; a module of kernels runs on both devices");
  if (stage !== "ts" && stage !== "kernels") {
    const { printStage } = await import("../../driver/stages.js");
    return accept(context, printStage(input.source, stage, input.options));
  }
  const { compile } = await import("../../driver/compile.js");
  const compiled = accept(context, compile(input.source, input.options));
  if (!kernels) return compiled.typescript;
  if (rows === undefined && compiled.program.parameters.some(({ perRow }) => perRow)) {
    throw new UsageError(`${compiled.program.name} has parameters of its own for each row: kernels are compiled for one number of rows`, "say how many: --rows 10000");
  }
  if (stage === "kernels") {
    const { printTrainingKernels } = await import("../../driver/print-kernels.js");
    return printTrainingKernels(compiled.lowered, await printedTarget(device ?? "wasm"), { dataset: rows, batch });
  }
  const [{ emitKernelModule }, { printDocComment }] = await Promise.all([import("../../driver/kernel-programs.js"), import("../../driver/explain.js")]);
  return emitKernelModule(compiled.lowered, { source: input.source.text, sourcePath: input.source.path, version: input.options.version, docComment: printDocComment(compiled.training) }, { dataset: rows, batch });
}

/** Vectors of this machine for the native device; WebAssembly's are the same everywhere. @throws LvmError where no C compiler tells */
async function printedTarget(device: "native" | "wasm"): Promise<KernelTarget> {
  if (device === "wasm") return { kind: "wasm" };
  const { hostVectorWidth } = await import("../../runtime/node/native/index.js");
  return { kind: "c", lanes: await hostVectorWidth() };
}
