import { lineOf } from "../diagnostics/span.js";
import type { Plan, PlannedKernel } from "./schedule.js";

function linesOf({ origins }: PlannedKernel): string {
  const lines = [...new Set(origins.map(lineOf))].sort((a, b) => a - b);
  const ranges: string[] = [];
  for (let i = 0; i < lines.length; i++) {
    const first = lines[i]!;
    while (lines[i + 1] === lines[i]! + 1) i++;
    ranges.push(first === lines[i] ? `${first}` : `${first}–${lines[i]}`);
  }
  return ranges.join(", ");
}

function count(value: number): string {
  if (value < 1e3) return String(Math.round(value));
  const [unit, size] = value < 1e6 ? ["k", 1e3] : value < 1e9 ? ["M", 1e6] : ["G", 1e9];
  const scaled = value / (size as number);
  return `${scaled < 10 ? scaled.toFixed(1) : Math.round(scaled)} ${unit}`;
}

/** The plan as a table: a line for each kernel, with what all its runs in a step cost, then the arena. */
export function printPlan(plan: Plan): string {
  const head = ["#", "kernel", "lines", "sizes", "groups", "FLOP", "bytes"];
  const rows = plan.kernels.map((kernel, at) => [String(at), kernel.runs === 1 ? kernel.title : `${kernel.runs} × ${kernel.title}`, linesOf(kernel), kernel.sizes, String(kernel.groups), count(kernel.flops), count(kernel.bytes)]);
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]): string => cells.map((cell, column) => (column === 1 || column === 2 || column === 3 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join("  ").trimEnd();
  const total = (of: (kernel: PlannedKernel) => number): string => count(plan.kernels.reduce((sum, kernel) => sum + of(kernel), 0));
  return [
    line(head), ...rows.map(line),
    `${plan.kernels.length} kernel${plan.kernels.length === 1 ? "" : "s"}, ${total((kernel) => kernel.flops)} FLOP, ${total((kernel) => kernel.bytes)} bytes; arena ${count(4 * plan.words)} bytes: ${count(4 * plan.persistentWords)} kept, ${count(4 * plan.temporaryWords)} reused`,
  ].join("\n") + "\n";
}
