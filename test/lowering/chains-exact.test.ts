import { describe, expect, it } from "vitest";
import type { TensorNode, TensorProgram } from "../../src/ir/tensor/nodes.js";
import { logSumExp } from "../support/linear-algebra.js";
import { derivedGradient, gradient, lowerText, maxError, run } from "../support/lowered.js";

const normals = (count: number, seed: number): number[] => {
  let state = seed;
  const uniform = (): number => ((state = (state * 1103515245 + 12345) % 2147483648) + 0.5) / 2147483648;
  return Array.from({ length: count }, () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()));
};
const logNormal1 = (x: number, mean: number, scale: number): number => -0.5 * ((x - mean) / scale) ** 2 - Math.log(scale) - 0.5 * Math.log(2 * Math.PI);
const logSoftmax = (logits: readonly number[]): number[] => logits.map((each) => each - logSumExp(logits));
/** All assignments of `values[i]` labels to variable i. */
const paths = (values: readonly number[]): number[][] => values.reduce<number[][]>((all, count) => all.flatMap((path) => Array.from({ length: count }, (_, label) => [...path, label])), [[]]);

/** A model, its inputs, and the log joint of a row at a path of all its labels: what brute force needs. */
interface Case {
  readonly name: string;
  readonly text: string;
  readonly rows: number;
  readonly inputs: Record<string, readonly number[]>;
  /** Labels of each summed variable, and where its marginals stand in `probs.<site>`. */
  readonly values: readonly number[];
  readonly site: (variable: number) => { readonly site: string; readonly at: number };
  readonly logJoint: (row: number, path: readonly number[]) => number;
}

const [T, K] = [5, 3];
const [w, A, m, x] = [normals(K, 1), normals(K * K, 2), normals(K, 3), normals(2 * T, 4)];
const rowOf = (table: readonly number[], width: number, at: number): number[] => table.slice(at * width, at * width + width);
const step = (path: readonly number[], t: number): number => logSoftmax(rowOf(A, K, path[t - 1]!))[path[t]!]!;
const sum = (count: number, of: (t: number) => number): number => Array.from({ length: count }, (_, t) => of(t)).reduce((total, each) => total + each, 0);

