import type { DeviceMeasurement, StepWork } from "../../runtime/kernels/choose-device.js";

/** `434 MFLOP, 32.7 MB, 14 kernels`. */
export function workText({ flops, bytes, kernels }: StepWork): string {
  return `${amount(flops, "FLOP")}, ${amount(bytes, "B")}, ${kernels} ${kernels === 1 ? "kernel" : "kernels"}`;
}

/** `184 GFLOP/s, 50.0 GB/s, 1.57 µs a kernel`. */
export function measurementText({ gflops, gbytes, dispatchMicroseconds }: DeviceMeasurement): string {
  return `${amount(gflops * 1e9, "FLOP/s")}, ${amount(gbytes * 1e9, "B/s")}, ${digits(dispatchMicroseconds)} µs a kernel`;
}

/** `85 µs`, `5.41 ms`. */
export function timeText(microseconds: number): string {
  return microseconds < 1000 ? `${digits(microseconds)} µs` : `${digits(microseconds / 1000)} ms`;
}

const prefixes = ["", "k", "M", "G", "T", "P"] as const;

/** Three digits that count, with the prefix that fits. */
export function amount(value: number, unit: string): string {
  const at = value < 1 ? 0 : Math.min(prefixes.length - 1, Math.floor(Math.log10(value) / 3));
  return `${digits(value / 10 ** (3 * at))} ${prefixes[at] ?? ""}${unit}`;
}

function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
