import { existsSync, statSync } from "node:fs";
import { dirname, extname, resolve } from "node:path";
import { encodePng } from "../../runtime/image/encode-png.js";
import { encodeGif } from "../../runtime/image/encode-gif.js";
import { type ImageBytes, imageGrid } from "../../runtime/image/image-grid.js";
import type { Column, Outputs, Value } from "../../runtime/model.js";
import { writeFileAtomic } from "../../runtime/node/atomic-file.js";
import { suggest } from "../../diagnostics/suggest.js";
import { UsageError } from "../errors.js";
import { exitCodes } from "../exit-codes.js";
import type { CommandContext, CommandResult } from "../run.js";
import { chooseSampler, type SamplerChoice } from "../training/choose-sampler.js";
import { columnPictures } from "../training/image-shape.js";
import { columnSpecs, loadModelData } from "../training/model-data.js";
import { type Images, imagesIn, strips } from "../training/pictures.js";
import { openTrained, type TrainedModel, type TrainedModelOptions } from "../training/trained-model.js";
import { writeCsv } from "../training/write-csv.js";
import { writeNpy } from "../training/write-npy.js";

export interface SampleCommandOptions extends TrainedModelOptions, SamplerChoice {
  readonly data?: readonly string[];
  readonly rows: number;
  readonly out: string;
  readonly column?: string;
  readonly means?: boolean;
}

const formats = [".png", ".gif", ".npy", ".csv"];

/** Milliseconds for which a frame of an animation is shown. */
const frameDelay = 100;

/** `lvmc sample RUN -n 64 -o samples.png`: draws from the model, as pictures or an animation (of the likelihood's means), an array or a table. */
export async function sample(context: CommandContext, file: string, options: SampleCommandOptions): Promise<CommandResult> {
  const { io, report } = context;
  const format = extname(options.out).toLowerCase();
  if (!formats.includes(format)) throw new UsageError(`-o ${options.out}: write a ${formats.join(", ")} file`);
  const out = resolve(io.cwd, options.out);
  if (!existsSync(dirname(out)) || !statSync(dirname(out)).isDirectory()) throw new UsageError(`-o ${options.out}: there is no folder ${dirname(options.out)}`);
  const trained = await openTrained(context, file, options, (compiled) => chooseSampler(compiled, options));
  try {
    const outputs = await draw(context, trained, options);
    const name = chooseColumn(trained, outputs, options.column);
    const bytes = format === ".png" || format === ".gif" ? picture(trained, outputs, name, format) : table(format, outputs, name, options);
    await writeFileAtomic(out, bytes);
    report.say(`${report.color.green("✓")} ${options.rows.toLocaleString("en-US")} rows of ${name ?? "all columns"} → ${options.out}`);
    return { exit: exitCodes.ok, facts: { model: trained.compiled.program.name, run: trained.run.folder, step: trained.model.step, rows: options.rows, column: name ?? null, out } };
  } finally {
    trained.model.dispose();
  }
}

/** Inputs that the model conditions on come from `--data`, else from the run's own data, its rows repeated. */
async function draw({ io }: CommandContext, { model, compiled, run }: TrainedModel, options: SampleCommandOptions): Promise<Outputs> {
  const { config } = run;
  // Another seed is another stream of draws; the same command draws the same.
  const stream = options.seed ?? 0;
  const inputs = columnSpecs(compiled.program).filter((column) => column.role === "input");
  // Where rows may have lengths of their own, drawn ones have all steps.
  if (inputs.every((column) => column.lengthOf) && (inputs.length === 0 || options.data === undefined)) {
    if (options.data !== undefined) throw new UsageError(`${compiled.program.name} conditions on no column: --data has no use here`);
    return model.sample(options.rows, { draw: stream });
  }
  const own = options.data === undefined;
  const data = await loadModelData(compiled.program, options.data ?? config.data, { seed: config.seed, split: own ? "train" : "test", folder: own ? config.folder : io.cwd, hide: false, inputsOnly: true });
  return model.sample(options.rows, { draw: stream, inputs: data.columns });
}

function chooseColumn({ compiled }: TrainedModel, outputs: Outputs, wanted: string | undefined): string | undefined {
  const names = [...new Set(Object.keys(outputs).map((name) => name.replace(/^mean\./, "")))];
  if (wanted !== undefined) {
    if (names.includes(wanted)) return wanted;
    const near = suggest(wanted, names);
    throw new UsageError(`the model draws no ${wanted}; it draws ${names.join(", ")}`, near === undefined ? undefined : `did you mean --column ${near}?`);
  }
  const observed = compiled.program.columns.filter((column) => column.role === "observed").map((column) => column.name);
  return observed.length === 1 ? observed[0] : undefined;
}

/** A grid of images; of films a row of frames each, or as a GIF all of them at once. */
function picture({ compiled }: TrainedModel, outputs: Outputs, wanted: string | undefined, format: ".png" | ".gif"): Uint8Array {
  const specs = columnSpecs(compiled.program);
  const candidates = specs.filter((spec) => wanted === undefined || spec.name === wanted);
  for (const spec of candidates) {
    const pictures = columnPictures(compiled.program, spec);
    if (!pictures) continue;
    const images = imagesIn(outputs, spec.name, pictures, spec.support.kind === "byte" ? 1 / 255 : 1);
    if (!images) continue;
    if (format === ".png") return encodePng(strips(images, pictures, Math.ceil(Math.sqrt(images.count))));
    if (images.frames === undefined) throw new UsageError(`${spec.name}: one image for each row does not move`, "write a picture: -o samples.png");
    const frames = animation(images, images.frames, pictures.shape);
    return encodeGif(frames, frames.map(() => frameDelay));
  }
  const shown = wanted ?? specs.map((spec) => spec.name).join(", ");
  throw new UsageError(`${shown}: no images to draw`, "write the numbers: -o samples.npy or -o samples.csv");
}

/** At each time, all films side by side. */
function animation({ values, count }: Images, frames: number, shape: Parameters<typeof imageGrid>[2]): ImageBytes[] {
  const size = shape.reduce((product, each) => product * each, 1);
  const films = count / frames;
  return Array.from({ length: frames }, (_, time) => {
    const now = new Float32Array(films * size);
    for (let film = 0; film < films; film++) now.set(values.subarray((film * frames + time) * size, (film * frames + time + 1) * size), film * size);
    return imageGrid(now, films, shape, Math.ceil(Math.sqrt(films)));
  });
}

function table(format: string, outputs: Outputs, name: string | undefined, options: SampleCommandOptions): Uint8Array | string {
  const pick = (each: string): Column | Value | undefined => options.means ? (outputs[`mean.${each}`] ?? outputs[each]) : outputs[each];
  const names = name === undefined ? [...new Set(Object.keys(outputs).map((each) => each.replace(/^mean\./, "")))] : [name];
  const columns = names.flatMap((each) => {
    const output = pick(each);
    return output ? [{ name: each, output }] : [];
  });
  if (format === ".npy") {
    const [first] = columns;
    if (!first || columns.length !== 1) throw new UsageError(`a .npy file holds one column, the model draws ${names.join(", ")}`, `choose one: --column ${names[0] ?? ""}`);
    const { output } = first;
    return writeNpy(output.values, "rows" in output ? [output.rows, ...output.shape] : output.shape);
  }
  return writeCsv(columns.filter((column): column is { name: string; output: Column } => "rows" in column.output).map(({ name: each, output }) => ({ name: each, ...output })));
}