const cases: readonly Case[] = [
  {
    name: "a hidden Markov model",
    text: `param w: real[3] = 0
param A: real[3, 3] = 0
param m: real[3] = 0
model hmm(x: real[5]) {
  k[1]: index(3) ~ Categorical(logits = w)
  chain t in 2..5 { k[t] ~ Categorical(logits = A[k[t-1]]) }
  each t in 1..5 { x[t] ~ Normal(m[k[t]], 0.5) }
}`,
    rows: 2, inputs: { w, A, m, x }, values: new Array<number>(T).fill(K), site: (variable) => ({ site: "k", at: variable }),
    logJoint: (row, path) => logSoftmax(w)[path[0]!]! + sum(T - 1, (t) => step(path, t + 1)) + sum(T, (t) => logNormal1(x[row * T + t]!, m[path[t]!]!, 0.5)),
  },
  {
    name: "a chain that looks back twice, with a binding from another loop",
    text: `param w: real[3] = 0
param A: real[3, 3] = 0
param m: real[3] = 0
model test(x: real[5]) {
  k[0]: index(3) ~ Categorical(logits = w)
  k[1] ~ Categorical(logits = A[k[0]])
  chain t in 2..5 { k[t] ~ Categorical(logits = A[k[t-1]] + A @ one_hot(k[t-2])) }
  each t in 1..5 { mean[t] = m[k[t]] * t }
  x[1] ~ Normal(m[k[0]], 1)
  chain t in 2..5 { x[t] ~ Normal(mean[t] + mean[t-1], 0.7) }
}`,
    rows: 2, inputs: { w, A, m, x }, values: new Array<number>(T + 1).fill(K), site: (variable) => ({ site: "k", at: variable }),
    logJoint: (row, path) => {
      const mean = (t: number): number => m[path[t]!]! * t;
      const prior = logSoftmax(w)[path[0]!]! + step(path, 1) + sum(T - 1, (i) => logSoftmax(rowOf(A, K, path[i + 1]!).map((each, j) => each + A[j * K + path[i]!]!))[path[i + 2]!]!);
      return prior + sum(T - 1, (i) => logNormal1(x[row * T + i + 1]!, mean(i + 2) + mean(i + 1), 0.7)) + logNormal1(x[row * T]!, m[path[0]!]!, 1);
    },
  },
  {
    name: "two chains with one reader (a factorial hidden Markov model), one of which reads the other",
    text: `param w: real[3] = 0
param A: real[3, 3] = 0
param m: real[3] = 0
param B: real[2, 2] = 0
model test(x: real[3]) {
  k[1]: index(3) ~ Categorical(logits = w)
  j[0]: index(2) ~ Categorical(logits = B[1])
  chain t in 2..3 { k[t] ~ Categorical(logits = A[k[t-1]]) }
  chain t in 1..3 { j[t] ~ Categorical(logits = B[j[t-1]]) }
  each t in 1..3 { x[t] ~ Normal(m[k[t]] + B[1][j[t]], 0.5) }
}`,
    rows: 2, inputs: { w, A, m, B: normals(4, 8), x: x.slice(0, 6) }, values: [3, 3, 3, 2, 2, 2, 2], site: (variable) => (variable < 3 ? { site: "k", at: variable } : { site: "j", at: variable - 3 }),
    logJoint: (row, path) => {
      const B = normals(4, 8);
      const jPath = path.slice(3);
      return logSoftmax(w)[path[0]!]! + step(path, 1) + step(path, 2) + logSoftmax(rowOf(B, 2, 0))[jPath[0]!]! + sum(3, (i) => logSoftmax(rowOf(B, 2, jPath[i]!))[jPath[i + 1]!]!)
        + sum(3, (i) => logNormal1(x[row * 3 + i]!, m[path[i]!]! + B[jPath[i + 1]!]!, 0.5));
    },
  },
  {
    name: "rows of their own lengths, and a label of the last step",
    text: `param w: real[3] = 0
param A: real[3, 3] = 0
param m: real[3] = 0
model test(x: real[5], y: real) where length(x) <= 5 {
  k[1]: index(3) ~ Categorical(logits = w)
  chain t in 2..5 { k[t] ~ Categorical(logits = A[k[t-1]]) }
  each t in 1..5 { x[t] ~ Normal(m[k[t]], 0.5) }
  y ~ Normal(m[k[5]], 2)
}`,
    rows: 2, inputs: { w, A, m, x, y: [0.3, -2], "length(x)": [5, 3] }, values: new Array<number>(T).fill(K), site: (variable) => ({ site: "k", at: variable }),
    // A chain stays where it is beyond the end of its row.
    logJoint: (row, path) => {
      const length = [5, 3][row]!;
      if (path.some((label, t) => t >= length && label !== path[length - 1])) return -Infinity;
      return logSoftmax(w)[path[0]!]! + sum(length - 1, (i) => step(path, i + 1)) + sum(length, (i) => logNormal1(x[row * T + i]!, m[path[i]!]!, 0.5)) + logNormal1([0.3, -2][row]!, m[path[4]!]!, 2);
    },
  },
  {
    name: "chains in a plate, downwards",
    text: `param w: real[3] = 0
param A: real[3, 3] = 0
param m: real[3] = 0
model test(x: real[2, 3]) {
  each i in 1..2 {
    k[i, 4]: index(3) ~ Categorical(logits = w)
    chain t in 3..1 { k[i, t] ~ Categorical(logits = A[k[i, t+1]]) }
  }
  each n in 1..2 { each t in 1..3 { x[n, t] ~ Normal(m[k[n, t]], 0.5) } }
}`,
    rows: 2, inputs: { w, A, m, x: normals(12, 9) }, values: new Array<number>(8).fill(K), site: (variable) => ({ site: "k", at: variable }),
    logJoint: (row, path) => sum(2, (i) => {
      const own = path.slice(4 * i, 4 * i + 4);
      return logSoftmax(w)[own[3]!]! + sum(3, (t) => logSoftmax(rowOf(A, K, own[t + 1]!))[own[t]!]!) + sum(3, (t) => logNormal1(normals(12, 9)[row * 6 + i * 3 + t]!, m[own[t]!]!, 0.5));
    }),
  },
  {
    name: "a component of a mixture at each step, and one kind for each row",
    text: `param w: real[3] = 0
param A: real[3, 3] = 0
param m: real[3] = 0
param B: real[2, 2] = 0
model test(x: real[3]) {
  kind: index(2) ~ Categorical(logits = B[1])
  k[1]: index(3) ~ Categorical(logits = w * B[2][kind])
  chain t in 2..3 { k[t] ~ Categorical(logits = A[k[t-1]] + kind_shift[kind] * w) }
  each t in 1..3 {
    c[t]: index(2) ~ Categorical(logits = B[1] * m[k[t]])
    x[t] ~ Normal(m[k[t]] + B[2][c[t]], 0.5)
  }
}
param kind_shift: real[2] = 0
guide test { marginalize kind, c }`,
    rows: 2, inputs: { w, A, m, B: normals(4, 8), x: x.slice(0, 6), kind_shift: [0.3, -0.8] }, values: [2, 3, 3, 3, 2, 2, 2],
    site: (variable) => (variable === 0 ? { site: "kind", at: 0 } : variable < 4 ? { site: "k", at: variable - 1 } : { site: "c", at: variable - 4 }),
    logJoint: (row, path) => {
      const B = normals(4, 8);
      const [kind, k, c] = [path[0]!, path.slice(1, 4), path.slice(4)];
      const shift = [0.3, -0.8][kind]!;
      return logSoftmax(B.slice(0, 2))[kind]! + logSoftmax(w.map((each) => each * B[2 + kind]!))[k[0]!]! + sum(2, (i) => logSoftmax(rowOf(A, K, k[i]!).map((each, j) => each + shift * w[j]!))[k[i + 1]!]!)
        + sum(3, (i) => logSoftmax(B.slice(0, 2).map((each) => each * m[k[i]!]!))[c[i]!]! + logNormal1(x[row * 3 + i]!, m[k[i]!]! + B[2 + c[i]!]!, 0.5));
    },
  },
  {
    name: "labels of a plate that a density reads two at a time",
    text: `param w: real[3] = 0
param m: real[3] = 0
model test(x: real[4]) {
  each t in 1..4 { k[t]: index(3) ~ Categorical(logits = w * t) }
  x[1] ~ Normal(0, 1)
  chain t in 2..4 { x[t] ~ Normal(m[k[t]] - 2 * m[k[t-1]], 0.5) }
}
guide test { marginalize k }`,
    rows: 2, inputs: { w, m, x: x.slice(0, 8) }, values: new Array<number>(4).fill(K), site: (variable) => ({ site: "k", at: variable }),
    logJoint: (row, path) => sum(4, (i) => logSoftmax(w.map((each) => each * (i + 1)))[path[i]!]!) + sum(3, (i) => logNormal1(x[row * 4 + i + 1]!, m[path[i + 1]!]! - 2 * m[path[i]!]!, 0.5)) + logNormal1(x[row * 4]!, 0, 1),
  },
  {
    name: "labels of one loop that another one reads",
    text: `param w: real[3] = 0
param m: real[3] = 0
model test(x: real[3]) {
  each t in 1..3 { k[t]: index(3) ~ Categorical(logits = w * t) }
  each s in 1..3 { x[s] ~ Normal(m[k[s]], 0.5) }
}
guide test { marginalize k }`,
    rows: 2, inputs: { w, m, x: x.slice(0, 6) }, values: [K, K, K], site: (variable) => ({ site: "k", at: variable }),
    logJoint: (row, path) => sum(3, (i) => logSoftmax(w.map((each) => each * (i + 1)))[path[i]!]! + logNormal1(x[row * 3 + i]!, m[path[i]!]!, 0.5)),
  },
];

