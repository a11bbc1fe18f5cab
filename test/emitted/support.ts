import { readdirSync } from "node:fs";
import { transpile } from "../../src/codegen/typescript/transpile.js";
import { modelTables } from "../../src/codegen/kernels/tables.js";
import { emitKernelModule, kernelPrograms, type ModuleSizes } from "../../src/driver/kernel-programs.js";
import type { LoweredModel } from "../../src/ir/lowered-model.js";
import type { KernelDevice } from "../../src/runtime/devices.js";
import * as runtime from "../../src/runtime/index.js";
import { createKernelModel, type HostOptions } from "../../src/runtime/kernels/index.js";
import type { Model } from "../../src/runtime/model.js";

/** Models that ship. */
export const shippedModels = readdirSync(new URL("../../models/", import.meta.url)).filter((file) => file.endsWith(".lvm")).map((file) => file.slice(0, -".lvm".length));

/** The module that is emitted for a model. */
export function emitted(lowered: LoweredModel, source: { readonly path: string; readonly text: string }, sizes?: ModuleSizes & { readonly devices?: readonly KernelDevice[] }): Promise<string> {
  return emitKernelModule(lowered, { source: source.text, sourcePath: source.path, version: "0", docComment: ["Maximizes the evidence lower bound:", "", "  L = …"] }, sizes);
}

/** Results do not depend on it (test/wasm, test/native guard that), and tests run side by side. */
const oneThread = { threads: 1 };

/** Its `create`, run without files: what it imports is handed in. */
export function loadModule(typescript: string): (options?: HostOptions) => Promise<Model> {
  const body = transpile(typescript).replace(/^import (\{[^}]*\}) from "lvmc\/runtime";$/m, "const $1 = runtime;").replace(/^export async function/gm, "async function");
  const create = (new Function("runtime", `"use strict";\n${body}\nreturn create;`) as (given: unknown) => (options?: HostOptions) => Promise<Model>)(runtime);
  return (options) => create({ ...oneThread, ...options });
}

/** Lanes of the C in emitted modules. */
const emittedLanes = 8;

/** The same model with its programs compiled for the sizes at hand, in vectors of the same width. */
export function inProcess(lowered: LoweredModel, source: { readonly path: string; readonly text: string }, options: HostOptions): Promise<Model> {
  const programs = kernelPrograms(lowered, (device) => ({ native: { kind: "c", lanes: emittedLanes }, wasm: { kind: "wasm" }, webgpu: { kind: "wgsl" } } as const)[device]);
  return createKernelModel({ ...modelTables(lowered, source), programs }, { ...oneThread, ...options });
}
