import { blockKey, type RandomKey } from "./key.js";
import { normalQuantile } from "./normal-quantile.js";
import { threefry } from "./threefry.js";
import { bitsToUniform } from "./uniform.js";

/**
 * Fills with draws of Gamma(alpha, rate 1), alpha > 0, one or one for each element (Marsaglia & Tsang 2000). Element i uses blocks of its own
 * counter, so that a sub-range can be drawn alone. For alpha much below 1 most draws are below the least float32: use `fillLogGamma` there.
 */
export function fillGamma(out: Float32Array, alpha: number | ArrayLike<number>, key: RandomKey, start = 0): void {
  fillLogGamma(out, alpha, key, start);
  for (let i = 0; i < out.length; i++) out[i] = Math.exp(out[i]!);
}

/** Fills with the logarithms of draws of Gamma(alpha, rate 1): finite for any alpha > 0. */
export function fillLogGamma(out: Float32Array, alpha: number | ArrayLike<number>, key: RandomKey, start = 0): void {
  const [k0, k1] = blockKey(key);
  for (let i = 0; i < out.length; i++) out[i] = logGammaDraw(typeof alpha === "number" ? alpha : alpha[i]!, k0, k1, start + i);
}

function logGammaDraw(alpha: number, k0: number, k1: number, index: number): number {
  // Gamma(a) = Gamma(a + 1) U^(1/a), in logarithms because U^(1/a) underflows for small a.
  const boosted = alpha < 1;
  const d = (boosted ? alpha + 1 : alpha) - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  let boost = 0;
  if (boosted) {
    threefry(k0, k1, index, boostRound, words);
    boost = Math.log(bitsToUniform(words[0]!)) / alpha;
  }
  // The acceptance rate is above 0.95 for every shape: 64 rejections in a row do not happen (0.05^64).
  for (let round = 1; ; round++) {
    threefry(k0, k1, index, round, words);
    const z = normalQuantile(bitsToUniform(words[0]!));
    const u = bitsToUniform(words[1]!);
    const t = 1 + c * z;
    if (t <= 0) continue;
    const logV = 3 * Math.log(t);
    if (Math.log(u) < 0.5 * z * z + d - d * t * t * t + d * logV || round === 64) return Math.log(d) + logV + boost;
  }
}

const boostRound = 0xfffffffe;
const words = new Uint32Array(2);