for (const { name, text, rows, inputs, values, site, logJoint } of cases) {
  describe(name, () => {
    const lowered = lowerText(text);
    const all = paths(values);
    const joints = Array.from({ length: rows }, (_, row) => all.map((path) => logJoint(row, path)));
    const evidence = joints.map(logSumExp);
    const inferred = run(lowered.programs.infer!, inputs, { rows });

    it("has the evidence of all paths", () => {
      const { elbo } = run(lowered.programs.evaluate, inputs, { rows });
      expect(maxError(elbo!.values, evidence)).toBeLessThan(1e-9);
      expect(run(lowered.programs.train, inputs, { rows }).elbo!.values[0]).toBeCloseTo(evidence.reduce((total, each) => total + each, 0) / rows, 9);
    });

    it("has the slope of the evidence as its gradient", () => {
      for (const parameter of ["w", "m"]) {
        const slopes = gradient(lowered.programs.train, "loss", parameter, inputs, { rows });
        expect(maxError(derivedGradient(lowered.programs.train, "loss", parameter, inputs, { rows }), slopes)).toBeLessThan(1e-7);
      }
    });

    it("has the marginals of all paths", () => {
      for (const [variable, count] of values.entries()) {
        const { site: of, at } = site(variable);
        const probs = inferred[`probs.${of}`]!;
        const steps = probs.values.length / rows / count;
        for (let row = 0; row < rows; row++) {
          const expected = Array.from({ length: count }, (_, label) => all.reduce((total, path, i) => (path[variable] === label ? total + Math.exp(joints[row]![i]! - evidence[row]!) : total), 0));
          expect(maxError(probs.values.slice((row * steps + at) * count, (row * steps + at + 1) * count), expected)).toBeLessThan(1e-9);
        }
      }
    });

    it("has the most probable path", () => {
      const chains = [...new Set(values.map((_, variable) => site(variable).site))];
      if (chains.some((each) => inferred[`mode.${each}`] === undefined)) return expect(chains.includes("kind") || name.startsWith("labels of one loop")).toBe(true);
      for (let row = 0; row < rows; row++) {
        const best = all[joints[row]!.indexOf(Math.max(...joints[row]!))]!;
        const found = values.map((_, variable) => {
          const { site: of, at } = site(variable);
          const mode = inferred[`mode.${of}`]!;
          return mode.values[(row * mode.values.length) / rows + at]!;
        });
        expect(found).toEqual(best);
      }
    });
  });
}

