import { lineOf, type Span } from "../../diagnostics/span.js";
import type { ConstantValue } from "../../checker/context.js";
import { formulaLines } from "../../objectives/formula-text.js";
import { boundTitle } from "../../objectives/print-text.js";
import { totalFormula } from "../../objectives/total.js";
import type * as ast from "../../parser/ast.js";
import { printColumn } from "../../parser/print-expression.js";
import { elementCount, printType } from "../../types/type.js";
import type { Analysis } from "../analysis.js";
import { code, type Part, text, verbatim } from "../markup.js";
import type { Declaration } from "../names.js";
import { count, listed, programOf, statementText, typedName, typeOf } from "./facts.js";
import { networkParts } from "./network-parts.js";
import { entriesOf, siteParts } from "./site-parts.js";

/** What a declared name is: its type, its value, where it comes from. */
export function nameParts(analysis: Analysis, declaration: Declaration): readonly Part[] {
  const { node, owner, name } = declaration;
  const typed = code(typedName(analysis, declaration));
  switch (declaration.kind) {
    case "import":
      return importedParts(analysis, declaration);
    case "constant":
      return node.kind === "const" ? constantParts(analysis, node) : [];
    case "parameter":
      return node.kind === "param" ? parameterParts(analysis, node) : [];
    case "network":
      return node.kind === "network" ? networkParts(analysis, node) : [];
    case "model":
      return node.kind === "model" ? modelParts(analysis, node) : [];
    case "input":
    case "output":
      return [typed, text(`An ${declaration.kind} of the network \`${owner ? nameOf(owner) : ""}\`.`)];
    case "column":
      return [typed, text(columnText(analysis, declaration)), ...siteParts(analysis, declaration)];
    case "latent": {
      const global = node.kind === "sample" && node.global;
      if (owner?.kind !== "model") return [typed, text("Drawn in the guide.")];
      return [typed, text(global ? `A latent of \`${nameOf(owner)}\` with one value for the whole data set.` : `A latent of \`${nameOf(owner)}\`, drawn afresh in each row.`), ...siteParts(analysis, declaration)];
    }
    case "binding":
      return bindingParts(analysis, declaration);
    case "local":
      return [typed, text("One learnt value for each data row."), ...(node.kind === "local" ? [code(statementText(node.span))] : [])];
    case "loop variable":
      return node.kind === "loop" ? [code(`${node.loop} ${name} in ${rangeText(node)}`), text(node.loop === "chain" ? "The step of a chain: each step may read those before." : "The step of a plate: its steps are independent given what stands outside.")] : [];
  }
}

/** `on line 12`, or `in vae.lvm, line 12` of another file. */
export function placeText({ source }: Pick<Analysis, "source">, span: Span): string {
  return span.source === source ? `on line ${lineOf(span)}` : `in \`${span.source.path}\`, line ${lineOf(span)}`;
}

const nameOf = (item: ast.Item): string => (item.kind === "import" ? item.path.value : item.name.name);

const rangeText = ({ range }: ast.LoopStatement): string => range.span.source.text.slice(range.span.start, range.span.end);

function constantParts({ facts }: Analysis, { name, span, doc, value }: ast.ConstItem): readonly Part[] {
  const constant = facts.context.constants.get(name.name);
  const obvious = value.kind === "number" || (value.kind === "unary" && value.operand.kind === "number");
  return [code(statementText(span)), text(constant && !obvious ? `= ${valueText(constant.value)}` : ""), text(doc)];
}

const mostValues = 8;

/** `20`, or the first and last of an array's numbers. */
function valueText(value: ConstantValue): string {
  if (value.kind === "number") return String(value.value);
  const numbers = value.values.map((each) => String(Number(each.toPrecision(6))));
  const shown = numbers.length <= mostValues ? numbers : [...numbers.slice(0, mostValues - 2), "…", numbers.at(-1)!];
  return `[${shown.join(", ")}], an array of the shape [${value.shape.join(", ")}]`;
}

