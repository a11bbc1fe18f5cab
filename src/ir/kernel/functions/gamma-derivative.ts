import type { KernelBuilder } from "../builder.js";
import type { KernelExpr } from "../nodes.js";
import { logTail } from "./coefficients.js";
import { atMost, polynomial, whenAny } from "./common.js";
import { exp } from "./exponential.js";
import { digamma } from "./gamma.js";
import { log, log1p } from "./logarithm.js";

/** Where the series needs too many terms (not far left of the mean) the integral takes over on both sides. */
const largestSeries = 50;
/** The rest is below rounding for every z ≤ α + 1 ≤ 51, and for z ≤ α/2. */
const seriesTerms = 80;
/** The double-exponential rule's nodes: t = first + i step. */
const [firstNode, nodeStep, nodeCount] = [-2.75, 0.25, 27];

/**
 * dz/dα of a Gamma(α, 1) draw at fixed probability (Figurnov, Mohamed and Mnih 2018): left of the mean −(∂P/∂α)/p by the series of P, near
 * it for α ≥ 50 and right of it by an integral; both are sums of terms of one sign. Relative error below 2e-5 for α from 1e-3 to 1e4.
 */
export function gammaDerivative(k: KernelBuilder, left: KernelExpr, right: KernelExpr): KernelExpr {
  const width = left.width === "vector" || right.width === "vector" ? "vector" : "scalar";
  const [alpha, z] = [k.bind(k.widened(left, width)), k.bind(k.widened(right, width))];
  const valid = k.bind(k.binary("and", k.binary("and", k.greater(alpha, 0), k.less(alpha, Infinity)), k.binary("and", k.greater(z, 0), k.less(z, Infinity))));
  const lower = k.bind(k.compare("less_equal", z, k.add(alpha, 1)));
  const bySeries = k.bind(k.binary("and", lower, k.binary("or", k.less(alpha, largestSeries), k.less(k.add(z, z), alpha))));
  const result = k.variable(k.widened(k.constant(0), width), "gamma_slope");
  const take = (condition: KernelExpr, of: () => KernelExpr): void => {
    const here = k.bind(k.binary("and", valid, condition));
    whenAny(k, here, () => k.set(result, k.select(here, of(), result)));
  };
  take(bySeries, () => lowerSeries(k, alpha, z));
  take(k.unary("not", bySeries), () => integral(k, alpha, z, lower));
  // z = 0 gives 0, ∞ gives ∞; anything else outside is NaN.
  const edge = k.binary("and", k.greater(alpha, 0), k.binary("or", k.equal(z, 0), k.equal(z, Infinity)));
  return k.bind(k.select(valid, result, k.select(edge, z, k.constant(NaN))));
}

/** Σ rₙ (ψ(α+n+1) − log z) with rₙ = zⁿ⁺¹ / (α (α+1) … (α+n)). */
function lowerSeries(k: KernelBuilder, alpha: KernelExpr, z: KernelExpr): KernelExpr {
  const ratio = k.variable(k.divide(z, alpha), "ratio");
  const difference = k.variable(k.subtract(digamma(k, k.add(alpha, 1)), log(k, z)), "difference");
  const sum = k.variable(k.multiply(ratio, difference), "sum");
  k.loop(1, seriesTerms, 1, (n) => {
    const inverse = k.bind(k.divide(1, k.add(alpha, k.convert(n, "f32"))));
    k.set(ratio, k.multiply(ratio, k.multiply(z, inverse)));
    k.set(difference, k.add(difference, inverse));
    k.set(sum, k.add(sum, k.multiply(ratio, difference)));
  }, "n");
  return sum;
}

/**
 * ∫ (1 ± s/z)^(α−1) e^∓s · ±(log(z ± s) − ψ(α)) ds, + to ∞ on the right of the mean and − to z on the left, by the double-exponential rule
 * s = L exp(t − e^−t) (Takahasi and Mori 1974), L the length on which the integrand falls. With u = ±s/z the exponent is
 * −(α − 1)(u − log(1 + u)) − u (z − α + 1), which does not cancel for large α.
 */
function integral(k: KernelBuilder, alpha: KernelExpr, z: KernelExpr, lower: KernelExpr): KernelExpr {
  const gap = k.bind(k.subtract(z, alpha));
  // log z − ψ(α) = log(1 + (z − α)/α) + (log α − ψ(α)); the second by its series where that holds.
  const inverse = k.bind(k.divide(1, alpha));
  const series = k.multiply(inverse, k.add(k.multiply(inverse, polynomial(k, k.bind(k.multiply(inverse, inverse)), [1 / 12, -1 / 120, 1 / 252])), 0.5));
  const beyond = k.select(k.greater(alpha, 8), series, k.subtract(log(k, alpha), digamma(k, alpha)));
  const shift = k.bind(k.add(log1p(k, k.multiply(gap, inverse)), beyond));
  const slope = k.bind(k.add(gap, 1));
  const away = k.bind(k.select(lower, k.unary("negate", slope), slope));
  const fall = k.divide(k.select(k.greater(away, 0), away, 0), z);
  const length = k.bind(k.divide(1, k.add(fall, k.divide(1, k.unary("sqrt", z)))));
  const perLength = k.bind(k.divide(length, z));
  const power = k.bind(k.subtract(alpha, 1));
  const sum = k.variable(k.multiply(z, 0), "sum");
  k.loop(0, nodeCount, 1, (i) => {
    const t = k.bind(k.add(k.multiply(k.convert(i, "f32"), nodeStep), firstNode));
    const shrink = k.bind(exp(k, k.unary("negate", t)));
    const factor = k.bind(exp(k, k.subtract(t, shrink)));
    const size = k.bind(k.multiply(perLength, factor));
    const u = k.bind(k.select(lower, k.unary("negate", atMost(k, size, 0.99999)), size));
    const growth = k.bind(log1p(k, u));
    const square = k.bind(k.multiply(u, u));
    const near = k.subtract(k.multiply(square, 0.5), k.multiply(k.multiply(square, u), polynomial(k, u, logTail)));
    const bend = k.select(k.less(k.unary("abs", u), 0.25), near, k.subtract(u, growth));
    const weight = exp(k, k.subtract(k.unary("negate", k.multiply(power, bend)), k.multiply(u, slope)));
    k.set(sum, k.add(sum, k.multiply(k.multiply(weight, k.add(shift, growth)), k.multiply(factor, k.add(shrink, 1)))));
  }, "node");
  const scaled = k.bind(k.multiply(k.multiply(sum, length), nodeStep));
  return k.select(lower, k.unary("negate", scaled), scaled);
}
