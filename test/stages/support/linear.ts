import { compile, type CompiledModel } from "../../../src/driver/compile.js";
import { render } from "../../../src/diagnostics/render.js";

export function compileModel(text: string, model: string): CompiledModel {
  const { value, diagnostics } = compile({ path: "stages.lvm", text }, { model });
  if (!value) throw new Error(render(diagnostics, { color: false }));
  return value;
}

/** Columns of W are orthogonal, so that the posterior of z given x has independent elements: everything of this model is known. */
export const linear = { W: [[1, 0.5], [-0.8, 1], [0.4, 0.75]], noise: 0.6 };

/** z ~ Normal(0, 1), x ~ Normal(W z, σ), and as guide any linear one: mean A x, scale q. */
export const linearText = `param A: real[2, 3] = normal(0, 1)
param q: positive[2]
model vae(x: real[3]) {
  z: real[2] ~ Normal(0, 1)
  x ~ Normal([[${linear.W[0]}], [${linear.W[1]}], [${linear.W[2]}]] @ z, ${linear.noise})
}
guide vae { z ~ Normal(A @ x, q) }
train vae {
  optimizer = adam(rate = 1e-2)
  epochs = 3
  batch = 16
}
`;

/** A second stage of one Gaussian for each element. */
export const gaussianPrior = `param m: real[2] = normal(0, 1)
param d: positive[2]
model prior(z: real[2]) { z ~ Normal(m, d) }
train prior on vae.z {
  maximize likelihood
  optimizer = adam(rate = 3e-2)
  epochs = 40
  batch = 16
  ema = 0.9
}
`;

/** A second stage that is a diffusion. */
export const diffusionPrior = `const T = 12
const alpha = cosine_schedule(T)
network denoise(z: real[2], t: positive) -> (noise: real[2]) { noise = concat(z, reshape(t / T, 1)) |> dense(8) |> tanh |> dense(2) }
model prior(z[0]: real[2]) {
  z[T] ~ Normal(0, 1)
  chain t in T..1 { z[t-1] ~ guide(z[t-1] | z[t], noise = denoise(z[t], t)) }
}
guide prior { chain t in 1..T { z[t] ~ Normal(sqrt(alpha[t]) * z[t-1], variance = 1 - alpha[t]) } }
train prior on vae.z {
  maximize elbo(weight = simple)
  optimizer = adam(rate = 1e-2)
  epochs = 3
  batch = 16
  ema = 0.9
}
`;

export const sum = (values: readonly number[]): number => values.reduce((all, each) => all + each, 0);
export const logNormal = (x: number, mean: number, scale: number): number => -0.5 * Math.log(2 * Math.PI * scale ** 2) - (x - mean) ** 2 / (2 * scale ** 2);

/** W z */
export const pictureOf = (z: readonly number[]): number[] => linear.W.map((row) => sum(row.map((w, at) => w * z[at]!)));

/** log p(x) of the linear model: x ~ Normal(0, W Wᵀ + σ² I), by Gaussian elimination. */
export function logEvidence(x: readonly number[]): number {
  const rows = linear.W.map((left, i) => [...linear.W.map((right, j) => sum(left.map((w, at) => w * right[at]!)) + (i === j ? linear.noise ** 2 : 0)), x[i]!]);
  let logDeterminant = 0;
  for (let pivot = 0; pivot < 3; pivot++) {
    logDeterminant += Math.log(rows[pivot]![pivot]!);
    for (let row = pivot + 1; row < 3; row++) {
      const factor = rows[row]![pivot]! / rows[pivot]![pivot]!;
      for (let column = pivot; column <= 3; column++) rows[row]![column]! -= factor * rows[pivot]![column]!;
    }
  }
  // Forward elimination of L y = x: yᵀ D⁻¹ y.
  return -0.5 * (3 * Math.log(2 * Math.PI) + logDeterminant + sum(rows.map((row, at) => row[3]! ** 2 / row[at]!)));
}

/** The exact posterior of z given x: mean Wᵀ x / (|w|² + σ²), variance σ² / (|w|² + σ²), for each column w. */
export function posterior(): { readonly matrix: readonly (readonly number[])[]; readonly scale: readonly number[] } {
  const columns = [0, 1].map((at) => linear.W.map((row) => row[at]!));
  const squares = columns.map((w) => sum(w.map((each) => each ** 2)) + linear.noise ** 2);
  return { matrix: columns.map((w, at) => w.map((each) => each / squares[at]!)), scale: squares.map((each) => linear.noise / Math.sqrt(each)) };
}
