import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { unconstrain } from "../../src/distributions/bijectors.js";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import { evaluate } from "../../src/ir/tensor/evaluate.js";
import { cholesky as choleskySupport, covariance as covarianceSupport, type Support } from "../../src/types/support.js";
import { cholesky, identity, inverse, logNormal, logSumExp, matmul, plus, transpose, type Matrix } from "../support/linear-algebra.js";
import { gradient, lowerText, maxError, run } from "../support/lowered.js";

const shipped = (name: string): string => readFileSync(new URL(`../../models/${name}.lvm`, import.meta.url), "utf8");
/** A constrained matrix as it is stored; the bijections have tests of their own. */
function stored(support: Support, matrix: Matrix): number[] {
  const b = new TensorBuilder();
  const value = b.constant(matrix.flat(), [matrix.length, matrix.length]);
  return [...evaluate(b.program("stored", { u: unconstrain(b, value, support) }), { inputs: {} })["u"]!.values];
}
const normals = (count: number, seed: number): number[] => {
  let state = seed;
  const uniform = (): number => ((state = (state * 1103515245 + 12345) % 2147483648) + 0.5) / 2147483648;
  return Array.from({ length: count }, () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()));
};

describe("probabilistic PCA, whose evidence is known", () => {
  const [D, K, N] = [8, 2, 5];
  const W: Matrix = Array.from({ length: D }, (_, i) => normals(K, i + 3));
  const [center, x] = [normals(D, 91), normals(N * D, 17)];
  const noise = 0.7;
  const covariance = plus(matmul(W, transpose(W)), identity(D, noise ** 2));
  const rows = Array.from({ length: N }, (_, n) => x.slice(n * D, (n + 1) * D));
  const evidence = rows.map((row) => logNormal(row, center, covariance));
  // Exact posterior: M = WᵀW + σ²I, mean M⁻¹Wᵀ(x − μ), covariance σ² M⁻¹ (Tipping & Bishop 1999, equation 7).
  const M = inverse(plus(matmul(transpose(W), W), identity(K, noise ** 2))).inverse;
  const gain = matmul(M, transpose(W));
  const posteriorCholesky = cholesky(M.map((row) => row.map((value) => value * noise ** 2)));
  const lowered = lowerText(`
    param loadings: real[8, 2]
    param center: real[8]
    param noise: real[8]
    param gain: real[2, 8]
    param covariance: covariance[2] = identity
    model ppca(x: real[8]) {
      z: real[2] ~ Normal(0, 1)
      x ~ Normal(loadings @ z + center, exp(noise))
    }
    guide ppca { z ~ MultivariateNormal(gain @ (x - center), covariance = covariance) }
    train ppca { maximize elbo batch = 5 }
  `);
  const parameters = {
    loadings: W.flat(),
    center,
    noise: new Array<number>(D).fill(Math.log(noise)),
    gain: gain.flat(),
    covariance: stored(covarianceSupport, matmul(posteriorCholesky, transpose(posteriorCholesky))),
  };

  // Guards the whole path: with the exact posterior as guide, every importance weight is the evidence itself, whatever the draw.
  it("gives the exact evidence at every draw", () => {
    const { log_weight } = run(lowered.programs.importance!, { ...parameters, x }, { rows: N });
    for (let s = 0; s < lowered.programs.importanceSamples; s++) {
      expect(maxError(log_weight!.values.slice(s * N, (s + 1) * N), evidence)).toBeLessThan(1e-9);
    }
  });

  // Guards the bound: log-weights of another guide lie below on average (Jensen); 5 rows × 50 draws, gap ≫ spread.
  it("stays below the evidence elsewhere", () => {
    const off = { ...parameters, gain: gain.flat().map((value) => 0.5 * value) };
    const { log_weight } = run(lowered.programs.importance!, { ...off, x }, { rows: N });
    const mean = log_weight!.values.reduce((sum, value) => sum + value, 0) / log_weight!.values.length;
    expect(mean).toBeLessThan(evidence.reduce((sum, value) => sum + value, 0) / N);
  });

  // Guards the ELBO with a closed-form KL: its mean over draws is the evidence. 400 seeds; the standard error is estimated from them and
  // six of them allowed: false alarm below 1e-8; a KL wrong by 1 % (≥ 0.01 nat here) would show with certainty.
  it("has the evidence as the mean of its bound", () => {
    const target = evidence.reduce((sum, value) => sum + value, 0) / N;
    const draws = Array.from({ length: 400 }, (_, seed) => run(lowered.programs.train, { ...parameters, x }, { rows: N, seed }).elbo!.values[0]!);
    const mean = draws.reduce((sum, value) => sum + value, 0) / draws.length;
    const variance = draws.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (draws.length - 1);
    expect(Math.abs(mean - target)).toBeLessThan(6 * Math.sqrt(variance / draws.length) + 1e-12);
  });
});

