import { rowStream } from "../random/index.js";
import { column, dataKeys, type BuiltinData } from "./builtin.js";

/** Two interleaved half circles. */
export const moons: BuiltinData = {
  doc: "n points of two interleaved half circles of radius 1, the upper one about (0, 0) and the lower one about (1, 0.5), with normal noise of scale 0.1; y says which.",
  parameters: [{ name: "n", default: 1000, min: 1, max: 10_000_000 }],
  columns: () => [{ name: "x", support: { kind: "real" }, shape: [2] }, { name: "y", support: { kind: "index", size: 2 }, shape: [] }],
  make([n = 1000], seed, split) {
    const { rows } = dataKeys(seed, 1, split);
    const x = new Float32Array(2 * n);
    const y = new Int32Array(n);
    for (let row = 0; row < n; row++) {
      const random = rowStream(rows, row);
      const lower = random.uniform() < 0.5;
      const angle = random.between(0, Math.PI);
      x[2 * row] = (lower ? 1 - Math.cos(angle) : Math.cos(angle)) + 0.1 * random.normal();
      x[2 * row + 1] = (lower ? 0.5 - Math.sin(angle) : Math.sin(angle)) + 0.1 * random.normal();
      y[row] = lower ? 1 : 0;
    }
    return [column("x", n, [2], x, `moons(${n})`), column("y", n, [], y, `moons(${n})`)];
  },
};

/** One arm that winds outwards. */
export const spiral: BuiltinData = {
  doc: "n points of a spiral of one and a half turns, t / 10 · (cos t, sin t) with t uniform from 3π / 2 to 9π / 2, with normal noise of scale 0.05: a slice of the Swiss roll.",
  parameters: [{ name: "n", default: 1000, min: 1, max: 10_000_000 }],
  columns: () => [{ name: "x", support: { kind: "real" }, shape: [2] }],
  make([n = 1000], seed, split) {
    const { rows } = dataKeys(seed, 11, split);
    const x = new Float32Array(2 * n);
    for (let row = 0; row < n; row++) {
      const random = rowStream(rows, row);
      const turn = random.between(1.5 * Math.PI, 4.5 * Math.PI);
      x[2 * row] = 0.1 * turn * Math.cos(turn) + 0.05 * random.normal();
      x[2 * row + 1] = 0.1 * turn * Math.sin(turn) + 0.05 * random.normal();
    }
    return [column("x", n, [2], x, `spiral(${n})`)];
  },
};

/** Round clusters of equal weight. */
export const blobs: BuiltinData = {
  doc: "n points of k clusters of equal weight, normal with scale 0.5, centres at equal distances on a circle about 0 of radius max(3, 2 / sin(π / k)), so that neighbours are at least 4 apart; the first centre is at angle 0. y is the cluster.",
  parameters: [{ name: "n", default: 1000, min: 1, max: 10_000_000 }, { name: "k", default: 4, min: 1, max: 100 }],
  columns: ([, k = 4]) => [{ name: "x", support: { kind: "real" }, shape: [2] }, { name: "y", support: { kind: "index", size: k }, shape: [] }],
  make([n = 1000, k = 4], seed, split) {
    const { rows } = dataKeys(seed, 2, split);
    const radius = k === 1 ? 0 : Math.max(3, 2 / Math.sin(Math.PI / k));
    const x = new Float32Array(2 * n);
    const y = new Int32Array(n);
    for (let row = 0; row < n; row++) {
      const random = rowStream(rows, row);
      const cluster = random.integer(k);
      const angle = (2 * Math.PI * cluster) / k;
      x[2 * row] = radius * Math.cos(angle) + 0.5 * random.normal();
      x[2 * row + 1] = radius * Math.sin(angle) + 0.5 * random.normal();
      y[row] = cluster;
    }
    return [column("x", n, [2], x, `blobs(${n}, ${k})`), column("y", n, [], y, `blobs(${n}, ${k})`)];
  },
};
