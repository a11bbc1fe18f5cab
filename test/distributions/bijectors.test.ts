import { describe, expect, it } from "vitest";
import { constrain, logAbsDetJacobian, unconstrain, unconstrainedShape } from "../../src/distributions/bijectors.js";
import { enumerate, jointCardinality } from "../../src/distributions/enumerate.js";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import { evaluate } from "../../src/ir/tensor/evaluate.js";
import { angle, binary, byte, cholesky, count, covariance, index, nonnegative, ordered, positive, real, simplex, unit, type Support } from "../../src/types/support.js";
import { randomGenerator } from "../../src/util/random-generator.js";

interface Case {
  readonly support: Support;
  readonly shape: readonly number[];
  /** Elements of the value that are free coordinates, by their place in it. */
  readonly coordinates?: (n: number) => number[];
  readonly holds: (x: readonly number[]) => boolean;
}

const lowerPlaces = (n: number): number[] => Array.from({ length: n * n }, (_, i) => i).filter((i) => i % n <= Math.floor(i / n));
const at = (x: readonly number[], i: number, j: number): number => x[i * 3 + j]!;

const cases: readonly Case[] = [
  { support: real, shape: [3], holds: () => true },
  { support: positive, shape: [3], holds: (x) => x.every((value) => value > 0) },
  { support: nonnegative, shape: [3], holds: (x) => x.every((value) => value > 0) },
  { support: unit, shape: [3], holds: (x) => x.every((value) => value > 0 && value < 1) },
  { support: angle, shape: [3], holds: (x) => x.every((value) => Math.abs(value) < Math.PI) },
  { support: { kind: "interval", low: -2, high: 5 }, shape: [3], holds: (x) => x.every((value) => value > -2 && value < 5) },
  { support: simplex, shape: [4], coordinates: (n) => Array.from({ length: n - 1 }, (_, i) => i), holds: (x) => x.every((value) => value > 0) && Math.abs(x.reduce((a, b) => a + b, 0) - 1) < 1e-12 },
  { support: ordered, shape: [4], holds: (x) => x.every((value, i) => i === 0 || value > x[i - 1]!) },
  { support: cholesky, shape: [3, 3], coordinates: lowerPlaces, holds: (x) => [0, 1, 2].every((i) => at(x, i, i) > 0 && [0, 1, 2].every((j) => j <= i || at(x, i, j) === 0)) },
  { support: covariance, shape: [3, 3], coordinates: lowerPlaces, holds: (x) => [0, 1, 2].every((i) => at(x, i, i) > 0 && [0, 1, 2].every((j) => Math.abs(at(x, i, j) - at(x, j, i)) < 1e-14)) },
];

/** Values at a batch of two unconstrained vectors. */
function run(support: Support, shape: readonly number[], u: readonly number[], precision: "f64" | "f32" = "f64") {
  const b = new TensorBuilder();
  const free = unconstrainedShape(support, [2, ...shape]);
  const input = b.input("parameter", "u", free);
  const x = constrain(b, input, support);
  expect(x.shape).toEqual([2, ...shape]);
  const outputs = { x, back: unconstrain(b, x, support), jacobian: logAbsDetJacobian(b, input, support) };
  return evaluate(b.program("bijection", outputs), { inputs: { u: { values: u, shape: free } }, precision });
}

function determinant(matrix: readonly (readonly number[])[]): number {
  const m = matrix.map((row) => [...row]);
  let result = 1;
  for (let i = 0; i < m.length; i++) {
    const pivot = m.slice(i).reduce((best, row, k) => (Math.abs(row[i]!) > Math.abs(m[best]![i]!) ? i + k : best), i);
    if (pivot !== i) [m[i], m[pivot], result] = [m[pivot]!, m[i]!, -result];
    result *= m[i]![i]!;
    for (let row = i + 1; row < m.length; row++) {
      const factor = m[row]![i]! / m[i]![i]!;
      for (let column = i; column < m.length; column++) m[row]![column]! -= factor * m[i]![column]!;
    }
  }
  return result;
}

describe.each(cases.map((each) => [each.support.kind, each] as const))("the bijection to %s", (_, { support, shape, coordinates, holds }) => {
  const size = unconstrainedShape(support, shape).reduce((product, dim) => product * dim, 1);
  const width = shape.reduce((product, dim) => product * dim, 1);
  const next = randomGenerator(`bijector ${support.kind}`);
  const u = Array.from({ length: 2 * size }, () => 4 * next() - 2);

  it("lands in the support and comes back", () => {
    const { x, back } = run(support, shape, u);
    for (const row of [0, 1]) expect(holds([...x!.values.slice(row * width, (row + 1) * width)])).toBe(true);
    back!.values.forEach((value, i) => expect(value).toBeCloseTo(u[i]!, 10));
    run(support, shape, u, "f32")["back"]!.values.forEach((value, i) => expect(Math.abs(value - u[i]!)).toBeLessThan(2e-5));
  });

  it("has the Jacobian of central differences", () => {
    const places = coordinates?.(shape.at(-1)!) ?? Array.from({ length: width }, (_, i) => i);
    const { jacobian } = run(support, shape, u);
    const step = 1e-6;
    for (const row of [0, 1]) {
      const columns = Array.from({ length: size }, (_, k) => {
        const moved = (by: number): Float64Array => run(support, shape, u.map((value, i) => (i === row * size + k ? value + by : value)))["x"]!.values;
        const [above, below] = [moved(step), moved(-step)];
        return places.map((place) => (above[row * width + place]! - below[row * width + place]!) / (2 * step));
      });
      const truth = Math.log(Math.abs(determinant(columns)));
      const found = jacobian!.values.slice((row * jacobian!.values.length) / 2, ((row + 1) * jacobian!.values.length) / 2).reduce((sum, value) => sum + value, 0);
      expect(found).toBeCloseTo(truth, 7);
    }
  });
});

it("0 is the centre of the simplex", () => {
  run(simplex, [4], new Array<number>(6).fill(0))["x"]!.values.forEach((value) => expect(value).toBeCloseTo(0.25, 12));
});

it("large coordinates neither overflow nor become NaN in float32", () => {
  for (const { support, shape } of cases) {
    const size = 2 * unconstrainedShape(support, shape).reduce((product, dim) => product * dim, 1);
    for (const value of [-30, 30]) expect([...run(support, shape, new Array<number>(size).fill(value), "f32")["x"]!.values].every((x) => Number.isFinite(x))).toBe(true);
  }
});

it("enumerates finite supports", () => {
  const b = new TensorBuilder();
  const values = (support: Support): number[] => [...evaluate(b.program("values", { values: enumerate(b, support)! }), { inputs: {} })["values"]!.values];
  expect(values(binary)).toEqual([0, 1]);
  expect(values(index(4))).toEqual([0, 1, 2, 3]);
  expect(values(byte)).toHaveLength(256);
  expect(enumerate(b, count)).toBeUndefined();
  expect(enumerate(b, index(3))!.dtype).toBe("i32");
  expect(enumerate(b, binary)!.dtype).toBe("f32");
  expect(jointCardinality(binary, 10)).toBe(1024);
  expect(jointCardinality(real, 1)).toBe(Infinity);
});