describe("Bayesian linear regression, whose posterior is Gaussian", () => {
  const [D, N] = [3, 12];
  const x = normals(N * D, 5);
  const y = normals(N, 23).map((value) => 2 * value);
  const design = Array.from({ length: N }, (_, n) => [...x.slice(n * D, (n + 1) * D), 1]);
  const noise = 0.5;
  // Prior N(0, I) on weights and bias: posterior precision I + XᵀX/σ², mean Σ Xᵀ y / σ²; evidence N(y; 0, XXᵀ + σ²I).
  const covariance = inverse(plus(identity(D + 1), matmul(transpose(design), design).map((row) => row.map((value) => value / noise ** 2)))).inverse;
  const mean = matmul(covariance, matmul(transpose(design), y.map((value) => [value / noise ** 2]))).map((row) => row[0]!);
  const evidence = logNormal(y, new Array<number>(N).fill(0), plus(matmul(design, transpose(design)), identity(N, noise ** 2)));
  const lowered = lowerText(shipped("regression"), "models/regression.lvm");
  const parameters = Object.fromEntries(
    lowered.parameters.map(({ name }) => [name, name.endsWith("location") ? mean : stored(choleskySupport, cholesky(covariance))]),
  );

  // Guards global latents and full-rank guides: Σ rows + the global weight is the evidence at every draw.
  it("gives the exact evidence at every draw", () => {
    const { log_weight, log_weight_global } = run(lowered.programs.importance!, { ...parameters, x, y }, { rows: N });
    const S = lowered.programs.importanceSamples;
    const totals = Array.from({ length: S }, (_, s) => log_weight!.values.slice(s * N, (s + 1) * N).reduce((sum, value) => sum + value, 0) + log_weight_global!.values[s]!);
    expect(maxError(totals, new Array<number>(S).fill(evidence))).toBeLessThan(1e-9);
  });

  // Guards the N/M scaling: under one draw of the globals the mean over all minibatches is the full-data objective, exactly.
  it("has the full-data objective as the mean over minibatches", () => {
    const full = run(lowered.programs.train, { ...parameters, x, y }, { rows: N, dataset: N, seed: 4 }).elbo!.values[0]!;
    const parts = [0, 1, 2].map((part) => {
      const at = Array.from({ length: 4 }, (_, i) => part * 4 + i);
      return run(lowered.programs.train, { ...parameters, x: at.flatMap((n) => x.slice(n * D, (n + 1) * D)), y: at.map((n) => y[n]!) }, { rows: 4, dataset: N, seed: 4 }).elbo!.values[0]!;
    });
    expect(Math.abs((parts[0]! + parts[1]! + parts[2]!) / 3 - full)).toBeLessThan(1e-11);
  });
});

describe("Beta–Bernoulli conjugacy", () => {
  const y = [1, 0, 1, 1, 0, 1, 1];
  const lowered = lowerText(`
    param a: positive = 1
    param b: positive = 1
    model coin(y: binary) {
      global p: unit ~ Beta(2, 3)
      y ~ Bernoulli(p)
    }
    guide coin { p ~ Beta(a, b) }
    train coin { maximize elbo }
  `);
  const heads = y.reduce((sum, value) => sum + value, 0);
  const logBeta = (a: number, b: number): number => logFactorial(a - 1) + logFactorial(b - 1) - logFactorial(a + b - 1);
  const logFactorial = (n: number): number => (n <= 1 ? 0 : Math.log(n) + logFactorial(n - 1));
  const evidence = logBeta(2 + heads, 3 + y.length - heads) - logBeta(2, 3);

  it("gives the exact evidence at every draw", () => {
    const { log_weight, log_weight_global } = run(lowered.programs.importance!, { a: Math.log(2 + heads), b: Math.log(3 + y.length - heads), y }, { rows: y.length });
    const S = lowered.programs.importanceSamples;
    const totals = Array.from({ length: S }, (_, s) => log_weight!.values.slice(s * y.length, (s + 1) * y.length).reduce((sum, value) => sum + value, 0) + log_weight_global!.values[s]!);
    expect(maxError(totals, new Array<number>(S).fill(evidence))).toBeLessThan(1e-9);
  });
});

