import type { KernelBuilder } from "../builder.js";
import type { KernelExpr } from "../nodes.js";
import { twoProduct } from "./common.js";

/**
 * x − y ⌊x/y⌋, with the sign of y. In f32 exact up to one rounding while |x/y| < 2²³, and 0 beyond, where neighbouring numbers x are further
 * apart than y; NaN modulo 0 and of ±∞. Integers modulo 0 give 0.
 */
export function modulo(k: KernelBuilder, left: KernelExpr, right: KernelExpr): KernelExpr {
  const [x, y] = [k.bind(left), k.bind(right)];
  return x.type === "f32" ? real(k, x, y) : x.type === "u32" ? k.remainder(x, k.max(y, 1)) : integer(k, x, y);
}

function integer(k: KernelBuilder, x: KernelExpr, y: KernelExpr): KernelExpr {
  const rest = k.bind(k.remainder(x, k.bind(k.max(k.unary("abs", y), 1))));
  const otherSide = k.less(k.binary("xor", rest, y), 0);
  const turned = k.binary("and", otherSide, k.compare("not_equal", rest, 0));
  return k.bind(k.select(turned, k.add(rest, y), rest));
}

function real(k: KernelBuilder, x: KernelExpr, y: KernelExpr): KernelExpr {
  const quotient = k.bind(k.divide(x, y));
  const size = k.bind(k.unary("abs", y));
  const times = k.bind(k.unary("floor", quotient));
  const product = twoProduct(k, times, y);
  const rest = k.bind(k.subtract(k.subtract(x, product.high), product.low));
  // The rounded quotient can be one too large or too small.
  const signed = k.bind(k.select(k.less(y, 0), k.unary("negate", rest), rest));
  const near = k.bind(k.select(k.less(signed, 0), k.add(signed, size), k.select(k.greater(signed, size), k.subtract(signed, size), signed)));
  const close = k.select(k.less(y, 0), k.unary("negate", near), near);
  const coarse = k.compare("greater_equal", k.unary("abs", quotient), 2 ** 23);
  const finite = k.select(coarse, k.multiply(y, 0), close);
  // Modulo ±∞: x itself, or ±∞ where it is on the other side.
  const beyond = k.select(k.less(k.multiply(x, y), 0), y, x);
  const usual = k.select(k.equal(size, Infinity), beyond, finite);
  const defined = k.binary("and", k.less(k.unary("abs", x), Infinity), k.compare("not_equal", y, 0));
  return k.bind(k.select(k.binary("and", defined, k.equal(y, y)), usual, k.constant(NaN)));
}
