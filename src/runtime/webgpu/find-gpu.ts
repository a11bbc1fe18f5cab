import { messageOf, webGpuError } from "./failure.js";

/**
 * Dawn bounds every index and clears the memory of every workgroup. Kernels are made by a compiler that knows the bounds of its arena, and read no word that
 * nothing wrote; on the other devices nobody looks either. Shaders are half as large without.
 */
const trusting = ["disable_robustness", "disable_workgroup_init"] as const;
const enable = "enable-dawn-features=";

/** The entry to WebGPU: a browser's own, or in Node that of the package `webgpu`. */
export async function findGpu(dawnOptions: readonly string[]): Promise<GPU> {
  const own = (globalThis as { readonly navigator?: { readonly gpu?: GPU } }).navigator?.gpu;
  if (own) return own;
  if (typeof process === "undefined" || process.versions?.node === undefined) {
    throw webGpuError("no-adapter", "this browser has no WebGPU", { help: "a browser with WebGPU (Chrome or Edge 113, Safari 26, Firefox 141 or newer), and a page served from https or localhost" });
  }
  let dawn: DawnPackage;
  try {
    dawn = await loadDawn();
  } catch (cause) {
    const missing = (cause as { readonly code?: unknown } | null)?.code === "ERR_MODULE_NOT_FOUND";
    throw webGpuError("no-package", missing ? "the package webgpu, which brings it to Node, is not installed" : `the package webgpu cannot be loaded: ${messageOf(cause)}`, { help: "npm install webgpu", cause });
  }
  try {
    // Dawn takes the last option of a name: all features stand in one.
    const features = dawnOptions.flatMap((option) => (option.startsWith(enable) ? option.slice(enable.length).split(",") : []));
    return dawn.create([`${enable}${[...trusting, ...features].join(",")}`, ...dawnOptions.filter((option) => !option.startsWith(enable))]);
  } catch (cause) {
    throw webGpuError("no-adapter", messageOf(cause), { cause });
  }
}

interface DawnPackage {
  readonly create: (options: string[]) => GPU;
}

/** The name is not written out, so that neither the type checker nor a bundler looks for it: it is optional. */
function loadDawn(): Promise<DawnPackage> {
  const name = "webgpu";
  return import(/* @vite-ignore */ /* webpackIgnore: true */ name) as Promise<DawnPackage>;
}
