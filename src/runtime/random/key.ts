import { threefry } from "./threefry.js";

/**
 * What names a stream of random numbers: the run's seed, the site that draws (one number for each random choice of a program), and the step.
 * The same key gives the same numbers, element by element, on every device and in any order.
 *
 * Definition, for other backends: (k0, k1) = threefry(seed; site, step); the two words of block b in round r are threefry(k0, k1; b, r).
 * Element i of a fill is word i mod 2 of block floor(i / 2) in round 0; samplers that reject use block i and rounds 1, 2, ….
 */
export interface RandomKey {
  readonly seed: readonly [number, number];
  readonly site: number;
  readonly step: number;
}

/** Sites that the run time itself uses; compiled programs number theirs from 0. */
export const runtimeSites = { shuffle: 0xffffff01, mask: 0xffffff02, split: 0xffffff03, builtinData: 0xffffff04, binarize: 0xffffff05, environment: 0xffffff06, planning: 0xffffff07 } as const;

/** The keys of one run. */
export interface Random {
  readonly seed: readonly [number, number];
  key(site: number, step?: number): RandomKey;
}

/** @param seed an integer; its low 64 bits count, so that -1 and 2^64 - 1 are the same seed */
export function createRandom(seed: number | bigint): Random {
  const words = seedWords(seed);
  return { seed: words, key: (site, step = 0) => ({ seed: words, site, step }) };
}

/** A seed as two 32-bit words, low first. */
export function seedWords(seed: number | bigint): readonly [number, number] {
  if (typeof seed === "number" && !Number.isFinite(seed)) throw new RangeError(`a seed must be a finite number, not ${seed}`);
  const bits = BigInt.asUintN(64, typeof seed === "bigint" ? seed : BigInt(Math.trunc(seed)));
  return [Number(bits & 0xffffffffn), Number(bits >> 32n)];
}

/** A new key whose numbers are independent of those of `key` and of every other word's: for splitting a stream. */
export function deriveKey(key: RandomKey, word: number): RandomKey {
  const block = blockKey(key);
  // Round 0xffffffff is used by no sampler, so a derived seed never equals bits that were handed out.
  threefry(block[0], block[1], word, 0xffffffff, scratch);
  return { seed: [scratch[0]!, scratch[1]!], site: key.site, step: key.step };
}

/** The Threefry key under which a stream's blocks are counted. For one seed it is a bijection of (site, step). */
export function blockKey(key: RandomKey): readonly [number, number] {
  threefry(key.seed[0], key.seed[1], key.site, key.step, scratch);
  return [scratch[0]!, scratch[1]!];
}

const scratch = new Uint32Array(2);
