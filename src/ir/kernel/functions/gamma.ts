import type { KernelBuilder } from "../builder.js";
import type { KernelExpr } from "../nodes.js";
import { atanhTailWide, digammaCentre, lgammaCentre, stirlingLow, stirlingNearZero, stirlingWide } from "./coefficients.js";
import { atMost, chosenPolynomial, polynomial, twoProduct, twoSum, whenAny } from "./common.js";
import { log, logOfNormal } from "./logarithm.js";
import { sinCosPi } from "./trigonometric.js";

/**
 * log |Γ(x)|. From 0.7 to 2.5 (y − 1)(y − 2) R(y), so that both zeros keep relative accuracy; below log Γ(x + 1) − log x; up to 8
 * log Γ(x − n) + log((x − 1) … (x − n)); then Stirling's series. Below zero by reflection, with absolute accuracy near the zeros there.
 */
export function lgamma(k: KernelBuilder, argument: KernelExpr): KernelExpr {
  const x = k.bind(argument);
  const negative = k.bind(k.less(x, 0));
  const z = k.bind(k.select(negative, k.subtract(1, x), x));
  const result = k.variable(lgammaOfPositive(k, z), "log_gamma");
  whenAny(k, negative, () => {
    // log (π / |sin πx|) − log Γ(1 − x).
    // What 1 − x loses to rounding counts ψ(1 − x) times, which is about log(½ − x).
    const sine = k.bind(k.unary("abs", sinCosPi(k, x).sinOverPi.high));
    const lost = k.multiply(k.subtract(k.subtract(1, z), x), log(k, k.subtract(z, 0.5)));
    const reflected = k.subtract(k.subtract(k.unary("negate", log(k, sine)), result), lost);
    // Infinite at −∞, where there is no sine, as at the poles.
    const regular = k.greater(sine, 0);
    k.set(result, k.select(negative, k.select(regular, reflected, k.constant(Infinity)), result));
  });
  return result;
}

function lgammaOfPositive(k: KernelBuilder, z: KernelExpr): KernelExpr {
  const small = k.bind(k.less(z, 0.7));
  const large = k.bind(k.compare("greater_equal", z, 8));
  let y: KernelExpr = k.bind(k.select(small, k.add(z, 1), z));
  let product: KernelExpr = k.widened(k.constant(1), z.width);
  for (let i = 0; i < 6; i++) {
    const above = k.bind(k.greater(y, 2.5));
    const lower = k.bind(k.subtract(y, 1));
    product = k.bind(k.select(above, k.multiply(product, lower), product));
    y = k.bind(k.select(above, lower, y));
  }
  const logarithm = k.bind(log(k, k.select(k.binary("or", small, large), z, product)));
  const centre = k.multiply(k.multiply(k.subtract(y, 1), k.subtract(y, 2)), polynomial(k, k.bind(k.subtract(y, 1.5)), lgammaCentre));
  const middle = k.add(centre, k.select(small, k.unary("negate", logarithm), logarithm));
  const inverse = k.bind(k.divide(1, z));
  const tail = k.multiply(inverse, polynomial(k, k.bind(k.multiply(inverse, inverse)), [1 / 12, -1 / 360, 1 / 1260]));
  // ½ log 2π − ½ belongs to (z − ½)(log z − 1).
  const stirling = k.add(k.multiply(k.subtract(z, 0.5), k.subtract(logarithm, 1)), k.add(tail, 0.4189385332046727));
  return k.select(large, stirling, middle);
}

const digammaRoot = 1.4616321449683623;
const digammaRootHigh = Math.fround(digammaRoot);

