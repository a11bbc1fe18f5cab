import { gammaQuantileLog } from "../../../util/math/gamma-quantile.js";
import { normalQuantile } from "../../../util/math/normal.js";
import { randomGenerator } from "../../../util/random-generator.js";

/** Where the draws of a program come from. The same stream and count give the same values. */
export interface RandomSource {
  /** In the open interval (0, 1). */
  uniform(stream: string, count: number): Float64Array;
  normal(stream: string, count: number): Float64Array;
  /** log z with z ~ Gamma(α, 1) for each α. */
  logGamma(stream: string, alphas: ArrayLike<number>): Float64Array;
}

/**
 * A deterministic source: element i of a stream depends on (seed, stream, i) alone. Normals are by inverse distribution function.
 * `gamma: "inverse"` draws gammas by inverse distribution function too: then a central difference in α is the implicit derivative.
 */
export function seededRandom(seed: number, options: { readonly gamma?: "rejection" | "inverse" } = {}): RandomSource {
  const uniform = (stream: string, count: number): Float64Array => {
    const next = randomGenerator(`${seed}/${stream}`);
    return Float64Array.from({ length: count }, next);
  };
  return {
    uniform,
    normal: (stream, count) => uniform(stream, count).map(normalQuantile),
    logGamma: (stream, alphas) => {
      if (options.gamma === "inverse") return uniform(stream, alphas.length).map((u, i) => gammaQuantileLog(alphas[i]!, u));
      return Float64Array.from(alphas, (alpha, i) => logGammaDraw(alpha, randomGenerator(`${seed}/${stream}/${i}`)));
    },
  };
}

/** Marsaglia and Tsang 2000; for α < 1 as log z = log z₁ + log(u)/α with z₁ ~ Gamma(α + 1), in logarithms, so that tiny α does not underflow. */
function logGammaDraw(alpha: number, next: () => number): number {
  if (!(alpha > 0)) return NaN;
  if (alpha < 1) return logGammaDraw(alpha + 1, next) + Math.log(next()) / alpha;
  const d = alpha - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const normal = normalQuantile(next());
    const root = 1 + c * normal;
    if (root <= 0) continue;
    const logV = 3 * Math.log(root);
    const v = root ** 3;
    if (Math.log(next()) < 0.5 * normal * normal + d * (1 - v + logV)) return Math.log(d) + logV;
  }
}
