import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Column, Columns, CreateOptions, Evaluation, Model, Outputs } from "../../runtime/model.js";
import { LvmError } from "../../runtime/error.js";
import { transpile } from "../../driver/transpile.js";

/** An emitted module as the command line sees it: its own types are narrower. */
export interface EmittedModule {
  create(options?: CreateOptions): Promise<Model>;
}
export type { Column, Columns, Evaluation, Model, Outputs };

/**
 * Runs emitted TypeScript: types are taken away, and its imports lead to this installation, wherever the text itself is kept. The module
 * stands in a temporary file only while it is loaded.
 */
export async function loadEmitted(typescript: string): Promise<EmittedModule> {
  const folder = await mkdtemp(join(tmpdir(), "lvmc-"));
  try {
    const file = join(folder, "model.mjs");
    await writeFile(file, transpile(typescript, installedImports()));
    const module: unknown = await import(/* @vite-ignore */ pathToFileURL(file).href);
    if (typeof module !== "object" || module === null || !("create" in module) || typeof module.create !== "function") throw new TypeError("the emitted module exports no function `create`");
    return module as EmittedModule;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @throws LvmError LVM7150 where TensorFlow.js is not installed: it is no part of lvmc */
function tensorFlowJs(): string {
  try {
    return pathToFileURL(createRequire(import.meta.url).resolve("@tensorflow/tfjs-core")).href;
  } catch (cause) {
    throw new LvmError("LVM7150", "TensorFlow.js is not installed", { exitCode: 5, facts: { package: "@tensorflow/tfjs-core" }, help: "npm install @tensorflow/tfjs-core @tensorflow/tfjs-backend-wasm, or take a device that needs none: native, wasm", cause });
  }
}

/** What an emitted module may import, as files of this installation: one copy of TensorFlow.js for the module and the run time. */
function installedImports(): Readonly<Record<string, string>> {
  // Sources in tests, compiled files else.
  const ending = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const runtime = (path: string): string => new URL(`../../runtime/${path}.${ending}`, import.meta.url).href;
  return {
    "lvmc/runtime": runtime("index"),
    "lvmc/runtime/tfjs": runtime("tfjs/index"),
    "lvmc/runtime/node": runtime("node/index"),
    "@tensorflow/tfjs-core": tensorFlowJs(),
  };
}
