import { describe, expect, it } from "vitest";
import { gammaDerivative } from "../../src/ir/kernel/functions/gamma-derivative.js";
import { gammaDerivative as truth } from "../../src/util/math/gamma-derivative.js";
import { applyFunction, operationCount } from "./run-function.js";

/** For each shape, z from far below the mean to far above it. */
function cases(alphas: readonly number[]): readonly [Float32Array, Float32Array] {
  const pairs = alphas.flatMap((alpha) => {
    const spread = Math.sqrt(alpha);
    const middle = Array.from({ length: 81 }, (_, i) => alpha + (i - 40) * 0.15 * spread).filter((z) => z > 0);
    const low = [1e-30, 1e-10, 1e-4, 0.01, 0.1, 0.3].map((f) => f * alpha);
    return [...middle, ...low, alpha + 1, alpha + 1.01, alpha + 10, alpha + 30].map((z) => [alpha, z] as const);
  });
  return [Float32Array.from(pairs, ([a]) => a), Float32Array.from(pairs, ([, z]) => z)];
}

describe("gamma_derivative in kernels", () => {
  // Guards both expansions and the seam between them, against float64 quadrature and series.
  for (const [alphas, bound] of [[[0.001, 0.01, 0.1, 0.5, 0.9, 1, 1.1, 2, 5, 8, 10, 19], 1e-5], [[20, 25, 30, 40, 60, 100], 2e-5], [[200, 400, 1000, 1e4], 2e-5]] as const) {
    it(`alpha from ${alphas[0]} to ${alphas.at(-1)!}`, () => {
      const [a, z] = cases(alphas);
      const got = applyFunction(gammaDerivative, a, z);
      let worst = 0;
      let at = "";
      for (let i = 0; i < a.length; i++) {
        const expected = truth(a[i]!, z[i]!);
        const error = Math.abs(got[i]! / expected - 1);
        if (!(error <= worst) && !(expected === 0 && got[i] === 0) && Math.abs(expected) > 1e-37) [worst, at] = [error, `${a[i]}, ${z[i]}: ${got[i]}, not ${expected}`];
      }
      const count = operationCount(gammaDerivative, 2);
      console.log(`gamma_derivative: ${count.always} operations and ${count.rare} in branches and loops, relative error ${worst.toExponential(1)} at ${at}`);
      expect(worst, at).toBeLessThan(bound);
    });
  }

  it("has its edges", () => {
    const [a, z] = [Float32Array.of(1, 1, -1, 1, NaN, 2), Float32Array.of(0, Infinity, 1, -1, 1, NaN)];
    expect([...applyFunction(gammaDerivative, a, z)]).toEqual([0, Infinity, NaN, NaN, NaN, NaN]);
  });
});
