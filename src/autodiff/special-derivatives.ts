import type { TensorBuilder } from "../ir/tensor/builder.js";
import type { TensorNode } from "../ir/tensor/nodes.js";
import { bernoulli } from "../util/math/zeta.js";
import { halfLogTwoPi } from "../util/math/constants.js";

/** c₀ + c₁ u + c₂ u² + …, by Horner's rule. */
function polynomial(b: TensorBuilder, coefficients: readonly number[], u: TensorNode): TensorNode {
  return coefficients.slice(0, -1).reduceRight<TensorNode>((sum, coefficient) => b.add(b.multiply(sum, u), coefficient), b.scalar(coefficients.at(-1)!));
}

/** Below this the difference of logarithms cancels, in float32 to nothing at −5000; the continued fraction is exact to 3e-11 from here on. */
const FAR = -5;

/**
 * d log Φ(x)/dx = φ(x)/Φ(x) = exp(−x²/2 − ½ log 2π − log Φ(x)); for x < −5, with t = −x, Laplace's continued fraction t + 1/(t + 2/(t + …)).
 * `y` is log Φ(x).
 */
export function normalHazard(b: TensorBuilder, x: TensorNode, y: TensorNode): TensorNode {
  const far = b.less(x, FAR);
  const near = b.exp(b.subtract(b.subtract(b.multiply(-0.5, b.square(x)), halfLogTwoPi), y));
  const t = b.negate(b.minimum(x, FAR));
  let fraction = t;
  for (let k = 12; k >= 1; k--) fraction = b.add(t, b.divide(k, fraction));
  return b.select(far, fraction, near);
}

/**
 * δ'(x) = ψ(x + 1) − log x − 1/2x for Stirling's error δ; from 5 on the derivative of its series, −Σ B₂ⱼ / 2j x^−2j, because the difference
 * cancels. −∞ at 0.
 */
export function stirlingErrorSlope(b: TensorBuilder, x: TensorNode): TensorNode {
  const direct = b.subtract(b.digamma(b.add(x, 1)), b.add(b.log(x), b.divide(0.5, x)));
  const u = b.square(b.reciprocal(b.maximum(x, 5)));
  const series = b.multiply(u, polynomial(b, bernoulli.map((value, i) => -value / (2 * (i + 1))), u));
  return b.select(b.less(x, 5), direct, series);
}

/**
 * ψ₂ = d³ log Γ(x)/dx³: for x ≤ 0 by reflection, ψ₂(x) = ψ₂(1 − x) − 2π³ cos πx / sin³ πx; then eight steps of ψ₂(x) = ψ₂(x + 1) − 2/x³, and
 * −1/x² − 1/x³ − Σ B₂ⱼ (2j + 1) / x^(2j+2). A composition, not an operation of its own, because only a second derivative needs it.
 */
export function tetragamma(b: TensorBuilder, x: TensorNode): TensorNode {
  const positive = b.greater(x, 0);
  const start = b.select(positive, x, b.subtract(1, x));
  let at = start;
  let sum: TensorNode = b.scalar(0);
  for (let step = 0; step < 8; step++) {
    const inverse = b.reciprocal(at);
    sum = b.subtract(sum, b.multiply(2, b.multiply(inverse, b.square(inverse))));
    at = b.add(start, step + 1);
  }
  const inverse = b.reciprocal(at);
  const u = b.square(inverse);
  const series = polynomial(b, bernoulli.slice(0, 9).map((value, i) => value * (2 * i + 3)), u);
  const tail = b.multiply(u, b.add(b.add(1, inverse), b.multiply(u, series)));
  const above = b.subtract(sum, tail);
  const angle = b.multiply(Math.PI, b.select(positive, 0.5, x)); // cos is 0 there: the reflection adds nothing
  const sine = b.unary("sin", angle);
  const reflected = b.divide(b.multiply(2 * Math.PI ** 3, b.unary("cos", angle)), b.multiply(sine, b.square(sine)));
  return b.select(positive, above, b.subtract(above, reflected));
}

/**
 * d log z/dα of z ~ Gamma(α, 1) at fixed probability: gamma_derivative(α, z) / z (Figurnov, Mohamed & Mnih 2018). For tiny z the distribution
 * function has one term, z^α / Γ(α + 1), so that the slope is (ψ(α + 1) − log z)/α also where z itself underflows.
 */
export function logGammaSlope(b: TensorBuilder, alpha: TensorNode, logZ: TensorNode): TensorNode {
  const tiny = b.less(logZ, -60);
  const z = b.exp(b.maximum(logZ, -60));
  return b.select(tiny, b.divide(b.subtract(b.digamma(b.add(alpha, 1)), logZ), alpha), b.divide(b.binary("gamma_derivative", alpha, z), z));
}
