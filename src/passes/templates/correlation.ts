import type { KernelBuilder } from "../../ir/kernel/builder.js";
import type { KernelExpr } from "../../ir/kernel/nodes.js";
import type { Phase } from "./conv-prepare.js";
import type { Operand, Write, WriteOptions } from "./template.js";
import { product } from "./views.js";

/** A correlation whose filter, border and phases are settled: conv2d and its adjoint in x alike. */
export interface Correlation extends WriteOptions {
  readonly images: Operand;
  /** Element (i, j, c, n): c is summed, n is the channel of the result. */
  readonly filter: (k: KernelBuilder, i: KernelExpr, j: KernelExpr, c: KernelExpr, n: KernelExpr) => KernelExpr;
  readonly lead: readonly number[];
  /** Summed channels and channels of the result. */
  readonly c: number;
  readonly n: number;
  readonly y: { readonly phases: readonly Phase[]; readonly border: readonly [number, number] };
  readonly x: { readonly phases: readonly Phase[]; readonly border: readonly [number, number] };
  /** Of the result. */
  readonly size: readonly [number, number];
  readonly write: Write;
  readonly title: string;
}

/** Multiply-adds of all phases, and the words of images, filter and result. */
export function work(p: Correlation): { flops: number; bytes: number } {
  const taps = (axis: Correlation["y"]) => axis.phases.reduce((sum, phase) => sum + phase.count * phase.taps, 0);
  const flops = 2 * product(p.lead) * taps(p.y) * taps(p.x) * p.c * p.n;
  return { flops, bytes: 4 * (product(p.images.shape) + product(p.lead) * p.size[0] * p.size[1] * p.n) };
}
