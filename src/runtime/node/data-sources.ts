import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { makeBuiltinData, parseBuiltinCall, type Split } from "../builtin-data/index.js";
import type { HostColumn } from "../data/column.js";
import { readCsv } from "../data/csv.js";
import { readIdx } from "../data/idx.js";
import { defaultLimits, type ReadLimits } from "../data/limits.js";
import { readNpy } from "../data/npy.js";
import { readNpz } from "../data/npz.js";
import { LvmError } from "../error.js";
import { readImageFolder, readImages } from "./image-folder.js";
import { explain, readFileBytes } from "./read-file.js";

/** One `--data` argument. */
export type DataSource =
  | { readonly kind: "builtin"; readonly text: string; readonly name: string; readonly args: readonly number[] }
  /** `names` are what stands before `=`; `member` what stands after the colon of `file.npz:images` or `file.csv:height`. */
  | { readonly kind: "path"; readonly text: string; readonly names: readonly string[]; readonly path: string; readonly member: string | undefined };

export interface LoadOptions {
  /** The run's seed: built-in data depends on it. */
  readonly seed?: number | bigint;
  /** Which rows of built-in data. */
  readonly split?: Split;
  /** Paths are relative to it. */
  readonly folder?: string;
  readonly limits?: ReadLimits;
}

/**
 * Loads the columns that `--data` arguments name: `x=images-idx3-ubyte.gz`, `data.csv`, `x=file.npz:images`, `x=folder/`, `x,y=folder/`,
 * `digits(8192)`. Columns that are named with `=` are marked, so that one that the model lacks is a mistake.
 *
 * @throws LvmError exit code 3
 */
export async function loadData(args: readonly string[], options: LoadOptions = {}): Promise<HostColumn[]> {
  const columns: HostColumn[] = [];
  for (const source of args.map(parseDataSource)) columns.push(...(await loadSource(source, options)));
  return columns.filter((column) => column.named === true || !columns.some((other) => other.named === true && other.name === column.name));
}

/** `x=`, `x,y=`, and `length(x)=`: the lengths of the rows of x. */
const columnsBefore = (() => {
  const column = String.raw`(?:[A-Za-z_]\w*|length\([A-Za-z_]\w*\))`;
  return new RegExp(String.raw`^\s*(${column}(?:\s*,\s*${column})*)\s*=(.*)$`, "s");
})();

/** @throws LvmError LVM7013, and LVM7040 or LVM7041 for a built-in data set */
export function parseDataSource(text: string): DataSource {
  const call = parseBuiltinCall(text);
  if (call !== undefined) return { kind: "builtin", text, ...call };
  const named = columnsBefore.exec(text);
  const target = (named === null ? text : named[2]!).trim();
  if (target === "") throw new LvmError("LVM7013", `--data ${text}: names no file`, { facts: { source: text }, help: dataHelp });
  if (named !== null && parseBuiltinCall(target) !== undefined) throw new LvmError("LVM7013", `--data ${text}: built-in data brings its own column names`, { facts: { source: text }, help: `write --data "${target}"` });
  const names = named === null ? [] : named[1]!.split(",").map((name) => name.trim());
  const member = /^(.+\.(?:npz|csv|tsv)):([^:\\/]+)$/i.exec(target);
  return { kind: "path", text, names, path: member === null ? target : member[1]!, member: member?.[2] };
}

const dataHelp = "write --data x=FILE, --data FILE.csv, --data FILE.npz, --data x=FOLDER/, or --data \"digits(8192)\"";

async function loadSource(source: DataSource, options: LoadOptions): Promise<HostColumn[]> {
  if (source.kind === "builtin") return makeBuiltinData(source.name, source.args, options.seed ?? 0, options.split ?? "train");
  const limits = options.limits ?? defaultLimits;
  const path = resolve(options.folder ?? ".", source.path);
  const stats = await stat(path).catch(async (cause: unknown) => Promise.reject(await explain(source.path, cause, path)));
  if (stats.isDirectory()) return loadFolder(source, path, limits);
  const bytes = await readFileBytes(path, limits.bytes);
  const format = formatOf(bytes, source.path);
  switch (format) {
    case "idx":
      return [name(source, readIdx(bytes, source.path, defaultName(source.path), limits))];
    case "npy":
      return [name(source, readNpy(bytes, source.path, defaultName(source.path), limits))];
    case "png":
      return [name(source, await readImages([path], source.path, "x", limits))];
    case "npz":
      return select(source, readNpz(bytes, source.path, source.member, limits));
    case "csv":
      return select(source, readCsv(bytes, source.path, limits));
  }
}

