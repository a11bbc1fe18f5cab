import type { FunctionDeclarationStructure, StatementStructures } from "ts-morph";
import { lineOf } from "../../diagnostics/span.js";
import type { LoweredModel } from "../../ir/lowered-model.js";
import type { TensorNode, TensorProgram } from "../../ir/tensor/nodes.js";
import { type Code, list, record } from "../typescript/expression.js";
import { commentText, Names, numberLiteral, propertyKey, stringLiteral, typeNameOf } from "../typescript/names.js";
import { constant, docText, importList, interfaceOf, modelTypes, moduleHeader, type ModuleOptions } from "../typescript/model-module.js";
import { definitionEntries, sharedOutputs } from "../typescript/model-tables.js";
import { sourceHash } from "../typescript/source-hash.js";
import { printModule } from "../typescript/print-module.js";
import { tsMorph } from "../typescript/ts-morph.js";
import { emitBody, type Body, type ModuleContext, type Needs } from "./emit-body.js";
import { longestInlined } from "./emit-rules.js";
import { tensorType, weightsInterface } from "./emit-types.js";
import { type CutProgram, cutPrograms, type NetworkFunction } from "./functions.js";
import { leaveBroadcastsOut, readWeights } from "./rewrite.js";
import type { Unit } from "./units.js";

export type EmitTfjsOptions = ModuleOptions;

const programDocs = {
  trainObjective: "One training step's objective: the loss to descend, and the terms of the bound in nats per row.",
  evaluateRows: "The evaluation objective of each row, in nats, with its terms.",
  importanceWeights: "Log importance weights [draws, rows] for the evidence of each row.",
  sampleRows: "Ancestral draws from the model.",
  inferRows: "Draws from the guide, with their means where they exist.",
  reconstructRows: "Draws from the guide through the likelihood.",
} as const;
type ProgramName = keyof typeof programDocs;

/** TypeScript on TensorFlow.js for a model: a module that passes `tsc --strict` and runs with `lvmc/runtime/tfjs`. */
export function emitTfjs(lowered: LoweredModel, options: EmitTfjsOptions): string {
  const { StructureKind } = tsMorph();
  const type = typeNameOf(lowered.program.name);
  const types = { weights: `${type}Weights`, tensors: `${type}Tensors`, scalars: `${type}Scalars`, columns: `${type}Columns`, term: `${type}Term`, inputs: `${type}Inputs` };
  const { programs } = lowered;
  const named = (
    [
      ["trainObjective", programs.train],
      ["evaluateRows", programs.evaluate],
      ["importanceWeights", programs.importance],
      ["sampleRows", programs.sample],
      ["inferRows", programs.infer],
      ["reconstructRows", programs.reconstruct],
    ] as const
  ).flatMap(([name, program]): { name: ProgramName; program: TensorProgram }[] => (program ? [{ name, program: leaveBroadcastsOut(readWeights(program)) }] : []));

  const names = new Names([...Object.values(types), type, `${type}Sample`, `${type}Inference`, `${type}Reconstruction`, ...Object.keys(programDocs), "create", "definition", ...helperNames]);
  const { cut, bodies, calls, functions } = cutPrograms(named.map(({ program }) => program), lowered.program.networks, names);
  const used = new Set<string>();
  const constants: string[] = [];
  const known = new Map<string, string>();
  const module: ModuleContext = {
    calls,
    bodies,
    needs: new Map(),
    helper: (name) => {
      used.add(name);
      return name;
    },
    constant: (node, values) => {
      const key = values.join();
      const found = known.get(key) ?? names.fresh(node.name ?? "constant");
      if (!known.has(key)) constants.push(constant(found, list(...values.map(numberLiteral))));
      known.set(key, found);
      return found;
    },
    names,
  };
  // The module's names come before those inside functions, which must not hide them.
  for (const { nodes } of [...named.map(({ program }) => program), ...bodies.keys()]) {
    for (const node of nodes) if (node.op.kind === "constant" && node.op.values.length > longestInlined) module.constant(node, node.op.values);
  }
  const networkFunctions = inCallOrder(functions, calls).map((each) => emitNetwork(each, lowered, module, types.weights));
  const programFunctions = named.map(({ name }, at) => emitProgram(name, cut[at] as CutProgram, module, types.inputs));

  const runtime = ["createModel", ...used].sort();
  const drawing = [...module.needs.values()].some(({ random }) => random);
  const runtimeTypes = ["Column", "CreateOptions", "Definition", ...(drawing ? ["Draws"] : []), "Model", "ProgramInputs", ...(sharedOutputs(lowered).length > 0 ? ["Value"] : [])];
  const scalars = scalarNames(named.map(({ program }) => program));
  const tables = [types.weights, types.tensors, ...(scalars.length > 0 ? [types.scalars] : [])].join(", ");
  const { columns, term, answers, model } = modelTypes(lowered);
  const statements: (StatementStructures | string)[] = [
    'import * as tf from "@tensorflow/tfjs-core";',
    `import ${importList([...runtime, ...runtimeTypes.map((name) => `type ${name}`)])} from "lvmc/runtime/tfjs";\n`,
    columns,
    tensorsInterface(lowered, types.tensors),
    weightsInterface(types.weights, lowered),
    ...(scalars.length > 0 ? [interfaceOf(types.scalars, "What changes from step to step.", scalars.map((each) => ({ name: propertyKey(each), isReadonly: true, type: "tf.Scalar" })))] : []),
    { kind: StructureKind.TypeAlias, name: types.inputs, type: `ProgramInputs<${tables}>` },
    term,
    ...answers,
    model,
    ...constants,
    ...networkFunctions,
    ...programFunctions,
    constant("definition", definitionCode(lowered, options, named.map(({ name }) => name)), `Definition<${tables}>`),
    {
      kind: StructureKind.Function,
      isExported: true,
      isAsync: true,
      name: "create",
      docs: ["A fresh model: parameters at their initial values, on the device asked for or the first that is installed."],
      parameters: [{ name: "options", type: "CreateOptions", initializer: "{}" }],
      returnType: `Promise<${type}>`,
      statements: ["return createModel(definition, options);"],
    },
  ];
  return printModule(statements, moduleHeader(lowered, options));
}

