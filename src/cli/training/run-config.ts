import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import type { SourceFile } from "../../diagnostics/span.js";
import { sanitizeName, type RunFolder } from "../../runtime/node/run-folder.js";
import { UsageError } from "../errors.js";
import type { ModelInput } from "../front.js";
import { modelFiles } from "../read-model.js";
import { version } from "../version.js";

/** config.json of a run folder: everything that the run was started with, so that it goes on without being told again. */
export interface RunConfig {
  /** Version of this file's form. */
  readonly format: 1;
  readonly lvmc: string;
  readonly model: string;
  /** Hash of the model's text as the emitted module and its checkpoints carry it. */
  readonly hash: string;
  /** The model's file first, then its imports: the path as given, the copy's name in the run folder, and the hash of the text. */
  readonly sources: readonly { readonly path: string; readonly file: string; readonly sha256: string }[];
  readonly set: Readonly<Record<string, string>>;
  readonly data: readonly string[];
  readonly testData: readonly string[];
  readonly validationData: readonly string[];
  /** Relative paths of data start here. */
  readonly folder: string;
  readonly seed: number;
  /** What it ran on when it began or was resumed. */
  readonly device: string;
  readonly epochs?: number;
  readonly steps?: number;
  readonly batch?: number;
  readonly rate?: number;
  readonly keep: number;
  readonly imagesEvery?: number;
  readonly samples: boolean;
  /** Of a second stage: the run of the first, whose parameters its checkpoints hold, and what was measured of the latent. */
  readonly stage?: { readonly model: string; readonly run: string; readonly step: number; readonly sha256: string; readonly scale?: number };
  /** ISO 8601. */
  readonly started: string;
}

/** A run that a command reads: its folder, its configuration, and the checkpoint to take. */
export interface SavedRun {
  /** As the user gave it, for messages. */
  readonly name: string;
  readonly folder: string;
  readonly config: RunConfig;
  readonly checkpoint: string;
}

/** A run folder, or a checkpoint in one. A run is data: its model is compiled anew, and nothing in it is executed. @throws UsageError where there is none */
export function openRun(name: string, cwd: string): SavedRun {
  const path = resolve(cwd, name);
  if (!existsSync(path)) throw new UsageError(`${name}: there is no such run or checkpoint`, "runs are folders that lvmc train makes: runs/vae-2026-01-31T12-00-00");
  const isFile = statSync(path).isFile();
  const folder = isFile ? dirname(dirname(path)) : path;
  const config = readConfig(join(folder, "config.json"), name);
  const checkpoint = isFile ? path : join(folder, "checkpoints", "latest.safetensors");
  if (!existsSync(checkpoint)) throw new UsageError(`${name}: the run has no checkpoint yet`, "start it anew: lvmc train");
  return { name, folder, config, checkpoint };
}

/** Writes a run's configuration anew. */
export async function writeConfig(folder: RunFolder, config: RunConfig): Promise<void> {
  await folder.writeFile("config.json", `${JSON.stringify(config, undefined, 2)}\n`);
}

/** Whether a path is a run rather than a model file. */
export function isRun(name: string, cwd: string): boolean {
  const path = resolve(cwd, name);
  return existsSync(path) && (statSync(path).isDirectory() || path.endsWith(".safetensors"));
}

function readConfig(path: string, name: string): RunConfig {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new UsageError(`${name}: this is no run of lvmc: ${cause instanceof SyntaxError ? "its config.json is not JSON" : "it has no config.json"}`);
  }
  if (!isConfig(value)) throw new UsageError(`${name}: its config.json is not one that this version of lvmc writes`);
  return value;
}

function isConfig(value: unknown): value is RunConfig {
  if (typeof value !== "object" || value === null) return false;
  const config = value as Record<string, unknown>;
  const strings = (list: unknown): boolean => Array.isArray(list) && list.every((each) => typeof each === "string");
  const optional = (key: string): boolean => config[key] === undefined || typeof config[key] === "number";
  const sources = config["sources"];
  const set = config["set"];
  return (
    config["format"] === 1 &&
    ["model", "hash", "folder", "device"].every((key) => typeof config[key] === "string") &&
    ["data", "testData", "validationData"].every((key) => strings(config[key])) &&
    ["epochs", "steps", "batch", "rate", "imagesEvery"].every(optional) &&
    ["seed", "keep"].every((key) => typeof config[key] === "number") &&
    (config["stage"] === undefined || isStage(config["stage"])) &&
    typeof set === "object" && set !== null && Object.values(set).every((each) => typeof each === "string") &&
    Array.isArray(sources) && sources.length > 0 &&
    sources.every((each: unknown) => typeof each === "object" && each !== null && "path" in each && typeof each.path === "string" && "file" in each && typeof each.file === "string" && each.file === basename(each.file))
  );
}

function isStage(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const stage = value as Record<string, unknown>;
  return ["model", "run", "sha256"].every((key) => typeof stage[key] === "string") && typeof stage["step"] === "number" && (stage["scale"] === undefined || typeof stage["scale"] === "number");
}

/** The model of a run from the run's own copies, whatever became of the original files. @throws UsageError */
export function modelOfRun(run: SavedRun): ModelInput {
  const copies = new Map(run.config.sources.map(({ path, file }) => [path, file]));
  const read = (path: string): string | undefined => {
    const file = copies.get(path);
    if (file === undefined) return undefined;
    try {
      return readFileSync(join(run.folder, file), "utf8");
    } catch {
      return undefined;
    }
  };
  const [first] = run.config.sources;
  const text = first && read(first.path);
  if (!first || text === undefined) throw new UsageError(`${run.name}: its copy of the model is missing`);
  const source: SourceFile = { path: first.path, text };
  const files = modelFiles(source, read);
  return { source, options: { set: run.config.set, load: files.load, model: run.config.model, version: version() }, sources: files.sources };
}

/** Names of the copies of a model's files, all different and none that the run folder uses itself. */
export function copiesOf(sources: readonly SourceFile[]): readonly { readonly path: string; readonly file: string; readonly sha256: string; readonly text: string }[] {
  const taken = new Set(["config.json", "metrics.jsonl", "checkpoints"]);
  return sources.map(({ path, text }) => {
    const wanted = sanitizeName(basename(path));
    let file = wanted;
    for (let i = 2; taken.has(file); i++) file = wanted.replace(/(\.[^.]*)?$/, (ending) => `-${i}${ending}`);
    taken.add(file);
    return { path, file, sha256: createHash("sha256").update(text).digest("hex"), text };
  });
}

/** A path for messages and commands: relative where that is shorter. */
export function shownPath(path: string, cwd: string): string {
  const short = relative(cwd, path);
  return short !== "" && !short.startsWith("..") ? short : path;
}
