import { constrain, unconstrain, unconstrainedShape } from "../distributions/bijectors.js";
import { lineOf } from "../diagnostics/span.js";
import type { StoredParameter } from "../ir/lowered-model.js";
import type { Initializer, Parameter } from "../ir/model/model.js";
import { TensorBuilder } from "../ir/tensor/builder.js";
import { evaluate } from "../ir/tensor/evaluate.js";
import type { Dim, TensorNode } from "../ir/tensor/nodes.js";
import { dims } from "../types/type.js";
import { ROWS, type Value } from "./value.js";

/** The parameter as expressions see it: on its own support; gathered by row when it has one value for each row of the data set. */
export function constrainedParameter(b: TensorBuilder, parameter: Parameter, rows: Dim): Value {
  return b.at(parameter.origin, () => {
    const shape = unconstrainedShape(parameter.type.support, dims(parameter.type));
    if (!parameter.perRow) return { node: constrain(b, b.input("parameter", parameter.name, shape), parameter.type.support), axes: [] };
    const table = b.input("parameter", parameter.name, ["dataset", ...shape]);
    const rowIndex = b.input("row-index", "rowIndex", [rows], "i32");
    return { node: constrain(b, b.gather(table, rowIndex), parameter.type.support), axes: [ROWS] };
  });
}

/** How a parameter is stored and where it starts, on the unconstrained scale. */
export function storedParameter(parameter: Parameter): StoredParameter {
  const shape = unconstrainedShape(parameter.type.support, dims(parameter.type));
  return {
    name: parameter.name,
    shape: parameter.perRow ? ["dataset", ...shape] : shape,
    init: unconstrainedInit(parameter),
    trainable: parameter.trainable,
    line: lineOf(parameter.origin),
  };
}

const bound: readonly string[] = ["positive", "nonnegative", "unit", "interval", "angle", "simplex", "ordered", "cholesky", "covariance"];

function unconstrainedInit(parameter: Parameter): Initializer {
  const { type, init } = parameter;
  if (!bound.includes(type.support.kind)) return init.kind === "identity" ? { kind: "values", values: identityValues(dims(type)) } : init;
  const start = initialValues(init, dims(type));
  const b = new TensorBuilder();
  const unconstrained: TensorNode = unconstrain(b, b.constant(start, dims(type)), type.support);
  const values = [...evaluate(b.program("init", { values: unconstrained }), { inputs: {} })["values"]!.values];
  return values.every((value) => value === values[0]) && values.length > 0 ? { kind: "constant", value: values[0]! } : { kind: "values", values };
}

/** Values of a deterministic initializer; a random one starts a constrained parameter at its centre. */
function initialValues(init: Initializer, shape: readonly number[]): number[] {
  const count = shape.reduce((product, size) => product * size, 1);
  switch (init.kind) {
    case "values":
      return [...init.values];
    case "identity":
      return identityValues(shape);
    case "constant":
      return new Array<number>(count).fill(init.value);
    case "uniform":
      return new Array<number>(count).fill((init.low + init.high) / 2);
    case "normal":
      return new Array<number>(count).fill(init.mean);
    case "lecun_uniform":
    case "he_normal":
      return new Array<number>(count).fill(0);
  }
}

function identityValues(shape: readonly number[]): number[] {
  const size = shape.at(-1) ?? 1;
  const count = shape.reduce((product, dim) => product * dim, 1);
  return Array.from({ length: count }, (_, at) => (Math.floor(at / size) % size === at % size ? 1 : 0));
}
