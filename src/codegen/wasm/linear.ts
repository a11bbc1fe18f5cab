import type { KernelExpr } from "../../ir/kernel/nodes.js";
import type { Range } from "./ranges.js";
import type { Wat } from "./wat.js";

/** A number that does not change while it is in reach: a local, or arithmetic that is not linear (a remainder, a minimum). */
export interface Atom {
  /** Same key, same number. */
  readonly key: string;
  readonly wat: Wat;
  readonly range: Range;
  /** How many loops are around the place where it gets its value: it stays the same in all further in. */
  readonly level: number;
}

export interface Term {
  readonly factor: number;
  readonly atom: Atom;
}

/** constant + Σ factor · atom, modulo 2^32: how an index depends on what is known when. */
export interface Linear {
  readonly constant: number;
  readonly terms: readonly Term[];
}

export const atomic = (atom: Atom): Linear => ({ constant: 0, terms: [{ factor: 1, atom }] });

/** Offsets of instructions stay below this many words, so that engines need no bounds checks beyond their guard pages. */
const maximalOffset = 2 ** 28;

/**
 * The linear form of an i32 scalar, exact modulo 2^32 as its operations are. `atom` gives what is not linear; undefined where that may change
 * between two uses (a variable, a load).
 */
export function linearOf(expr: KernelExpr, atom: (expr: KernelExpr) => Linear | undefined): Linear | undefined {
  if (expr.type !== "i32" || expr.width !== "scalar") return undefined;
  if (expr.kind === "constant") return { constant: expr.value | 0, terms: [] };
  if (expr.kind === "binary") {
    const { left, right } = expr;
    if (expr.op === "add" || expr.op === "subtract") {
      const [a, b] = [linearOf(left, atom), linearOf(right, atom)];
      return a && b && plus(a, times(b, expr.op === "add" ? 1 : -1));
    }
    const [factor, other] = left.kind === "constant" ? [left, right] : [right, left];
    if (expr.op === "multiply" && factor.kind === "constant") return scaled(linearOf(other, atom), factor.value);
    if (expr.op === "shift_left" && right.kind === "constant") return scaled(linearOf(left, atom), 2 ** right.value);
  }
  return atom(expr);
}

const scaled = (form: Linear | undefined, factor: number): Linear | undefined => form && times(form, factor);

function times({ constant, terms }: Linear, by: number): Linear {
  return { constant: Math.imul(constant, by), terms: terms.map(({ factor, atom }) => ({ factor: Math.imul(factor, by), atom })).filter(({ factor }) => factor !== 0) };
}

function plus(a: Linear, b: Linear): Linear {
  const terms = [...a.terms];
  for (const term of b.terms) {
    const at = terms.findIndex(({ atom }) => atom.key === term.atom.key);
    if (at < 0) terms.push(term);
    else terms[at] = { factor: (terms[at]!.factor + term.factor) | 0, atom: term.atom };
  }
  return { constant: (a.constant + b.constant) | 0, terms: terms.filter(({ factor }) => factor !== 0) };
}

/** The form where an atom has this value. */
export function withAtom({ constant, terms }: Linear, key: string, value: number): Linear {
  const known = terms.filter(({ atom }) => atom.key === key).map(({ factor }) => Math.imul(factor, value));
  return { constant: known.reduce((sum, each) => (sum + each) | 0, constant), terms: terms.filter(({ atom }) => atom.key !== key) };
}

/**
 * Takes the constant out of an index, for the `offset=` of an instruction: an effective address is u32(base) + offset without wrapping, so
 * only where the rest is proven to be a word of its own. Else the constant stays where it is.
 */
export function splitOffset(form: Linear): { readonly base: Linear; readonly offset: number } {
  const { constant, terms } = form;
  let [low, high] = [0, 0];
  for (const { factor, atom } of terms) {
    const ends = [factor * atom.range.low, factor * atom.range.high];
    low += Math.min(...ends);
    high += Math.max(...ends);
  }
  if (constant < 0 || constant >= maximalOffset || low < 0 || high >= 2 ** 32 - maximalOffset) return { base: form, offset: 0 };
  return { base: { constant: 0, terms }, offset: constant };
}

/** Forms with the same key have the same value. */
export function keyOf({ constant, terms }: Linear): string {
  return `${terms.map(({ factor, atom }) => `${factor} ${atom.key}`).sort().join(" + ")} + ${constant}`;
}

/** Four times the form: a byte address. */
export function byteAddress({ constant, terms }: Linear): Wat {
  const products = terms.map(({ factor, atom }): Wat =>
    factor === 1 ? ["i32.shl", atom.wat, ["i32.const", "2"]] : ["i32.mul", atom.wat, ["i32.const", String((4 * factor) | 0)]]);
  const words: readonly Wat[] = constant === 0 && products.length > 0 ? products : [...products, ["i32.const", String((4 * constant) | 0)]];
  return words.reduce((sum, each): Wat => ["i32.add", sum, each]);
}
