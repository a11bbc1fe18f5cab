import type { LoweredModel } from "../../ir/lowered-model.js";
import { type ColumnLength, columnLength } from "../../ir/model/row-length.js";
import { frozenParameters } from "../../ir/model/stages.js";
import type { Initializer, Schedule } from "../../ir/model/model.js";
import { lineOf } from "../../diagnostics/span.js";
import type { Support } from "../../types/support.js";
import { type Code, list, record } from "./expression.js";
import { numberLiteral, stringLiteral } from "./names.js";

/** The tables of a model as an object literal: parameters, columns, terms, training. */
export function definitionEntries(lowered: LoweredModel, sourcePath: string, hash: string): (readonly [string, Code])[] {
  const { program } = lowered;
  const supports = new Map([...program.parameters, ...frozenParameters(program)].map(({ name, type }) => [name, type.support]));
  return [
    ["name", stringLiteral(program.name)],
    ["source", stringLiteral(sourcePath)],
    ["hash", stringLiteral(hash)],
    ["parameters", list(...lowered.parameters.map((each) =>
      record([
        ["name", stringLiteral(each.name)],
        ["shape", list(...each.shape.map((dim) => (typeof dim === "number" ? String(dim) : stringLiteral(dim))))],
        ["init", initializerCode(each.init)],
        ["trainable", String(each.trainable)],
        ...(each.frozen ? [["frozen", "true"] as const] : []),
        ...(supports.get(each.name)?.kind === "real" || !supports.has(each.name) ? [] : [["support", supportCode(supports.get(each.name) ?? { kind: "real" })] as const]),
        ["line", String(each.line)],
      ]),
    ))],
    ["columns", list(...lowered.columns.map((each) => {
      const column = program.columns.find(({ name }) => name === each.name);
      return record([
        ["name", stringLiteral(each.name)],
        ["dtype", stringLiteral(each.dtype === "f32" ? "f32" : "i32")],
        ["shape", numbers(each.shape)],
        ["support", supportCode(column?.type.support ?? { kind: "real" })],
        ["partlyObserved", String(column?.partlyObserved ?? false)],
        ["role", stringLiteral(column?.role ?? "observed")],
        ...lengthEntries(column ? columnLength(program, column) : {}),
      ]);
    }))],
    ["terms", list(...termsOf(lowered).map(({ name, line }) => record([["name", stringLiteral(name)], ["line", String(line)]])))],
    ["constraints", list(...lowered.training.constraints.map((each) =>
      record([["name", stringLiteral(each.name)], ["relation", stringLiteral(each.relation)], ["bound", numberLiteral(each.bound)], ["line", String(lineOf(each.origin))]]),
    ))],
    ["training", trainingCode(lowered)],
    ["sharedOutputs", list(...sharedOutputs(lowered).map(stringLiteral))],
  ];
}

/** Outputs without rows of the programs that draw. */
export function sharedOutputs({ programs }: LoweredModel): string[] {
  const names = [programs.sample, programs.infer, programs.reconstruct].flatMap((program) =>
    Object.entries(program?.outputs ?? {}).flatMap(([name, node]) => (node.shape[0] === "rows" ? [] : [name])),
  );
  return [...new Set(names)];
}

/** Terms of both objectives, in the order of the training objective. */
export function termsOf(lowered: LoweredModel): { name: string; line: number }[] {
  const terms = [...lowered.training.terms, ...lowered.evaluation.terms];
  return terms.filter((term, at) => terms.findIndex(({ name }) => name === term.name) === at).map(({ name, origin }) => ({ name, line: lineOf(origin) }));
}

const numbers = (values: readonly number[]): Code => list(...values.map(numberLiteral));

function initializerCode(init: Initializer): Code {
  const entries: (readonly [string, Code])[] = [["kind", stringLiteral(init.kind)]];
  switch (init.kind) {
    case "constant":
      entries.push(["value", numberLiteral(init.value)]);
      break;
    case "values":
      entries.push(["values", numbers(init.values)]);
      break;
    case "uniform":
      entries.push(["low", numberLiteral(init.low)], ["high", numberLiteral(init.high)]);
      break;
    case "normal":
      entries.push(["mean", numberLiteral(init.mean)], ["scale", numberLiteral(init.scale)]);
      break;
    case "lecun_uniform":
    case "he_normal":
      entries.push(["fanIn", numberLiteral(init.fanIn)]);
      break;
    case "identity":
      break;
  }
  return record(entries);
}

function supportCode(support: Support): Code {
  const entries: (readonly [string, Code])[] = [["kind", stringLiteral(support.kind)]];
  if (support.kind === "index") entries.push(["size", String(support.size)]);
  if (support.kind === "interval") entries.push(["low", numberLiteral(support.low)], ["high", numberLiteral(support.high)]);
  return record(entries);
}

function lengthEntries({ length, lengthOf }: ColumnLength): (readonly [string, Code])[] {
  return [
    ...(length === undefined ? [] : [["length", stringLiteral(length)] as const]),
    ...(lengthOf === undefined ? [] : [["lengthOf", record([["column", stringLiteral(lengthOf.column)], ["most", String(lengthOf.most)]])] as const]),
  ];
}

function trainingCode({ program: { training } }: LoweredModel): Code {
  const { optimizer, binarize } = training;
  return record([
    ["optimizer", record([
      ["kind", stringLiteral(optimizer.kind)],
      ["rate", scheduleCode(optimizer.rate)],
      ["beta1", numberLiteral(optimizer.beta1)],
      ["beta2", numberLiteral(optimizer.beta2)],
      ["epsilon", numberLiteral(optimizer.epsilon)],
      ["decay", numberLiteral(optimizer.decay)],
      ["momentum", numberLiteral(optimizer.momentum)],
    ])],
    ["batch", numberLiteral(training.batch)],
    ["epochs", numberLiteral(training.epochs)],
    ["seed", numberLiteral(training.seed)],
    ...(training.clip === undefined ? [] : [["clip", numberLiteral(training.clip)] as const]),
    ...(training.ema === undefined ? [] : [["ema", numberLiteral(training.ema)] as const]),
    ...(training.earlyStopping === undefined ? [] : [["patience", numberLiteral(training.earlyStopping.patience)] as const]),
    ["anneal", record([["steps", numberLiteral(training.objective.anneal.steps)], ["cycles", numberLiteral(training.objective.anneal.cycles)]])],
    ["binarize", binarize.kind === "fresh" ? record([["kind", '"fresh"']]) : record([["kind", '"threshold"'], ["at", numberLiteral(binarize.at)]])],
  ]);
}

function scheduleCode(schedule: Schedule): Code {
  const { kind, ...rest } = schedule;
  return record([["kind", stringLiteral(kind)], ...Object.entries(rest).map(([key, value]) => [key, numberLiteral(value)] as const)]);
}
