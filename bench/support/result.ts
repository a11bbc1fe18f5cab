import { median, type Times } from "./measure.js";

/** One thing measured, beside others. */
export interface Row {
  readonly name: string;
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
  /** What else is known of it: its loss. */
  readonly note?: string;
}

/** A bar of the project: what was asked, what was found. `met` is undefined where a peer that it compares with is absent. */
export interface Bar {
  readonly work: string;
  readonly bar: string;
  readonly found: string;
  readonly met: boolean | undefined;
}

export interface Section {
  readonly title: string;
  /** What was run, in a sentence. */
  readonly work: string;
  readonly unit: string;
  readonly rows: readonly Row[];
  readonly bars: readonly Bar[];
  readonly skipped: readonly string[];
  /** Versions of the peers, by program. */
  readonly versions?: readonly string[];
}

export function rowsOf(times: Times, notes: Readonly<Record<string, string>> = {}): Row[] {
  return [...times].map(([name, list]) => ({ name, median: median(list), lowest: Math.min(...list), highest: Math.max(...list), ...(notes[name] === undefined ? {} : { note: notes[name] }) }));
}

/** The bar that `ours` is at least `factor` times as fast as the fastest of `others`. */
export function speedBar(rows: readonly Row[], ours: string, others: readonly string[], factor: number, what: string): Bar {
  const own = rows.find(({ name }) => name === ours)?.median ?? NaN;
  const fastest = rows.filter(({ name }) => others.includes(name)).sort((a, b) => a.median - b.median)[0];
  const ratio = (fastest?.median ?? NaN) / own;
  const met = fastest === undefined ? undefined : ratio >= factor;
  return { work: `${ours} against ${what}`, bar: `≥ ${factor} ×`, found: fastest ? `${figures(ratio)} × (${fastest.name})` : "absent", met };
}

/** The bar that something is at most `most`. */
export function limitBar(work: string, value: number | undefined, most: number, unit: string): Bar {
  const shown = (number: string): string => `${number} ${unit}`.trim();
  return { work, bar: `≤ ${shown(String(most))}`, found: value === undefined ? "absent" : shown(figures(value)), met: value === undefined ? undefined : value <= most };
}

/** Three figures, and no more than are of use. */
export function figures(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (Number.isInteger(value)) return String(value);
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
