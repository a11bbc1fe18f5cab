import { halfLogTwoPi, twoOverSqrtPi } from "../../../util/math/constants.js";
import { deviance as devianceOf } from "../../../util/math/deviance.js";
import { digamma as digammaOf } from "../../../util/math/digamma.js";
import { erf as erfOf } from "../../../util/math/erf.js";
import { gammaDerivative as gammaDerivativeOf } from "../../../util/math/gamma-derivative.js";
import { lgamma as lgammaOf } from "../../../util/math/lgamma.js";
import { erfInverse as erfInverseOf, logNormalCdf as logNormalCdfOf, normalQuantile as normalQuantileOf } from "../../../util/math/normal.js";
import { stirlingError as stirlingErrorOf } from "../../../util/math/stirling-error.js";
import { trigamma as trigammaOf } from "../../../util/math/trigamma.js";
import { hostBinary, hostUnary } from "./host.js";

/** erf; TensorFlow.js's own is a fit with an absolute error of 1.5e-7, of which nothing is left near 0. */
export const erf = hostUnary(erfOf, (x) => twoOverSqrtPi * Math.exp(-x * x));

/** d erf⁻¹(y)/dy = √π/2 · exp(x²) with x = erf⁻¹ y. */
export const erfInverse = hostUnary(erfInverseOf, (y) => Math.exp(erfInverseOf(y) ** 2) / twoOverSqrtPi);

/** log |Γ(x)|. */
export const lgamma = hostUnary(lgammaOf, digammaOf);
export const digamma = hostUnary(digammaOf, trigammaOf);
export const trigamma = hostUnary(trigammaOf, tetragamma);

/** log Φ(x); its derivative is the hazard φ/Φ. */
export const logNormalCdf = hostUnary(logNormalCdfOf, (x) => Math.exp(-0.5 * x * x - halfLogTwoPi - logNormalCdfOf(x)));
export const normalQuantile = hostUnary(normalQuantileOf, (p) => Math.exp(0.5 * normalQuantileOf(p) ** 2 + halfLogTwoPi));

/** lgamma(x + 1) − (x + ½) log x + x − ½ log 2π (Loader 2000). */
export const stirlingError = hostUnary(stirlingErrorOf, (x) => (x < 15 ? digammaOf(x + 1) - Math.log(x) - 0.5 / x : stirlingErrorSlope(x)));

/** x log(x/m) + m − x (Loader 2000). */
export const deviance = hostBinary(devianceOf, [(x, m) => Math.log(x / m), (x, m) => (m - x) / m]);

/** dz/dα of z ~ Gamma(α, 1) at fixed probability. It is itself a derivative: no further one is offered. */
export const gammaDerivative = hostBinary(gammaDerivativeOf, [noDerivative, noDerivative]);

function noDerivative(): number {
  throw new Error("gamma_derivative has no derivative of its own");
}

/** ψ₂(x) = d³ log Γ/dx³: recurrence ψ₂(x) = ψ₂(x + 1) − 2/x³, then −1/x² − 1/x³ − 1/2x⁴ + 1/6x⁶ − 1/6x⁸ + 3/10x¹⁰ − 5/6x¹². */
function tetragamma(x: number): number {
  let sum = 0;
  let at = x;
  for (; at < 15; at++) sum -= 2 / at ** 3;
  const square = 1 / (at * at);
  return sum - square * (1 + 1 / at + square * (1 / 2 - square * (1 / 6 - square * (1 / 6 - square * (3 / 10 - (square * 5) / 6)))));
}

/** The derivative of Stirling's tail 1/12x − 1/360x³ + 1/1260x⁵ − 1/1680x⁷; the difference of its parts would cancel for large x. */
function stirlingErrorSlope(x: number): number {
  const square = 1 / (x * x);
  return -square * (1 / 12 - square * (1 / 120 - square * (1 / 252 - square / 240)));
}
