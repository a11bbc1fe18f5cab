import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { unaryKernelFunctions } from "../../src/ir/kernel/functions/unary-functions.js";
import { unaryMeaning } from "../../src/ir/tensor/evaluate/elementwise.js";
import { unaryFunctions, type UnaryFunction } from "../../src/ir/tensor/nodes.js";
import { lgamma } from "../../src/util/math/lgamma.js";
import { applyFunction, operationCount } from "./run-function.js";
import { fromBits, linear, sweep, ulpError, ulpOf } from "./ulp.js";

const largest = 3.4028234663852886e38;

/** Every exponent of both signs, subnormal numbers too, and evenly where things happen. */
const everywhere: readonly Float32Array[] = [
  sweep(-largest, largest, 24001), sweep(-1e-38, 1e-38, 1001), linear(-20, 20, 8001), linear(-120, 120, 4001), linear(-1.2, 1.2, 8001), linear(0.001, 3, 8001), linear(0.001, 10, 8001),
];

/**
 * The functions whose zeros below 0 are those of a difference (reflection): there the error is measured in units of what is subtracted,
 * as no float32 formula knows the zeros themselves. Above 0 they are held to the same bound as all others.
 */
const scaleBelowZero: Partial<Record<UnaryFunction, (x: number) => number>> = {
  lgamma: (x) => Math.max(1, lgamma(1 - x)),
  digamma: (x) => Math.max(1, Math.log(1 - x), Math.PI),
};

const measured = unaryFunctions.filter((name) => name !== "not" && name !== "is_finite");

describe("unary functions in kernels, in units of the last place", () => {
  // Guards accuracy at every exponent against float64; and that infinities, NaN and signs come out as the truth has them.
  for (const name of measured) {
    it(name, () => {
      let [worst, where, total, count] = [0, "", 0, 0];
      for (const xs of everywhere) {
        const got = applyFunction(unaryKernelFunctions[name], xs);
        xs.forEach((x, i) => {
          const truth = unaryMeaning[name](x);
          const scale = x < 0 ? scaleBelowZero[name]?.(x) : undefined;
          const error = scale !== undefined && Number.isFinite(truth) && Math.abs(truth) < scale ? Math.abs(got[i]! - truth) / ulpOf(scale) : ulpError(got[i]!, truth);
          total += error;
          count++;
          if (!(error <= worst)) [worst, where] = [error, `${name}(${x}) = ${got[i]}, not ${Math.fround(truth)}`];
        });
      }
      const { always, rare } = operationCount(unaryKernelFunctions[name], 1);
      console.log(`${name}: at most ${worst.toFixed(2)} ulp, ${(total / count).toFixed(2)} on average; ${always} operations${rare ? ` and ${rare} in rare branches` : ""}`);
      expect(worst, where).toBeLessThanOrEqual(4);
    });
  }

  // Guards the edges of every domain; the sign of zero is unspecified.
  it("special values", () => {
    const xs = Float32Array.of(0, -0, 1, -1, 0.5, -0.5, 2, -2, -3, Infinity, -Infinity, NaN, fromBits(1), fromBits(0x80000001 | 0), 1.1754943508222875e-38, largest, -largest);
    const wrong: string[] = [];
    for (const name of measured) {
      const got = applyFunction(unaryKernelFunctions[name], xs);
      xs.forEach((x, i) => {
        const truth = unaryMeaning[name](x);
        if (x < 0 && name in scaleBelowZero && Number.isFinite(truth)) return;
        if (!(ulpError(got[i]!, truth) <= 4)) wrong.push(`${name}(${x}) = ${got[i]}, not ${truth}`);
      });
    }
    expect(wrong).toEqual([]);
  });

  it("is_finite", () => {
    const got = applyFunction((k, x) => k.convert(unaryKernelFunctions.is_finite(k, x), "f32"), Float32Array.of(0, largest, -1, Infinity, -Infinity, NaN));
    expect([...got]).toEqual([1, 1, 1, 0, 0, 0]);
  });

  // Guards that scalar and vector code compute the same bits: what one thread does in vectors another may do one by one.
  it("are the same in scalars and vectors", () => {
    const xs = linear(-9, 9, 257);
    for (const name of measured) {
      const vector = applyFunction(unaryKernelFunctions[name], xs);
      const scalar = Float32Array.from(xs, (x) => applyFunction(unaryKernelFunctions[name], Float32Array.of(x))[0]!);
      expect(scalar, name).toEqual(vector);
    }
  });
});

const tables = new URL("../../../shared/data/known-answers/numpy/", import.meta.url);

describe.skipIf(!existsSync(tables))("unary functions against NumPy's validation sets", () => {
  const files: Partial<Record<UnaryFunction, string>> = { exp: "exp", expm1: "expm1", log: "log", log1p: "log1p", sin: "sin", cos: "cos", tan: "tan", atan: "arctan", tanh: "tanh" };
  // Correctly rounded results computed elsewhere: guards the float64 truth of the sweeps too.
  for (const [name, file] of Object.entries(files) as [UnaryFunction, string][]) {
    it(name, () => {
      const rows = readFileSync(new URL(`umath-validation-set-${file}.csv`, tables), "utf8").split("\n").filter((line) => line.startsWith("np.float32"));
      const [xs, expected] = [1, 2].map((column) => Float32Array.from(rows, (line) => fromBits(parseInt(line.split(",")[column]!, 16)))) as [Float32Array, Float32Array];
      expect(xs.length).toBeGreaterThan(100);
      const got = applyFunction(unaryKernelFunctions[name], xs);
      let [worst, where] = [0, ""];
      xs.forEach((x, i) => {
        const error = Object.is(got[i], expected[i]) || got[i] === expected[i] ? 0 : Math.abs(got[i]! - expected[i]!) / ulpOf(expected[i]!);
        if (!(error <= worst)) [worst, where] = [error, `${name}(${x}) = ${got[i]}, not ${expected[i]}`];
      });
      console.log(`${name}: at most ${worst} ulp from the table's ${xs.length} values`);
      expect(worst, where).toBeLessThanOrEqual(4);
    });
  }
});
