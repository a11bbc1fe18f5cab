import type { KernelBuilder, KernelOperand } from "../builder.js";
import type { ElementType, KernelExpr } from "../nodes.js";
import { whenAny } from "./common.js";
import { log, logOfNormal } from "./logarithm.js";
import { normalQuantileOfUniform } from "./normal.js";

/** Two words of u32. */
export interface Words {
  readonly first: KernelExpr;
  readonly second: KernelExpr;
}

/** Where the arena holds what random numbers depend on: word 0 the step, words 1 and 2 the run's seed, low word first. */
export const stepWord = 0;
export const seedWord = 1;

/** Skein's key-schedule constant. */
const parity = 0x1bd11bda;
const rotations = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
] as const;

function unsigned(k: KernelBuilder, x: KernelOperand): KernelExpr {
  return typeof x === "number" ? k.constant(x, "u32") : k.bitcast(x, "u32");
}

/**
 * Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror and Shaw 2011): the random bits of a counter under a key, all u32 or i32, in any mix of
 * widths. Equal bit for bit to the run time's `threefry`.
 */
export function threefry(k: KernelBuilder, key: { readonly first: KernelOperand; readonly second: KernelOperand }, counter0: KernelOperand, counter1: KernelOperand): Words {
  const counters = [unsigned(k, counter0), unsigned(k, counter1)] as const;
  const width = counters.some((counter) => counter.width === "vector") ? "vector" : "scalar";
  const [k0, k1] = [k.bind(unsigned(k, key.first)), k.bind(unsigned(k, key.second))];
  const k2 = k.share(k.binary("xor", k.binary("xor", k0, k1), parity), "key");
  // The key schedule is shared: it leaves the loop over elements.
  const keys = [k0, k1, k2].map((part) => (part.width === width ? part : k.share(k.widened(part, width), "key"))) as [KernelExpr, KernelExpr, KernelExpr];
  let x = k.bind(k.add(counters[0], keys[0]), "x");
  let y = k.bind(k.add(counters[1], keys[1]), "y");
  for (let block = 0; block < 5; block++) {
    for (const by of rotations[block % 2]!) {
      x = k.bind(k.add(x, y), "x");
      y = k.bind(k.binary("xor", k.binary("or", k.shiftLeft(y, by), k.shiftRight(y, 32 - by)), x), "y");
    }
    x = k.bind(k.add(x, keys[(block + 1) % 3]!), "x");
    y = k.bind(k.add(y, k.share(k.add(keys[(block + 2) % 3]!, block + 1), "key")), "y");
  }
  return { first: x, second: y };
}

/**
 * The key of one site at one step: `blockKey` of the run time. Scalar; write it once in front of the loops, and hand it to the functions below.
 * @param site the stream's number, 0, 1, … in the program
 */
export function siteKey(k: KernelBuilder, seed: { readonly first: KernelOperand; readonly second: KernelOperand }, site: KernelOperand, step: KernelOperand): Words {
  return threefry(k, seed, site, step);
}

/** The same with seed and step from the arena's first words. */
export function arenaKey(k: KernelBuilder, site: number): Words {
  const word = (index: number): KernelExpr => k.load(k.constant(index, "i32"), "u32");
  return siteKey(k, { first: word(seedWord), second: word(seedWord + 1) }, site, word(stepWord));
}

/** Uniform in the open (0, 1) from 32 bits: (b + ½) 2⁻²³ with b the top 23, exact in float32. */
export function uniformOfBits(k: KernelBuilder, word: KernelExpr): KernelExpr {
  const b = k.convert(k.bitcast(k.shiftRight(word, 9), "i32"), "f32");
  return k.multiply(k.add(b, 0.5), 2 ** -23);
}

/** Both words of block `block` (i32 or u32): elements 2 block and 2 block + 1 of the stream. */
export function bitsOfBlock(k: KernelBuilder, key: Words, block: KernelExpr): Words {
  return threefry(k, key, block, 0);
}

/** 32 random bits for element `index` of the stream (i32, of any width): half of a block; where a loop can, it takes whole blocks. */
export function bitsAt(k: KernelBuilder, key: Words, index: KernelExpr): KernelExpr {
  const at = k.bind(unsigned(k, index));
  const { first, second } = bitsOfBlock(k, key, k.shiftRight(at, 1));
  return k.select(k.equal(k.binary("and", at, 1), 0), first, second);
}

/** Element `index` of a stream of uniforms: the bits of the run time's `fillUniform`. */
export function uniformAt(k: KernelBuilder, key: Words, index: KernelExpr): KernelExpr {
  return k.bind(uniformOfBits(k, bitsAt(k, key, index)));
}

