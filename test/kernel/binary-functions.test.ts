import { describe, expect, it } from "vitest";
import { evaluateKernels } from "../../src/ir/kernel/evaluate.js";
import { binaryKernelFunctions } from "../../src/ir/kernel/functions/binary-functions.js";
import { binaryMeaning } from "../../src/ir/tensor/evaluate/elementwise.js";
import type { BinaryFunction } from "../../src/ir/tensor/nodes.js";
import { randomGenerator } from "../../src/util/random-generator.js";
import { applyFunction, elementwiseProgram, operationCount } from "./run-function.js";
import { sweep, ulpError } from "./ulp.js";

const next = randomGenerator("binary functions");
const count = 40000;
const draw = (of: () => number): Float32Array => Float32Array.from({ length: count }, of);
const spread = (width: number) => (): number => Math.exp(width * (next() - 0.5));
const signed = (of: () => number) => (): number => (next() < 0.5 ? -of() : of());

const near = draw(spread(20));
const cases: readonly (readonly [BinaryFunction, number, Float32Array, Float32Array])[] = [
  ["power", 4, draw(spread(20)), draw(() => 20 * (next() - 0.5))],
  ["power", 4, draw(spread(0.1)), draw(() => 2000 * (next() - 0.5))],
  ["power", 4, draw(spread(170)), draw(() => 2 * (next() - 0.5))],
  ["power", 4, draw(() => -10 * next()), draw(() => Math.round(20 * (next() - 0.5)))],
  ["atan2", 4, draw(signed(spread(20))), draw(signed(spread(20)))],
  ["atan2", 4, sweep(-3e38, 3e38, count), draw(signed(spread(20)))],
  // x (log(x/m) − 1) + m: the logarithm's last place is up to x/m times the result's.
  ["deviance", 4, draw(spread(20)), draw(spread(20))],
  ["deviance", 4, near, near.map((x) => x * Math.exp(3 * (next() - 0.5)))],
  ["deviance", 4, near, near.map((x) => x * Math.exp(0.001 * (next() - 0.5)))],
  ["modulo", 4, draw(() => 100 * (next() - 0.5)), draw(() => 10 * (next() - 0.5))],
  ["divide", 0.5, draw(signed(spread(100))), draw(signed(spread(100)))],
];

describe("binary functions in kernels, in units of the last place", () => {
  // Guards accuracy against float64.
  for (const [name, bound, xs, ys] of cases) {
    it(`${name} of ${xs[0]}, …`, () => {
      const got = applyFunction(binaryKernelFunctions[name], xs, ys);
      let [worst, where] = [0, ""];
      xs.forEach((x, i) => {
        const error = ulpError(got[i]!, binaryMeaning[name](x, ys[i]!));
        if (!(error <= worst)) [worst, where] = [error, `${name}(${x}, ${ys[i]}) = ${got[i]}, not ${binaryMeaning[name](x, ys[i]!)}`];
      });
      console.log(`${name}: at most ${worst.toFixed(2)} ulp; ${operationCount(binaryKernelFunctions[name], 2).always} operations`);
      expect(worst, where).toBeLessThanOrEqual(bound);
    });
  }

  // Guards the edges; what docs/tensor-ir.md leaves open, and modulo of x/y ≥ 2²³ (0 here), apart.
  it("special values", () => {
    const special = [0, -0, 1, -1, 2, -2, 3, -3, 0.5, -0.5, Infinity, -Infinity, NaN, 1e-45, 3e38, 1e-38].map(Math.fround);
    const xs = Float32Array.from(special.flatMap((x) => special.map(() => x)));
    const ys = Float32Array.from(special.flatMap(() => special));
    const wrong: string[] = [];
    for (const name of ["add", "subtract", "multiply", "divide", "maximum", "minimum", "power", "atan2", "deviance", "modulo"] as const) {
      const got = applyFunction(binaryKernelFunctions[name], xs, ys);
      xs.forEach((x, i) => {
        const y = ys[i]!;
        const open = name === "power" ? Math.abs(x) === 1 && !Number.isFinite(y) : name === "modulo" && Math.abs(x / y) >= 2 ** 23;
        if (!open && !(ulpError(got[i]!, binaryMeaning[name](x, y)) <= 5)) wrong.push(`${name}(${x}, ${y}) = ${got[i]}, not ${binaryMeaning[name](x, y)}`);
      });
    }
    expect(wrong).toEqual([]);
  });

  it("integers: arithmetic wraps and modulo has the divisor's sign", () => {
    const pairs = [[7, 3], [-7, 3], [7, -3], [-7, -3], [6, 3], [-6, 3], [2147483647, 2], [-2147483648, 7]] as const;
    for (const name of ["add", "subtract", "multiply", "maximum", "minimum", "modulo"] as const) {
      const program = elementwiseProgram(binaryKernelFunctions[name], ["i32", "i32"], pairs.length, 4);
      const arena = new Int32Array(program.words);
      pairs.forEach(([x, y], i) => arena.set([x], 4 + i));
      pairs.forEach(([, y], i) => arena.set([y], 4 + pairs.length + i));
      evaluateKernels(program, arena.buffer);
      const expected = pairs.map(([x, y]) => (name === "multiply" ? Math.imul(x, y) : binaryMeaning[name](x, y) | 0));
      expect([...arena.slice(4 + 2 * pairs.length)], name).toEqual(expected);
    }
  });
});
