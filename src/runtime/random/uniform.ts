import { blockKey, type RandomKey } from "./key.js";
import { normalQuantile } from "./normal-quantile.js";
import { threefry } from "./threefry.js";

/** Fills with 32 random bits an element; `start` is the stream's index of out[0]. */
export function fillBits(out: Uint32Array, key: RandomKey, start = 0): void {
  const [k0, k1] = blockKey(key);
  let i = 0;
  if (start % 2 === 1 && out.length > 0) {
    threefry(k0, k1, (start - 1) / 2, 0, pair);
    out[i++] = pair[1]!;
  }
  let block = (start + i) / 2;
  for (; i + 1 < out.length; i += 2) threefry(k0, k1, block++, 0, out, i);
  if (i < out.length) {
    threefry(k0, k1, block, 0, pair);
    out[i] = pair[0]!;
  }
}

/**
 * Fills with uniforms from the open interval (0, 1): (b + ½) 2⁻²³ with b the top 23 bits. Each is exact in float32, never 0 or 1, and symmetric
 * about ½, so that 1 - u is one too.
 */
export function fillUniform(out: Float32Array, key: RandomKey, start = 0): void {
  // The bits are written where the numbers will stand: no second array, and the loop over words stays small enough to be compiled well.
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  fillBits(bits, key, start);
  for (let i = 0; i < out.length; i++) out[i] = bitsToUniform(bits[i]!);
}

/** Fills with standard normals by inverse CDF of the uniforms of the same key: one word each, monotone in it, at most 5.42 from 0. */
export function fillNormal(out: Float32Array, key: RandomKey, start = 0): void {
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  fillBits(bits, key, start);
  for (let i = 0; i < out.length; i++) out[i] = normalQuantile(bitsToUniform(bits[i]!));
}

export function bitsToUniform(bits: number): number {
  return ((bits >>> 9) + 0.5) * 1.1920928955078125e-7;
}

/** Fills with integers from 0 to `size` - 1, size up to 2^32: floor(bits size / 2^32), whose bias is below size / 2^32. */
export function randomInteger(out: Int32Array | Uint32Array, size: number, key: RandomKey, start = 0): void {
  const bits = new Uint32Array(out.length);
  fillBits(bits, key, start);
  for (let i = 0; i < out.length; i++) out[i] = Math.floor((bits[i]! * size) / 4294967296);
}

/**
 * A random order of 0 … n-1 (Fisher & Yates, Durstenfeld's form). Each swap takes its own block of 64 bits, so the bias is below n / 2^53.
 */
export function permutation(n: number, key: RandomKey): Int32Array {
  const order = new Int32Array(n);
  for (let i = 0; i < n; i++) order[i] = i;
  const [k0, k1] = blockKey(key);
  for (let i = n - 1; i > 0; i--) {
    threefry(k0, k1, i, 0, pair);
    const fraction = ((pair[0]! >>> 5) * 67108864 + (pair[1]! >>> 6)) / 9007199254740992;
    const j = Math.floor(fraction * (i + 1));
    const swapped = order[i]!;
    order[i] = order[j]!;
    order[j] = swapped;
  }
  return order;
}

const pair = new Uint32Array(2);
