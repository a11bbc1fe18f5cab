import { columnSpecs } from "../../driver/column-specs.js";
import type { DerivedModel } from "../../driver/derive.js";
import { bindColumns, maskColumn, type BoundColumn, type ColumnSpec, type HostColumn } from "../../runtime/data/index.js";
import type { Split } from "../../runtime/builtin-data/index.js";
import type { Column, Columns } from "../../runtime/model.js";
import { loadData } from "../../runtime/node/data-sources.js";
import { UsageError } from "../errors.js";
import { columnPictures, type ColumnPictures } from "./image-shape.js";

type Program = DerivedModel["program"];

/** Data that fits the model, with what a reader should know about it. */
export interface ModelData {
  readonly columns: Columns;
  readonly bound: readonly BoundColumn[];
  readonly rows: number;
  /** Columns that hold images, or a film in each row. */
  readonly images: ReadonlyMap<string, ColumnPictures>;
  /** Sentences: how grey levels are binarized, what is hidden. */
  readonly notes: readonly string[];
}

export interface ModelDataOptions {
  readonly seed: number;
  readonly split: Split;
  /** Relative paths start here. */
  readonly folder: string;
  /** Hides partly observed columns as the train block says. */
  readonly hide: boolean;
  /** Only the columns that the model conditions on are needed. */
  readonly inputsOnly?: boolean;
}

/** The `--data` that the train block names: `digits(8192)`. */
export function builtinSource(program: Program): string | undefined {
  const { data } = program.training;
  return data && `${data.source}(${data.args.join(", ")})`;
}

/** @throws UsageError where no data is named */
export function dataSources(program: Program, given: readonly string[] | undefined): readonly string[] {
  if (given && given.length > 0) return given;
  const builtin = builtinSource(program);
  if (builtin !== undefined) return [builtin];
  const wanted = program.columns.map((column) => `--data ${column.name}=FILE`).join(" ");
  throw new UsageError("no data: the train block names none, and there is no --data", `give ${wanted}, or a CSV or NPZ file with columns of these names`);
}

/** Loads data, matches it to the model's columns and checks every value. @throws LvmError with exit code 3 */
export async function loadModelData(program: Program, sources: readonly string[], options: ModelDataOptions): Promise<ModelData> {
  const host = await loadData(sources, { seed: options.seed, split: options.split, folder: options.folder });
  const specs = columnSpecs(program);
  const optional = specs.filter((spec) => spec.partlyObserved || (options.inputsOnly && spec.role === "observed")).map((spec) => spec.name);
  const present = bindColumns(specs, host, { optional });
  const rows = present[0]?.rows ?? 0;
  const notes: string[] = [];
  const bound = present.map((column) => {
    const rule = options.hide ? program.training.observe.find((each) => each.column === column.name) : undefined;
    if (!rule) return column;
    const hidden = maskColumn(column, rule.share, options.seed);
    notes.push(`${column.name} is observed in ${(hidden.rows - hidden.missingRows).toLocaleString("en-US")} of ${hidden.rows.toLocaleString("en-US")} rows (observe ${column.name} = ${rule.share})`);
    return hidden;
  });
  for (const column of bound) if (column.grey) notes.push(binarizationNote(column.name, program));
  notes.push(...bound.flatMap(lengthNote));
  const all = [...bound, ...(options.inputsOnly ? [] : specs.filter((spec) => !bound.some((column) => column.name === spec.name)).map((spec) => absent(spec, rows)))];
  return { columns: Object.fromEntries(all.map((column) => [column.name, plain(column)])), bound: all, rows, images: imagesOf(program, all, host), notes };
}

function binarizationNote(name: string, program: Program): string {
  const { binarize } = program.training;
  const how = binarize.kind === "fresh" ? "drawn afresh at each visit, 1 with probability grey / 255" : `1 from ${binarize.at} on`;
  return `${name}: grey levels are made 0 or 1: ${how} (binarize in the train block)`;
}

/** `length(x): rows have 3 to 30, on average 17.2 of 32 steps`; nothing where all have all. */
function lengthNote({ name, spec, values, rows }: BoundColumn): string[] {
  if (!spec.lengthOf) return [];
  const lengths = Float64Array.from(values).sort();
  const [least, greatest] = [lengths[0], lengths.at(-1)];
  const mean = lengths.reduce((sum, each) => sum + each, 0) / rows;
  return least === spec.lengthOf.most ? [] : [`${name}: rows have ${least === greatest ? least : `${least} to ${greatest}, on average ${mean.toFixed(1)}`} of ${spec.lengthOf.most} steps`];
}

/** A partly observed column that the data lacks: missing in every row. */
function absent(spec: ColumnSpec, rows: number): BoundColumn {
  const size = spec.shape.reduce((product, each) => product * each, 1);
  const discrete = spec.support.kind === "index" || spec.support.kind === "binary" || spec.support.kind === "count" || spec.support.kind === "byte";
  const values = discrete ? new Int32Array(rows * size).fill(-1) : new Float32Array(rows * size).fill(NaN);
  return { name: spec.name, spec, rows, size, origin: "absent", values, scale: 1, grey: false, missingRows: rows };
}

function plain(column: BoundColumn): Column {
  return { rows: column.rows, values: column.values, shape: column.spec.shape };
}

function imagesOf(program: Program, columns: readonly BoundColumn[], host: readonly HostColumn[]): ReadonlyMap<string, ColumnPictures> {
  const images = new Map<string, ColumnPictures>();
  for (const column of columns) {
    const pictures = columnPictures(program, column.spec, host.find((each) => each.name === column.name)?.shape);
    if (pictures) images.set(column.name, pictures);
  }
  return images;
}

/** The first rows of every column. */
export function firstRows(columns: Columns, count: number): Columns {
  return Object.fromEntries(
    Object.entries(columns).map(([name, column]) => {
      if (!column) return [name, undefined];
      const size = column.shape.reduce((product, each) => product * each, 1);
      const rows = Math.min(count, column.rows);
      return [name, { rows, shape: column.shape, values: column.values.slice(0, rows * size) }];
    }),
  );
}
