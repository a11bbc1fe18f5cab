import { evaluateNodes, type InputValue } from "../../src/ir/tensor/evaluate.js";
import type { BinaryFunction, TensorNode, TensorProgram, UnaryFunction } from "../../src/ir/tensor/nodes.js";
import { halfLogTwoPi, twoOverSqrtPi } from "../../src/util/math/constants.js";
import { digamma } from "../../src/util/math/digamma.js";
import { trigamma } from "../../src/util/math/trigamma.js";

/**
 * Reverse mode for programs whose every node has one element, with no mercy for NaN: a branch that `select` does not take gets the cotangent 0, and
 * 0 · ∞ is NaN, as in any engine. It shows whether a density is written so that gradients survive.
 */
const unaryRules: Partial<Record<UnaryFunction, (x: number, y: number) => number>> = {
  negate: () => -1,
  exp: (_, y) => y,
  log: (x) => 1 / x,
  log1p: (x) => 1 / (1 + x),
  expm1: (_, y) => y + 1,
  sqrt: (_, y) => 0.5 / y,
  reciprocal: (_, y) => -y * y,
  square: (x) => 2 * x,
  abs: (x) => Math.sign(x),
  sign: () => 0,
  floor: () => 0,
  round: () => 0,
  tan: (_, y) => 1 + y * y,
  tanh: (_, y) => 1 - y * y,
  sigmoid: (_, y) => y * (1 - y),
  softplus: (x) => 1 / (1 + Math.exp(-x)),
  erf: (x) => twoOverSqrtPi * Math.exp(-x * x),
  lgamma: digamma,
  digamma: trigamma,
  log_normal_cdf: (x, y) => Math.exp(-0.5 * x * x - halfLogTwoPi - y),
  normal_quantile: (_, y) => Math.exp(halfLogTwoPi + 0.5 * y * y),
  stirling_error: (x) => digamma(x + 1) - Math.log(x) - 0.5 / x,
};

const binaryRules: Partial<Record<BinaryFunction, (a: number, b: number) => readonly [number, number]>> = {
  add: () => [1, 1],
  subtract: () => [1, -1],
  multiply: (a, b) => [b, a],
  divide: (a, b) => [1 / b, -a / (b * b)],
  maximum: (a, b) => [a >= b ? 1 : 0, a >= b ? 0 : 1],
  minimum: (a, b) => [a <= b ? 1 : 0, a <= b ? 0 : 1],
  deviance: (x, m) => [Math.log(x / m), 1 - x / m],
};

/** Derivatives of the single output by the name of each input. */
export function reverse(program: TensorProgram, inputs: Readonly<Record<string, InputValue>>, precision: "f64" | "f32" = "f64"): Record<string, number> {
  const values = evaluateNodes(program, { inputs, precision });
  const at = (node: TensorNode): number => {
    const { values: all } = values.get(node)!;
    if (all.length !== 1) throw new Error(`%${node.id} has ${all.length} elements`);
    return all[0]!;
  };
  const cotangents = new Map<TensorNode, number>([[Object.values(program.outputs)[0]!, 1]]);
  const give = (node: TensorNode, amount: number): void => void cotangents.set(node, (cotangents.get(node) ?? 0) + amount);
  const result: Record<string, number> = {};
  for (const node of [...program.nodes].reverse()) {
    const own = cotangents.get(node);
    if (own === undefined) continue;
    const { op, inputs: [a, b, c] } = node;
    switch (op.kind) {
      case "input": result[op.name] = own; break;
      case "unary": {
        const rule = unaryRules[op.function];
        if (!rule) throw new Error(`no derivative of ${op.function}`);
        give(a!, own * rule(at(a!), at(node)));
        break;
      }
      case "binary": {
        const rule = binaryRules[op.function];
        if (!rule) throw new Error(`no derivative of ${op.function}`);
        const [da, db] = rule(at(a!), at(b!));
        give(a!, own * da);
        give(b!, own * db);
        break;
      }
      case "select":
        give(b!, at(a!) ? own : 0);
        give(c!, at(a!) ? 0 : own);
        break;
      case "broadcast": case "reshape": give(a!, own); break;
      case "cast": if (a!.dtype === "f32") give(a!, own); break;
      case "constant": case "compare": case "stop-gradient": break;
      default: throw new Error(`no derivative of ${op.kind}`);
    }
  }
  return result;
}
