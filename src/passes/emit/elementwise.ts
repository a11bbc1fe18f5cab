import type { KernelBuilder } from "../../ir/kernel/builder.js";
import { binaryKernelFunctions } from "../../ir/kernel/functions/binary-functions.js";
import { unaryKernelFunctions } from "../../ir/kernel/functions/unary-functions.js";
import type { KernelExpr } from "../../ir/kernel/nodes.js";
import type { BinaryFunction, ComparisonFunction, UnaryFunction } from "../../ir/tensor/nodes.js";

/** f(x) for a bound x. */
export function emitUnary(k: KernelBuilder, name: UnaryFunction, x: KernelExpr): KernelExpr {
  return unaryKernelFunctions[name](k, x);
}

/** Scalars meet vectors by splatting. */
export function emitBinary(k: KernelBuilder, name: BinaryFunction, a: KernelExpr, b: KernelExpr): KernelExpr {
  const wide = a.width === "vector" || b.width === "vector" ? "vector" : "scalar";
  return binaryKernelFunctions[name](k, k.bind(k.widened(a, wide)), k.bind(k.widened(b, wide)));
}

/** Bools compare as the integers 0 and 1. */
export function emitCompare(k: KernelBuilder, name: ComparisonFunction, a: KernelExpr, b: KernelExpr): KernelExpr {
  if (name === "and" || name === "or") return k.binary(name, a, b);
  const number = (x: KernelExpr): KernelExpr => (x.type === "bool" ? k.convert(x, "i32") : x);
  return k.compare(name, number(a), number(b));
}