/** What the run time offers to emitted code, so that a model's names keep clear of it. */
const helperNames = [
  "createModel", "Column", "CreateOptions", "Definition", "Draws", "Model", "ProgramInputs", "Value", "batchMatMul", "cholesky", "conv2d", "conv2dFilterGradient", "conv2dTranspose", "deviance",
  "digamma", "erf", "erfInverse", "gammaDerivative", "gather", "lgamma", "logNormalCdf", "logSoftmax", "logSumExp", "loopStep", "maxPool", "maxPoolBackward", "meanPool", "meanPoolBackward", "normalQuantile", "scatterAdd", "softmax", "softplus",
  "stirlingError", "stopGradient", "triangularSolve", "trigamma",
];

function tensorsInterface(lowered: LoweredModel, name: string): StatementStructures {
  return interfaceOf(name, "The data of one batch on the device.", lowered.columns.map(({ name: column, shape }) => ({
    name: propertyKey(column), isReadonly: true, type: tensorType(shape.length + 1), docs: [`[${["rows", ...shape].join(", ")}]`],
  })));
}

function scalarNames(programs: readonly TensorProgram[]): string[] {
  return [...new Set(programs.flatMap(({ inputs }) => inputs.flatMap(({ op }) => (op.kind === "input" && op.role === "scalar" ? [op.name] : []))))];
}

/** Called functions before their callers. */
function inCallOrder(functions: readonly NetworkFunction[], calls: ReadonlyMap<Unit, { readonly function: NetworkFunction }>): NetworkFunction[] {
  const ordered: NetworkFunction[] = [];
  const visit = (each: NetworkFunction): void => {
    if (ordered.includes(each)) return;
    for (const child of each.unit.children) {
      const called = calls.get(child)?.function;
      if (called && called !== each) visit(called);
    }
    ordered.push(each);
  };
  functions.forEach(visit);
  return ordered;
}

function emitNetwork(each: NetworkFunction, lowered: LoweredModel, module: ModuleContext, weights: string): FunctionDeclarationStructure {
  const given = new Map<TensorNode, string>(each.args.map(({ node, name }) => [node, name]));
  const outputs = each.outputs.map(({ key, node }) => [key, node] as const);
  const run = (prefix: string): Body => emitBody(each.unit, outputs, module, given, { prefix, single: outputs.length === 1, anyRank: each.ranks.size > 1 });
  // A first pass finds which parameters are read: where all are the network's own, it takes its own record of them.
  const whole = run("");
  const own = whole.needs.parameters.size > 0 && [...whole.needs.parameters].every((name) => name.startsWith(`${each.network}.`));
  const prefix = own ? each.network : "";
  const { statements, needs } = own ? run(prefix) : whole;
  const full: Needs = { random: needs.random, rows: needs.rows, dataset: needs.dataset, parameters: needs.parameters, prefix };
  module.needs.set(each, full);
  const network = lowered.program.networks.find(({ name }) => name === each.network);
  const doc = [docText(network?.doc ?? ""), network ? `Network ${commentText(each.network)}, line ${lineOf(network.origin)}.` : ""].filter((part) => part !== "").join("\n");
  return {
    kind: tsMorph().StructureKind.Function,
    name: each.name,
    docs: doc === "" ? [] : [doc],
    parameters: [
      ...(needs.parameters.size > 0 ? [{ name: "w", type: prefix === "" ? weights : prefix.split(".").reduce((of, part) => `${of}[${stringLiteral(part)}]`, weights) }] : []),
      ...each.args.map(({ name }) => ({ name, type: "tf.Tensor" })),
      ...(needs.rows ? [{ name: "rows", type: "number" }] : []),
      ...(needs.dataset ? [{ name: "dataset", type: "number" }] : []),
      ...(needs.random ? [{ name: "random", type: "Draws" }] : []),
    ],
    statements: [...statements],
  };
}

function emitProgram(name: ProgramName, { program, unit }: CutProgram, module: ModuleContext, inputs: string): FunctionDeclarationStructure {
  const { statements, needs } = emitBody(unit, Object.entries(program.outputs), module, new Map(), { prefix: "", single: false });
  const taken = [...needs.inputs, ...(["random", "rows", "dataset"] as const).filter((each) => needs[each])];
  const order = ["w", "data", "rowIndex", "random", "scalars", "rows", "dataset"];
  const pattern = order.filter((each) => (taken as readonly string[]).includes(each)).join(", ");
  return {
    kind: tsMorph().StructureKind.Function,
    name,
    docs: [programDocs[name]],
    parameters: pattern === "" ? [] : [{ name: `{ ${pattern} }`, type: inputs }],
    statements: [...statements],
  };
}

function definitionCode(lowered: LoweredModel, options: EmitTfjsOptions, programs: readonly ProgramName[]): Code {
  return record([
    ...definitionEntries(lowered, options.sourcePath, sourceHash(options.source)),
    ["importanceSamples", numberLiteral(lowered.programs.importanceSamples)],
    ["importanceRows", numberLiteral(lowered.programs.importanceRows)],
    ...(lowered.programs.evaluationRows === undefined ? [] : [["evaluationRows", numberLiteral(lowered.programs.evaluationRows)] as const]),
    ...programs.map((name) => [name, name] as const),
  ]);
}