describe("paths drawn from the posterior", () => {
  // 5000 rows of the same data, T = 3: 27 paths. Pearson's statistic over paths with at least 5 expected draws has at most 26 degrees of freedom: it passes 70 with probability
  // below 1e-5 (fixed seed). Draws from the marginals alone, or from the prior, would have a statistic in the thousands.
  it("are as frequent as they are probable", () => {
    const rows = 5000;
    const text = `param w: real[3] = 0
param A: real[3, 3] = 0
param m: real[3] = 0
model test(x: real[3]) {
  k[1]: index(3) ~ Categorical(logits = w)
  chain t in 2..3 { k[t] ~ Categorical(logits = A[k[t-1]]) }
  each t in 1..3 { x[t] ~ Normal(m[k[t]], 1.5) }
}`;
    const data = x.slice(0, 3);
    const all = paths([3, 3, 3]);
    const joints = all.map((path) => logSoftmax(w)[path[0]!]! + step(path, 1) + step(path, 2) + sum(3, (t) => logNormal1(data[t]!, m[path[t]!]!, 1.5)));
    const drawn = run(lowerText(text).programs.infer!, { w, A, m, x: Array.from({ length: rows }, () => data).flat() }, { rows })["k"]!.values;
    const counts = new Map<string, number>();
    for (let row = 0; row < rows; row++) {
      const key = [0, 1, 2].map((t) => drawn[row * 3 + t]).join();
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    const total = logSumExp(joints);
    const statistic = all.reduce((chi, path, i) => {
      const expected = rows * Math.exp(joints[i]! - total);
      return expected < 5 ? chi : chi + ((counts.get(path.join()) ?? 0) - expected) ** 2 / expected;
    }, 0);
    expect(statistic).toBeLessThan(70);
  });
});

describe("the cost of a sum over a chain", () => {
  const program = (T: number, K = 3) => lowerText(`param w: real[${K}] = 0
param A: real[${K}, ${K}] = 0
param m: real[${K}] = 0
model test(x: real[${T}]) {
  k[1]: index(${K}) ~ Categorical(logits = w)
  chain t in 2..${T} { k[t] ~ Categorical(logits = A[k[t-1]]) }
  each t in 1..${T} { x[t] ~ Normal(m[k[t]], 0.5) }
}`).programs;
  const nodes = (of: TensorProgram): readonly TensorNode[] => of.nodes.flatMap((node) => [node, ...(node.op.kind === "loop" ? nodes(node.op.body) : [])]);
  const elements = ({ shape }: TensorNode): number => shape.reduce<number>((product, dim) => product * (typeof dim === "number" ? dim : 1), 1);

  it("is one loop, whose code does not grow with the steps", () => {
    const [short, long] = [program(10), program(1000)];
    for (const name of ["train", "evaluate", "infer"] as const) expect(nodes(long[name]!).length).toBe(nodes(short[name]!).length);
    expect(nodes(long.train).filter(({ op }) => op.kind === "loop").length).toBe(1);
  });

  it("has tables of K² for each step, and arrays of T·K", () => {
    const K = 7;
    const all = nodes(program(1000, K).train);
    expect(Math.max(...all.map(elements))).toBe(1000 * K);
    const [body] = all.flatMap(({ op }) => (op.kind === "loop" ? [op.body] : []));
    expect(Math.max(...body!.nodes.map(elements))).toBe(K * K);
  });
});

describe("labels beside latents that the guide draws or enumerates", () => {
  const [B, z] = [normals(4, 8), [0.4, -0.7, 1.1]];
  const text = `param A: real[3, 3] = 0
param m: real[3] = 0
param B: real[2, 2] = 0
param c: real[3] = 0
model test(x: real[3]) {
  kind: index(2) ~ Categorical(logits = B[1])
  k[1]: index(3) ~ Categorical(logits = m * B[2][kind])
  z[1]: real ~ Normal(m[k[1]], 1)
  chain t in 2..3 {
    k[t] ~ Categorical(logits = A[k[t-1]] + B[2][kind] * z[t-1])
    z[t] ~ Normal(0.5 * z[t-1] + m[k[t]], 1)
  }
  each t in 1..3 { x[t] ~ Normal(z[t], 0.5) }
}
guide test {
  kind ~ Categorical(logits = B[2])
  each t in 1..3 { z[t] ~ Delta(c[t]) }
}`;
  const inputs = { A, m, B, c: z, x: x.slice(0, 3) };
  const lowered = lowerText(text);
  const logJoint = (kind: number, k: readonly number[]): number => {
    const shift = B[2 + kind]!;
    const labels = logSoftmax(m.map((each) => each * shift))[k[0]!]! + sum(2, (i) => logSoftmax(rowOf(A, K, k[i]!).map((each) => each + shift * z[i]!))[k[i + 1]!]!);
    return labels + sum(3, (t) => logNormal1(z[t]!, (t === 0 ? 0 : 0.5 * z[t - 1]!) + m[k[t]!]!, 1) + logNormal1(x[t]!, z[t]!, 0.5));
  };
  const q = logSoftmax(B.slice(2)).map(Math.exp);
  const all = paths([3, 3, 3]);

  it("have the bound of the enumerated values, each with its own sum over paths", () => {
    const expected = [0, 1].reduce((total, kind) => total + q[kind]! * (logSumExp(all.map((k) => logJoint(kind, k))) + logSoftmax(B.slice(0, 2))[kind]! - Math.log(q[kind]!)), 0);
    expect(run(lowered.programs.evaluate, inputs, { rows: 1 }).elbo!.values[0]).toBeCloseTo(expected, 9);
  });

  it("have the marginals of each value, averaged", () => {
    const probs = run(lowered.programs.infer!, inputs, { rows: 1 })["probs.k"]!.values;
    const expected = [0, 1, 2].flatMap((t) => [0, 1, 2].map((label) => [0, 1].reduce((total, kind) => {
      const joints = all.map((k) => logJoint(kind, k));
      return total + q[kind]! * all.reduce((part, k, i) => (k[t] === label ? part + Math.exp(joints[i]! - logSumExp(joints)) : part), 0);
    }, 0)));
    expect(maxError(probs, expected)).toBeLessThan(1e-9);
  });

  it("have the slope of the bound as their gradient", () => {
    for (const parameter of ["A", "B", "c"]) expect(maxError(derivedGradient(lowered.programs.train, "loss", parameter, inputs, { rows: 1 }), gradient(lowered.programs.train, "loss", parameter, inputs, { rows: 1 }))).toBeLessThan(1e-7);
  });
});

describe("the cost of several chains with one reader", () => {
  // Eliminated one after the other: Kⁿ⁺¹ entries in the largest table, where one variable of Kⁿ values would need K²ⁿ.
  it("is that of a table of n + 1 labels", () => {
    const names = ["a", "b", "c"];
    const { train } = lowerText(`param A: real[4, 4] = 0
model test(x: real[9]) {
${names.map((name) => `  ${name}[1]: index(4) ~ Categorical(logits = A[1])`).join("\n")}
  chain t in 2..9 { ${names.map((name) => `${name}[t] ~ Categorical(logits = A[${name}[t-1]])`).join("  ")} }
  each t in 1..9 { x[t] ~ Normal(${names.map((name) => `A[2][${name}[t]]`).join(" + ")}, 0.5) }
}`).programs;
    const [body] = train.nodes.flatMap(({ op }) => (op.kind === "loop" ? [op.body] : []));
    const sizes = body!.nodes.map(({ shape }) => shape.reduce<number>((product, dim) => product * (typeof dim === "number" ? dim : 1), 1));
    expect(Math.max(...sizes)).toBe(4 ** 4);
  });
});

describe("loops within loops", () => {
  // The emission reads the inner loop's labels before anything has the outer loop's axis.
  it("draw columns whose axes stand as the loops do", () => {
    const { programs } = lowerText(`param A: real[2, 2] = 0
model test(x: real[4, 3]) {
  k[1]: index(2) ~ Categorical(logits = A[1])
  chain t in 2..3 { k[t] ~ Categorical(logits = A[k[t-1]]) }
  each i in 1..4 { each s in 1..3 { x[i, s] ~ Normal(A[1][k[s]] + 10 * i, 0.001) } }
}`);
    const { values, shape } = run(programs.sample, { A: [0, 0, 0, 0] }, { rows: 1 })["x"]!;
    expect(shape).toEqual([1, 4, 3]);
    expect(Array.from(values, (each) => Math.round(each / 10))).toEqual([1, 2, 3, 4].flatMap((i) => [i, i, i]));
  });
});
