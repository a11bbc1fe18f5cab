import { positive, simplex } from "../types/support.js";
import type { Distribution } from "./distribution.js";
import { argument, lastSizeOf, leadOf } from "./support/arguments.js";
import { halfLogTwoPi, tiny } from "./support/numerics.js";
import { always, vectorParameter } from "./support/specs.js";

export const dirichlet: Distribution = {
  name: "Dirichlet",
  doc: `p(x) = Γ(Σα_k)/ΠΓ(α_k) · Π x_k^(α_k − 1) on the simplex, with concentration α.

The density is computed by Stirling's errors and deviances, as the Beta's. Draws are the softmax of log-Gammas, with implicit gradients, so that small concentrations do not underflow.`,
  parameters: [vectorParameter("concentration", positive, "α, one for each coordinate")],
  parameterizations: [["concentration"]],
  eventRank: 1,
  reparameterization: "implicit",
  support: always(simplex),
  // With A = Σα and δ = Stirling's error: δ(A) − ½ log A + ½ log 2π + Σ [½ log α/2π − δ(α) − D(α, A x) − log x].
  logDensity: (b, x, args, trusted) => {
    const alpha = argument(args, "concentration");
    const total = b.sum(alpha, [-1], true);
    const inside = b.greater(x, 0);
    const safe = b.select(inside, x, 1);
    const each = b.addAll([
      b.multiply(0.5, b.log(alpha)), -halfLogTwoPi, b.negate(b.unary("stirling_error", alpha)),
      b.negate(b.binary("deviance", alpha, b.multiply(total, safe))), b.negate(b.log(safe)),
    ]);
    // On a face of the simplex x^(α−1) is ∞ (α < 1), 1 or 0; the factor 1 leaves log A.
    const onFace = b.select(b.less(alpha, 1), Infinity, b.log(total));
    const sum = b.sumLast(b.select(inside, each, onFace), 1);
    const flat = b.sumLast(total, 1);
    const value = b.addAll([sum, b.unary("stirling_error", flat), b.multiply(-0.5, b.log(flat)), halfLogTwoPi]);
    const vanishes = b.reduce("any", b.and(b.not(inside), b.greater(alpha, 1)), [-1]);
    const zeroOrValue = b.select(vanishes, -Infinity, value);
    if (trusted) return zeroOrValue;
    const onSimplex = b.and(
      b.reduce("all", b.greaterEqual(x, 0), [-1]),
      b.less(b.abs(b.subtract(b.sumLast(x, 1), 1)), 1e-4),
    );
    return b.select(onSimplex, zeroOrValue, -Infinity);
  },
  sample: (b, stream, args, shape) => b.maximum(b.softmax(b.randomLogGamma(stream, b.broadcast(argument(args, "concentration"), shape))), tiny),
  // log B(α) + (A − K) ψ(A) − Σ (α_k − 1) ψ(α_k)
  entropy: (b, args, shape) => {
    const alpha = b.broadcast(argument(args, "concentration"), shape);
    const total = b.sumLast(alpha, 1);
    const logBeta = b.subtract(b.sumLast(b.lgamma(alpha), 1), b.lgamma(total));
    const slopes = b.sumLast(b.multiply(b.subtract(alpha, 1), b.digamma(alpha)), 1);
    const result = b.addAll([logBeta, b.multiply(b.subtract(total, lastSizeOf(shape)), b.digamma(total)), b.negate(slopes)]);
    return b.broadcast(result, leadOf(shape, 1));
  },
  mean: (b, args, shape) => {
    const alpha = argument(args, "concentration");
    return b.broadcast(b.divide(alpha, b.sum(alpha, [-1], true)), shape);
  },
};
