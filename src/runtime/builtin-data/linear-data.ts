import { createStream, rowStream } from "../random/index.js";
import { column, dataKeys, type BuiltinData } from "./builtin.js";

/** Linear regression with known weights. */
export const regression: BuiltinData = {
  doc: "n rows of y = 1.5 x₁ - 2 x₂ + 0.5 x₃ + 0.7 + 0.5 ε with x and ε standard normal.",
  parameters: [{ name: "n", default: 200, min: 1, max: 10_000_000 }],
  columns: () => [{ name: "x", support: { kind: "real" }, shape: [3] }, { name: "y", support: { kind: "real" }, shape: [] }],
  make([n = 200], seed, split) {
    const { rows } = dataKeys(seed, 3, split);
    const x = new Float32Array(3 * n);
    const y = new Float32Array(n);
    for (let row = 0; row < n; row++) {
      const random = rowStream(rows, row);
      for (let j = 0; j < 3; j++) x[3 * row + j] = random.normal();
      y[row] = 1.5 * x[3 * row]! - 2 * x[3 * row + 1]! + 0.5 * x[3 * row + 2]! + 0.7 + 0.5 * random.normal();
    }
    return [column("x", n, [3], x, `regression(${n})`), column("y", n, [], y, `regression(${n})`)];
  },
};

/** A linear-Gaussian factor model. */
export const factors: BuiltinData = {
  doc: "n rows of x = W z + c + 0.5 ε in d dimensions with k standard normal factors z; the loadings W and the centre c are standard normal draws of the seed, the same for both splits.",
  parameters: [{ name: "n", default: 2000, min: 1, max: 10_000_000 }, { name: "d", default: 8, min: 1, max: 10_000 }, { name: "k", default: 2, min: 1, max: 1000 }],
  columns: ([, d = 8]) => [{ name: "x", support: { kind: "real" }, shape: [d] }],
  make([n = 2000, d = 8, k = 2], seed, split) {
    const { world, rows } = dataKeys(seed, 4, split);
    const truth = createStream(world);
    const loadings = Float64Array.from({ length: d * k }, () => truth.normal());
    const center = Float64Array.from({ length: d }, () => truth.normal());
    const x = new Float32Array(n * d);
    const z = new Float64Array(k);
    for (let row = 0; row < n; row++) {
      const random = rowStream(rows, row);
      for (let j = 0; j < k; j++) z[j] = random.normal();
      for (let i = 0; i < d; i++) {
        let mean = center[i]!;
        for (let j = 0; j < k; j++) mean += loadings[i * k + j]! * z[j]!;
        x[row * d + i] = mean + 0.5 * random.normal();
      }
    }
    return [column("x", n, [d], x, `factors(${n}, ${d}, ${k})`)];
  },
};
