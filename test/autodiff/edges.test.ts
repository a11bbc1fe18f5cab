import { describe, expect, it } from "vitest";
import { gradientsOf } from "../../src/autodiff/gradients-of.js";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import { evaluate } from "../../src/ir/tensor/evaluate.js";
import { importProgram } from "../../src/ir/tensor/import-program.js";
import type { TensorNode } from "../../src/ir/tensor/nodes.js";
import { print } from "../../src/ir/tensor/print.js";
import { verify } from "../../src/ir/tensor/verify.js";

/** d Σ f / dx at the values, where f takes a vector; in float64 or as float32 would. */
function at(values: readonly number[], f: (b: TensorBuilder, x: TensorNode) => TensorNode, precision: "f64" | "f32" = "f64", shape: readonly number[] = [values.length]): number[] {
  const b = new TensorBuilder();
  const x = b.input("column", "x", shape);
  const [dx] = gradientsOf(b, b.sum(f(b, x)), [x]);
  const program = b.program("p", { dx: dx! });
  verify(program);
  return [...evaluate(program, { inputs: { x: { values, shape } }, precision }).dx!.values].map((value) => value + 0); // −0 is 0
}
const near = (got: readonly number[], expected: readonly number[], digits: number): void => expected.forEach((value, i) => expect(got[i]! / value).toBeCloseTo(1, digits));

