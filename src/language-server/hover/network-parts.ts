import { textOf } from "../../diagnostics/span.js";
import type { Expr, Network, Parameter } from "../../ir/model/model.js";
import { partsOf } from "../../ir/model/walk.js";
import type * as ast from "../../parser/ast.js";
import { printColumn } from "../../parser/print-expression.js";
import { dims, elementCount, printType } from "../../types/type.js";
import type { Analysis } from "../analysis.js";
import { code, type Part, text, verbatim } from "../markup.js";
import { count, listed, oneLine } from "./facts.js";

/** Columns of a line of sizes. */
const width = 92;
/** Most weights that are listed. */
const mostWeights = 32;

/** A network: its head, the type behind each layer, and what it learns. */
export function networkParts(analysis: Analysis, item: ast.NetworkItem): readonly Part[] {
  return [code(headOf(item)), text(item.doc), verbatim(sizes(analysis, item).join("\n")), ...weightParts(analysis, item.name.name)];
}

export function headOf({ name, inputs, outputs }: ast.NetworkItem): string {
  return `network ${name.name}(${inputs.map(printColumn).join(", ")}) -> (${outputs.map(printColumn).join(", ")})`;
}

/** `h = x: binary[784] → dense(400): real[400] → relu: nonnegative[400]`, a line for each statement. */
function sizes(analysis: Analysis, item: ast.NetworkItem): readonly string[] {
  const { hover } = analysis.facts.context;
  const typed = (written: string, node: ast.Node): string => {
    const type = hover.get(node)?.type;
    return type ? `${written}: ${printType(type)}` : written;
  };
  return item.body.flatMap((statement) => {
    if (statement.kind !== "let") return [];
    const stages: string[] = [];
    let value = statement.value;
    for (; value.kind === "pipe"; value = value.value) stages.unshift(typed(oneLine(textOf(value.into.span)), value));
    if (stages.length === 0) return [typed(statement.name.name, statement.name)];
    stages.unshift(typed(shortened(oneLine(textOf(value.span))), value));
    const line = `${statement.name.name} = ${stages.join(" → ")}`;
    return line.length <= width ? [line] : [`${statement.name.name} = ${stages.join("\n  → ")}`];
  });
}

const shortened = (written: string): string => (written.length > 32 ? `${written.slice(0, 31)}…` : written);

function weightParts({ facts }: Analysis, name: string): readonly Part[] {
  const { networks, parameters } = facts.context;
  const own = [...parameters.values()].filter((each) => each.name.startsWith(`${name}.`));
  const network = networks.get(name)?.network;
  const called = network ? calledNetworks(network, (each) => networks.get(each)?.network) : [];
  const theirs = new Map<string, Parameter>();
  for (const each of called) for (const parameter of parameters.values()) if (parameter.name.startsWith(`${each}.`)) theirs.set(parameter.name, parameter);
  const total = [...own, ...theirs.values()].filter(({ trainable }) => trainable).reduce((sum, { type }) => sum + elementCount(type), 0);
  if (own.length + theirs.size === 0) return [text("No weights.")];
  const rows = own.slice(0, mostWeights).map((parameter) => [parameter.name.slice(name.length + 1), `[${dims(parameter.type).join(", ")}]`, count(elementCount(parameter.type)), parameter.trainable ? "" : "statistic"] as const);
  const widths = [0, 1, 2].map((column) => Math.max(0, ...rows.map((row) => row[column]!.length)));
  const lines = rows.map(([role, shape, numbers, note]) => `${role.padEnd(widths[0]!)}  ${shape.padEnd(widths[1]!)}  ${numbers.padStart(widths[2]!)}  ${note}`.trimEnd());
  return [
    text(`**${count(total)}** learnt numbers${called.length > 0 ? `, those of ${listed(called)} included` : ""}.`),
    verbatim([...lines, ...(own.length > mostWeights ? [`… and ${own.length - mostWeights} weights more`] : [])].join("\n")),
  ];
}

/** Networks that a network calls, and that those call. */
function calledNetworks(network: Network, find: (name: string) => Network | undefined): readonly string[] {
  const called = new Set<string>();
  const queue: Network[] = [network];
  for (let next = queue.pop(); next; next = queue.pop()) {
    for (const name of callsIn(next)) {
      if (called.has(name)) continue;
      called.add(name);
      const inner = find(name);
      if (inner) queue.push(inner);
    }
  }
  return [...called];
}

/** Outputs of one call share their arguments, so each expression is looked at once. */
function callsIn({ bindings, outputs }: Network): ReadonlySet<string> {
  const called = new Set<string>();
  const seen = new Set<Expr>();
  const stack: Expr[] = [...bindings, ...outputs].map(({ value }) => value);
  for (let next = stack.pop(); next; next = stack.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    if (next.kind === "call") called.add(next.network);
    stack.push(...partsOf(next));
  }
  return called;
}
