import type { LoweredModel } from "../../ir/lowered-model.js";
import { type Code, inline, layout } from "../typescript/expression.js";
import { numberLiteral, typeNameOf } from "../typescript/names.js";
import { importList, modelTypes, moduleHeader, type ModuleOptions } from "../typescript/model-module.js";
import { definitionEntries, sharedOutputs } from "../typescript/model-tables.js";
import { printModule } from "../typescript/print-module.js";
import { sourceHash } from "../typescript/source-hash.js";
import { tsMorph } from "../typescript/ts-morph.js";
import { type CompiledModelPrograms, moduleDevices } from "./compiled-programs.js";
import { kernelsText } from "./kernels-code.js";
import { plansText } from "./plan-code.js";

/**
 * TypeScript that trains a model by kernels: a module that passes `tsc --strict` and runs with `lvmc/runtime`. The plan of each program stands as data,
 * one line for each kernel with its lines of the model file; the kernels themselves, as C, WebAssembly and WGSL, at the end.
 */
export function emitKernels(lowered: LoweredModel, programs: CompiledModelPrograms, options: ModuleOptions): string {
  const { StructureKind } = tsMorph();
  const type = typeNameOf(lowered.program.name);
  const { columns, term, answers, model } = modelTypes(lowered);
  const shared = sharedOutputs(lowered).length > 0;
  const devices = moduleDevices.filter((device) => programs["step"]?.[device]).map((device) => `\`${device}\``).join(", ");
  const entries: readonly (readonly [string, Code])[] = [
    ...definitionEntries(lowered, options.sourcePath, sourceHash(options.source)),
    ["importanceSamples", numberLiteral(lowered.programs.importanceSamples)],
    ["importanceRows", numberLiteral(lowered.programs.importanceRows)],
    ...(lowered.programs.evaluationRows === undefined ? [] : [["evaluationRows", numberLiteral(lowered.programs.evaluationRows)] as const]),
  ];
  return printModule(
    [
      `import ${importList(["createKernelModel", "fixedPrograms", "type Column", "type HostOptions", "type KernelCode", "type KernelPlans", "type Model", "type ModelTables", ...(shared ? ["type Value"] : [])])} from "lvmc/runtime";\n`,
      columns,
      term,
      ...answers,
      model,
      `\n/** The model: its parameters, its data, and how it is trained. */\nconst tables: ModelTables = {\n${entries.map(tableEntry).join("\n")}\n};\n`,
      plansText(programs),
      {
        kind: StructureKind.Function,
        isExported: true,
        isAsync: true,
        name: "create",
        docs: [`A fresh model: parameters at their initial values, on the device asked for (${devices}) or the first that works.`],
        parameters: [{ name: "options", type: "HostOptions", initializer: "{}" }],
        returnType: `Promise<${type}>`,
        statements: ["return createKernelModel({ ...tables, programs: fixedPrograms(tables, plans, code) }, options);"],
      },
      kernelsText(programs),
    ],
    moduleHeader(lowered, options),
  );
}

/** An entry of the tables; parameters and columns stand one in a line. */
function tableEntry([key, value]: readonly [string, Code]): string {
  const isTable = typeof value !== "string" && value.kind === "list" && value.items.length > 0 && value.items.every((item) => typeof item !== "string" && item.kind === "record");
  return isTable ? `  ${key}: [\n${value.items.map((item) => `    ${inline(item)},`).join("\n")}\n  ],` : `  ${key}: ${layout(value, 2, key.length + 2)},`;
}
