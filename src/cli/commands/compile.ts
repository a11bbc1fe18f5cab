import { resolve } from "node:path";
import { printable } from "../../diagnostics/render.js";
import { writeFileAtomic } from "../../runtime/node/atomic-file.js";
import { readFileBytes } from "../../runtime/node/read-file.js";
import type { CompiledModel } from "../../driver/compile.js";
import type { ModuleTarget } from "../../driver/emit-module.js";
import type { KernelTarget, ModuleSizes } from "../../driver/kernel-programs.js";
import type { Stage } from "../../driver/stages.js";
import type { KernelDevice } from "../../runtime/devices.js";
import { exitCodes } from "../exit-codes.js";
import { UsageError } from "../errors.js";
import { chooseSampler, type SamplerChoice } from "../training/choose-sampler.js";
import { accept, openModel, type ModelInput, type ModelOptions } from "../front.js";
import type { CommandContext, CommandResult } from "../run.js";
import { builtinSource } from "../training/model-data.js";
import { isRun, modelOfRun, openRun, type SavedRun } from "../training/run-config.js";

export interface CompileFileOptions extends ModelOptions, SamplerChoice {
  readonly out?: string;
  readonly target: ModuleTarget;
  /** Rows of the data set: for kernels of models with parameters per row. */
  readonly rows?: number;
  /** Rows in a minibatch, for kernels. */
  readonly batch?: number;
  /** Whose kernels a module holds; or the one whose kernels are printed. */
  readonly device?: readonly KernelDevice[];
  readonly emit: Stage | "kernels" | "ts";
}

/** `lvmc compile FILE -o FILE.ts`: the emitted TypeScript, or a stage before it; of a run the code that it trained with. */
export async function compileFile(context: CommandContext, file: string, options: CompileFileOptions): Promise<CommandResult> {
  const { io, report } = context;
  const run = isRun(file, io.cwd) ? openRun(file, io.cwd) : undefined;
  if (run && (options.set !== undefined || options.model !== undefined)) throw new UsageError("a run has its model and its settings; --set and --model are for model files");
  const input = run ? modelOfRun(run) : openModel(context, file, options);
  const text = await emit(context, input, run, options);
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

async function emit(context: CommandContext, input: ModelInput, run: SavedRun | undefined, options: CompileFileOptions): Promise<string> {
  const { emit: stage, target, device } = options;
  const kernels = stage === "kernels" || (stage === "ts" && target === "kernels");
  const sized = (["rows", "batch"] as const).find((name) => options[name] !== undefined);
  if (sized && !kernels) throw new UsageError(`--${sized} is for kernels, which are compiled for sizes`, stage === "ts" ? "leave --target tfjs away" : "add --emit kernels");
  if (device !== undefined && !kernels) throw new UsageError("--device says which device's kernels are compiled", stage === "ts" ? "leave --target tfjs away" : "add --emit kernels");
  const sampling = (["sampler", "steps", "eta", "spacing", "guidance"] as const).find((name) => options[name] !== undefined);
  if (sampling && stage !== "ts") throw new UsageError(`--${sampling} is how a module samples`, "leave --emit away");
  if (stage !== "ts" && stage !== "kernels") {
    const { printStage } = await import("../../driver/stages.js");
    return accept(context, printStage(input.source, stage, input.options));
  }
  const { compile } = await import("../../driver/compile.js");
  const compiled = await chooseSampler(accept(context, compile(input.source, input.options)), options);
  const sizes = kernels ? await sizesOf(compiled, run, options) : {};
  if (stage === "kernels") {
    const { printTrainingKernels } = await import("../../driver/print-kernels.js");
    if (device !== undefined && device.length > 1) throw new UsageError("--emit kernels prints the kernels of one device");
    return printTrainingKernels(compiled.lowered, await printedTarget(device?.[0] ?? "wasm"), sizes);
  }
  const { emitModule } = await import("../../driver/emit-module.js");
  return emitModule(compiled, { target, devices: device, version: input.options.version, ...sizes });
}

/** Sizes from the command line, else those of the run, else those of the built-in data that the train block names. @throws UsageError where rows are needed and nobody tells */
async function sizesOf(compiled: CompiledModel, run: SavedRun | undefined, { rows, batch }: CompileFileOptions): Promise<ModuleSizes> {
  const { needsRows } = await import("../../driver/emit-module.js");
  const needed = needsRows(compiled);
  const dataset = rows ?? (!needed ? undefined : run ? await rowsOfRun(run) : await rowsOfBuiltin(compiled));
  if (dataset === undefined && needed) {
    throw new UsageError(`${compiled.program.name} has parameters of its own for each row: kernels are compiled for one number of rows`, "say how many: --rows 10000; or take --target tfjs, which is for any number");
  }
  return { dataset, batch: batch ?? run?.config.batch };
}

async function rowsOfRun({ checkpoint, name }: SavedRun): Promise<number | undefined> {
  const { readSafetensors } = await import("../../runtime/safetensors.js");
  const rows = Number(readSafetensors(await readFileBytes(checkpoint), name).metadata["dataset"]);
  return Number.isSafeInteger(rows) && rows > 0 ? rows : undefined;
}

/** As many as training would find. */
async function rowsOfBuiltin({ program }: CompiledModel): Promise<number | undefined> {
  const source = builtinSource(program);
  if (source === undefined) return undefined;
  const { loadData } = await import("../../runtime/node/data-sources.js");
  const [first] = await loadData([source], { seed: program.training.seed, split: "train" });
  return first?.rows;
}

/** Vectors of this machine for the native device; WebAssembly's are the same everywhere. @throws LvmError where no C compiler tells */
async function printedTarget(device: KernelDevice): Promise<KernelTarget> {
  if (device === "wasm") return { kind: "wasm" };
  if (device === "webgpu") return { kind: "wgsl" };
  const { hostVectorWidth } = await import("../../runtime/node/native/index.js");
  return { kind: "c", lanes: await hostVectorWidth() };
}
