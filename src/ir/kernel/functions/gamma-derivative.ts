import type { KernelBuilder } from "../builder.js";
import type { KernelExpr } from "../nodes.js";

export function gammaDerivative(k: KernelBuilder, left: KernelExpr, right: KernelExpr): KernelExpr {
  const [alpha, z] = [k.bind(left), k.bind(right)];
  return k.bind(k.divide(z, alpha));
}
