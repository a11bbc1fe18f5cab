import type { TensorBuilder } from "../ir/tensor/builder.js";
import type { TensorNode } from "../ir/tensor/nodes.js";
import { cholesky, covariance, positive, real } from "../types/support.js";
import { tensorArgument, type Arguments, type Distribution } from "./distribution.js";
import { argument, lastSizeOf, leadOf } from "./support/arguments.js";
import { diagonalOf, halfLogTwoPi, matrixWhere } from "./support/numerics.js";
import { always, matrixParameter, vectorParameter } from "./support/specs.js";

/** What the density, the draw and the divergences need of a covariance, by the cheapest way that its parameterization allows. */
export interface Covariance {
  /** log det Σ: [...lead]. */
  readonly logDeterminant: TensorNode;
  /** rᵀ Σ⁻¹ r of [..., n] → [...]. */
  quadratic(r: TensorNode): TensorNode;
  /** Noise with covariance Σ: [...shape]. */
  noise(stream: string, shape: TensorNode["shape"]): TensorNode;
  /** M [..., n, m] with M Mᵀ = Σ. */
  readonly factor: TensorNode;
  /** ‖L⁻¹ M‖² = tr(Σ⁻¹ M Mᵀ) of a matrix M [..., n, m]: [...]. */
  traceWith(m: TensorNode): TensorNode;
}

const column = (b: TensorBuilder, x: TensorNode): TensorNode => b.expandDims(x, [x.shape.length]);
const squaredNorm = (b: TensorBuilder, x: TensorNode, rank: number): TensorNode => b.sumLast(b.square(x), rank);

function diagonalCovariance(b: TensorBuilder, scale: TensorNode): Covariance {
  const n = lastSizeOf(scale.shape);
  return {
    logDeterminant: b.multiply(2, b.sumLast(b.log(scale), 1)),
    quadratic: (r) => squaredNorm(b, b.divide(r, scale), 1),
    noise: (stream, shape) => b.multiply(scale, b.normal(stream, shape)),
    factor: b.select(matrixWhere(b, n, "equal"), column(b, scale), 0),
    traceWith: (m) => squaredNorm(b, b.divide(m, column(b, scale)), 2),
  };
}

function choleskyCovariance(b: TensorBuilder, lower: TensorNode): Covariance {
  const n = lastSizeOf(lower.shape);
  return {
    logDeterminant: b.multiply(2, b.sumLast(b.log(diagonalOf(b, lower, n)), 1)),
    quadratic: (r) => squaredNorm(b, b.triangularSolve(lower, column(b, r)), 2),
    noise: (stream, shape) => b.reshape(b.dot(lower, column(b, b.normal(stream, shape))), shape),
    factor: lower,
    traceWith: (m) => squaredNorm(b, b.triangularSolve(lower, m), 2),
  };
}

/** Σ = F Fᵀ + D by the capacitance C = I + Fᵀ D⁻¹ F, k × k: det Σ = det C det D, Σ⁻¹ = D⁻¹ − D⁻¹ F C⁻¹ Fᵀ D⁻¹ (Woodbury). */
function lowRankCovariance(b: TensorBuilder, factor: TensorNode, diagonal: TensorNode): Covariance {
  const [n, k] = [lastSizeOf(diagonal.shape), lastSizeOf(factor.shape)];
  const root = column(b, b.sqrt(diagonal));
  const scaled = b.divide(factor, root);
  const capacitance = b.cholesky(b.add(b.dot(scaled, scaled, true), b.cast(matrixWhere(b, k, "equal"), "f32")));
  const traceWith = (m: TensorNode): TensorNode => {
    const whitened = b.divide(m, root);
    return b.subtract(squaredNorm(b, whitened, 2), squaredNorm(b, b.triangularSolve(capacitance, b.dot(scaled, whitened, true)), 2));
  };
  return {
    logDeterminant: b.add(b.sumLast(b.log(diagonal), 1), b.multiply(2, b.sumLast(b.log(diagonalOf(b, capacitance, k)), 1))),
    quadratic: (r) => traceWith(column(b, r)),
    noise: (stream, shape) => {
      const common = b.normal(`${stream}.factor`, [...leadOf(shape, 1), k, 1]);
      return b.add(b.multiply(b.sqrt(diagonal), b.normal(stream, shape)), b.reshape(b.dot(factor, common), shape));
    },
    get factor() {
      const own = b.select(matrixWhere(b, n, "equal"), root, 0);
      const lead = leadOf(b.add(factor, b.sum(own, [-1], true)).shape, 2);
      return b.concatenate([b.broadcast(factor, [...lead, n, k]), b.broadcast(own, [...lead, n, n])], -1);
    },
    traceWith,
  };
}

/** The covariance that the arguments state. */
export function covarianceOf(b: TensorBuilder, args: Arguments): Covariance {
  const scale = tensorArgument(args, "scale");
  if (scale) return diagonalCovariance(b, scale);
  const lower = tensorArgument(args, "cholesky");
  if (lower) return choleskyCovariance(b, lower);
  const matrix = tensorArgument(args, "covariance");
  if (matrix) return choleskyCovariance(b, b.cholesky(matrix));
  return lowRankCovariance(b, argument(args, "factor"), argument(args, "diagonal"));
}

export const multivariateNormal: Distribution = {
  name: "MultivariateNormal",
  doc: `p(x) = exp(−½ (x − μ)ᵀ Σ⁻¹ (x − μ)) / √det(2πΣ) on vectors, with mean μ and covariance Σ given as: \`scale\` s, Σ = diag(s²); \`cholesky\` L, Σ = L Lᵀ; \`covariance\` Σ; or \`factor\` F (n × k) and \`diagonal\` d, Σ = F Fᵀ + diag(d), at the cost of a k × k decomposition (Woodbury).

Draws are μ + Lε; for low rank μ + √d ε + F ε′.`,
  parameters: [
    vectorParameter("mean", real, "μ"),
    vectorParameter("scale", positive, "standard deviations s of independent coordinates"),
    matrixParameter("cholesky", cholesky, "L, lower triangular with positive diagonal"),
    matrixParameter("covariance", covariance, "Σ"),
    matrixParameter("factor", real, "F, n × k"),
    vectorParameter("diagonal", positive, "d, the variances besides F Fᵀ"),
  ],
  parameterizations: [["mean", "scale"], ["mean", "cholesky"], ["mean", "covariance"], ["mean", "factor", "diagonal"]],
  eventRank: 1,
  reparameterization: "location-scale",
  support: always(real),
  logDensity: (b, x, args) => {
    const spread = covarianceOf(b, args);
    const distance = spread.quadratic(b.subtract(x, argument(args, "mean")));
    return b.subtract(b.multiply(-0.5, b.add(distance, spread.logDeterminant)), lastSizeOf(x.shape) * halfLogTwoPi);
  },
  sample: (b, stream, args, shape) => b.add(argument(args, "mean"), covarianceOf(b, args).noise(stream, shape)),
  entropy: (b, args, shape) => {
    const result = b.add(b.multiply(0.5, covarianceOf(b, args).logDeterminant), lastSizeOf(shape) * (halfLogTwoPi + 0.5));
    return b.broadcast(result, leadOf(shape, 1));
  },
  mean: (b, args, shape) => b.broadcast(argument(args, "mean"), shape),
};