describe("points where a product of slopes would give NaN", () => {
  it("kinks: relu and abs give 0, of equals the left operand takes all, elements of a maximum share", () => {
    expect(at([0, -1, 1], (b, x) => b.relu(x))).toEqual([0, 0, 1]);
    expect(at([0, -1, 1], (b, x) => b.abs(x))).toEqual([0, -1, 1]);
    expect(at([2, 1], (b, x) => b.maximum(x, b.multiply(3, b.stopGradient(b.divide(x, 3)))))).toEqual([1, 1]);
    expect(at([2, 5], (b, x) => b.maximum(2, x))).toEqual([0, 1]);
    expect(at([2, 1], (b, x) => b.minimum(x, 2))).toEqual([1, 1]);
    expect(at([3, 1, 3], (b, x) => b.max(x))).toEqual([0.5, 0, 0.5]);
    expect(at([1, 2, 1, 1, 5], (b, x) => b.reduce("min", x))).toEqual([1 / 3, 0, 1 / 3, 1 / 3, 0]);
    expect(at([-Infinity, -Infinity], (b, x) => b.max(x))).toEqual([0.5, 0.5]);
    expect(at([5, 5, 5, 4], (b, x) => b.pool2d("max", b.reshape(x, [2, 2, 1]), [2, 2], [2, 2], [[0, 0], [0, 0]]))).toEqual([1, 0, 0, 0]);
  });
  it("the square root is infinitely steep at 0, and so is its gradient", () => {
    expect(at([0, 4], (b, x) => b.sqrt(x))).toEqual([Infinity, 0.25]);
  });
  it("select: ∞ and NaN on the side not taken do not reach the other", () => {
    expect(at([-1, 4], (b, x) => b.reciprocal(b.select(b.greater(x, 0), x, 0)))).toEqual([0, -1 / 16]);
    expect(at([-1, 0, 4], (b, x) => b.select(b.greater(x, 0), b.log(b.select(b.greater(x, 0), x, 1)), 0))).toEqual([0, 0, 0.25]);
    expect(at([-1, 4], (b, x) => b.sqrt(b.relu(x)))).toEqual([0, 0.25]);
  });
  it("logsumexp, softmax and log-softmax with −∞ and far apart", () => {
    expect(at([-Infinity, 2, -Infinity], (b, x) => b.logsumexp(x))).toEqual([0, 1, 0]);
    expect(at([-Infinity, -Infinity], (b, x) => b.logsumexp(x))).toEqual([0, 0]);
    expect(at([1000, -1000, 1000], (b, x) => b.logsumexp(x)).map((value) => Number(value.toFixed(12)))).toEqual([0.5, 0, 0.5]);
    expect(at([1000, 0, -1000], (b, x) => b.multiply(b.logSoftmax(x), b.constant([0, 0, 1], [3])))).toEqual([-1, 0, 1]);
    expect(at([-Infinity, 0, 0], (b, x) => b.multiply(b.slice(b.logSoftmax(x), [1], [1]), 2))).toEqual([0, 1, -1]);
    expect(at([1000, -1000], (b, x) => b.multiply(b.softmax(x), b.constant([1, 2], [2])))).toEqual([0, 0]);
  });
  it("sigmoid and softplus at the extremes", () => {
    expect(at([-1000, 0, 1000], (b, x) => b.sigmoid(x))).toEqual([0, 0.25, 0]);
    expect(at([-1000, 0, 1000], (b, x) => b.softplus(x))).toEqual([0, 0.5, 1]);
    expect(at([-1000, 1000], (b, x) => b.log(b.add(1e-30, b.sigmoid(x))))).toEqual([0, 0]);
    expect(at([-1000, 1000], (b, x) => b.tanh(x))).toEqual([0, 0]);
  });
  it("power with base 0 and with a negative base", () => {
    expect(at([0, 2], (b, x) => b.power(x, 3))).toEqual([0, 12]);
    expect(at([0, 2], (b, x) => b.power(x, 2.5))[0]).toBe(0);
    expect(at([0, 2], (b, x) => b.power(x, b.constant([0, 0], [2])))).toEqual([0, 0]);
    expect(at([0, 2], (b, x) => b.power(b.constant([0, 0], [2]), x))).toEqual([0, 0]);
    expect(at([2, 3], (b, x) => b.power(-2, x))).toEqual([0, 0]);
    expect(at([-2, -1], (b, x) => b.power(x, 3))).toEqual([12, 3]);
  });
  it("products beside 0, quotients of 0, the angle at the origin", () => {
    expect(at([0, 3, 4], (b, x) => b.reduce("product", x))).toEqual([12, 0, 0]);
    expect(at([0, 3, 0], (b, x) => b.reduce("product", x))).toEqual([0, 0, 0]);
    expect(at([1e-30, 2e-30], (b, x) => b.divide(0, x), "f32")).toEqual([0, 0]);
    expect(at([0, 1], (b, x) => b.binary("atan2", x, b.multiply(x, 0)))).toEqual([0, 0]);
    near(at([3e-30], (b, x) => b.binary("atan2", x, b.constant([4e-30], [1])), "f32"), [4e-30 / 25e-60], 5);
    near(at([3e30], (b, x) => b.binary("atan2", x, b.constant([4e30], [1])), "f32"), [4e30 / 25e60], 5);
  });
  // Closed forms: φ(x)/Φ(x) = −x − 1/x + 2/x³ − … far to the left; δ'(x) = −1/12x² + 1/120x⁴ − …; differences of logarithms would have no digit left in float32.
  it("the normal distribution's left tail and Stirling's error keep their digits in float32", () => {
    near(at([-1e6, -1e4, -100, -20], (b, x) => b.unary("log_normal_cdf", x), "f32"), [1e6, 1e4 + 1e-4, 100 + 0.01 - 2e-6, 20.0497535], 6);
    near(at([1e4, 100, 10], (b, x) => b.unary("stirling_error", x), "f32"), [-1 / 12e8, -1 / 12e4 + 1 / 120e8, -1 / 1200 + 1 / 1.2e6 - 1 / 252e6], 5);
    expect(at([-Infinity], (b, x) => b.exp(b.unary("log_normal_cdf", b.maximum(x, -30))), "f32")).toEqual([0]);
    near(at([1e-30], (b, x) => b.unary("normal_quantile", x), "f32"), [Math.exp(0.5 * 11.464024688444 ** 2) * Math.sqrt(2 * Math.PI)], 3);
  });
  it("the slope of a deviance near x = m keeps its digits in float32", () => {
    const m = 1.000001;
    near(at([1], (b, x) => b.binary("deviance", x, b.scalar(m)), "f32"), [-Math.log(Math.fround(m))], 5);
    near(at([1], (b, x) => b.binary("deviance", b.scalar(m), x), "f32"), [1 - Math.fround(m)], 5);
  });
});