async function loadFolder(source: DataSource & { readonly kind: "path" }, path: string, limits: ReadLimits): Promise<HostColumn[]> {
  const [imageName, labelName] = source.names;
  if (source.names.length > 2) throw new LvmError("LVM7013", `--data ${source.text}: a folder gives images and labels, two columns at most`, { facts: { source: source.text } });
  const { images, labels } = await readImageFolder(path, imageName ?? "x", labelName ?? "y", limits);
  if (labelName !== undefined && labels === undefined) throw new LvmError("LVM7013", `--data ${source.text}: the folder has no subfolders to take ${labelName} from`, { facts: { source: source.text } });
  const mark = (column: HostColumn, named: boolean): HostColumn => ({ ...column, named, origin: column.origin.replace(path, source.path) });
  return [mark(images, imageName !== undefined), ...(labels === undefined ? [] : [mark(labels, labelName !== undefined)])];
}

/** By the first bytes; the name's ending decides only for text. */
function formatOf(bytes: Uint8Array, path: string): "idx" | "npy" | "npz" | "png" | "csv" {
  const [a, b, c, d] = bytes;
  if (a === 0x93 && b === 0x4e) return "npy";
  if (a === 0x50 && b === 0x4b && c! <= 8 && d! <= 8) return "npz";
  if (a === 0x89 && b === 0x50) return "png";
  if (/\.(csv|tsv|txt)$/i.test(path)) return "csv";
  if (a === 0x1f && b === 0x8b) return "idx";
  if ((a === 0 && b === 0) || /idx\d*-ubyte(\.gz)?$|\.idx(\.gz)?$/i.test(path)) return "idx";
  if (/\.npy$/i.test(path)) return "npy";
  if (/\.npz$/i.test(path)) return "npz";
  if (/\.png$/i.test(path)) return "png";
  throw new LvmError("LVM7002", `${path}: neither IDX, NPY, NPZ, PNG nor CSV`, { facts: { file: path }, help: "CSV files are known by their ending .csv or .tsv, the others by their first bytes" });
}

/** One column under the name that the user gave it. */
function name(source: DataSource & { readonly kind: "path" }, column: HostColumn): HostColumn {
  if (source.names.length > 1) throw new LvmError("LVM7013", `--data ${source.text}: the file holds one column, not ${source.names.length}`, { facts: { source: source.text } });
  const [given] = source.names;
  if (given === undefined) return column;
  return { ...column, name: given, named: true };
}

/** Of a file with several columns: all, those that are named, or the one after the colon. */
function select(source: DataSource & { readonly kind: "path" }, columns: readonly HostColumn[]): HostColumn[] {
  const { names, member, path } = source;
  const available = columns.map((column) => column.name);
  const find = (wanted: string): HostColumn => {
    const column = columns.find((candidate) => candidate.name === wanted);
    if (column === undefined) throw new LvmError("LVM7010", `${path}: has no column ${wanted}; it has ${available.join(", ")}`, { facts: { file: path, member: wanted, available } });
    return column;
  };
  if (member !== undefined) return [name(source, find(member))];
  if (names.length === 0) return [...columns];
  if (names.length === 1 && columns.length === 1) return [name(source, columns[0]!)];
  return names.map((wanted) => ({ ...find(wanted), named: true }));
}

/** `train-images-idx3-ubyte.gz` has no better name than its own; for `x.npy` it is x. */
function defaultName(path: string): string {
  return basename(path).replace(/(\.npy|\.idx)?(\.gz)?$/i, "");
}
