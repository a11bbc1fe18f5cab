import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { WebGpu, WebGpuLimit } from "../../runtime/webgpu/index.js";
import { type Check, failed } from "./checks.js";
import { hasGpuFile, packageVersion } from "./packages.js";

/** Multiplication of small matrices by the lanes of a subgroup: types and sizes that an adapter offers. */
export interface SubgroupMatrixConfig {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

export interface WebGpuCheck extends Check {
  /** Open, where there is an adapter. */
  readonly gpu?: WebGpu;
}

/** Dawn tells subgroup matrices only those who allow what is not settled yet. */
const dawn = ["enable-dawn-features=allow_unsafe_apis"];

/** The package, the adapter, its driver, limits and features. The device stays open for whoever measures it. */
export async function checkWebGpu(): Promise<WebGpuCheck> {
  const version = packageVersion("webgpu");
  if (version === undefined) return { name: "webgpu", ok: false, text: "the package webgpu, which brings it to Node, is not installed", help: ["npm install webgpu", ...driverHelp()].join("\n") };
  let gpu: WebGpu;
  try {
    const { openWebGpu } = await import("../../runtime/webgpu/index.js");
    gpu = await openWebGpu({ dawn });
  } catch (error) {
    const check = failed("webgpu", error, driverHelp().join("\n") || undefined);
    return { ...check, text: `webgpu ${version}: ${check.text}` };
  }
  const { adapter } = gpu;
  const { nameOf } = await import("../../runtime/webgpu/index.js");
  const info = (gpu.device as { readonly adapterInfo?: AdapterInfo }).adapterInfo;
  const matrices = [...(info?.subgroupMatrixConfigs ?? [])].map(({ componentType, resultComponentType, M, N, K }): SubgroupMatrixConfig => ({ componentType, resultComponentType, M, N, K }));
  const subgroups = info?.subgroupMinSize === undefined ? undefined : [info.subgroupMinSize, info.subgroupMaxSize ?? info.subgroupMinSize];
  return {
    name: "webgpu",
    ok: !adapter.software,
    text: `webgpu ${version}: ${nameOf(adapter)}${adapter.software ? ", a CPU that plays a GPU: it never counts as one" : ""}`,
    ...(adapter.software && driverHelp().length > 0 ? { help: driverHelp().join("\n") } : {}),
    facts: { package: version, adapter: nameOf(adapter), ...adapter, subgroups, subgroupMatrices: matrices },
    gpu,
  };
}

interface AdapterInfo {
  readonly subgroupMinSize?: number;
  readonly subgroupMaxSize?: number;
  readonly subgroupMatrixConfigs?: Iterable<SubgroupMatrixConfig>;
}

/** What a GPU's driver needs on this system to be seen: a Vulkan loader, and a file that announces the driver. */
export function driverHelp(): readonly string[] {
  if (process.platform !== "linux") return [];
  if (!hasGpuFile()) return ["this machine shows no GPU (/dev/dri, /dev/nvidia0); in a container: docker run --gpus all, or --device /dev/dri"];
  const lines: string[] = [];
  if (!loaderFolders.some((folder) => existsSync(join(folder, "libvulkan.so.1")))) lines.push("apt-get install libvulkan1");
  if (announcedDrivers().length === 0) lines.push(existsSync("/dev/nvidiactl") ? "the NVIDIA driver's Vulkan part: apt-get install libnvidia-gl-<version of the driver>; in a container NVIDIA_DRIVER_CAPABILITIES=all" : "apt-get install mesa-vulkan-drivers");
  return lines;
}

const loaderFolders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib"];

/** Files that announce Vulkan drivers, without those of CPUs. */
function announcedDrivers(): readonly string[] {
  return ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d"].flatMap((folder) => {
    try {
      return readdirSync(folder).filter((name) => name.endsWith(".json") && !/lvp|swiftshader/.test(name));
    } catch {
      return [];
    }
  });
}

/** Limits that decide what fits, as people say them. */
export function limitTexts(limits: Readonly<Record<WebGpuLimit, number>>): readonly string[] {
  const mebibytes = (bytes: number): string => `${Math.floor(bytes / 2 ** 20).toLocaleString("en-US")} MiB`;
  return [
    `one buffer ${mebibytes(Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize))}`,
    `workgroup ${limits.maxComputeInvocationsPerWorkgroup.toLocaleString("en-US")} lanes, ${Math.floor(limits.maxComputeWorkgroupStorageSize / 1024)} KiB`,
  ];
}

/** Optional features that kernels could use, and whether the adapter has them. */
export const usefulFeatures = ["shader-f16", "subgroups", "timestamp-query", "chromium-experimental-subgroup-matrix"] as const;
