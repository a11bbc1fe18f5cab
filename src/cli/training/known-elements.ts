import { bindColumns, type ColumnSpec, type HostColumn, printSpec } from "../../runtime/data/index.js";
import type { Columns } from "../../runtime/model.js";
import { loadData } from "../../runtime/node/data-sources.js";
import { UsageError } from "../errors.js";
import { imageShape } from "./image-shape.js";

export interface KnownChoice {
  /** Data with a column of the datum; NaN, or in CSV an empty cell, where it is not known. */
  readonly known?: readonly string[];
  /** `rows 1..14`, `columns 15..28`, or data of the datum's shape: 1 where it is known, 0 where not. */
  readonly mask?: string;
}

/**
 * The datum of some rows, and which of its elements are known, as the inputs of a sampler that draws the rest; rows take them in turn.
 * @param spec of the datum
 * @throws UsageError where nothing is left to draw, LvmError where files cannot be read or do not fit
 */
export async function knownElements(spec: ColumnSpec, { known = [], mask }: KnownChoice, names: { readonly known: string; readonly mask: string }, { seed, folder }: { readonly seed: number; readonly folder: string }): Promise<Columns> {
  const column = theColumn(await loadData(known, { seed, split: "test", folder }), spec, "--known");
  const size = spec.shape.reduce((product, each) => product * each, 1);
  const marked = column.missing === "marked" && column.values instanceof Int32Array;
  const nothing = Array.from(column.values, (value) => Number.isNaN(value) || (marked && value === -1));
  // An element that is not known is any value of the type: the sampler never reads it.
  const filled = column.values.slice();
  nothing.forEach((is, at) => is && (filled[at] = 0));
  const [bound] = bindColumns([{ ...spec, role: "observed", partlyObserved: false }], [{ ...column, values: filled }]);
  const { rows, values, scale } = bound!;
  const { at, of } = mask === undefined ? { at: () => 1, of: 1 } : await maskOf(spec, mask, size, { seed, folder });
  if (of !== 1 && of !== rows) throw new UsageError(`--mask has ${of} rows, and --known ${rows}`, "give one mask for all, or one for each row");
  const flags = Float32Array.from({ length: rows * size }, (_, index) => (nothing[index] ? 0 : at(index % (of * size))));
  if (flags.every((flag) => flag === 1)) throw new UsageError("--known: every element is known, nothing is left to draw", "say what is known with --mask \"rows 1..14\" or --mask FILE, or write NaN for what is not");
  return {
    [names.known]: { rows, shape: spec.shape, values: Float32Array.from(values, (value) => value * scale) },
    [names.mask]: { rows, shape: spec.shape, values: flags },
  };
}

function theColumn(columns: readonly HostColumn[], spec: ColumnSpec, option: string): HostColumn {
  const own = columns.find(({ name }) => name === spec.name) ?? (columns.length === 1 ? columns[0] : undefined);
  if (own) return { ...own, name: spec.name };
  throw new UsageError(`${option}: the data has no column ${spec.name}; it has ${columns.map(({ name }) => name).join(", ")}`, `name it: ${option} ${spec.name}=FILE`);
}

/** Which elements are known: 1 or 0 by the place in `of` rows. */
async function maskOf(spec: ColumnSpec, text: string, size: number, from: { readonly seed: number; readonly folder: string }): Promise<{ readonly at: (index: number) => number; readonly of: number }> {
  const [, which, first, last] = /^\s*(rows|columns)\s+(\d+)\s*\.\.\s*(\d+)\s*$/.exec(text) ?? [];
  if (which === undefined) {
    const column = theColumn(await loadData([text], { ...from, split: "test" }), spec, "--mask");
    const found = column.values.length / column.rows;
    if (found !== size) throw new UsageError(`--mask ${text}: a row has ${found} elements, and ${spec.name} is ${printSpec(spec)}`);
    const levels = column.values instanceof Uint8Array && column.values.some((value) => value > 1) ? 255 : 1;
    const odd = column.values.find((value) => value !== 0 && value !== levels);
    if (odd !== undefined) throw new UsageError(`--mask ${text}: it has ${odd}`, "a mask is 1 where an element is known and 0 where it is not; of images white and black");
    return { at: (index) => column.values[index]! / levels, of: column.rows };
  }
  const image = imageShape(spec);
  if (!image) throw new UsageError(`--mask "${text}": ${spec.name} is ${printSpec(spec)}, no image with rows and columns`, "give a file of its shape: 1 where an element is known, 0 where it is not");
  const [height, width, channels] = image;
  const [low, high, most] = [Number(first), Number(last), which === "rows" ? height : width];
  if (low < 1 || high < low || high > most) throw new UsageError(`--mask "${text}": ${which} of ${spec.name} count from 1 to ${most}`);
  const place = (index: number): number => 1 + (which === "rows" ? Math.floor(index / (width * channels)) : Math.floor(index / channels) % width);
  return { at: (index) => (place(index) >= low && place(index) <= high ? 1 : 0), of: 1 };
}
