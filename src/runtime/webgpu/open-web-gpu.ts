import type { LvmError } from "../error.js";
import { lostError, messageOf, webGpuError } from "./failure.js";
import { findGpu } from "./find-gpu.js";
import { createWatchdog } from "./watchdog.js";

export interface WebGpuOptions {
  /** Of several adapters; `high-performance` if absent. */
  readonly power?: "high-performance" | "low-power";
  /** In Node, options of the package `webgpu`: `backend=vulkan`, `adapter=NVIDIA`, `enable-dawn-features=…`. */
  readonly dawn?: readonly string[];
  /** Instead of the host's own entry to WebGPU. */
  readonly gpu?: GPU;
  /** Milliseconds after which a device that is waited for and has ended nothing counts as lost; by default 2 minutes, and 30 where a CPU plays the GPU. */
  readonly patience?: number;
}

const minute = 60_000;

/** What there is, for people and for those who choose a device. */
export interface WebGpuAdapter {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  /** Whether a CPU does the work (SwiftShader, llvmpipe, WARP): never faster than the other devices. */
  readonly software: boolean;
  readonly features: readonly string[];
  readonly limits: Readonly<Record<WebGpuLimit, number>>;
}

/** Limits that matter here; the device is asked for as much as the adapter has. */
const wantedLimits = ["maxStorageBufferBindingSize", "maxBufferSize", "maxComputeWorkgroupStorageSize", "maxComputeInvocationsPerWorkgroup", "maxComputeWorkgroupSizeX", "maxComputeWorkgroupsPerDimension"] as const;
const ownLimits = [...wantedLimits, "minUniformBufferOffsetAlignment"] as const;
export type WebGpuLimit = (typeof ownLimits)[number];

/** An open device. Modules share it; whoever opened it disposes of it after them. */
export interface WebGpu {
  readonly adapter: WebGpuAdapter;
  readonly device: GPUDevice;
  /** What programs may ask of its workgroups: invocations, and bytes of shared memory. */
  readonly workgroup: { readonly invocations: number; readonly bytes: number };
  /** Whether passes can be timed on the device. */
  readonly timestamps: boolean;
  /** Why the device can be used no more. */
  readonly failure: LvmError | undefined;
  /** The promise, or a rejection with the failure if that comes first: nobody waits for a device that is lost. */
  guard<T>(promise: Promise<T>): Promise<T>;
  dispose(): void;
}

/**
 * Opens the best adapter with its largest limits.
 * @throws LvmError LVM7161; `webGpuFailure` tells the reason, and another device can take over
 */
export async function openWebGpu(options: WebGpuOptions = {}): Promise<WebGpu> {
  const gpu = options.gpu ?? (await findGpu(options.dawn ?? []));
  const found = await requestAdapter(gpu, options.power ?? "high-performance");
  const adapter = describe(found);
  const timestamps = found.features.has("timestamp-query");
  let device: GPUDevice;
  try {
    device = await found.requestDevice({
      label: "lvmc",
      requiredFeatures: timestamps ? ["timestamp-query"] : [],
      requiredLimits: Object.fromEntries(wantedLimits.map((name) => [name, found.limits[name]])),
    });
  } catch (cause) {
    throw webGpuError("adapter-refused", `the adapter ${nameOf(adapter)} refuses to open: ${messageOf(cause)}`, { cause, facts: { adapter: nameOf(adapter) } });
  }
  return watch(gpu, device, adapter, timestamps, options.patience ?? (adapter.software ? 30 : 2) * minute);
}

/** `NVIDIA H200 (nvidia hopper)`. */
export function nameOf({ vendor, architecture, device, description }: WebGpuAdapter): string {
  const family = [vendor, architecture].filter((part) => part !== "").join(" ");
  const name = description || device;
  return name === "" ? family || "unnamed adapter" : family === "" ? name : `${name} (${family})`;
}