/** ψ(x): (y − 1.4616…) P(y) from 0.75 to 3, ψ(x + 1) − 1/x below, the asymptotic series beyond; NaN at 0, −1, −2, … */
export function digamma(k: KernelBuilder, argument: KernelExpr): KernelExpr {
  const x = k.bind(argument);
  const negative = k.bind(k.compare("less_equal", x, 0));
  const z = k.bind(k.select(negative, k.subtract(1, x), x));
  const small = k.bind(k.less(z, 0.75));
  const low = k.bind(k.less(z, 7));
  // Four steps up: 1/z + 1/(z+3) + 1/(z+1) + 1/(z+2) = (2z+3)(2q+2) / (q (q+2)), q = z (z+3); the small z take their 1/z from the same division.
  const q = k.bind(k.multiply(z, k.add(z, 3)));
  const top = k.select(small, k.constant(1), k.multiply(k.add(k.add(z, z), 3), k.add(k.add(q, q), 2)));
  const shift = k.bind(k.divide(top, k.select(small, z, k.multiply(q, k.add(q, 2)))));
  const y = k.bind(k.select(small, k.add(z, 1), z));
  const distance = k.subtract(k.subtract(y, digammaRootHigh), digammaRoot - digammaRootHigh);
  const centre = k.multiply(distance, polynomial(k, k.bind(k.subtract(y, 1.75)), digammaCentre));
  const w = k.bind(k.select(low, k.add(z, 4), z));
  const inverse = k.bind(k.divide(1, w));
  const square = k.bind(k.multiply(inverse, inverse));
  // The small parts are summed first: then only the last difference is rounded as a large number.
  const asymptotic = k.add(k.multiply(inverse, 0.5), k.multiply(square, polynomial(k, square, [1 / 12, -1 / 120, 1 / 252])));
  const series = k.subtract(logOfNormal(k, w), k.add(asymptotic, k.select(low, shift, k.constant(0))));
  const far = k.select(k.equal(w, Infinity), w, series);
  const near = k.select(small, k.subtract(centre, shift), centre);
  const result = k.variable(k.select(k.less(z, 3), near, far), "digamma");
  whenAny(k, negative, () => {
    const { sinOverPi, cos } = sinCosPi(k, x);
    k.set(result, k.select(negative, k.select(k.equal(sinOverPi.high, 0), k.constant(NaN), k.subtract(result, k.divide(cos, sinOverPi.high))), result));
  });
  return result;
}

/** ψ₁(x) = 1/x² + 1/(x+1)² + … + 1/(x+4)² + the asymptotic series at x + 5; below zero (π / sin πx)² − ψ₁(1 − x). */
export function trigamma(k: KernelBuilder, argument: KernelExpr): KernelExpr {
  const x = k.bind(argument);
  const negative = k.bind(k.less(x, 0));
  const z = k.bind(k.select(negative, k.subtract(1, x), x));
  const low = k.bind(k.less(z, 6));
  const bounded = k.bind(atMost(k, z, 6));
  const q = k.bind(k.multiply(bounded, k.add(bounded, 5)));
  // (z+1)(z+4) = q + 4, (z+2)(z+3) = q + 6; the sums of their factors' squares are 2q + 17 and 2q + 13.
  const [a, b] = [k.bind(k.add(q, 4)), k.bind(k.add(q, 6))];
  const twice = k.bind(k.add(q, q));
  const product = k.bind(k.multiply(a, b));
  const four = k.divide(
    k.add(k.multiply(k.add(twice, 17), k.multiply(b, b)), k.multiply(k.add(twice, 13), k.multiply(a, a))),
    k.multiply(product, product),
  );
  const first = k.bind(k.divide(1, z));
  const v = k.bind(k.select(low, k.divide(1, k.add(z, 5)), first));
  const square = k.bind(k.multiply(v, v));
  const series = k.bind(k.add(v, k.add(k.multiply(square, 0.5), k.multiply(k.multiply(square, v), polynomial(k, square, [1 / 6, -1 / 30, 1 / 42])))));
  const result = k.variable(k.select(low, k.add(k.multiply(first, first), k.add(four, series)), series), "trigamma");
  whenAny(k, negative, () => {
    // The square would double the error of the ratio: it is corrected to two numbers, but where its square is so large that the parts of the product do not fit.
    const { high, low } = sinCosPi(k, x).sinOverPi;
    const ratio = k.bind(k.divide(1, high));
    const back = twoProduct(k, ratio, high);
    const missing = k.subtract(k.subtract(k.subtract(1, back.high), back.low), k.multiply(ratio, low));
    const square = twoProduct(k, ratio, ratio);
    const exact = k.add(square.high, k.add(square.low, k.multiply(k.multiply(ratio, 2), k.multiply(ratio, missing))));
    const squared = k.select(k.less(k.unary("abs", ratio), 2 ** 50), exact, k.multiply(ratio, ratio));
    k.set(result, k.select(negative, k.subtract(squared, result), result));
  });
  return result;
}

