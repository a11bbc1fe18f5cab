import { existsSync, statSync } from "node:fs";
import { dirname, extname, resolve } from "node:path";
import type { Column, Outputs, Value } from "../../runtime/model.js";
import { writeFileAtomic } from "../../runtime/node/atomic-file.js";
import { suggest } from "../../diagnostics/suggest.js";
import { UsageError } from "../errors.js";
import { exitCodes } from "../exit-codes.js";
import type { CommandContext, CommandResult } from "../run.js";
import { openClassifier } from "../training/classifier.js";
import { chooseSampler, type SamplerChoice } from "../training/choose-sampler.js";
import { type DrawChoice, drawSamples } from "../training/draw-samples.js";
import { samplePicture } from "../training/sample-picture.js";
import { openTrained, type TrainedModel, type TrainedModelOptions } from "../training/trained-model.js";
import { writeCsv } from "../training/write-csv.js";
import { writeNpy } from "../training/write-npy.js";

export interface SampleCommandOptions extends TrainedModelOptions, SamplerChoice, DrawChoice {
  readonly out: string;
  readonly column?: string;
  readonly means?: boolean;
  /** Moments from noise to the datum that a picture shows. */
  readonly strip?: number;
  /** Where a part of the datum is known: how often each step is done. */
  readonly resample?: number;
  /** The run of a second stage of the datum with noise. */
  readonly classifier?: string;
}

const formats = [".png", ".gif", ".npy", ".csv"];

/** `lvmc sample RUN -n 64 -o samples.png`: draws from the model, as pictures or an animation (of the likelihood's means), an array or a table. */
export async function sample(context: CommandContext, file: string, options: SampleCommandOptions): Promise<CommandResult> {
  const { io, report } = context;
  const format = extname(options.out).toLowerCase();
  if (!formats.includes(format)) throw new UsageError(`-o ${options.out}: write a ${formats.join(", ")} file`);
  const out = resolve(io.cwd, options.out);
  if (!existsSync(dirname(out)) || !statSync(dirname(out)).isDirectory()) throw new UsageError(`-o ${options.out}: there is no folder ${dirname(options.out)}`);
  const pictured = format === ".png" || format === ".gif";
  if (options.strip !== undefined && !pictured) throw new UsageError(`--strip ${options.strip}: ${format} shows no moments`, "write a picture, -o strip.png, or an animation, -o strip.gif");
  if (options.mask !== undefined && options.known === undefined) throw new UsageError(`--mask "${options.mask}": it says which elements of --known are known`, "add --known FILE");
  const classifier = options.classifier === undefined ? undefined : await openClassifier(context, options.classifier);
  const trained = await openTrained(context, file, options, (compiled) => chooseSampler(compiled, options, { strip: options.strip, known: options.known !== undefined, resample: options.resample, classifier: classifier?.compiled }), classifier?.beside);
  try {
    const outputs = await drawSamples(context, trained, options);
    const name = chooseColumn(trained, outputs, options.column);
    const bytes = pictured ? samplePicture(trained, outputs, { column: name, format, moments: options.strip }) : table(trained, format, outputs, name, options);
    await writeFileAtomic(out, bytes);
    report.say(`${report.color.green("✓")} ${options.rows.toLocaleString("en-US")} rows of ${name ?? "all columns"} → ${options.out}`);
    return { exit: exitCodes.ok, facts: { model: trained.compiled.program.name, run: trained.run.folder, step: trained.model.step, rows: options.rows, column: name ?? null, out } };
  } finally {
    trained.model.dispose();
  }
}

function chooseColumn({ compiled }: TrainedModel, outputs: Outputs, wanted: string | undefined): string | undefined {
  const names = [...new Set(Object.keys(outputs).map((name) => name.replace(/^(mean|moments)\./, "")))];
  if (wanted !== undefined) {
    if (names.includes(wanted)) return wanted;
    const near = suggest(wanted, names);
    throw new UsageError(`the model draws no ${wanted}; it draws ${names.join(", ")}`, near === undefined ? undefined : `did you mean --column ${near}?`);
  }
  const observed = compiled.program.columns.filter((column) => column.role === "observed").map((column) => column.name);
  return observed.length === 1 ? observed[0] : undefined;
}

/** Bytes are written as bytes: what reads them knows them for grey levels. */
function inBytes({ compiled }: TrainedModel, name: string): boolean {
  return compiled.program.columns.some((column) => column.name === name && column.type.support.kind === "byte");
}

function table(trained: TrainedModel, format: string, outputs: Outputs, name: string | undefined, options: SampleCommandOptions): Uint8Array | string {
  const pick = (each: string): Column | Value | undefined => options.means ? (outputs[`mean.${each}`] ?? outputs[each]) : outputs[each];
  const names = name === undefined ? [...new Set(Object.keys(outputs).map((each) => each.replace(/^(mean|moments)\./, "")))] : [name];
  const columns = names.flatMap((each) => {
    const output = pick(each);
    return output ? [{ name: each, output }] : [];
  });
  if (format === ".npy") {
    const [first] = columns;
    if (!first || columns.length !== 1) throw new UsageError(`a .npy file holds one column, the model draws ${names.join(", ")}`, `choose one: --column ${names[0] ?? ""}`);
    const { output } = first;
    return writeNpy(inBytes(trained, first.name) ? Uint8Array.from(output.values) : output.values, "rows" in output ? [output.rows, ...output.shape] : output.shape);
  }
  return writeCsv(columns.filter((column): column is { name: string; output: Column } => "rows" in column.output).map(({ name: each, output }) => ({ name: each, ...output })));
}
