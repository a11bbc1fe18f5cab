import { CompletionItemKind } from "vscode-languageserver";
import type * as ast from "../../parser/ast.js";
import type { Analysis } from "../analysis.js";
import { type Cursor, loopVariables } from "../cursor.js";
import { settings } from "../documentation/training.js";
import type { Declaration } from "../names.js";
import { textOf } from "../../diagnostics/span.js";
import { guideItem } from "../vocabulary.js";
import { escaped, type Offer } from "./offer.js";
import { drawsOf, itemAround, latentsOf, modelAround } from "./scope.js";

/** A word that begins an item or a statement, with the rest of it to fill in. */
function keyword(name: string, snippet: string | undefined, rank: number): Offer {
  return { label: name, kind: CompletionItemKind.Keyword, rank, about: { kind: "keyword", name }, ...(snippet === undefined ? {} : { insert: { snippet, plain: `${name} ` } }) };
}

/** `z ~ `: what a statement gives a value. */
function target(declaration: Declaration, written: string, sign: string, rank: number, detail: string): Offer {
  return { label: `${written} ${sign}`, kind: declaration.kind === "column" ? CompletionItemKind.Field : CompletionItemKind.Variable, rank, detail, insert: { snippet: `${escaped(written)} ${sign} `, plain: `${written} ${sign} ` }, about: { kind: "name", name: declaration.name, start: declaration.span.start } };
}

/** Items, with those first that the models of the file lack. */
export function itemOffers({ module }: Analysis): readonly Offer[] {
  const models = module.items.flatMap((item) => (item.kind === "model" ? [item.name.name] : []));
  const lacking = (kind: "guide" | "train"): string => escaped(models.find((name) => !module.items.some((item) => item.kind === kind && item.name.name === name)) ?? models[0] ?? "name");
  return [
    keyword("const", "const ${1:K} = ${2:10}", 2),
    keyword("param", "param ${1:w}: ${2:real}", 2),
    keyword("network", "network ${1:name}(${2:x}: ${3:real}) -> (${4:y}: ${5:real}) {\n  $0\n}", 1),
    keyword("model", "model ${1:name}(${2:x}: ${3:real}) {\n  $0\n}", 1),
    keyword("guide", `guide \${1:${lacking("guide")}} {\n  $0\n}`, 1),
    keyword("train", `train \${1:${lacking("train")}} {\n  $0\n}`, 1),
    keyword("import", "import ${2:name} from \"${1:file}.lvm\"", 2),
  ];
}

export function statementOffers(analysis: Analysis, cursor: Cursor, of: "network" | "model" | "guide" | "train"): readonly Offer[] {
  const item = itemAround(analysis, cursor);
  switch (of) {
    case "network":
      return item?.kind === "network" ? outputOffers(analysis, cursor, item) : [];
    case "model":
      return [...(item?.kind === "model" ? columnOffers(analysis, cursor, item) : []), keyword("global", "global ${1:w}: ${2:real} ~ ", 4), ...loops];
    case "guide": {
      const model = modelAround(analysis, cursor);
      return [...(model ? entryOffers(analysis, cursor, model) : []), keyword("auto", "auto ${1|mean_field,full_rank|} ${2:z}", 4), keyword("marginalize", "marginalize ${1:k}", 4), keyword("local", "local ${1:mean}: ${2:real} = ${3:0}", 4), ...loops];
    }
    case "train":
      return settingOffers(analysis, cursor, item);
  }
}

const loops: readonly Offer[] = [keyword("each", "each ${1:t} in 1..${2:T} {\n  $0\n}", 5), keyword("chain", "chain ${1:t} in 2..${2:T} {\n  $0\n}", 5)];

/** Outputs that nothing is assigned to yet. */
function outputOffers(analysis: Analysis, { word }: Cursor, item: ast.NetworkItem): readonly Offer[] {
  const outputs = analysis.names.declarations.filter(({ owner, kind }) => owner === item && kind === "output");
  return outputs
    .filter((output) => !analysis.names.of(output).some(({ role, span }) => role === "write" && span.start !== word.start))
    .map((output) => target(output, output.name, "=", 0, "output"));
}

/** Columns that are not drawn yet. */
function columnOffers(analysis: Analysis, cursor: Cursor, model: ast.ModelItem): readonly Offer[] {
  const columns = analysis.names.declarations.filter(({ owner, kind, node }) => owner === model && kind === "column" && node.kind === "column" && node.indices.length === 0);
  return columns.filter(({ name }) => drawsOf(model.body, name).length === 0).map((column) => target(column, indexed(column.name, cursor), "~", 1, "column"));
}

/** Latents that the guide does not infer yet, written as the model writes them within as many loops: a chain has its start and its steps. */
function entryOffers(analysis: Analysis, cursor: Cursor, model: ast.ModelItem): readonly Offer[] {
  const depth = loopVariables(cursor).length;
  const guide = guideItem(analysis, model.name.name)?.body ?? [];
  const grouped = new Set(guide.flatMap((statement) => (statement.kind === "auto" || statement.kind === "marginalize" ? statement.sites.map(({ name }) => name) : [])));
  return latentsOf(analysis, model).flatMap(({ declaration }) => {
    const { name } = declaration;
    const drawn = drawsOf(guide, name).filter(({ statement }) => statement.span.start !== cursor.word.start);
    const free = drawsOf(model.body, name).find((place) => place.depth === depth && !drawn.some((each) => each.depth === depth));
    if (!free || grouped.has(name)) return [];
    const start = free.statement.indices.length > depth;
    return [target(declaration, start ? `${name}[${free.statement.indices.map((index) => textOf(index.span)).join(", ")}]` : indexed(name, cursor), "~", 0, declaration.kind)];
  });
}

function indexed(name: string, cursor: Cursor): string {
  const variables = loopVariables(cursor).toReversed();
  return variables.length === 0 ? name : `${name}[${variables.join(", ")}]`;
}

/** Settings that the block does not have yet. */
function settingOffers(analysis: Analysis, { word }: Cursor, item: ast.Item | undefined): readonly Offer[] {
  const body = item?.kind === "train" ? item.body.filter(({ span }) => span.start !== word.start) : [];
  const given = new Set(body.flatMap((statement) => (statement.kind === "setting" ? [statement.name.name] : [])));
  const model = item?.kind === "train" ? analysis.module.items.find((each): each is ast.ModelItem => each.kind === "model" && each.name.name === item.name.name) : undefined;
  return [
    ...(body.some(({ kind }) => kind === "maximize") ? [] : [keyword("maximize", "maximize ${1:elbo}", 0)]),
    ...[...settings.values()].filter(({ name }) => !given.has(name)).map(({ name, default: value }): Offer => ({
      label: `${name} =`, kind: CompletionItemKind.Property, rank: 1, about: { kind: "setting", name }, insert: { snippet: `${name} = `, plain: `${name} = ` }, ...(value === "none" ? {} : { detail: `default ${value}` }),
    })),
    ...(model?.columns.some(({ type }) => type.optional) ? [keyword("observe", "observe ${1:y} = ${2:0.1}", 2)] : []),
  ];
}