describe("gradientsOf", () => {
  it("takes f32 scalars and f32 nodes only, and says where a second derivative is missing", () => {
    const b = new TensorBuilder();
    const [x, k] = [b.input("parameter", "x", [2]), b.input("column", "k", [2], "i32")];
    expect(() => gradientsOf(b, x, [x])).toThrow(/the gradient of f32\[2\]/);
    expect(() => gradientsOf(b, b.sum(x), [k])).toThrow(/%1, which is i32/);
    expect(() => gradientsOf(b, b.sum(b.binary("gamma_derivative", x, x)), [x])).toThrow(/no second derivative/);
    const image = b.reshape(b.input("parameter", "image", [9]), [3, 3, 1]);
    const [dImage] = gradientsOf(b, b.sum(b.square(b.pool2d("max", image, [2, 2], [1, 1], [[0, 0], [0, 0]]))), [image]);
    expect(() => gradientsOf(b, b.sum(b.square(dImage!)), [b.program("p", { dImage: dImage! }).inputs[0]!])).toThrow(/no second derivative/);
    // The slope of a Gamma draw is asked for only where something depends on α.
    expect(gradientsOf(b, b.sum(b.multiply(x, b.stopGradient(b.binary("gamma_derivative", x, x)))), [x])).toHaveLength(1);
  });

  it("makes nothing for what does not depend on wrt, and 0 where the output does not depend on it", () => {
    const b = new TensorBuilder();
    const [x, w] = [b.input("column", "x", ["rows", 3]), b.input("parameter", "w", [3, 2])];
    const loss = b.sum(b.dot(b.exp(x), w));
    const [dw, other, rows] = gradientsOf(b, loss, [w, b.input("parameter", "v", [4]), b.input("latent", "z", ["rows", 2])]);
    expect(print(b.program("p", { dw: dw!, other: other!, rows: rows! }))).toMatchInlineSnapshot(`
      "program p
        %0: f32[rows, 3] = input column "x"
        %2: f32[rows, 3] = exp %0
        %8: f32[rows, 2] = broadcast 1
        %9: f32[3, 2] = dot %2, %8 transpose-left
        %11: f32[4] = broadcast 0
        %12: f32[rows, 2] = broadcast 0
        output dw = %9
        output other = %11
        output rows = %12
      "
    `);
  });

  it("is the gradient to a node between, all paths from it on added", () => {
    const b = new TensorBuilder();
    const x = b.input("parameter", "x", []);
    const h = b.square(x);
    const [dh, dx] = gradientsOf(b, b.add(b.multiply(h, 3), b.exp(h)), [h, x]);
    const out = evaluate(b.program("p", { dh: dh!, dx: dx! }), { inputs: { x: 0.5 } });
    expect(out.dh!.values[0]).toBeCloseTo(3 + Math.exp(0.25), 14);
    expect(out.dx!.values[0]).toBeCloseTo(3 + Math.exp(0.25), 14); // dh/dx = 2 · ½
  });

  it("differentiates twice: d²/dx² of x³ sin x", () => {
    const b = new TensorBuilder();
    const x = b.input("parameter", "x", []);
    const [d1] = gradientsOf(b, b.multiply(b.power(x, 3), b.unary("sin", x)), [x]);
    const [d2] = gradientsOf(b, d1!, [x]);
    const out = evaluate(b.program("p", { d2: d2! }), { inputs: { x: 0.7 } });
    expect(out.d2!.values[0]).toBeCloseTo(6 * 0.7 * Math.sin(0.7) + 6 * 0.49 * Math.cos(0.7) - 0.343 * Math.sin(0.7), 13);
  });

  it("what comes of a network call keeps its line and its call", () => {
    const source = { path: "m.lvm", text: "a\nb\nc\n" };
    const scope = { network: "encoder", call: 1 };
    const b = new TensorBuilder();
    const x = b.input("parameter", "x", [3]);
    const h = b.at({ source, start: 2, end: 3 }, () => b.inScope(scope, () => b.tanh(x)));
    const [dx] = gradientsOf(b, b.at({ source, start: 4, end: 5 }, () => b.sum(h)), [x]);
    expect(dx!.op).toMatchObject({ kind: "unary" === dx!.op.kind ? "unary" : "binary" });
    const slope = b.program("p", { dx: dx! }).nodes.find((node) => node.op.kind === "binary");
    expect(slope?.origin?.start).toBe(2);
    expect(slope?.scope).toEqual(scope);
  });

  it("adds in the same order every time", () => {
    const make = (): string => {
      const b = new TensorBuilder();
      const x = b.input("parameter", "x", [3]);
      const loss = b.sum(b.addAll([b.exp(x), b.tanh(x), b.square(x), b.multiply(x, b.sum(x))]));
      return print(b.program("p", { dx: gradientsOf(b, loss, [x])[0]! }));
    };
    expect(make()).toBe(make());
  });

  it("of a finished program, brought into a builder; its sizes bound on the way", () => {
    const first = new TensorBuilder();
    const w = first.input("parameter", "w", [2]);
    const finished = first.program("loss", { loss: first.mean(first.sum(first.exp(first.multiply(w, first.input("column", "x", ["rows", 2]))), [1])) });
    for (const sizes of [{}, { rows: 2 }]) {
      const b = new TensorBuilder();
      const imported = importProgram(b, finished, { sizes });
      const [dw] = gradientsOf(b, imported.get(finished.outputs["loss"]!)!, [imported.get(w)!]);
      const program = b.program("dw", { dw: dw! });
      verify(program);
      const got = evaluate(program, { inputs: { w: { values: [0.3, -1], shape: [2] }, x: { values: [1, 2, -0.5, 0.7], shape: [2, 2] } } }).dw!.values;
      expect(got[0]).toBeCloseTo((Math.exp(0.3) - 0.5 * Math.exp(-0.15)) / 2, 14);
      expect(got[1]).toBeCloseTo((2 * Math.exp(-2) + 0.7 * Math.exp(-0.7)) / 2, 14);
    }
  });
});
