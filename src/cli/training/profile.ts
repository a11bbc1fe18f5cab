import { basename } from "node:path";
import { printable } from "../../diagnostics/render.js";
import { kernelDevices } from "../../runtime/devices.js";
import type { KernelTime, Profiled, StepProfile } from "../../runtime/kernels/profile.js";
import { lineRanges } from "../line-ranges.js";
import type { CommandContext } from "../run.js";

/** For devices without kernels. */
export const profileHelp = `devices with kernels: ${kernelDevices.map((name) => `--device ${name}`).join(", ")}`;

const widest = 72;

/** Times the training step and says where the time goes: a table, or a JSON line for each kernel. @returns fields of the result */
export async function reportProfile({ report }: CommandContext, model: Profiled, source: string): Promise<Readonly<Record<string, unknown>>> {
  const profile = await model.profile();
  if (!profile || profile.kernels.length === 0) {
    report.say("no profile: the run took no step that has kernels");
    return {};
  }
  const { kernels, stepMicroseconds, rounds, threads, batch } = profile;
  kernels.forEach((kernel, index) => report.event("kernel", { index, ...kernel }));
  report.say(`\n${profileText(profile, basename(source))}`);
  return { profile: { stepMicroseconds, kernelMicroseconds: sumOf(kernels), kernels: kernels.length, rounds, threads, batch } };
}

/** A line for each kernel with its share of the time, then a step as a whole. */
function profileText({ kernels, stepMicroseconds, rounds, threads, batch }: StepProfile, file: string): string {
  const head = ["#", "kernel", printable(file), "µs", "share", "GFLOP/s", "GB/s"];
  const rows = kernels.map(({ title, lines, microseconds, share, gflops, gbytes }, at) => {
    const shown = printable(title);
    return [String(at), shown.length > widest ? `${shown.slice(0, widest - 1)}…` : shown, lineRanges(lines), digits(microseconds), `${(100 * share).toFixed(1)} %`, digits(gflops), digits(gbytes)];
  });
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string => cells.map((cell, column) => (column === 1 || column === 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join("  ").trimEnd();
  const total = sumOf(kernels);
  const rate = (of: (kernel: KernelTime) => number): string => digits(kernels.reduce((sum, kernel) => sum + of(kernel), 0) / Math.max(total, 1e-9) / 1000);
  const count = `${kernels.length} kernel${kernels.length === 1 ? "" : "s"}`;
  return [
    line(head), ...rows.map(line),
    `${count}, ${digits(total)} µs one by one (${rate(({ flops }) => flops)} GFLOP/s, ${rate(({ bytes }) => bytes)} GB/s); a step as in training ${digits(stepMicroseconds)} µs`,
    `medians of ${rounds} steps, batch ${batch}, ${threads} thread${threads === 1 ? "" : "s"}`,
  ].join("\n");
}

function sumOf(kernels: readonly KernelTime[]): number {
  return kernels.reduce((sum, { microseconds }) => sum + microseconds, 0);
}

/** Three digits that count. */
function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