describe("summing out", () => {
  // Guards variable elimination with plates: brute force over all 2·3² = 18 joint states of a row.
  it("equals brute force over a factor graph with a plate", () => {
    const lowered = lowerText(`
      param prior: real[2]
      param transition: real[2, 3]
      param means: real[2, 3]
      model graph(x: real[2]) {
        k: index(2) ~ Categorical(logits = prior)
        each t in 1..2 {
          j[t]: index(3) ~ Categorical(logits = transition[k])
          x[t] ~ Normal(means[k][j[t]], 1)
        }
      }
      guide graph { marginalize k, j }
      train graph { maximize elbo }
    `);
    const [prior, transition, means] = [normals(2, 1), normals(6, 2), normals(6, 3)];
    const x = normals(6, 4);
    const normalize = (logits: readonly number[]): number[] => logits.map((value) => value - logSumExp(logits));
    const logNormal1 = (value: number, mean: number): number => -0.5 * (value - mean) ** 2 - 0.5 * Math.log(2 * Math.PI);
    const expected = [0, 1, 2].map((n) => {
      const states: number[] = [];
      for (let k = 0; k < 2; k++) {
        const p = normalize(transition.slice(k * 3, k * 3 + 3));
        for (let j1 = 0; j1 < 3; j1++) {
          for (let j2 = 0; j2 < 3; j2++) {
            states.push(normalize(prior)[k]! + p[j1]! + p[j2]! + logNormal1(x[n * 2]!, means[k * 3 + j1]!) + logNormal1(x[n * 2 + 1]!, means[k * 3 + j2]!));
          }
        }
      }
      return logSumExp(states);
    });
    const { elbo } = run(lowered.programs.evaluate, { prior, transition, means, x }, { rows: 3 });
    expect(maxError(elbo!.values, expected)).toBeLessThan(1e-12);
  });

  // Guards the mixture that ships, and its posterior probabilities.
  it("equals brute force for the mixture under fixed globals", () => {
    const lowered = lowerText(`
      param weights: real[4]
      param centers: real[4, 2]
      model mixture(x: real[2]) {
        k: index(4) ~ Categorical(logits = weights)
        x ~ Normal(centers[k], 0.5)
      }
      guide mixture { marginalize k }
      train mixture { maximize elbo }
    `);
    const [weights, centers, x] = [normals(4, 8), normals(8, 9), normals(6, 10)];
    const joint = [0, 1, 2].map((n) =>
      [0, 1, 2, 3].map((k) => weights[k]! - logSumExp(weights) + logNormal(x.slice(2 * n, 2 * n + 2), centers.slice(2 * k, 2 * k + 2), identity(2, 0.25))),
    );
    const { elbo } = run(lowered.programs.evaluate, { weights, centers, x }, { rows: 3 });
    expect(maxError(elbo!.values, joint.map((row) => logSumExp(row)))).toBeLessThan(1e-12);
    const infer = run(lowered.programs.infer!, { weights, centers, x }, { rows: 3 });
    expect(maxError(infer["probs.k"]!.values, joint.flatMap((row) => row.map((value) => Math.exp(value - logSumExp(row)))))).toBeLessThan(1e-12);
  });
});

