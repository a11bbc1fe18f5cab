const word = new Float32Array(1);
const bits = new Int32Array(word.buffer);

export function fromBits(pattern: number): number {
  bits[0] = pattern;
  return word[0]!;
}

/** The spacing of float32 numbers at |x|; subnormal numbers are as far apart as the smallest normal ones. */
export function ulpOf(x: number): number {
  const size = Math.abs(x);
  if (!(size < 2 ** 128)) return 2 ** 104;
  return 2 ** (Math.max(-126, Math.floor(Math.log2(size) + 1e-16 * 0)) - 23);
}

/** How far `got` is from the float64 truth in units of the last place; infinite where only one of them is NaN or ∞. */
export function ulpError(got: number, truth: number): number {
  if (Number.isNaN(truth)) return Number.isNaN(got) ? 0 : Infinity;
  const expected = Math.fround(truth);
  if (got === expected) return Math.abs(truth) < Infinity && Number.isFinite(got) ? Math.min(0.5, Math.abs(got - truth) / ulpOf(truth)) : 0;
  // What rounds to ∞ may as well be the largest number, and the other way about.
  if (!Number.isFinite(got)) return Number.isNaN(got) || Math.sign(got) !== Math.sign(truth) ? Infinity : Math.abs(2 ** 128 - Math.abs(truth)) / 2 ** 104;
  return Math.abs(got - truth) / ulpOf(truth);
}

/** Float32 numbers of every exponent between two bounds: `each` of them spread over the patterns of each sign. */
export function sweep(low: number, high: number, count: number): Float32Array {
  const ordered = (x: number): number => {
    word[0] = x;
    return bits[0]! >= 0 ? bits[0]! : -2147483648 - bits[0]!;
  };
  const [from, to] = [ordered(low), ordered(high)];
  return Float32Array.from({ length: count }, (_, i) => {
    const at = Math.round(from + ((to - from) * i) / (count - 1));
    return fromBits(at >= 0 ? at : -2147483648 - at);
  });
}

/** Numbers evenly spaced. */
export function linear(low: number, high: number, count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => low + ((high - low) * i) / (count - 1));
}
