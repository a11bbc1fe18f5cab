import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createRandom, createStream, deriveKey, fillBits, fillGamma, fillLogGamma, fillNormal, fillUniform, normalQuantile, permutation, randomInteger, threefry } from "../../src/runtime/index.js";

const shared = new URL("../../../shared/data/known-answers/", import.meta.url);

function words(key: readonly number[], counter: readonly number[]): string[] {
  const out = new Uint32Array(2);
  threefry(key[0]!, key[1]!, counter[0]!, counter[1]!, out);
  return [...out].map((word) => word.toString(16).padStart(8, "0"));
}

describe("threefry equals Random123 bit for bit", () => {
  // Three lines of Random123's kat_vectors, kept here so that this never skips.
  it.each([
    [[0, 0], [0, 0], ["6b200159", "99ba4efe"]],
    [[0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff], ["1cb996fc", "bb002be7"]],
    [[0x13198a2e, 0x03707344], [0x243f6a88, 0x85a308d3], ["c4923a9c", "483df7a0"]],
  ])("key %j counter %j", (key, counter, expected) => {
    expect(words(key, counter)).toEqual(expected);
  });

  it.skipIf(!existsSync(new URL("random123_kat_vectors", shared)))("all of the published file's vectors with 20 rounds", () => {
    const lines = readFileSync(new URL("random123_kat_vectors", shared), "utf8").split("\n").filter((line) => line.startsWith("threefry2x32 20 "));
    expect(lines.length).toBeGreaterThanOrEqual(3);
    for (const line of lines) {
      const [c0, c1, k0, k1, ...expected] = line.trim().split(/\s+/).slice(2);
      expect(words([k0, k1].map((word) => Number.parseInt(word!, 16)), [c0, c1].map((word) => Number.parseInt(word!, 16)))).toEqual(expected);
    }
  });
});

describe("streams are functions of key and index", () => {
  const key = createRandom(20240229).key(3, 17);

  it("any sub-range of a fill equals that part of the whole, odd starts and lengths included", () => {
    for (const fill of [fillUniform, fillNormal, (out: Float32Array, k: typeof key, start?: number) => fillGamma(out, 0.7, k, start)]) {
      const whole = new Float32Array(101);
      fill(whole, key);
      for (const [start, length] of [[0, 1], [1, 1], [1, 6], [2, 5], [37, 64], [100, 1], [50, 0]] as const) {
        const part = new Float32Array(length);
        fill(part, key, start);
        expect([...part]).toEqual([...whole.subarray(start, start + length)]);
      }
    }
  });

  it("seed, site, step and derived keys all give other numbers", () => {
    const first = (k: typeof key): number => {
      const out = new Uint32Array(1);
      fillBits(out, k);
      return out[0]!;
    };
    const random = createRandom(1);
    const keys = [random.key(0, 0), random.key(0, 1), random.key(1, 0), createRandom(2).key(0, 0), createRandom(2n ** 32n + 1n).key(0, 0), deriveKey(random.key(0, 0), 0), deriveKey(random.key(0, 0), 1)];
    expect(new Set(keys.map(first)).size).toBe(keys.length);
    expect(createRandom(-1).seed).toEqual(createRandom(2n ** 64n - 1n).seed);
  });
});

describe("uniforms", () => {
  it("the extreme bit patterns stay inside the open interval in float32", () => {
    const out = new Float32Array(2_000_000);
    fillUniform(out, createRandom(5).key(0));
    let [low, high] = [1, 0];
    for (const u of out) {
      low = Math.min(low, u);
      high = Math.max(high, u);
    }
    expect(low).toBeGreaterThan(0);
    expect(high).toBeLessThan(1);
    // (2^23 - ½) 2^-23 and ½ 2^-23 are exact in float32.
    expect(Math.fround(1 - 2 ** -24)).toBe(1 - 2 ** -24);
  });

  it("pass a chi-square test over 1000 cells (false alarm 1e-6 by the normal approximation, |z| < 4.9)", () => {
    const n = 1_000_000;
    const out = new Float32Array(n);
    fillUniform(out, createRandom(11).key(4, 2));
    const cells = new Float64Array(1000);
    for (const u of out) cells[Math.floor(u * 1000)]!++;
    const chi = cells.reduce((sum, count) => sum + (count - n / 1000) ** 2 / (n / 1000), 0);
    expect(Math.abs((chi - 999) / Math.sqrt(2 * 999))).toBeLessThan(4.9);
  });

  it("neighbours, and equal places of neighbouring steps, are uncorrelated (false alarm 1e-6 each)", () => {
    const n = 400_000;
    const a = new Float32Array(n);
    const b = new Float32Array(n);
    fillUniform(a, createRandom(11).key(4, 2));
    fillUniform(b, createRandom(11).key(4, 3));
    const correlation = (x: (i: number) => number, y: (i: number) => number): number => {
      let sum = 0;
      for (let i = 0; i < n - 1; i++) sum += (x(i) - 0.5) * (y(i) - 0.5) * 12;
      return sum / Math.sqrt(n - 1);
    };
    expect(Math.abs(correlation((i) => a[i]!, (i) => a[i + 1]!))).toBeLessThan(4.9);
    expect(Math.abs(correlation((i) => a[i]!, (i) => b[i]!))).toBeLessThan(4.9);
  });
});

