import { emitWasm } from "../../src/codegen/wasm/artifact.js";
import { KernelBuilder } from "../../src/ir/kernel/builder.js";
import { evaluateKernels } from "../../src/ir/kernel/evaluate.js";
import type { Kernel, KernelFunction, KernelProgram } from "../../src/ir/kernel/nodes.js";
import { createWasmModule, type WasmModuleOptions } from "../../src/runtime/wasm/index.js";

export interface KernelText {
  readonly groups?: number;
  readonly title?: string;
  readonly write: (builder: KernelBuilder) => void;
}

/** A program of kernels that are written by hand. Costs are large, so that every kernel with groups is shared among threads. */
export function programOf(words: number, kernels: readonly KernelText[], functions: readonly KernelFunction[] = []): KernelProgram {
  return {
    name: "test",
    lanes: 4,
    words,
    functions,
    kernels: kernels.map(({ groups = 1, title = "a test", write }, index): Kernel => {
      const builder = new KernelBuilder(4);
      write(builder);
      return { name: `k${index}`, title, origins: [], groups, body: builder.body(), flops: 1e9, bytes: 1e9 };
    }),
  };
}

export type Fill = (arena: { readonly f32: Float32Array; readonly i32: Int32Array; readonly u32: Uint32Array }) => void;

/** The arena (bits) after `steps` in WebAssembly. */
export async function runWasm(program: KernelProgram, fill: Fill, options: WasmModuleOptions & { readonly steps?: number } = {}): Promise<Uint32Array> {
  const module = await createWasmModule(await emitWasm(program), { threads: 1, relaxed: false, ...options });
  fill(module.arena);
  module.run(options.steps ?? 1);
  const result = module.arena.u32.slice();
  module.dispose();
  return result;
}

/** The same by the interpreter that defines the kernel IR; it counts only between steps. */
export function runReference(program: KernelProgram, fill: Fill, steps = 1): Uint32Array {
  const buffer = new ArrayBuffer(4 * program.words);
  fill({ f32: new Float32Array(buffer), i32: new Int32Array(buffer), u32: new Uint32Array(buffer) });
  evaluateKernels(program, buffer, { steps });
  const words = new Uint32Array(buffer);
  words[0] = (words[0] as number) + 1;
  return words;
}

/** All NaNs are one: which bits a NaN has is the machine's choice. */
export const canonical = (words: Uint32Array): number[] => Array.from(words, (word) => ((word & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : word));
