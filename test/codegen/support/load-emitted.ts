import * as tf from "@tensorflow/tfjs-core";
import { transpile } from "../../../src/codegen/typescript/transpile.js";
import { compile } from "../../../src/driver/compile.js";
import { emitTfjsModule } from "../../../src/driver/emit-module.js";
import type { CreateOptions, Model } from "../../../src/runtime/model.js";
import * as runtime from "../../../src/runtime/tfjs/index.js";

/** The `create` of the module that the compiler emits for a model's text. */
export function compiledModel(text: string, path = "test.lvm", load?: (path: string) => { path: string; text: string }): (options: CreateOptions) => Promise<Model> {
  const { value, diagnostics } = compile({ path, text }, { load });
  if (!value) throw new Error(diagnostics.map(({ code, message }) => `${code} ${message}`).join("\n"));
  return loadEmitted(emitTfjsModule(value));
}

/** Runs emitted TypeScript without files: its imports are handed in. */
export function loadEmitted(typescript: string): (options: CreateOptions) => Promise<Model> {
  const body = transpile(typescript)
    .replace(/^import \* as tf from "@tensorflow\/tfjs-core";$/m, "")
    .replace(/^import (\{[^}]*\}) from "lvmc\/runtime\/tfjs";$/m, "const $1 = runtime;")
    .replace(/^export async function/gm, "async function");
  const make = new Function("tf", "runtime", `"use strict";\n${body}\nreturn create;`) as (tf_: unknown, runtime_: unknown) => (options: CreateOptions) => Promise<Model>;
  return make(tf, runtime);
}
