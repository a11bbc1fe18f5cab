import type { TensorBuilder } from "../ir/tensor/builder.js";
import type { TensorNode } from "../ir/tensor/nodes.js";

/** Bits of a frequency's leading part: its product with a whole number below 2¹² is exact in float32. */
const leadingBits = 12;

/** `value` rounded to that many significant bits. */
function leading(value: number): number {
  const unit = 2 ** (Math.floor(Math.log2(value)) + 1 - leadingBits);
  return Math.round(value / unit) * unit;
}

/**
 * [sin ω₁t, …, sin ωₙt, cos ω₁t, …, cos ωₙt] along a new last axis, ωᵢ = period^(−(i − 1)/(n − 1)), n = size / 2.
 *
 * In float32 the product ω·t is off by t·2⁻²⁴, 6e-5 at t = 1000, before any sine is taken. So angles are counted in turns f = ω/2π = f₁ + f₂, f₁ of 12 bits, and t = n + r with n whole:
 * n·f₁ is exact and loses its whole turns exactly; what is left, n·f₂ + r·f, is below 1. The angle then is within ±2π, off by 5e-7, and the sine needs no reduction, whose
 * quality differs between devices. Beyond 2¹² the error grows with t as that of the plain product does.
 */
export function timeEmbedding(b: TensorBuilder, t: TensorNode, size: number, period: number): TensorNode {
  const n = size / 2;
  const turns = Array.from({ length: n }, (_, i) => period ** (-i / (n - 1)) / (2 * Math.PI));
  const row = (values: readonly number[]): TensorNode => b.constant(values, [n]);
  const time = b.expandDims(t, [t.shape.length]);
  const whole = b.unary("floor", time);
  const exact = b.multiply(whole, row(turns.map(leading)));
  const rest = b.add(b.multiply(whole, row(turns.map((f) => f - leading(f)))), b.multiply(b.subtract(time, whole), row(turns)));
  const angle = b.multiply(b.add(b.subtract(exact, b.unary("round", exact)), rest), 2 * Math.PI);
  return b.concatenate([b.unary("sin", angle), b.unary("cos", angle)], -1);
}
