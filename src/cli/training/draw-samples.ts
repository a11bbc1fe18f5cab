import type { CommandContext } from "../run.js";
import type { Columns, Outputs } from "../../runtime/model.js";
import { UsageError } from "../errors.js";
import { givenColumns } from "./given-columns.js";
import { knownElements, type KnownChoice } from "./known-elements.js";
import { columnSpecs } from "../../driver/column-specs.js";
import { loadModelData } from "./model-data.js";
import { createClock, createProgressLine, duration } from "./progress.js";
import type { TrainedModel } from "./trained-model.js";

export interface DrawChoice extends KnownChoice {
  readonly rows: number;
  readonly seed?: number;
  /** Rows in one pass. */
  readonly batch?: number;
  readonly data?: readonly string[];
  /** `label=7`: values of columns that the model conditions on. */
  readonly given?: readonly string[];
}

/** Rows in one pass at most, where nobody says how many: fewer are drawn in one pass of their own size. */
const mostRows = 256;

/** Draws, with what the model conditions on, and says on the way how far it is. */
export async function drawSamples({ io, report }: CommandContext, trained: TrainedModel, options: DrawChoice): Promise<Outputs> {
  const inputs = await inputsOf(io.cwd, trained, options);
  const { rows } = options;
  const line = createProgressLine(io.stdout, !report.json);
  const clock = createClock();
  clock.tick(0);
  try {
    // Another seed is another stream of draws; the same command draws the same, whatever its passes.
    return await trained.model.sample(rows, {
      draw: options.seed ?? 0, batch: options.batch ?? Math.min(mostRows, rows), ...(inputs ? { inputs } : {}),
      onProgress: (done) => {
        clock.tick(done);
        const speed = clock.speed();
        if (done < rows) line.update(() => `${done.toLocaleString("en-US")} of ${rows.toLocaleString("en-US")} rows${speed === undefined ? "" : `  ${speed.toFixed(speed < 10 ? 1 : 0)} rows/s  ${duration((rows - done) / speed)} left`}`);
      },
    });
  } finally {
    line.clear();
  }
}

/** Values of `--given`; other columns that the model conditions on come from `--data`, else from the run's own data, whose rows are taken in turn. */
async function inputsOf(cwd: string, { compiled, run }: TrainedModel, options: DrawChoice): Promise<Columns | undefined> {
  const { program } = compiled;
  const { config } = run;
  const { diffusion } = program;
  const { knownInput, maskInput } = await import("../../driver/with-sampler.js");
  const names = { known: knownInput(diffusion?.name ?? ""), mask: maskInput(diffusion?.name ?? "") };
  const specs = columnSpecs(program).filter(({ name }) => name !== names.known && name !== names.mask);
  const datum = specs.find(({ name }) => name === diffusion?.name);
  const known = options.known && datum ? await knownElements(datum, options, names, { seed: config.seed, folder: cwd }) : {};
  const given = givenColumns(specs, options.given ?? [], options.rows);
  const wanted = specs.filter(({ name, role }) => role === "input" && given[name] === undefined);
  // Where rows may have lengths of their own, drawn ones have all steps.
  const needsData = !wanted.every((column) => column.lengthOf) || (wanted.length > 0 && options.data !== undefined);
  if (options.data !== undefined && !needsData) throw new UsageError(`${program.name} conditions on ${options.given ? "nothing else" : "no column"}: --data has no use here`);
  const own = options.data === undefined;
  const rest = { ...program, columns: program.columns.filter(({ name }) => name !== names.known && name !== names.mask && given[name] === undefined) };
  const data = needsData ? (await loadModelData(rest, options.data ?? config.data, { seed: config.seed, split: own ? "train" : "test", folder: own ? config.folder : cwd, hide: false, inputsOnly: true })).columns : {};
  const all = Object.entries({ ...data, ...given, ...known });
  return all.length === 0 ? undefined : Object.fromEntries(all.map(([name, column]) => [name, column && inTurn(column, options.rows)]));
}

/** The same rows again and again, as many as are drawn: columns from different places have different numbers of them. */
function inTurn({ rows, shape, values }: NonNullable<Columns[string]>, wanted: number): NonNullable<Columns[string]> {
  if (rows === wanted) return { rows, shape, values };
  const size = values.length / rows;
  const made = values instanceof Float32Array ? new Float32Array(wanted * size) : values instanceof Int32Array ? new Int32Array(wanted * size) : new Uint8Array(wanted * size);
  for (let row = 0; row < wanted; row++) made.set(values.subarray((row % rows) * size, ((row % rows) + 1) * size), row * size);
  return { rows: wanted, shape, values: made };
}
