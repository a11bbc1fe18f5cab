import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { emitRules } from "../../src/codegen/tfjs/emit-rules.js";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import { differentiate, evaluate } from "../../src/ir/tensor/evaluate.js";
import type { DType, TensorNode, TensorProgram } from "../../src/ir/tensor/nodes.js";
import { selectBackend } from "../../src/runtime/tfjs/index.js";
import { gammaDerivative } from "../../src/util/math/gamma-derivative.js";
import { numbers, operationCases, type OperationCase } from "./support/operation-cases.js";
import { emittedFunction } from "./support/run-program.js";

/** Guards that emitted TensorFlow.js code means what ir/tensor/evaluate.ts defines, value and gradient, on both backends that ship. */

const types: Readonly<Record<DType, "float32" | "int32" | "bool">> = { f32: "float32", i32: "int32", u32: "int32", bool: "bool" };

function programOf({ inputs, build }: OperationCase): TensorProgram {
  const b = new TensorBuilder();
  const nodes = Object.fromEntries(Object.entries(inputs).map(([name, { shape, dtype }]) => [name, b.input("column", name, shape, dtype)]));
  const result = build(b, nodes);
  const sizes = result.shape.map((dim) => (typeof dim === "number" ? dim : 1));
  // Weights that differ from element to element, so that a transposed gradient does not pass.
  const weights = b.constant(numbers(sizes.reduce((n, size) => n * size, 1), 0.5, 1.5, 11), sizes);
  return b.program("case", { result, loss: b.sum(b.multiply(b.cast(result, "f32"), weights)) });
}

function sizesOf(given: OperationCase): { rows: number; dataset: number } {
  for (const { shape, values } of Object.values(given.inputs)) {
    if (!shape.includes("rows")) continue;
    const rest = shape.reduce<number>((n, dim) => (typeof dim === "number" ? n * dim : n), 1);
    return { rows: values.length / rest, dataset: given.dataset ?? 0 };
  }
  return { rows: given.rows ?? 0, dataset: given.dataset ?? 0 };
}

const bind = (shape: TensorNode["shape"], sizes: { rows: number; dataset: number }): number[] => shape.map((dim) => (typeof dim === "number" ? dim : sizes[dim]));

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number, what: string): void {
  expect(actual.length, what).toBe(expected.length);
  const scale = Math.max(1e-30, ...Array.from(expected, (value) => (Number.isFinite(value) ? Math.abs(value) : 0)));
  for (let at = 0; at < expected.length; at++) {
    const [a, e] = [actual[at]!, expected[at]!];
    if (Number.isNaN(e) || !Number.isFinite(e)) expect(a, `${what} [${at}]`).toBe(e);
    // Relative to the element, with room for what cancels against the largest one.
    else expect(Math.abs(a - e), `${what} [${at}]: ${a} instead of ${e}`).toBeLessThanOrEqual(tolerance * (Math.abs(e) + 1e-2 * scale) + 1e-38);
  }
}

describe.each(["tfjs-wasm", "tfjs-cpu"])("operations on %s", (device) => {
  beforeAll(async () => {
    await selectBackend(device);
  });

  for (const kind of Object.keys(emitRules) as (keyof typeof operationCases)[]) {
    for (const each of operationCases[kind]) {
      it(`${kind}: ${each.name}`, () => {
        const program = programOf(each);
        const sizes = sizesOf(each);
        const inputs = Object.fromEntries(Object.entries(each.inputs).map(([name, { values, shape }]) => [name, { values, shape: bind(shape, sizes) }]));
        const bindings = { inputs, ...(sizes.rows > 0 ? { rows: sizes.rows } : {}), ...(sizes.dataset > 0 ? { dataset: sizes.dataset } : {}) };
        const expected = evaluate(program, bindings)["result"]!;
        const { run, text } = emittedFunction(program);
        const tensors = Object.fromEntries(Object.entries(each.inputs).map(([name, { values, shape, dtype = "f32" }]) => [name, tf.tensor([...values], bind(shape, sizes) as [number], types[dtype])]));
        const { result } = run({ data: tensors, ...sizes });
        expect(result!.shape, text).toEqual(expected.shape);
        expectClose(result!.dataSync(), expected.values, each.tolerance ?? 2e-5, `value of ${text}\n`);
        for (const name of each.differentiable ?? []) {
          const gradient = tf.grad((x) => run({ data: { ...tensors, [name]: x }, ...sizes })["loss"]!)(tensors[name]!);
          const truth = differentiate(program, bindings, "loss", name);
          expect(gradient.shape).toEqual(truth.shape);
          expectClose(gradient.dataSync(), truth.values, each.tolerance ?? 5e-5, `gradient to ${name} of ${text}\n`);
        }
      });
    }
  }

  it("random: streams have their shapes, repeat, and differ from each other", () => {
    const b = new TensorBuilder();
    const program = b.program("draws", { a: b.normal("a", ["rows", 2]), b: b.uniform("b", [3, "rows", 2]), c: b.normal("c", [4]) });
    const { run } = emittedFunction(program);
    const [first, again, later] = [run({ data: {}, rows: 5 }), run({ data: {}, rows: 5 }), run({ data: {}, rows: 5, step: 1 })];
    expect([first["a"]!.shape, first["b"]!.shape, first["c"]!.shape]).toEqual([[5, 2], [3, 5, 2], [4]]);
    expect([...again["b"]!.dataSync()]).toEqual([...first["b"]!.dataSync()]);
    expect([...later["a"]!.dataSync()]).not.toEqual([...first["a"]!.dataSync()]);
    expect([...first["b"]!.dataSync()].every((u) => u > 0 && u < 1)).toBe(true);
  });

  it("random-log-gamma: the gradient is implicit", () => {
    const b = new TensorBuilder();
    const alpha = b.input("column", "alpha", [4]);
    const { run } = emittedFunction(b.program("draws", { z: b.randomLogGamma("z", alpha) }));
    const given = tf.tensor1d([0.05, 0.7, 2, 40]);
    const z = run({ data: { alpha: given } })["z"]!;
    const gradient = tf.grad((x) => tf.sum(run({ data: { alpha: x } })["z"]!))(given).dataSync();
    z.dataSync().forEach((logZ, at) => {
      const [shape, value] = [given.dataSync()[at]!, Math.exp(logZ)];
      expect(gradient[at]! / (gammaDerivative(shape, value) / value)).toBeCloseTo(1, 4);
    });
  });

  it("select: a gradient that is infinite on the branch not taken does not become NaN", () => {
    const x = tf.tensor1d([-1, 4]);
    const gradient = tf.grad((at) => tf.sum(tf.div(1, tf.where(tf.greater(at, 0), at, tf.zerosLike(at)))))(x);
    expect([...gradient.dataSync()]).toEqual([0, -1 / 16]);
  });

  it("stop-gradient: nothing flows", () => {
    const b = new TensorBuilder();
    const x = b.input("column", "x", [2]);
    const { run } = emittedFunction(b.program("stop", { y: b.sum(b.multiply(x, b.stopGradient(b.square(x)))) }));
    const gradient = tf.grad((at) => run({ data: { x: at } })["y"]!)(tf.tensor1d([2, 3]));
    expect([...gradient.dataSync()]).toEqual([4, 9]);
  });
});
