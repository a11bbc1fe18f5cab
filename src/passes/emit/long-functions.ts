import type { TensorNode } from "../../ir/tensor/nodes.js";

/** Functions that loop until they have converged or accepted: fusion keeps them apart, for their code is long. */
export function isLongFunction({ op }: TensorNode): boolean {
  return op.kind === "random-log-gamma" || (op.kind === "binary" && op.function === "gamma_derivative");
}
