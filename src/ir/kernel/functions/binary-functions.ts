import type { BinaryFunction } from "../../tensor/nodes.js";
import type { KernelBuilder } from "../builder.js";
import type { KernelExpr } from "../nodes.js";
import { atan2 } from "./arctangent.js";
import { gammaDerivative } from "./gamma-derivative.js";
import { deviance } from "./gamma.js";
import { modulo } from "./modulo.js";
import { power } from "./power.js";

export type BinaryKernelFunction = (k: KernelBuilder, left: KernelExpr, right: KernelExpr) => KernelExpr;

/** The tensor IR's binary functions; arithmetic, `maximum`, `minimum` and `modulo` for integers too. */
export const binaryKernelFunctions: Readonly<Record<BinaryFunction, BinaryKernelFunction>> = {
  add: (k, a, b) => k.add(a, b),
  subtract: (k, a, b) => k.subtract(a, b),
  multiply: (k, a, b) => k.multiply(a, b),
  divide: (k, a, b) => k.divide(a, b),
  power,
  maximum: (k, a, b) => k.max(a, b),
  minimum: (k, a, b) => k.min(a, b),
  modulo,
  atan2,
  deviance,
  gamma_derivative: gammaDerivative,
};
