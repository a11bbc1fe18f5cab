import type { TensorBuilder } from "../ir/tensor/builder.js";
import type { TensorNode } from "../ir/tensor/nodes.js";
import { unit } from "../types/support.js";
import type { Distribution } from "./distribution.js";
import { allOf, within } from "./support/numerics.js";
import { probability, probabilityParameters } from "./support/probability.js";
import { always } from "./support/specs.js";

/** Powers of l up to which g(l) = log(sinh(l/2)/(l/2)) = l²/24 − l⁴/2880 + l⁶/181440 − … is used: |l| < ½, where the next term is 1e−10. */
const near = 0.5;

function evenSeries(b: TensorBuilder, l: TensorNode): TensorNode {
  const square = b.square(l);
  return b.multiply(square, b.add(1 / 24, b.multiply(square, b.add(-1 / 2880, b.multiply(square, 1 / 181440)))));
}

/** log((1 − e^−a)/a) for a ≥ ½. */
const logShare = (b: TensorBuilder, a: TensorNode): TensorNode => b.subtract(b.log1p(b.negate(b.exp(b.negate(a)))), b.log(a));

export const continuousBernoulli: Distribution = {
  name: "ContinuousBernoulli",
  doc: `p(x) ∝ λ^x (1 − λ)^(1−x) for 0 ≤ x ≤ 1, by \`probs\` λ or \`logits\` l = log λ/(1 − λ): p(x) = l e^(lx)/(e^l − 1). The likelihood for grey levels (Loaiza-Ganem & Cunningham 2019); λ is not its mean.

Near λ = ½ the normalizer is a series in l. Draws are log(1 + u(e^l − 1))/l.`,
  parameters: probabilityParameters("a bright pixel"),
  parameterizations: [["probs"], ["logits"]],
  eventRank: 0,
  reparameterization: "inverse-cdf",
  support: always(unit),
  logDensity: (b, x, args, trusted) => {
    const { logits: l } = probability(b, args);
    const size = b.abs(l);
    const small = b.less(size, near);
    const inSmall = b.subtract(b.multiply(b.select(small, l, 0), b.subtract(x, 0.5)), evenSeries(b, b.select(small, l, 0)));
    const safe = b.select(small, 1, size);
    // l x − log((e^l − 1)/l), with the side of [0, 1] that l prefers as origin.
    const distance = b.select(b.greater(l, 0), b.subtract(1, x), x);
    const inLarge = b.negate(b.add(b.multiply(safe, distance), logShare(b, safe)));
    return within(b, allOf(b, b.greaterEqual(x, 0), b.lessEqual(x, 1)), b.select(small, inSmall, inLarge), trusted);
  },
  sample: (b, stream, args, shape) => {
    const { logits: l } = probability(b, args);
    const u = b.uniform(stream, shape);
    const toward = b.greater(l, 0);
    const v = b.select(toward, b.subtract(1, u), u);
    const small = b.less(b.abs(l), 1e-3);
    const a = b.select(small, 1, b.abs(l));
    const y = b.divide(b.negate(b.log1p(b.multiply(v, b.expm1(b.negate(a))))), a);
    const inSmall = b.add(u, b.multiply(b.multiply(b.select(small, l, 0), 0.5), b.multiply(u, b.subtract(1, u))));
    return b.select(small, inSmall, b.select(toward, b.subtract(1, y), y));
  },
  // −E log p = g(l) − l (E x − ½)
  entropy: (b, args, shape) => {
    const { logits: l } = probability(b, args);
    return b.broadcast(b.subtract(logNormalizer(b, l), b.multiply(l, centredMean(b, l))), shape);
  },
  mean: (b, args, shape) => b.broadcast(b.add(0.5, centredMean(b, probability(b, args).logits)), shape),
};

/** g(l) = log(sinh(l/2)/(l/2)): p(x) = exp(l(x − ½) − g(l)). */
export function logNormalizer(b: TensorBuilder, l: TensorNode): TensorNode {
  const small = b.less(b.abs(l), near);
  const safe = b.select(small, 1, b.abs(l));
  return b.select(small, evenSeries(b, b.select(small, l, 0)), b.add(b.multiply(0.5, safe), logShare(b, safe)));
}

/** E x − ½ = ½ coth(l/2) − 1/l = l/12 − l³/720 + l⁵/30240 − … */
export function centredMean(b: TensorBuilder, l: TensorNode): TensorNode {
  const small = b.less(b.abs(l), near);
  const s = b.select(small, l, 0);
  const square = b.square(s);
  const series = b.multiply(s, b.add(1 / 12, b.multiply(square, b.add(-1 / 720, b.multiply(square, 1 / 30240)))));
  const safe = b.select(small, 1, l);
  return b.select(small, series, b.subtract(b.divide(0.5, b.tanh(b.multiply(0.5, safe))), b.reciprocal(safe)));
}
