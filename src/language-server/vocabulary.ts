import type { IToken } from "chevrotain";
import { isDiffusion } from "../checker/diffusion/check-diffusion.js";
import * as t from "../parser/tokens.js";
import type * as ast from "../parser/ast.js";
import { printColumn } from "../parser/print-expression.js";
import { printType } from "../types/type.js";
import type { Analysis } from "./analysis.js";
import { type Bracket, type Cursor, itemOf } from "./cursor.js";
import { constantCalls, constants, distributionCalls, firstValues, functions, layers, noiseSchedules, types } from "./documentation/calls.js";
import type { Documented } from "./documentation/documented.js";
import { diffusionForm, elboForm, estimatorCalls, familyCalls, trainingWords } from "./documentation/training.js";

const { keywords: k } = t;

/** Which names of the language a place takes: `linear` is a schedule of rates in a train block, `normal` a first value of a parameter. */
export type Realm = "value" | "constant" | "training" | "estimator" | "family" | "first value" | "distribution" | "type";

/** In the order in which a name is looked for. */
export const realms: Readonly<Record<Realm, readonly ReadonlyMap<string, Documented>[]>> = {
  value: [functions, layers, constants, distributionCalls, noiseSchedules],
  constant: [noiseSchedules, constantCalls, constants],
  training: [trainingWords, constantCalls, constants],
  estimator: [estimatorCalls],
  family: [familyCalls],
  "first value": [firstValues, constantCalls, constants],
  distribution: [distributionCalls],
  type: [types, constantCalls],
};

/** What may be named behind these words of an item (in a head: `blocks` is empty) or of a statement. */
export function realmBehind(blocks: Cursor["blocks"], head: readonly IToken[]): Realm {
  const [item] = blocks[0] ?? head;
  const outer = outermost(head);
  const has = (type: IToken["tokenType"]): boolean => outer.some(({ tokenType }) => tokenType === type);
  switch (item?.tokenType) {
    case k.param:
      return has(t.Equals) ? "first value" : "type";
    case k.train:
      return blocks.length > 0 ? "training" : "constant";
    case k.network:
    case k.model:
    case k.guide:
      if (blocks.length === 0) return "type";
      if (outer[0]?.tokenType === k.auto && !has(t.Equals) && !has(t.Tilde)) return "family";
      if (has(t.Tilde)) return has(k.by) ? "estimator" : outer.at(-1)?.tokenType === t.Tilde && (head.at(-1)?.tokenType === t.Tilde || inComponents(head)) ? "distribution" : "value";
      if (has(t.Equals)) return outer[0]?.tokenType === k.local ? "first value" : "value";
      return has(t.Colon) ? "type" : "value";
    default:
      return "constant";
  }
}

/** `Mixture(weights, `: a distribution is the second argument of this one. */
function inComponents(head: readonly IToken[]): boolean {
  const open = head.findLastIndex(({ tokenType }, at) => tokenType === t.LeftParenthesis && head[at - 1]?.image === "Mixture");
  const inside = open < 0 ? [] : head.slice(open + 1);
  const last = inside.at(-1);
  return (last?.tokenType === t.Comma && outermost(inside).filter(({ tokenType }) => tokenType === t.Comma).length === 1) || (last?.tokenType === t.Equals && inside.at(-2)?.image === "components");
}

/** Those that stand within no bracket, open or closed. */
function outermost(head: readonly IToken[]): readonly IToken[] {
  let depth = 0;
  const kept: IToken[] = [];
  for (const token of head) {
    if (t.brackets.some(([left]) => left === token.tokenType)) depth += 1;
    else if (t.brackets.some(([, right]) => right === token.tokenType)) depth -= 1;
    else if (depth === 0) kept.push(token);
  }
  return kept;
}

/** What a name of a realm stands for. */
export function documentedIn(realm: Realm, name: string): Documented | undefined {
  for (const table of realms[realm]) {
    const found = table.get(name);
    if (found) return found;
  }
  return undefined;
}

/** What a bracket around the cursor calls: a network, or something of the language. */
export function calledBy(analysis: Analysis, cursor: Cursor, { callee }: Bracket): Documented | undefined {
  if (!callee) return undefined;
  const realm = realmBehind(cursor.blocks, cursor.head.slice(0, cursor.head.indexOf(callee)));
  const network = realm === "value" ? networkCall(analysis, callee.image) : undefined;
  const found = network ?? documentedIn(realm, callee.image);
  return found?.name === "elbo" ? { ...found, forms: [elboOf(analysis, itemOf(cursor)?.name)] } : found;
}

const elboOf = (analysis: Analysis, name: string | undefined): Documented["forms"][number] => {
  const model = name === undefined ? undefined : modelItem(analysis, name);
  return model && isDiffusion(model) ? diffusionForm : elboForm;
};

/** The model that a guide or train block belongs to. */
export function modelItem(analysis: Analysis, name: string): ast.ModelItem | undefined {
  return analysis.module.items.find((item) => item.kind === "model" && item.name.name === name) as ast.ModelItem | undefined;
}

export function guideItem(analysis: Analysis, name: string): ast.GuideItem | undefined {
  return analysis.module.items.find((item) => item.kind === "guide" && item.name.name === name) as ast.GuideItem | undefined;
}

/** A network of this file or of an imported one; from its head alone where that has a mistake. */
export function networkCall(analysis: Analysis, name: string): Documented | undefined {
  const signature = analysis.facts.context.networks.get(name)?.signature;
  const item = signature?.item ?? analysis.module.items.find((each): each is ast.NetworkItem => each.kind === "network" && each.name.name === name);
  if (!item) return undefined;
  const inputs = item.inputs.map(({ name: input, type }, at) => ({ name: input.name, doc: "", takes: "value" as const, type: signature?.inputs[at] ? printType(signature.inputs[at].type) : textOfType(type) }));
  return { kind: "network", name, doc: item.doc, forms: [{ parameters: inputs }] };
}

const textOfType = (type: ast.TypeExpression): string => type.span.source.text.slice(type.span.start, type.span.end);

/** `(mean: real[20], scale: positive[20])`, the sizes as they are written. */
export function outputsText(analysis: Analysis, name: string): string {
  const item = analysis.facts.context.networks.get(name)?.signature.item ?? analysis.module.items.find((each): each is ast.NetworkItem => each.kind === "network" && each.name.name === name);
  return item ? `(${item.outputs.map(printColumn).join(", ")})` : "";
}
