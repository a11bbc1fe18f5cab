import { InternalError } from "../../../util/internal-error.js";
import { bodyInputName, loopInputNames, loopResults } from "../loops.js";
import { sizeOf } from "./strided.js";
import type { EvaluateRule, InputValue } from "./types.js";

/** Runs the body step by step. Its own value is its first result; the others wait in `context.loops`. */
export const evaluateLoop: EvaluateRule<"loop"> = (op, inputs, context) => {
  const { node, bindings, sizes, bind, loops } = context;
  if (!loops) throw new InternalError(`node %${node.id}: a loop cannot be evaluated alone`);
  const { steps, carried, invariants, body } = op;
  const results = loopResults(op).map(({ shape }) => new Float64Array(sizeOf(bind(shape))));
  const names = loopInputNames(op);
  const needed = new Set(body.inputs.map(bodyInputName));
  let carries = inputs.slice(0, carried).map(({ values }) => values);
  const draws = bindings.within?.draws ?? new Map<string, Float64Array>();
  for (let step = 0; step < steps; step++) {
    const index = op.reverse ? steps - 1 - step : step;
    const given: Record<string, InputValue | number> = needed.has("index") ? { index } : {};
    names.forEach((name, at) => {
      if (!needed.has(name)) return;
      const { shape, values } = inputs[at]!;
      if (at < carried) given[name] = { shape, values: carries[at]! };
      else if (at < carried + invariants) given[name] = { shape, values };
      else given[name] = { shape: shape.slice(1), values: slice(values, index, steps) };
    });
    carries.forEach((values, at) => results[carried + op.stacked + at]!.set(values, index * values.length));
    const out = loops.run(body, { ...bindings, ...sizes, inputs: given, within: { loops: [...(bindings.within?.loops ?? []), { steps, index }], draws } });
    carries = carries.map((_, at) => out[`carry.${at}`]!.values);
    for (let at = 0; at < op.stacked; at++) {
      const { values } = out[`stack.${at}`]!;
      results[carried + at]!.set(values, index * values.length);
    }
  }
  carries.forEach((values, at) => results[at]!.set(values));
  loops.results.set(node, results);
  return results[0]!;
};

export const evaluateLoopResult: EvaluateRule<"loop-result"> = ({ result }, _, { node, loops }) => {
  const values = loops?.results.get(node.inputs[0]!)?.[result];
  if (!values) throw new InternalError(`node %${node.id} reads result ${result} of a loop that did not run`);
  return values;
};

function slice(values: Float64Array, index: number, steps: number): Float64Array {
  const count = values.length / steps;
  return values.subarray(index * count, (index + 1) * count);
}
