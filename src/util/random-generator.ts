/** Hash of a text to 32 bits by xor and multiply, ended by an avalanche (Murmur3's finalizer). */
function hash32(text: string, seed: number): number {
  let h = seed ^ 0x9e3779b9;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x5bd1e995) ^ (h >>> 15);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** A generator of uniforms in the open interval (0, 1) with 52 bits, from a text key: sfc32 (Doty-Humphrey, PractRand). For tests and references. */
export function randomGenerator(key: string | number): () => number {
  const text = String(key);
  let [a, b, c, counter] = [hash32(text, 1) | 0, hash32(text, 2) | 0, hash32(text, 3) | 0, 1];
  const next32 = (): number => {
    const result = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + result | 0;
    return result >>> 0;
  };
  for (let i = 0; i < 15; i++) next32();
  return () => ((next32() >>> 6) * 67108864 + (next32() >>> 6) + 0.5) / 4503599627370496;
}