describe("enumeration and the score function", () => {
  const model = (by: string): string => `
    param guess: real[3, 4]
    param table: real[4, 2]
    model m(x: real[2], u: index(3)) {
      k: index(4) ~ Categorical(logits = 0)
      x ~ Normal(table[k], 1)
    }
    guide m { k ~ Categorical(logits = guess[u]) ${by} }
    train m { maximize elbo }
  `;
  const N = 4;
  const inputs = { guess: normals(12, 31), table: normals(8, 32), x: normals(2 * N, 33), u: [0, 2, 1, 2] };
  const elboByHand = (guess: readonly number[]): number => {
    let total = 0;
    for (let n = 0; n < N; n++) {
      const logits = guess.slice(inputs.u[n]! * 4, inputs.u[n]! * 4 + 4);
      for (let k = 0; k < 4; k++) {
        const logq = logits[k]! - logSumExp(logits);
        total += Math.exp(logq) * (logNormal(inputs.x.slice(2 * n, 2 * n + 2), inputs.table.slice(2 * k, 2 * k + 2), identity(2)) - Math.log(4) - logq);
      }
    }
    return total / N;
  };
  const exactGradient = inputs.guess.map((_, i) => {
    const moved = (by: number): number => elboByHand(inputs.guess.map((value, j) => (i === j ? value + by : value)));
    return (moved(1e-5) - moved(-1e-5)) / 2e-5;
  });

  it("enumeration equals the sum by hand", () => {
    const lowered = lowerText(model("by enumeration"));
    expect(lowered.training.latents[0]!.estimator).toBe("enumeration");
    expect(Math.abs(run(lowered.programs.train, inputs, { rows: N }).elbo!.values[0]! - elboByHand(inputs.guess))).toBeLessThan(1e-12);
  });

  // Guards the score-function estimator: the mean of its gradients over 1500 seeds is the enumerated gradient. Each of the 12 coordinates is
  // allowed 5.5 standard errors (estimated): false alarm below 12 · 4e-8 = 5e-7. Leaving out the downstream KL or the baseline's own draw
  // moves some coordinate by more than 0.03, which is over 10 standard errors here: a miss has probability below 1e-5.
  it("the score function's mean is the enumerated gradient", () => {
    const lowered = lowerText(model("by score(baseline = leave_one_out)"));
    expect(lowered.training.latents[0]!.estimator).toBe("score-function");
    const seeds = 1500;
    const sums = exactGradient.map(() => [0, 0] as [number, number]);
    for (let seed = 0; seed < seeds; seed++) {
      gradient(lowered.programs.train, "loss", "guess", inputs, { rows: N, seed }).forEach((value, i) => {
        sums[i]![0] += -value;
        sums[i]![1] += value * value;
      });
    }
    sums.forEach(([sum, squares], i) => {
      const mean = sum / seeds;
      const error = Math.sqrt((squares / seeds - mean * mean) / seeds);
      expect(Math.abs(mean - exactGradient[i]!), `coordinate ${i}`).toBeLessThan(5.5 * error + 1e-7);
    });
  });
});

describe("a partly observed column", () => {
  const lowered = lowerText(`
    param guess: real[3]
    param means: real[3]
    model m(x: real, y: index(3)?) {
      y ~ Categorical(logits = 0)
      x ~ Normal(means[y], 1)
    }
    guide m { y ~ Categorical(logits = guess) by enumeration }
    train m { maximize elbo(supervision = 2) }
  `);
  const [guess, means, x, y] = [normals(3, 1), normals(3, 2), normals(4, 3), [2, -1, 0, -1]];
  const logq = guess.map((value) => value - logSumExp(guess));
  const logp = (n: number, k: number): number => -Math.log(3) - 0.5 * (x[n]! - means[k]!) ** 2 - 0.5 * Math.log(2 * Math.PI);

  // Guards Kingma et al. 2014: labelled rows count log p(x, y), the others the enumerated bound; supervision only trains.
  it("mixes the labelled and the unlabelled bound row by row", () => {
    const expected = y.map((label, n) => (label >= 0 ? logp(n, label) : [0, 1, 2].reduce((sum, k) => sum + Math.exp(logq[k]!) * (logp(n, k) - logq[k]!), 0)));
    const result = run(lowered.programs.evaluate, { guess, means, x, y }, { rows: 4 });
    expect(maxError(result.elbo!.values, expected)).toBeLessThan(1e-12);
    const train = run(lowered.programs.train, { guess, means, x, y }, { rows: 4 });
    const mean = expected.reduce((sum, value) => sum + value, 0) / 4;
    expect(Math.abs(train.elbo!.values[0]! - mean)).toBeLessThan(1e-12);
    expect(Math.abs(train.loss!.values[0]! + mean + (2 * (logq[2]! + logq[0]!)) / 4)).toBeLessThan(1e-12);
  });
});

