import type { TensorProgram } from "../ir/tensor/nodes.js";
import { rewrite } from "./rewrite.js";

/**
 * Equal nodes become one: the same operation, attributes, operands, dtype and shape. Random nodes are equal only within a stream, where
 * they mean the same draws. The name and the origin of the first stay.
 */
export function shareCommonSubexpressions(program: TensorProgram): TensorProgram {
  return rewrite(program, () => undefined);
}