describe("normals", () => {
  // Abramowitz & Stegun tables 26.1 and 26.6, and DLMF-accurate quantiles as printed by R's qnorm (15 digits).
  it.each([
    [0.5, 0],
    [0.975, 1.95996398454005],
    [0.025, -1.95996398454005],
    [0.9, 1.2815515655446],
    [0.999, 3.09023230616781],
    [1e-6, -4.75342430882290],
    [1e-10, -6.36134090240406],
    [1e-20, -9.26234008979841],
  ])("quantile of %d", (p, z) => {
    expect(normalQuantile(p)).toBeCloseTo(z, 12);
  });

  it("have the moments and tails of a normal (each false alarm below 1e-6)", () => {
    const n = 1_000_000;
    const z = new Float32Array(n);
    fillNormal(z, createRandom(3).key(9));
    const moment = (power: number): number => z.reduce((sum, value) => sum + value ** power, 0) / n;
    expect(Math.abs(moment(1)) * Math.sqrt(n)).toBeLessThan(4.9);
    expect(Math.abs(moment(2) - 1) * Math.sqrt(n / 2)).toBeLessThan(4.9);
    expect(Math.abs(moment(3)) * Math.sqrt(n / 15)).toBeLessThan(4.9);
    expect(Math.abs(moment(4) - 3) * Math.sqrt(n / 96)).toBeLessThan(4.9);
    const beyond = z.reduce((count, value) => count + (Math.abs(value) > 3 ? 1 : 0), 0) / n;
    const p = 0.00269979606326;
    expect(Math.abs(beyond - p) / Math.sqrt((p * (1 - p)) / n)).toBeLessThan(4.9);
  });
});

describe("gammas", () => {
  // E log G = digamma(alpha), Var log G = trigamma(alpha); values from Abramowitz & Stegun table 6.1 and the reflection formulas.
  const cases = [
    { alpha: 0.5, digamma: -1.96351002602142, trigamma: 4.93480220054468 },
    { alpha: 1, digamma: -0.577215664901533, trigamma: 1.64493406684823 },
    { alpha: 2.5, digamma: 0.703156640645243, trigamma: 0.490357756100235 },
    { alpha: 30, digamma: 3.38443813270, trigamma: 0.0338950427 },
  ];
  it.each(cases)("mean, variance and mean logarithm of Gamma($alpha) (each false alarm 1e-6)", ({ alpha, digamma, trigamma }) => {
    const n = 400_000;
    const out = new Float32Array(n);
    const key = createRandom(8).key(2, 5);
    fillGamma(out, alpha, key);
    const mean = out.reduce((sum, value) => sum + value, 0) / n;
    const variance = out.reduce((sum, value) => sum + (value - alpha) ** 2, 0) / n;
    expect(Math.abs(mean - alpha) * Math.sqrt(n / alpha)).toBeLessThan(4.9);
    // Var (G - alpha)² = 2 alpha² + 6 alpha.
    expect(Math.abs(variance - alpha) * Math.sqrt(n / (2 * alpha * alpha + 6 * alpha))).toBeLessThan(5.2);
    fillLogGamma(out, alpha, key);
    const logMean = out.reduce((sum, value) => sum + value, 0) / n;
    expect(Math.abs(logMean - digamma) * Math.sqrt(n / trigamma)).toBeLessThan(4.9);
  });

  it("logarithms stay finite where the draws themselves underflow", () => {
    const out = new Float32Array(10_000);
    fillLogGamma(out, 1e-4, createRandom(1).key(0));
    expect(out.every((value) => Number.isFinite(value))).toBe(true);
    // E log G ≈ -1/alpha for small alpha; its standard error is 1/alpha/sqrt(n) = 1 % here.
    expect(out.reduce((sum, value) => sum + value, 0) / out.length).toBeGreaterThan(-1.06e4);
    expect(out.reduce((sum, value) => sum + value, 0) / out.length).toBeLessThan(-0.94e4);
  });
});

describe("permutations and integers", () => {
  it("a permutation holds each number once, and depends on the key", () => {
    const key = createRandom(1).key(0);
    const order = permutation(1000, key);
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect(permutation(1000, key)).toEqual(order);
    expect(permutation(1000, { ...key, step: 1 })).not.toEqual(order);
    expect(permutation(0, key)).toHaveLength(0);
  });

  it("all 24 orders of four are equally frequent (chi-square 23 degrees, false alarm 1e-6 at 72)", () => {
    const counts = new Map<string, number>();
    const n = 24_000;
    for (let step = 0; step < n; step++) {
      const order = permutation(4, createRandom(6).key(0, step)).join("");
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    expect([...counts.values()].reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)).toBeLessThan(72);
  });

  it("integers cover 0 … size - 1 evenly (chi-square 6 degrees, false alarm 1e-6 at 38)", () => {
    const out = new Int32Array(70_000);
    randomInteger(out, 7, createRandom(6).key(1));
    const counts = new Float64Array(7);
    for (const k of out) counts[k]!++;
    expect(counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0)).toBeLessThan(38);
  });

  it("a stream's categorical draws follow the weights (false alarm 1e-6)", () => {
    const stream = createStream(createRandom(2).key(0));
    const n = 100_000;
    let ones = 0;
    for (let i = 0; i < n; i++) ones += stream.categorical([1, 3]);
    expect(Math.abs(ones / n - 0.75) / Math.sqrt(0.1875 / n)).toBeLessThan(4.9);
  });
});
