import { emitTfjs } from "../codegen/tfjs/emit-tfjs.js";
import type { ModuleDevice } from "../codegen/kernels/compiled-programs.js";
import type { ModuleOptions } from "../codegen/typescript/model-module.js";
import { printDocComment } from "../objectives/print.js";
import type { CompiledModel } from "./compile.js";
import { emitKernelModule, type ModuleSizes } from "./kernel-programs.js";

/** What an emitted module runs on: kernels of its own, as C, WebAssembly and WGSL, or TensorFlow.js. */
export const moduleTargets = ["kernels", "tfjs"] as const;
export type ModuleTarget = (typeof moduleTargets)[number];

export interface EmitOptions extends ModuleSizes {
  /** Default: kernels. */
  readonly target?: ModuleTarget;
  /** Of kernels: those for these devices. Default: `native` and `wasm`. */
  readonly devices?: readonly ModuleDevice[];
  /** Of lvmc, for the head of the module. */
  readonly version?: string;
}

/**
 * The TypeScript module of a model. Kernels are for one size of minibatch, and where `needsRows` says so for one number of rows of data.
 * @throws InternalError where that number is needed and not given
 */
export async function emitModule(compiled: CompiledModel, { target = "kernels", version, ...sizes }: EmitOptions = {}): Promise<string> {
  return target === "tfjs" ? emitTfjsModule(compiled, version) : emitKernelModule(compiled.lowered, moduleOptions(compiled, version), sizes);
}

/** The module over TensorFlow.js, for data of any size. */
export function emitTfjsModule(compiled: CompiledModel, version?: string): string {
  return emitTfjs(compiled.lowered, moduleOptions(compiled, version));
}

/** Whether kernels of a model are for one number of rows of data: where rows have parameters of their own. */
export function needsRows({ lowered }: CompiledModel): boolean {
  return lowered.parameters.some(({ shape }) => shape.includes("dataset"));
}

function moduleOptions({ module, training }: CompiledModel, version: string | undefined): ModuleOptions {
  const { text, path } = module.source;
  return { source: text, sourcePath: path, version, docComment: printDocComment(training) };
}
