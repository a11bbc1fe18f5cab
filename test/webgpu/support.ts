import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { renderWgsl } from "../../src/codegen/wgsl/index.js";
import { KernelBuilder } from "../../src/ir/kernel/builder.js";
import { evaluateKernels } from "../../src/ir/kernel/evaluate.js";
import type { Kernel, KernelFunction, KernelProgram } from "../../src/ir/kernel/nodes.js";
import { verifyKernels } from "../../src/ir/kernel/verify.js";
import { createWebGpuModule, openWebGpu, type WebGpu, type WebGpuModuleOptions, type WebGpuProgram } from "../../src/runtime/webgpu/index.js";

/** SwiftShader, a Vulkan driver that needs no GPU, comes with Chromium; so does a Vulkan loader. */
const drivers = [process.env["VK_ICD_FILENAMES"], "/usr/lib/chromium/vk_swiftshader_icd.json", "/usr/lib/chromium-browser/vk_swiftshader_icd.json", "/opt/google/chrome/vk_swiftshader_icd.json"];

/** Why WebGPU cannot be tested here; undefined where it can. Must be called before the package webgpu is loaded. */
async function prepare(): Promise<string | undefined> {
  const driver = drivers.find((path) => path !== undefined && existsSync(path));
  if (driver === undefined) return "SwiftShader is missing (it comes with Chromium: apt-get install chromium)";
  process.env["VK_ICD_FILENAMES"] = driver;
  try {
    const koffi = (await import("koffi")).default as unknown as typeof import("koffi");
    try {
      loader = koffi.load("libvulkan.so.1");
    } catch {
      // Once loaded it is found under its name.
      loader = koffi.load(join(dirname(driver), "libvulkan.so.1"));
    }
  } catch {
    return "there is no Vulkan loader (apt-get install libvulkan1)";
  }
  try {
    const name = "webgpu";
    await import(name);
  } catch {
    return "the package webgpu is not installed (npm install --no-save webgpu)";
  }
  return undefined;
}

/** Kept: what is collected is unloaded. */
export let loader: unknown;
export const missing = await prepare();
if (missing !== undefined) console.warn(`WebGPU is not tested: ${missing}`);

let opened: Promise<WebGpu> | undefined;
/** The one device of a test file; `closeGpu` in `afterAll`. */
export function testGpu(): Promise<WebGpu> {
  opened ??= openWebGpu();
  return opened;
}

export async function closeGpu(): Promise<void> {
  (await opened)?.dispose();
  opened = undefined;
}

export interface KernelText {
  readonly groups?: number;
  readonly title?: string;
  readonly shared?: number;
  /** Where they are not the program's. */
  readonly lanes?: number;
  readonly write: (builder: KernelBuilder) => void;
}

export function programOf(words: number, kernels: readonly KernelText[], { functions = [], lanes = 16 }: { readonly functions?: readonly KernelFunction[]; readonly lanes?: number } = {}): KernelProgram {
  return {
    name: "test",
    lanes,
    simt: true,
    words,
    functions,
    kernels: kernels.map(({ groups = 1, title = "a test", shared, lanes: own, write }, index): Kernel => {
      const builder = new KernelBuilder(own ?? lanes, true);
      write(builder);
      return { name: `k${index}`, title, origins: [], groups, body: builder.body(), flops: 0, bytes: 0, ...(shared === undefined ? {} : { shared }), ...(own === undefined ? {} : { lanes: own }) };
    }),
  };
}

export const webGpuProgram = (program: KernelProgram): WebGpuProgram => ({ words: program.words, kernels: program.kernels, launches: program.launches, wgsl: renderWgsl(program) });

export type Fill = (arena: { readonly f32: Float32Array; readonly i32: Int32Array; readonly u32: Uint32Array }) => void;

/** The arena (bits) after `steps` on the GPU. */
export async function runWebGpu(program: KernelProgram, fill: Fill, options: WebGpuModuleOptions & { readonly steps?: number } = {}): Promise<Uint32Array> {
  const module = await createWebGpuModule(await testGpu(), webGpuProgram(program), options);
  fill(module.arena);
  module.send(0, program.words);
  module.run(options.steps ?? 1);
  await module.fetch([{ offset: 0, words: program.words }]);
  const result = module.arena.u32.slice();
  module.dispose();
  return result;
}

/** The same by the interpreter that defines the kernel IR. */
export function runReference(program: KernelProgram, fill: Fill, steps = 1): Uint32Array {
  verifyKernels(program);
  const buffer = new ArrayBuffer(4 * program.words);
  fill({ f32: new Float32Array(buffer), i32: new Int32Array(buffer), u32: new Uint32Array(buffer) });
  evaluateKernels(program, buffer, { steps, races: true });
  const words = new Uint32Array(buffer);
  words[0] = (words[0] as number) + 1;
  return words;
}

/** All NaNs are one: which bits a NaN has is the machine's choice. */
export const canonical = (words: Uint32Array): number[] => Array.from(words, (word) => ((word & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : word));
