import { rowStream } from "../random/index.js";
import { column, dataKeys, type BuiltinData } from "./builtin.js";

/** A hidden Markov model. */
export const stateSequences: BuiltinData = {
  doc: "n sequences of T points of a hidden Markov model with 3 states: s[1] uniform, s[t] stays with probability 0.9 and else goes to each of the other two with 0.05; x[t] normal with scale 0.8 about (-2, 0), (2, 0) and (0, 3). s holds the states, from 0.",
  parameters: [{ name: "n", default: 1000, min: 1, max: 10_000_000 }, { name: "T", default: 20, min: 1, max: 100_000 }],
  columns: ([, T = 20]) => [{ name: "x", support: { kind: "real" }, shape: [T, 2] }, { name: "s", support: { kind: "index", size: means.length }, shape: [T] }],
  make([n = 1000, T = 20], seed, split) {
    const { rows } = dataKeys(seed, 9, split);
    const x = new Float32Array(n * T * 2);
    const s = new Int32Array(n * T);
    for (let row = 0; row < n; row++) {
      const random = rowStream(rows, row);
      let state = random.integer(means.length);
      for (let t = 0; t < T; t++) {
        if (t > 0 && random.uniform() >= 0.9) state = (state + 1 + random.integer(means.length - 1)) % means.length;
        const at = row * T + t;
        s[at] = state;
        for (let axis = 0; axis < 2; axis++) x[2 * at + axis] = means[state]![axis]! + 0.8 * random.normal();
      }
    }
    const origin = `state_sequences(${n}, ${T})`;
    return [column("x", n, [T, 2], x, origin), column("s", n, [T], s, origin)];
  },
};

const means = [[-2, 0], [2, 0], [0, 3]];

/** A linear-Gaussian state-space model. */
export const tracking: BuiltinData = {
  doc: "n noisy tracks of a moving point in the plane, T steps each, linear and Gaussian, both coordinates alike: position p[1] ~ Normal(0, 1), velocity v[1] ~ Normal(0, 0.3); p[t] ~ Normal(p[t-1] + v[t-1], 0.05), v[t] ~ Normal(0.95 v[t-1], 0.1); what is seen is x[t] ~ Normal(p[t], 0.3). p holds the true positions.",
  parameters: [{ name: "n", default: 1000, min: 1, max: 10_000_000 }, { name: "T", default: 20, min: 1, max: 100_000 }],
  columns: ([, T = 20]) => [{ name: "x", support: { kind: "real" }, shape: [T, 2] }, { name: "p", support: { kind: "real" }, shape: [T, 2] }],
  make([n = 1000, T = 20], seed, split) {
    const { rows } = dataKeys(seed, 10, split);
    const x = new Float32Array(n * T * 2);
    const p = new Float32Array(n * T * 2);
    for (let row = 0; row < n; row++) {
      const random = rowStream(rows, row);
      const position = [random.normal(), random.normal()];
      const velocity = [0.3 * random.normal(), 0.3 * random.normal()];
      for (let t = 0; t < T; t++) {
        for (let axis = 0; axis < 2; axis++) {
          if (t > 0) {
            position[axis] = position[axis]! + velocity[axis]! + 0.05 * random.normal();
            velocity[axis] = 0.95 * velocity[axis]! + 0.1 * random.normal();
          }
          const at = 2 * (row * T + t) + axis;
          p[at] = position[axis]!;
          x[at] = position[axis]! + 0.3 * random.normal();
        }
      }
    }
    const origin = `tracking(${n}, ${T})`;
    return [column("x", n, [T, 2], x, origin), column("p", n, [T, 2], p, origin)];
  },
};
