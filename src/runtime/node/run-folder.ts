import { closeSync, openSync, writeSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { LvmError } from "../error.js";
import { writeFileAtomic } from "./atomic-file.js";

export interface RunFolderOptions {
  /** Where runs are kept; made if it is not there. */
  readonly output: string;
  readonly model: string;
  /** When the run began; names the folder. */
  readonly time: Date;
  /** Written as config.json. */
  readonly config: unknown;
  /** The model's file and those that it imports, copied as they are. */
  readonly sources: readonly { readonly path: string; readonly text: string }[];
}

/** The folder of one run: config.json, copies of the model, metrics.jsonl, checkpoints/. */
export interface RunFolder {
  readonly path: string;
  readonly checkpoints: string;
  /** Adds a line to metrics.jsonl at once. NaN and infinities are written as strings. */
  appendMetrics(record: Readonly<Record<string, unknown>>): void;
  /** Writes a file of the run atomically: `samples-0010.png`. */
  writeFile(name: string, content: Uint8Array | string): Promise<string>;
  close(): void;
}

/**
 * Makes `<output>/<model>-<time>/`, with -2, -3 … after it where that exists.
 * @throws LvmError LVM7045 where it cannot be made
 */
export async function createRunFolder(options: RunFolderOptions): Promise<RunFolder> {
  const output = resolve(options.output);
  const stamp = options.time.toISOString().slice(0, 19).replaceAll(":", "-");
  const wanted = `${sanitizeName(options.model)}-${stamp}`;
  try {
    await mkdir(output, { recursive: true });
    const path = await makeUnique(output, wanted);
    const folder = openRunFolder(path);
    await mkdir(folder.checkpoints);
    await folder.writeFile("config.json", `${JSON.stringify(options.config, plainNumbers, 2)}\n`);
    const taken = new Set(["config.json", "metrics.jsonl", "checkpoints"]);
    for (const { path: source, text } of options.sources) await folder.writeFile(uniqueName(sanitizeName(basename(source)), taken), text);
    return folder;
  } catch (cause) {
    throw new LvmError("LVM7045", `${output}: cannot make a folder for the run: ${cause instanceof Error ? cause.message : String(cause)}`, { facts: { folder: output }, cause });
  }
}

/** An existing run's folder, to go on with: metrics are added at the end. */
export function openRunFolder(path: string): RunFolder {
  let metrics: number | undefined;
  return {
    path,
    checkpoints: join(path, "checkpoints"),
    appendMetrics(record) {
      metrics ??= openSync(join(path, "metrics.jsonl"), "a");
      writeSync(metrics, `${JSON.stringify(record, plainNumbers)}\n`);
    },
    async writeFile(name, content) {
      const file = join(path, sanitizeName(name));
      await writeFileAtomic(file, content);
      return file;
    },
    close() {
      if (metrics !== undefined) closeSync(metrics);
      metrics = undefined;
    },
  };
}

/** A name that is one path segment on every system: no separators, no leading dot, no device names, at most 100 characters. */
export function sanitizeName(name: string): string {
  const safe = name.replace(/[^A-Za-z0-9._-]+/g, "_").replace(/^[.-]+/, "").replace(/\.+$/, "").slice(0, 100);
  if (safe === "") return "model";
  return /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(safe) ? `_${safe}` : safe;
}

async function makeUnique(output: string, wanted: string): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const path = join(output, attempt === 1 ? wanted : `${wanted}-${attempt}`);
    try {
      await mkdir(path);
      return path;
    } catch (cause) {
      if (!(cause instanceof Error && "code" in cause && cause.code === "EEXIST") || attempt === 1000) throw cause;
    }
  }
}

function uniqueName(name: string, taken: Set<string>): string {
  let unique = name;
  for (let i = 2; taken.has(unique); i++) unique = name.replace(/(\.[^.]*)?$/, (ending) => `-${i}${ending}`);
  taken.add(unique);
  return unique;
}

/** JSON has no NaN; null would hide which it was. */
function plainNumbers(_key: string, value: unknown): unknown {
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  return typeof value === "bigint" ? value.toString() : value;
}