/** Element `index` of a stream of standard normals, by inverse distribution function of the uniform. */
export function normalAt(k: KernelBuilder, key: Words, index: KernelExpr): KernelExpr {
  return normalQuantileOfUniform(k, uniformAt(k, key, index));
}

/** Elements 2 block and 2 block + 1 at once: half the bits' cost for each. */
export function uniformPair(k: KernelBuilder, key: Words, block: KernelExpr): Words {
  const { first, second } = bitsOfBlock(k, key, block);
  return { first: k.bind(uniformOfBits(k, first)), second: k.bind(uniformOfBits(k, second)) };
}

export function normalPair(k: KernelBuilder, key: Words, block: KernelExpr): Words {
  const { first, second } = uniformPair(k, key, block);
  return { first: normalQuantileOfUniform(k, first), second: normalQuantileOfUniform(k, second) };
}

const boostRound = 0xfffffffe;
/** The acceptance rate is above 0.95 for every shape: 64 rejections in a row do not happen (0.05⁶⁴). */
const mostRounds = 64;

/**
 * log z for z ~ Gamma(α, 1), α > 0, element `index` of the stream (Marsaglia and Tsang 2000), from the blocks that the run time's `fillLogGamma` uses:
 * equal to it up to rounding, but where a draw is within rounding of being rejected. NaN for α that is not positive.
 */
export function logGammaAt(k: KernelBuilder, key: Words, index: KernelExpr, alphaArgument: KernelExpr): KernelExpr {
  const alpha = k.bind(alphaArgument);
  const at = k.bind(unsigned(k, index));
  const boosted = k.bind(k.less(alpha, 1));
  const d = k.bind(k.subtract(k.select(boosted, k.add(alpha, 1), alpha), 1 / 3));
  const c = k.bind(k.divide(1, k.unary("sqrt", k.multiply(d, 9))));
  const zero = widest(k, d, at);
  const draw = k.variable(k.add(zero, k.constant(NaN)), "log_draw");
  const waiting = k.variable(k.add(zero, k.select(k.greater(alpha, 0), k.constant(1), k.constant(0))), "waiting");
  k.loop(1, mostRounds + 1, 1, (round) => {
    const open = k.greater(waiting, 0);
    whenAny(k, open, () => {
      const words = threefry(k, key, at, round);
      const z = k.bind(normalQuantileOfUniform(k, k.bind(uniformOfBits(k, words.first))));
      const u = k.bind(uniformOfBits(k, words.second));
      const t = k.bind(k.add(k.multiply(c, z), 1));
      const inside = k.bind(k.greater(t, 0));
      const logV = k.bind(k.multiply(logOfNormal(k, k.bind(k.select(inside, t, 1))), 3));
      // log u < z²/2 + d (1 − t³ + log t³); 1 − t³ = −w (3 + w (3 + w)) with w = c z does not cancel.
      const w = k.bind(k.multiply(c, z));
      const cubic = k.multiply(w, k.add(k.multiply(w, k.add(w, 3)), 3));
      const bound = k.add(k.multiply(k.multiply(z, 0.5), z), k.multiply(d, k.subtract(logV, cubic)));
      const accepted = k.binary("and", inside, k.less(logOfNormal(k, u), bound));
      const done = k.bind(k.binary("and", k.greater(waiting, 0), k.binary("or", accepted, k.equal(round, mostRounds))));
      k.set(draw, k.select(done, logV, draw));
      k.set(waiting, k.select(done, 0, waiting));
    });
  }, "round");
  const sum = k.variable(k.add(draw, log(k, d)), "log_gamma_draw");
  // Gamma(α) = Gamma(α + 1) U^(1/α), in logarithms because U^(1/α) underflows for small α.
  whenAny(k, boosted, () => {
    const u = k.bind(uniformOfBits(k, threefry(k, key, at, k.constant(boostRound, "u32")).first));
    k.set(sum, k.select(boosted, k.add(sum, k.divide(logOfNormal(k, u), alpha)), sum));
  });
  return k.bind(k.select(k.greater(alpha, 0), sum, k.constant(NaN)));
}

/** A zero as wide as the wider of two values. */
function widest(k: KernelBuilder, a: KernelExpr, b: KernelExpr, type: ElementType = "f32"): KernelExpr {
  return k.widened(k.constant(0, type), a.width === "vector" || b.width === "vector" ? "vector" : "scalar");
}
