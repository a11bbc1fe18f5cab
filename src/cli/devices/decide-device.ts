import type { KernelDevice } from "../../runtime/devices.js";
import { chooseDevice, tooSmallForGpu, type StepWork } from "../../runtime/kernels/choose-device.js";
import type { WebGpu } from "../../runtime/webgpu/index.js";
import { measure, type Measured } from "./measure.js";
import { hasGpuFile, packageVersion } from "./packages.js";

export interface DeviceDecision {
  /** The device to try first; undefined: the default order. */
  readonly device?: KernelDevice;
  readonly reason: string;
  /** Where it was asked for. */
  readonly work?: StepWork;
  /** What the rule knew. */
  readonly measured: Readonly<Partial<Record<KernelDevice, Measured>>>;
  readonly microseconds: Readonly<Partial<Record<KernelDevice, number>>>;
  /** The name of the GPU, where one was looked at. */
  readonly adapter?: string;
  /** Open, where it was chosen: the model's host takes it over. */
  readonly gpu?: WebGpu;
}

/** The machine; tests put another in its place. */
export interface Surroundings {
  /** Why there can be no GPU, as far as can be told without opening one. */
  readonly noGpu: () => string | undefined;
  readonly openGpu: () => Promise<WebGpu>;
  readonly measure: (device: KernelDevice, gpu?: WebGpu) => Promise<Measured>;
}

const machine: Surroundings = {
  noGpu: () => (packageVersion("webgpu") === undefined ? "the package webgpu is not installed" : hasGpuFile() ? undefined : "this machine has no GPU"),
  openGpu: async () => (await import("../../runtime/webgpu/index.js")).openWebGpu(),
  measure,
};

/**
 * The device of a training step where none was named: a hardware GPU if the model gains by it, else what the default order has. Looks cheaply first; measures once for each
 * adapter, driver and version, and only where a hardware GPU is there and the step is large enough. Never throws: what fails is a reason to take the CPU.
 */
export async function decideDevice(workOf: () => StepWork | Promise<StepWork>, { noGpu, openGpu, measure }: Surroundings = machine): Promise<DeviceDecision> {
  const nothing = { measured: {}, microseconds: {} };
  const problem = noGpu();
  if (problem !== undefined) return { reason: `no GPU: ${problem}`, ...nothing };
  let work: StepWork | undefined;
  let gpu: WebGpu | undefined;
  let chosen = false;
  try {
    work = await workOf();
    const tooSmall = tooSmallForGpu(work);
    if (tooSmall !== undefined) return { reason: tooSmall, work, ...nothing };
    gpu = await openGpu();
    const { nameOf } = await import("../../runtime/webgpu/index.js");
    const adapter = nameOf(gpu.adapter);
    if (gpu.adapter.software) return { reason: `no GPU: ${adapter} is a CPU that plays one`, work, adapter, ...nothing };
    const webgpu = await measure("webgpu", gpu);
    // Where there is no compiler, WebAssembly is the other.
    const cpu = await measure("native").then((native) => ({ native }), async () => ({ wasm: await measure("wasm") }));
    const measured = { webgpu, ...cpu };
    const choice = chooseDevice(work, measured);
    chosen = choice.device === "webgpu";
    return { ...choice, work, measured, adapter, ...(chosen ? { gpu } : {}) };
  } catch (error) {
    return { reason: `no GPU: ${(error instanceof Error ? error.message : String(error)).split("\n")[0] ?? ""}`, work, ...nothing };
  } finally {
    if (!chosen) gpu?.dispose();
  }
}
