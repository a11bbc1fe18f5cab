import type { LoweredModel } from "../../ir/lowered-model.js";
import { type Code, inline, list, record } from "../typescript/expression.js";
import { numberLiteral, propertyKey, stringLiteral, typeNameOf } from "../typescript/names.js";
import { constant, importList, modelTypes, moduleHeader, type ModuleOptions } from "../typescript/model-module.js";
import { definitionEntries, sharedOutputs } from "../typescript/model-tables.js";
import { printModule } from "../typescript/print-module.js";
import { sourceHash } from "../typescript/source-hash.js";
import { tsMorph } from "../typescript/ts-morph.js";
import type { CompiledArtifact, CompiledModelPrograms } from "./compiled-programs.js";

/**
 * TypeScript that trains a model by kernels: a module that passes `tsc --strict` and runs with `lvmc/runtime`. The plan of each program stands as data,
 * one line for each kernel with its lines of the model file; the kernels themselves, as C and as WebAssembly, at the end.
 */
export function emitKernels(lowered: LoweredModel, programs: CompiledModelPrograms, options: ModuleOptions): string {
  const { StructureKind } = tsMorph();
  const type = typeNameOf(lowered.program.name);
  const { columns, term, answers, model } = modelTypes(lowered);
  const shared = sharedOutputs(lowered).length > 0;
  const names = Object.keys(programs) as (keyof CompiledModelPrograms & string)[];
  const tables = record([
    ...definitionEntries(lowered, options.sourcePath, sourceHash(options.source)),
    ["importanceSamples", numberLiteral(lowered.programs.importanceSamples)],
    ["importanceRows", numberLiteral(lowered.programs.importanceRows)],
  ]);
  return printModule(
    [
      `import ${importList(["createKernelModel", "fixedPrograms", "type Column", "type CreateOptions", "type KernelCode", "type KernelPlans", "type Model", "type ModelTables", ...(shared ? ["type Value"] : [])])} from "lvmc/runtime";\n`,
      columns,
      term,
      ...answers,
      model,
      constant("tables", tables, "ModelTables"),
      plansText(programs, names),
      {
        kind: StructureKind.Function,
        isExported: true,
        isAsync: true,
        name: "create",
        docs: ["A fresh model: parameters at their initial values, on the device asked for (`native`, `wasm`) or the first that works."],
        parameters: [{ name: "options", type: "CreateOptions", initializer: "{}" }],
        returnType: `Promise<${type}>`,
        statements: ["return createKernelModel({ ...tables, programs: fixedPrograms(tables.name, plans, code) }, options);"],
      },
      codeText(programs, names),
    ],
    moduleHeader(lowered, options),
  );
}

/** Where tensors lie and which kernels run, for each program and device. Kernels stand one in a line, to be read. */
function plansText(programs: CompiledModelPrograms, names: readonly string[]): string {
  const lines = names.flatMap((name) => {
    const variants = programs[name];
    if (!variants) return [];
    return [
      `  ${propertyKey(name)}: {`,
      ...Object.entries(variants).flatMap(([device, artifact]) => [
        `    ${device}: {`,
        ...planEntries(artifact).map(([key, value]) => `      ${key}: ${value},`),
        "      kernels: [",
        ...artifact.kernels.map((kernel) => `        ${inline(kernelEntry(kernel))},`),
        "      ],",
        "    },",
      ]),
      "  },",
    ];
  });
  return `\n/** The plan of each program: one entry for each kernel, with the lines of the model file that it computes. */\nconst plans: KernelPlans = {\n${lines.join("\n")}\n};\n`;
}

function kernelEntry({ name, title, lines, groups, flops, bytes, threaded }: CompiledArtifact["kernels"][number]): Code {
  return record([
    ["name", stringLiteral(name)],
    ["title", stringLiteral(title)],
    ["lines", list(...lines.map(String))],
    ["groups", String(groups)],
    ["flops", numberLiteral(Math.round(flops))],
    ["bytes", numberLiteral(Math.round(bytes))],
    ...(threaded === undefined ? [] : [["threaded", String(threaded)] as const]),
  ]);
}

const margin = "        ";

function planEntries(artifact: CompiledArtifact): (readonly [string, string])[] {
  const regions = (all: CompiledArtifact["inputs"]): string =>
    Object.keys(all).length === 0 ? "{}" : `{\n${Object.entries(all).map(([name, { offset, words, shape, type }]) => `${margin}${propertyKey(name)}: { offset: ${offset}, words: ${words}, shape: [${shape.join(", ")}], type: ${stringLiteral(type)} },`).join("\n")}\n      }`;
  const facts: (readonly [string, string])[] = [["words", String(artifact.words)]];
  for (const key of ["batch", "slots", "rows", "dataset"] as const) if (artifact[key] !== undefined) facts.push([key, String(artifact[key])]);
  if (artifact.metrics) facts.push(["metrics", inline(list(...artifact.metrics.map(stringLiteral)))]);
  if (artifact.state) facts.push(["state", inline(list(...artifact.state.map(({ name, init }) => record([["name", stringLiteral(name)], ["init", init === "zero" ? '"zero"' : inline(record([["copyOf", stringLiteral(init.copyOf)]]))]]))))]);
  if (artifact.rowsAxis) facts.push(["rowsAxis", inline(record(Object.entries(artifact.rowsAxis).map(([name, axis]) => [propertyKey(name), String(axis)])))]);
  facts.push(["inputs", regions(artifact.inputs)], ["outputs", regions(artifact.outputs)]);
  facts.push(["constants", inline(list(...artifact.constants.map(({ offset, type, values }) => record([["offset", String(offset)], ["type", stringLiteral(type)], ["values", list(...values.map(numberLiteral))]]))))]);
  return facts;
}

/** The kernels: C as text, WebAssembly as base64. */
function codeText(programs: CompiledModelPrograms, names: readonly string[]): string {
  const lines = names.flatMap((name) => {
    const variants = programs[name];
    const { c } = variants?.native ?? {};
    const { wasm } = variants?.wasm ?? {};
    return [
      `  ${propertyKey(name)}: {`,
      ...(c === undefined ? [] : [`    c: ${templateLiteral(c)},`]),
      ...(wasm ? [`    wasm: {`, `      module: "${base64(wasm.module)}",`, `      relaxed: "${base64(wasm.relaxed)}",`, "    },"] : []),
      "  },",
    ];
  });
  return `\n/** The kernels, as C for the machine's compiler and as WebAssembly. */\nconst code: KernelCode = {\n${lines.join("\n")}\n};\n`;
}

/** A text of many lines as a template literal, in which nothing is left to be evaluated. */
function templateLiteral(text: string): string {
  return `\`${text.replace(/[\\`]/g, "\\$&").replace(/\$\{/g, "\\${").replace(/[\u2028\u2029]/g, " ")}\``;
}

function base64(bytes: Uint8Array): string {
  let binary = "";
  for (let at = 0; at < bytes.length; at += 8192) binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(binary);
}