describe("the importance-weighted bound", () => {
  const model = (guide: string): string => `
    param guess: real[3]
    param means: real[3]
    model m(x: real) {
      k: index(3) ~ Categorical(logits = 0)
      x ~ Normal(means[k], 1)
    }
    guide m { k ~ Categorical(logits = guess) ${guide} }
    train m { maximize elbo(samples = 3) }
  `;
  const inputs = { guess: normals(3, 41), means: normals(3, 42), x: normals(2, 43) };
  const logq = (guess: readonly number[], k: number): number => guess[k]! - logSumExp(guess);
  const logJoint = (n: number, k: number): number => -Math.log(3) - 0.5 * (inputs.x[n]! - inputs.means[k]!) ** 2 - 0.5 * Math.log(2 * Math.PI);
  /** E over all 27 triples of draws of log 1/3 Σ w, mean over the two rows. */
  const bound = (guess: readonly number[]): number => {
    let total = 0;
    for (let n = 0; n < 2; n++) {
      for (let triple = 0; triple < 27; triple++) {
        const ks = [triple % 3, Math.floor(triple / 3) % 3, Math.floor(triple / 9)];
        const probability = Math.exp(ks.reduce((sum, k) => sum + logq(guess, k), 0));
        total += probability * (logSumExp(ks.map((k) => logJoint(n, k) - logq(guess, k))) - Math.log(3));
      }
    }
    return total / 2;
  };

  // Guards enumerated sites: in training they stand outside the logarithm, E_q(k) log w, so that q learns; in the importance weights of the
  // evidence they are summed exactly, and every weight is p(x) itself.
  it("averages enumerated sites under q, and sums them in the evidence", () => {
    const lowered = lowerText(model("by enumeration"));
    const bounds = [0, 1].map((n) => [0, 1, 2].reduce((sum, k) => sum + Math.exp(logq(inputs.guess, k)) * (logJoint(n, k) - logq(inputs.guess, k)), 0));
    expect(run(lowered.programs.train, inputs, { rows: 2 }).elbo!.values[0]).toBeCloseTo((bounds[0]! + bounds[1]!) / 2, 12);
    const evidence = [0, 1].map((n) => logSumExp([0, 1, 2].map((k) => logJoint(n, k))));
    expect(maxError(run(lowered.programs.importance!, inputs, { rows: 2 }).log_weight!.values.slice(0, 2), evidence)).toBeLessThan(1e-12);
  });

  // Guards VIMCO's signal: the mean gradient over 1500 seeds is that of the exact 3-sample bound, by brute force over all 27 triples. 5.5 standard
  // errors for each of 3 coordinates: false alarm below 2e-7. The plain ELBO's gradient differs by more than 20 of them.
  it("has the exact gradient on average for a score-function site", () => {
    const lowered = lowerText(model("by score(baseline = leave_one_out)"));
    const exact = inputs.guess.map((_, i) => {
      const moved = (by: number): number => bound(inputs.guess.map((value, j) => (i === j ? value + by : value)));
      return (moved(1e-5) - moved(-1e-5)) / 2e-5;
    });
    const seeds = 1500;
    const sums = exact.map(() => [0, 0] as [number, number]);
    for (let seed = 0; seed < seeds; seed++) {
      gradient(lowered.programs.train, "loss", "guess", inputs, { rows: 2, seed }).forEach((value, i) => {
        sums[i]![0] -= value;
        sums[i]![1] += value * value;
      });
    }
    sums.forEach(([sum, squares], i) => {
      const mean = sum / seeds;
      expect(Math.abs(mean - exact[i]!), `coordinate ${i}`).toBeLessThan(5.5 * Math.sqrt((squares / seeds - mean * mean) / seeds) + 1e-7);
    });
  });
});

