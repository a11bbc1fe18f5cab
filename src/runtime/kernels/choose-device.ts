import type { KernelDevice } from "../devices.js";

/** What a training step costs: known before anything is compiled for it. */
export interface StepWork {
  readonly flops: number;
  readonly bytes: number;
  /** Kernels that run one after another. */
  readonly kernels: number;
}

/** What a device was measured to do. */
export interface DeviceMeasurement {
  /** Matrix products of middle size, 10⁹ floating-point operations a second. */
  readonly gflops: number;
  /** Copying memory: 10⁹ bytes read and written a second. */
  readonly gbytes: number;
  /** From one kernel to the next. */
  readonly dispatchMicroseconds: number;
}

export interface DeviceChoice {
  readonly device: KernelDevice;
  /** A sentence with the numbers. */
  readonly reason: string;
  /** Estimated microseconds of a step on each device that was measured. */
  readonly microseconds: Readonly<Partial<Record<KernelDevice, number>>>;
}

/** The GPU must win by so much: estimates are rough, and starting it takes time. */
export const gpuMargin = 1.3;

/** Steps below this are for no GPU: kernels × the cost of a dispatch is more than the step on a CPU. */
export const leastFlopsForGpu = 10e6;

/** Why no GPU need be looked at for a step; undefined for one that may gain by it. */
export function tooSmallForGpu({ flops }: StepWork): string | undefined {
  return flops < leastFlopsForGpu ? `a step of ${(flops / 1e6).toFixed(1)} MFLOP is too small for a GPU` : undefined;
}

/** kernels · dispatch + FLOP / measured rate + bytes / measured bandwidth. */
export function estimateMicroseconds({ flops, bytes, kernels }: StepWork, { gflops, gbytes, dispatchMicroseconds }: DeviceMeasurement): number {
  return kernels * dispatchMicroseconds + flops / (1e3 * gflops) + bytes / (1e3 * gbytes);
}

/**
 * A hardware GPU if a step is estimated to gain by it, else `native`, else `wasm`. A device without a measurement is not there (or is a CPU that plays a GPU, which never
 * counts). Pure: `lvmc doctor` and `lvmc train --verbose` print what it says.
 */
export function chooseDevice(work: StepWork, measured: Readonly<Partial<Record<KernelDevice, DeviceMeasurement>>>): DeviceChoice {
  const microseconds: Partial<Record<KernelDevice, number>> = {};
  for (const device of ["native", "wasm", "webgpu"] as const) {
    const measurement = measured[device];
    if (measurement) microseconds[device] = estimateMicroseconds(work, measurement);
  }
  const cpu: KernelDevice = measured.native ? "native" : "wasm";
  const [gpuTime, cpuTime] = [microseconds.webgpu, microseconds[cpu]];
  const choice = (device: KernelDevice, reason: string): DeviceChoice => ({ device, reason, microseconds });
  if (gpuTime === undefined) return choice(cpu, "no hardware GPU");
  const tooSmall = tooSmallForGpu(work);
  if (tooSmall !== undefined) return choice(cpu, tooSmall);
  if (cpuTime === undefined) return choice("webgpu", `a step takes about ${text(gpuTime)} on the GPU; no other device was measured`);
  const gain = cpuTime / gpuTime;
  const times = `a step takes about ${text(gpuTime)} on the GPU and ${text(cpuTime)} on ${cpu}`;
  if (gain >= gpuMargin) return choice("webgpu", `${times}: ${factor(gain)} faster`);
  return choice(cpu, gain > 1 ? `${times}: ${factor(gain)} faster is less than the ${gpuMargin}× that it takes` : times);
}

const factor = (value: number): string => `${value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)}×`;
const text = (microseconds: number): string => (microseconds < 1000 ? `${microseconds.toFixed(0)} µs` : `${(microseconds / 1000).toFixed(microseconds < 10_000 ? 2 : 1)} ms`);
