import type { KernelProfile } from "../../runtime/kernels/index.js";
import type { Model } from "../../runtime/model.js";
import { printable } from "../../diagnostics/render.js";

/** The profile of a model that trains by kernels; undefined for others. */
export function profileOf(model: Model): readonly KernelProfile[] | undefined {
  return "profile" in model && typeof model.profile === "function" ? (model.profile() as readonly KernelProfile[] | undefined) : undefined;
}

/** One line for each kernel: time, share, arithmetic and memory speed, lines of the model file. */
export function profileText(kernels: readonly KernelProfile[]): string {
  const total = kernels.reduce((sum, { microseconds }) => sum + microseconds, 0);
  const rows = kernels.map(({ title, lines, groups, microseconds, gflops, gigabytes }) =>
    `${microseconds.toFixed(1).padStart(10)} ${((100 * microseconds) / total).toFixed(0).padStart(4)}% ${gflops.toFixed(1).padStart(9)} ${gigabytes.toFixed(1).padStart(7)} ${String(groups).padStart(7)}  ${printable(title)}${lines.length > 0 ? `  :${lines.join(",")}` : ""}`);
  return ["        µs share  GFLOP/s    GB/s  groups  kernel  :lines", ...rows, `${total.toFixed(1).padStart(10)} in ${kernels.length} kernels`].join("\n");
}
