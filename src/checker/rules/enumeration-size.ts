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
  const states = new Map(latents.map((latent) => [latent.name, statesOf(latent)]));
  const neighbours = new Map<string, Set<string>>(latents.map(({ name }) => [name, new Set()]));
  const join = (names: Iterable<string>): void => {
    const members = [...names].filter((name) => neighbours.has(name));
    for (const name of members) for (const other of members) if (other !== name) neighbours.get(name)?.add(other);
  };
  for (const factor of factors) join(factor);
  const costOf = (name: string): number => {
    let total = states.get(name)?.log10 ?? 0;
    for (const other of neighbours.get(name) ?? []) total += states.get(other)?.log10 ?? 0;
    return total;
  };
  const costs = new Map(latents.map(({ name }) => [name, costOf(name)]));
  let largest: { readonly log10: number; readonly names: readonly string[] } = { log10: -1, names: [] };
  while (costs.size > 0) {
    let best: string | undefined;
    for (const [name, cost] of costs) if (best === undefined || cost < (costs.get(best) ?? Infinity)) best = name;
    if (best === undefined) break;
    const around = [...(neighbours.get(best) ?? [])];
    const log10 = costs.get(best) ?? 0;
    if (log10 > largest.log10) {
      const members = new Set([best, ...around]);
      largest = { log10, names: latents.flatMap(({ name }) => (members.has(name) ? [name] : [])) };
    }
    costs.delete(best);
    neighbours.delete(best);
    for (const name of around) neighbours.get(name)?.delete(best);
    join(around);
    for (const name of around) costs.set(name, costOf(name));
  }
  return { log10: largest.log10, names: largest.names, text: largest.names.flatMap((name) => states.get(name)?.text ?? []).join(" × ") };
}

/** "10000000", or "10^784" where that is too long. */
export function printStates(states: JointStates): string {
  if (states.log10 < 12) return `${states.text}${/[×^]/.test(states.text) ? ` = ${Math.round(10 ** states.log10)}` : ""} joint states`;
  const power = `10^${Math.floor(states.log10)}`;
  return states.text === power ? `${power} joint states` : `${states.text} joint states, about ${power}`;
}