function parameterParts({ facts }: Analysis, item: ast.ParamItem): readonly Part[] {
  const parameter = facts.context.parameterItems.get(item.name.name)?.parameter;
  const size = parameter ? elementCount(parameter.type) : undefined;
  return [code(statementText(item.span)), text(`A learnt value, shared by all rows${parameter && size !== undefined ? `: \`${printType(parameter.type)}\`, ${count(size)} ${size === 1 ? "number" : "numbers"}` : ""}.`), text(item.doc)];
}

function modelParts(analysis: Analysis, item: ast.ModelItem): readonly Part[] {
  const head = code(`model ${item.name.name}(${item.columns.map(printColumn).join(", ")})`);
  const latents = analysis.names.declarations.filter(({ kind, owner }) => kind === "latent" && owner === item).map(({ name }) => name);
  const observed = item.columns.map(({ name }) => name.name).filter((name) => entriesOf(item.body, name).length > 0);
  const facts = [latents.length > 0 ? `Latents: ${listed(latents)}` : "No latents", observed.length > 0 ? `observed: ${listed(observed)}` : ""].filter((part) => part !== "").join(" · ");
  const program = programOf(analysis, item);
  if (!program) return [head, text(item.doc), text(facts)];
  const objective = analysis.objective(program);
  const learnt = program.parameters.filter(({ trainable }) => trainable).reduce((sum, { type }) => sum + elementCount(type), 0);
  const perRow = program.parameters.some((each) => each.perRow);
  return [
    head,
    text(item.doc),
    text(`${facts} · learnt: **${count(learnt)}** numbers${perRow ? ", those of one row included" : ""}`),
    text(`The ${boundTitle(objective)}:`),
    verbatim(formulaLines(totalFormula(objective), 84).map((line, at) => (at === 0 ? `L = ${line}` : `    ${line}`)).join("\n")),
  ];
}

function columnText(analysis: Analysis, { owner, node, name }: Declaration): string {
  if (owner?.kind !== "model" || node.kind !== "column") return "";
  const observed = node.indices.length > 0 || entriesOf(owner.body, name).length > 0;
  const what = node.type.optional ? "A column that is known in some rows only; where it is missing it is a latent" : observed ? "An observed column" : "An input: the model is conditional on it";
  const dropout = node.dropout ? "; training leaves it out of a share of the rows" : "";
  return `${what}${dropout}. Of the model \`${owner.name.name}\`.`;
}

/** A computed value; of a network's result, its outputs. */
function bindingParts(analysis: Analysis, declaration: Declaration): readonly Part[] {
  const { node } = declaration;
  if (node.kind !== "let") return [];
  const typed = typeOf(analysis, declaration) ? typedName(analysis, declaration) : "";
  return [code([typed, statementText(node.span)].filter((line) => line !== "").join("\n")), verbatim(typed === "" ? outputsOf(analysis, node) : "")];
}

function outputsOf({ facts }: Analysis, { value }: ast.LetStatement): string {
  const last = value.kind === "pipe" ? value.into : value;
  const callee = last.kind === "call" ? last.callee : last;
  const signature = callee.kind === "name" ? facts.context.networks.get(callee.name)?.signature : undefined;
  return (signature?.outputs ?? []).map(({ name, type }) => `.${name}: ${printType(type)}`).join("\n");
}

/** What an import brings is shown as in the file that declares it. */
function importedParts(analysis: Analysis, { name, node }: Declaration): readonly Part[] {
  const { constantItems, parameterItems, networks } = analysis.facts.context;
  const item = networks.get(name)?.signature.item ?? parameterItems.get(name)?.item ?? constantItems.get(name);
  if (node.kind !== "import") return [];
  if (!item) return [code(`import ${name} from "${node.path.value}"`)];
  const parts = item.kind === "network" ? networkParts(analysis, item) : item.kind === "param" ? parameterParts(analysis, item) : constantParts(analysis, item);
  return [...parts, text(`Declared ${placeText(analysis, item.name.span)}.`)];
}
