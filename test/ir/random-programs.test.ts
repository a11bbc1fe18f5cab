import { describe, expect, it } from "vitest";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import { evaluate } from "../../src/ir/tensor/evaluate.js";
import type { BinaryFunction, TensorNode, TensorProgram, UnaryFunction } from "../../src/ir/tensor/nodes.js";
import { print } from "../../src/ir/tensor/print.js";
import { verify } from "../../src/ir/tensor/verify.js";
import { randomGenerator } from "../../src/util/random-generator.js";

const unary: readonly UnaryFunction[] = ["negate", "negate", "exp", "log", "sqrt", "square", "reciprocal", "tanh", "sigmoid", "softplus", "abs", "relu"];
const binary: readonly BinaryFunction[] = ["add", "add", "subtract", "subtract", "multiply", "multiply", "divide", "power", "maximum", "minimum"];
const numbers = [0, 1, -1, 2, 0.5, -2, 3];

/** A random program of elementwise steps, movements and reductions over one input; the same choices for every builder. */
function randomProgram(b: TensorBuilder, seed: number): TensorProgram {
  const next = randomGenerator(`program ${seed}`);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!;
  const made: TensorNode[] = [b.input("column", "x", ["rows", 3]), b.input("parameter", "w", [3]), b.input("scalar", "s", [])];
  const operand = (): TensorNode => (next() < 0.4 ? b.scalar(pick(numbers)) : pick(made));
  for (let step = 0; step < 14; step++) {
    const x = pick(made);
    const choice = next();
    if (choice < 0.35) made.push(b.unary(pick(unary), operand()));
    else if (choice < 0.85) made.push(b.binary(pick(binary), operand(), operand()));
    else if (choice < 0.9) made.push(b.reduce(pick(["sum", "max", "logsumexp"]), x, x.shape.length > 0 ? [x.shape.length - 1] : [], true));
    else if (choice < 0.95) made.push(b.select(b.less(x, 0.3), x, pick(numbers)));
    else made.push(x.shape.length === 2 ? b.transpose(b.transpose(x, [1, 0]), [1, 0]) : b.broadcast(x, x.shape));
  }
  return b.program("random", Object.fromEntries(made.slice(-4).map((node, i) => [`y${i}`, node])));
}

describe("random programs", () => {
  it("simplification keeps every value (1,000 programs)", () => {
    const bindings = { rows: 2, inputs: { x: { values: [0.3, 1.2, -0.7, 2.5, 0.9, 0.1], shape: [2, 3] }, w: { values: [0.4, -1.5, 2], shape: [3] }, s: 0.8 } };
    let smaller = 0;
    for (let seed = 0; seed < 1000; seed++) {
      const [full, short] = [randomProgram(new TensorBuilder({ simplify: false }), seed), randomProgram(new TensorBuilder(), seed)];
      verify(full);
      verify(short);
      if (short.nodes.length < full.nodes.length) smaller++;
      const [expected, got] = [evaluate(full, bindings), evaluate(short, bindings)];
      for (const [name, { shape, values }] of Object.entries(expected)) {
        expect(got[name]!.shape, `program ${seed}`).toEqual(shape);
        values.forEach((value, i) => {
          const other = got[name]!.values[i]!;
          const near = Object.is(value, other) || value === other || Math.abs(value - other) <= 1e-12 * Math.abs(value);
          expect(near, `program ${seed}, ${name}[${i}]: ${value} became ${other}\n${near ? "" : print(full) + print(short)}`).toBe(true);
        });
      }
    }
    expect(smaller).toBeGreaterThan(300);
  });

  it("the same program prints the same text", () => {
    expect(print(randomProgram(new TensorBuilder(), 5))).toBe(print(randomProgram(new TensorBuilder(), 5)));
  });
});
