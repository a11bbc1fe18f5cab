import type { KernelExpr } from "../../ir/kernel/nodes.js";
import type { Range } from "./ranges.js";
import { get, type Temporary } from "./operations.js";
import type { Wat } from "./wat.js";

/**
 * Division and remainder of vectors by a constant, where no lane can be negative: WebAssembly has no vector division, and index arithmetic is
 * full of it. Powers of two are shifts and masks. For others, below 2^31 and with l = ⌈log2 d⌉ and m = ⌈2^(31 + l) / d⌉ < 2^32, the quotient is
 * ⌊x m / 2^(31 + l)⌋ (Granlund and Montgomery, "Division by invariant integers using multiplication", PLDI 1994), in two halves of 64-bit lanes.
 * Undefined where this does not apply.
 */
export function dividedByConstant(op: "divide" | "remainder", divisor: KernelExpr, range: Range, value: Wat, temporary: Temporary): Wat | undefined {
  const d = divisor.kind === "constant" ? divisor.value : divisor.kind === "splat" && divisor.value.kind === "constant" ? divisor.value.value : 0;
  if (!(d > 0 && d < 2 ** 31) || range.low < 0) return undefined;
  const bits = 32 - Math.clz32(d - 1);
  if (d === 2 ** bits) {
    if (op === "divide") return ["i32x4.shr_u", value, ["i32.const", String(bits)]];
    return ["v128.and", value, vector(d - 1)];
  }
  if (range.high >= 2 ** 31) return undefined;
  const shift = BigInt(31 + bits);
  const factor = vector(Number(((1n << shift) + BigInt(d) - 1n) / BigInt(d)));
  const x = temporary("v128");
  const half = (part: "low" | "high", of: Wat): Wat => ["i64x2.shr_u", [`i64x2.extmul_${part}_i32x4_u`, of, factor], ["i32.const", String(shift)]];
  // The low words of the four quotients.
  const words = "0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27".split(" ");
  const kept: Wat = ["local.tee", x, value];
  if (op === "divide") return ["i8x16.shuffle", ...words, half("low", kept), half("high", get(x))];
  return ["i32x4.sub", kept, ["i32x4.mul", ["i8x16.shuffle", ...words, half("low", get(x)), half("high", get(x))], vector(d)]];
}

const vector = (value: number): Wat => ["v128.const", "i32x4", ...Array.from({ length: 4 }, () => String(value))];
