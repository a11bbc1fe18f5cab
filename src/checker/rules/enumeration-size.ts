import type { Type } from "../../types/type.js";
import { elementCount } from "../../types/type.js";
import { cardinality } from "../../types/support.js";
import type { Plate } from "../../ir/model/model.js";

/** Most joint states per row that a sum may visit. */
export const largestEnumeration = 1e6;

/** A latent that is summed out. */
export interface Summed {
  readonly name: string;
  readonly type: Type;
  readonly plates: readonly Plate[];
  /** Read outside its plates, so that its copies meet in one factor. */
  readonly whole: boolean;
}

/** `log10` of the number of joint states, and the product as a reader writes it: `10^784 × 4`. */
export interface JointStates {
  readonly log10: number;
  readonly text: string;
  /** The latents of the largest table. */
  readonly names: readonly string[];
}

function statesOf(summed: Summed): { readonly log10: number; readonly text: string } {
  const values = cardinality(summed.type.support) ?? Infinity;
  const copies = elementCount(summed.type) * (summed.whole ? summed.plates.reduce((product, plate) => product * plate.size, 1) : 1);
  return { log10: copies * Math.log10(values), text: copies === 1 ? String(values) : `${values}^${copies}` };
}

/**
 * The largest table that variable elimination makes, in the greedy order of the smallest next table (Koller & Friedman 2009, section 9.4.3):
 * `factors` are the sets of summed latents that one density reads.
 */
export function largestTable(latents: readonly Summed[], factors: readonly ReadonlySet<string>[]): JointStates {
  const byName = new Map(latents.map((latent) => [latent.name, latent]));
  const sizeOf = (names: Iterable<string>): number => {
    let total = 0;
    for (const name of names) {
      const latent = byName.get(name);
      if (latent) total += statesOf(latent).log10;
    }
    return total;
  };
  let tables = factors.map((factor) => new Set([...factor].filter((name) => byName.has(name)))).filter((factor) => factor.size > 0);
  const left = new Set(byName.keys());
  let largest: { log10: number; names: readonly string[] } = { log10: -1, names: [] };
  while (left.size > 0) {
    let best: { name: string; joined: Set<string>; log10: number } | undefined;
    for (const name of left) {
      const joined = new Set([name]);
      for (const table of tables) if (table.has(name)) for (const other of table) joined.add(other);
      const log10 = sizeOf(joined);
      if (!best || log10 < best.log10) best = { name, joined, log10 };
    }
    if (!best) break;
    const { name, joined, log10 } = best;
    if (log10 > largest.log10) largest = { log10, names: [...joined] };
    joined.delete(name);
    tables = [...tables.filter((table) => !table.has(name)), joined];
    left.delete(name);
  }
  const parts = largest.names.flatMap((name) => byName.get(name) ?? []).map((latent) => statesOf(latent).text);
  return { log10: largest.log10, names: largest.names, text: parts.join(" × ") };
}

/** "10000000", or "10^784" where that is too long. */
export function printStates(states: JointStates): string {
  if (states.log10 < 12) return `${states.text}${/[×^]/.test(states.text) ? ` = ${Math.round(10 ** states.log10)}` : ""} joint states`;
  const power = `10^${Math.floor(states.log10)}`;
  return states.text === power ? `${power} joint states` : `${states.text} joint states, about ${power}`;
}