async function requestAdapter(gpu: GPU, powerPreference: GPUPowerPreference): Promise<GPUAdapter> {
  let adapter: GPUAdapter | null;
  try {
    adapter = await gpu.requestAdapter({ powerPreference });
  } catch (cause) {
    throw webGpuError("no-adapter", messageOf(cause), { cause });
  }
  if (!adapter) {
    throw webGpuError("no-adapter", "no adapter was found", { help: "WebGPU needs a GPU whose driver has Vulkan (on Linux libvulkan1 and the vendor's driver), Metal or Direct3D 12; take another device without one" });
  }
  return adapter;
}

const softwareNames = /swiftshader|llvmpipe|lavapipe|softpipe|warp|basic render|software/i;

function describe(adapter: GPUAdapter): WebGpuAdapter {
  const { info } = adapter;
  const [vendor, architecture, device, description] = [info.vendor, info.architecture, info.device, info.description].map((part) => String(part ?? "")) as [string, string, string, string];
  return {
    vendor,
    architecture,
    device,
    description,
    software: (info as { readonly isFallbackAdapter?: boolean }).isFallbackAdapter === true || softwareNames.test(`${architecture} ${device} ${description}`),
    features: [...adapter.features].sort(),
    limits: Object.fromEntries(ownLimits.map((name) => [name, adapter.limits[name]])) as Record<WebGpuLimit, number>,
  };
}

function watch(gpu: GPU, device: GPUDevice, adapter: WebGpuAdapter, timestamps: boolean, patience: number): WebGpu {
  let failure: LvmError | undefined;
  let open = true;
  const waiting = new Set<(error: LvmError) => void>();
  const watchdog = createWatchdog(patience, () => fail(lostError("lost", `the GPU was waited for ${Math.round(patience / 1000)} s and did nothing: its driver hangs, or one kernel takes that long`)));
  const fail = (error: LvmError): void => {
    if (!open) return;
    failure ??= error;
    for (const reject of waiting) reject(failure);
    waiting.clear();
    watchdog.rest();
  };
  const settle = (reject: (error: LvmError) => void): void => {
    waiting.delete(reject);
    if (waiting.size === 0) watchdog.rest();
    else watchdog.watch();
  };
  // Dawn's threads crash a process that ends while they work.
  const node = typeof process !== "undefined" && typeof process.off === "function" ? process : undefined;
  const atExit = (): void => device.destroy();
  node?.once("exit", atExit);
  void device.lost.then((info) => fail(lostError("lost", `the GPU was lost: ${info.message || info.reason || "no reason given"}`)));
  device.addEventListener("uncapturederror", (event) => {
    // Otherwise it is printed as well.
    event.preventDefault();
    const { error } = event as GPUUncapturedErrorEvent;
    const outOfMemory = error.constructor.name === "GPUOutOfMemoryError";
    fail(lostError(outOfMemory ? "memory" : "invalid", outOfMemory ? `the GPU is out of memory: ${error.message}` : `the GPU refused its work: ${error.message}`, error));
  });
  return {
    adapter,
    device,
    workgroup: { invocations: Math.min(adapter.limits.maxComputeInvocationsPerWorkgroup, adapter.limits.maxComputeWorkgroupSizeX), bytes: adapter.limits.maxComputeWorkgroupStorageSize },
    timestamps,
    get failure() {
      return failure;
    },
    guard(promise) {
      if (failure) {
        promise.catch(() => undefined);
        return Promise.reject(failure);
      }
      return new Promise((resolve, reject) => {
        waiting.add(reject);
        if (waiting.size === 1) watchdog.watch();
        promise.then(
          (value) => {
            settle(reject);
            if (failure) reject(failure);
            else resolve(value);
          },
          (error: unknown) => {
            settle(reject);
            reject(failure ?? error);
          },
        );
      });
    },
    dispose() {
      if (!open) return;
      open = false;
      for (const reject of waiting) reject(lostError("lost", "the GPU was closed"));
      waiting.clear();
      watchdog.rest();
      node?.off("exit", atExit);
      device.destroy();
      // Dawn's instance must outlive its devices.
      void device.lost.then(() => gpu);
    },
  };
}