/** δ(x) = log Γ(x + 1) − (x + ½) log x + x − ½ log 2π: polynomials in 1/x from 1 on and in log x from 1/16 on, below as it stands. */
export function stirlingError(k: KernelBuilder, argument: KernelExpr): KernelExpr {
  const x = k.bind(argument);
  const large = k.bind(k.compare("greater_equal", x, 1));
  const inverse = k.bind(k.divide(1, x));
  const logarithm = k.bind(log(k, x));
  const fitted = k.multiply(
    chosenPolynomial(k, large, k.bind(k.select(large, inverse, logarithm)), stirlingWide, stirlingLow),
    k.select(large, inverse, k.constant(1)),
  );
  const direct = k.subtract(polynomial(k, x, stirlingNearZero), k.multiply(k.add(x, 0.5), logarithm));
  // The logarithm of what is below zero is NaN, and of zero −∞.
  return k.bind(k.select(k.less(x, 0.0625), direct, fitted));
}

/** D(x, m) = x log(x/m) + m − x; with v = (x − m)/(x + m), |v| < 0.52, as (x − m) v + 2x (atanh v − v), where what x − m loses to rounding counts twice. */
export function deviance(k: KernelBuilder, left: KernelExpr, right: KernelExpr): KernelExpr {
  const [x, m] = [k.bind(left), k.bind(right)];
  const { high: difference, low: lost } = twoSum(k, x, k.bind(k.unary("negate", m)));
  const v = k.bind(k.divide(k.multiply(difference, 0.5), k.add(k.multiply(x, 0.5), k.multiply(m, 0.5))));
  const square = k.bind(k.multiply(v, v));
  const twice = k.bind(k.add(v, v));
  const near = k.add(k.multiply(difference, v), k.add(k.multiply(x, k.multiply(k.multiply(twice, square), polynomial(k, square, atanhTailWide))), k.multiply(twice, lost)));
  // The quotient is kept within the numbers: above 2¹⁰⁰ it is taken of scaled numbers, below 2⁻¹²⁶ its logarithm no longer matters.
  const plain = k.bind(k.divide(x, m));
  const huge = k.bind(k.greater(plain, 2 ** 100));
  const ratio = k.select(huge, k.divide(k.multiply(x, 2 ** -96), k.multiply(m, 2 ** 96)), k.select(k.less(plain, 2 ** -126), 2 ** -126, plain));
  const logarithm = k.add(logOfNormal(k, ratio), k.select(huge, k.constant(192 * Math.LN2), k.constant(0)));
  const far = k.add(k.multiply(x, k.subtract(logarithm, 1)), m);
  const usual = k.select(k.less(k.unary("abs", v), 0.52), near, far);
  const inside = k.binary("and", k.greater(x, 0), k.binary("and", k.greater(m, 0), k.binary("and", k.less(x, Infinity), k.less(m, Infinity))));
  // x = 0 gives m; m = 0 or one of them ∞ gives ∞; both 0 gives 0.
  const edge = k.select(k.equal(x, 0), m, k.select(k.equal(x, m), k.constant(NaN), k.constant(Infinity)));
  const valid = k.binary("and", k.compare("greater_equal", x, 0), k.compare("greater_equal", m, 0));
  return k.bind(k.select(inside, usual, k.select(valid, edge, k.constant(NaN))));
}