describe("automatic guides", () => {
  const y = normals(6, 71);
  const model = (guide: string): string => `
    model m(y: real) {
      global center: real ~ Normal(0, 2)
      global spread: positive ~ HalfNormal(1.5)
      y ~ Normal(center, spread)
    }
    guide m { ${guide} }
    train m { maximize elbo }
  `;
  const log = { normal: (v: number, m: number, s: number): number => -0.5 * ((v - m) / s) ** 2 - Math.log(s) - 0.5 * Math.log(2 * Math.PI) };
  /** log p(y, center, exp u) with the Jacobian of exp. */
  const joint = (center: number, u: number): number =>
    log.normal(center, 0, 2) + Math.LN2 + log.normal(Math.exp(u), 0, 1.5) + u + y.reduce((sum, value) => sum + log.normal(value, center, Math.exp(u)), 0);

  // Guards groups that mix a closed-form site with others: nothing of the entropy is counted twice. Truth: a 160 × 160 trapezoid rule over the
  // two Gaussian coordinates. The program is averaged over 600 seeds; 6 standard errors, false alarm below 1e-8.
  it("mean field: the bound is ∫ q (log p − log q) by quadrature", () => {
    const lowered = lowerText(model("auto mean_field center, spread"));
    const [location, scale] = [[0.3, -0.2], [0.4, 0.25]];
    const q = (c: number, u: number): number => log.normal(c, location[0]!, scale[0]!) + log.normal(u, location[1]!, scale[1]!);
    let exact = 0;
    const steps = 160;
    for (let i = 0; i <= steps; i++) {
      for (let j = 0; j <= steps; j++) {
        const [c, u] = [location[0]! + scale[0]! * (-8 + (16 * i) / steps), location[1]! + scale[1]! * (-8 + (16 * j) / steps)];
        exact += Math.exp(q(c, u)) * (joint(c, u) - q(c, u)) * scale[0]! * scale[1]! * (16 / steps) ** 2;
      }
    }
    const parameters = Object.fromEntries(lowered.parameters.map(({ name }) => [name, name.endsWith("location") ? location : scale.map(Math.log)]));
    const draws = Array.from({ length: 600 }, (_, seed) => y.length * run(lowered.programs.train, { ...parameters, y }, { rows: y.length, seed }).elbo!.values[0]!);
    const mean = draws.reduce((sum, value) => sum + value, 0) / draws.length;
    const variance = draws.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (draws.length - 1);
    expect(Math.abs(mean - exact)).toBeLessThan(6 * Math.sqrt(variance / draws.length));
    const weights = run(lowered.programs.importance!, { ...parameters, y }, { rows: y.length });
    expect(weights.log_weight_global!.values.every(Number.isFinite)).toBe(true);
  });

  // Guards the importance weights of constrained sites and of every family: E[w] = p(y), by quadrature over both coordinates.
  it.each(["mean_field", "full_rank", "low_rank(1)"])("%s: importance weights average to the evidence", (family) => {
    const lowered = lowerText(model(`auto ${family} center, spread`));
    let evidence = 0;
    for (let i = 0; i <= 400; i++) for (let j = 0; j <= 400; j++) evidence += Math.exp(joint(-6 + (12 * i) / 400, -4 + (6 * j) / 400)) * (12 / 400) * (6 / 400);
    const dimensions: Record<string, number[]> = { location: [0, -0.1], mean_field: [-0.3, -0.5], full_rank: [-0.3, 0.1, -0.5], "low_rank(1)": [-0.5, -0.7], factor: [0.3, 0.2] };
    const parameters = Object.fromEntries(
      lowered.parameters.map(({ name }) => [name, name.endsWith("location") ? dimensions["location"]! : name.endsWith("factor") ? dimensions["factor"]! : dimensions[family]!]),
    );
    const logWeights = Array.from({ length: 60 }, (_, seed) => {
      const { log_weight, log_weight_global } = run(lowered.programs.importance!, { ...parameters, y }, { rows: y.length, seed });
      const S = lowered.programs.importanceSamples;
      return Array.from({ length: S }, (_, s) => log_weight_global!.values[s]! + log_weight!.values.slice(s * y.length, (s + 1) * y.length).reduce((sum, value) => sum + value, 0));
    }).flat();
    // 3000 weights; their relative spread is about 0.5, so the log mean is good to 0.01; 0.06 is six of these: false alarm below 1e-8.
    expect(Math.abs(logSumExp(logWeights) - Math.log(logWeights.length) - Math.log(evidence))).toBeLessThan(0.06);
  });

  // Guards MAP: an automatic guide is a point, its location; the objective is log p there, on the constrained scale.
  it("posterior: the objective is the log joint at the location", () => {
    const lowered = lowerText(model("auto mean_field center, spread").replace("maximize elbo", "maximize posterior"));
    const parameters = Object.fromEntries(lowered.parameters.map(({ name }) => [name, name.endsWith("location") ? [0.3, -0.2] : [0, 0]]));
    const expected = (joint(0.3, -0.2) + 0.2) / y.length; // without the Jacobian u = −0.2
    const found = run(lowered.programs.train, { ...parameters, y }, { rows: y.length }).elbo!.values[0]!;
    expect(found).toBeCloseTo(expected, 10);
  });
});
