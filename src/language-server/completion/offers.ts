import { CompletionItemKind } from "vscode-languageserver";
import type * as ast from "../../parser/ast.js";
import type { SupportKind } from "../../types/support.js";
import { printType } from "../../types/type.js";
import type { Analysis } from "../analysis.js";
import { type Cursor, itemOf } from "../cursor.js";
import { types } from "../documentation/calls.js";
import { diffusionForm, elboForm, familyCalls, objectives, settings, termCalls } from "../documentation/training.js";
import { isDiffusion } from "../../checker/diffusion/check-diffusion.js";
import type { Workspace } from "../workspace.js";
import { distributionOffers, estimatorOffers } from "./distributions.js";
import { callOffer, escaped, type Offer } from "./offer.js";
import { modelAround } from "./scope.js";
import type { Situation } from "./situation.js";
import { itemOffers, statementOffers } from "./statements.js";
import { callsOf, constantOffers, expressionOffers, nameOffer, pipeOffers, siteOffers } from "./values.js";

/** Other files, for imports. */
export type Files = Pick<Workspace, "files" | "resolve" | "analysis" | "uriOf">;

/** What may be written in a situation, in no order. */
export function offersIn(analysis: Analysis, cursor: Cursor, situation: Situation, files: Files): readonly Offer[] {
  switch (situation.kind) {
    case "nothing":
      return [];
    case "item":
      return itemOffers(analysis);
    case "import names":
      return importedNames(analysis, cursor, files);
    case "import path":
      return importPaths(analysis, files);
    case "model":
      return modelOffers(analysis, situation.of);
    case "words":
      return situation.words.map((label): Offer => ({ label, kind: CompletionItemKind.Keyword, rank: 0, about: { kind: "keyword", name: label.split(" ")[0]! }, ...(label === "where" ? { insert: { snippet: `where length(\${1:${escaped(firstColumn(cursor))}}) <= \${2:T}`, plain: "where " } } : {}) }));
    case "type":
      return typeOffers(situation.of);
    case "size":
      return constantOffers(analysis, true);
    case "statement":
      return statementOffers(analysis, cursor, situation.of);
    case "distribution":
      return distributionOffers(analysis, cursor, cursor.brackets.length > 0);
    case "pipe":
      return pipeOffers(analysis, cursor);
    case "member":
      return memberOffers(analysis, cursor, situation.target?.image ?? "", situation.stage);
    case "estimator":
      return estimatorOffers(analysis, cursor);
    case "family":
      return callsOf(familyCalls, 0, "family");
    case "sites":
      return siteOffers(analysis, cursor, situation.of);
    case "objective":
      return objectiveOffers(analysis, cursor);
    case "constraint":
      return [...termCalls.values()].map((each) => ({ ...callOffer(each, 0, { kind: "word", realm: "training", name: each.name }), insert: { snippet: `${each.name}(\${1:${each.name === "kl" ? "z" : "x"}}) ${each.name === "kl" ? "<=" : ">="} \${2:${each.name === "kl" ? "12" : "-80"}}`, plain: each.name } }));
    case "observe":
      return partlyObserved(analysis, cursor);
    case "setting":
      return settingValues(analysis, situation.name);
    case "expression":
      return expressionOffers(analysis, cursor, situation);
  }
}

const exported: ReadonlySet<ast.Node["kind"]> = new Set(["const", "param", "network"]);

/** What the file behind `from` declares, and this import does not bring yet. */
function importedNames(analysis: Analysis, { source, word, head }: Cursor, files: Files): readonly Offer[] {
  const path = /^[^\n]*?from\s+"([^"\n]*)"/.exec(source.text.slice(word.end))?.[1];
  const uri = path === undefined ? undefined : files.resolve(path, analysis.source);
  const other = uri === undefined ? undefined : files.analysis(uri);
  const here = head.map(({ image }) => image);
  return (other?.names.declarations ?? []).filter(({ owner, node, name }) => owner === undefined && exported.has(node.kind) && !here.includes(name)).map((each) => {
    const { about: _, ...offer } = nameOffer(other!, each, 0);
    return { ...offer, detail: offer.detail ?? each.kind };
  });
}

/** Model files, relative to this one. */
function importPaths(analysis: Analysis, files: Files): readonly Offer[] {
  const here = files.uriOf(analysis.source);
  return files.files().filter((uri) => uri !== here).flatMap((uri) => {
    const path = relativePath(here, uri);
    return path === undefined ? [] : [{ label: path, kind: CompletionItemKind.File, rank: path.startsWith("../") ? 1 : 0 }];
  });
}

/** `../nets/vae.lvm`; undefined where the two have no folder in common. */
function relativePath(from: string, to: string): string | undefined {
  const [here, there] = [from, to].map((uri) => uri.split("/"));
  let common = 0;
  while (common < here!.length - 1 && here![common] === there![common]) common += 1;
  // file: + empty host are no folder.
  if (common < 3) return undefined;
  try {
    return [...here!.slice(common, -1).map(() => ".."), ...there!.slice(common)].map(decodeURIComponent).join("/");
  } catch {
    return undefined;
  }
}

/** Models without this block; behind `on`, models to learn from. */
function modelOffers(analysis: Analysis, of: "guide" | "train" | "stage"): readonly Offer[] {
  const { items } = analysis.module;
  return analysis.names.declarations.filter(({ kind, name }) => kind === "model" && (of === "stage" || !items.some((item) => item.kind === of && item.name.name === name))).map((each) => nameOffer(analysis, each, 0));
}

function firstColumn({ head }: Cursor): string {
  return head[3]?.image ?? "x";
}

const sizedTypes: Readonly<Record<string, string>> = { index: "index(${1:K})", interval: "interval(${1:0}, ${2:1})", simplex: "simplex[${1:K}]", ordered: "ordered[${1:K}]", cholesky: "cholesky[${1:K}]", covariance: "covariance[${1:K}]" };
const discreteTypes: ReadonlySet<string> = new Set(["binary", "index", "count", "byte"] satisfies SupportKind[]);

/** Types; learnt values are continuous. */
function typeOffers(of: Extract<Situation, { kind: "type" }>["of"]): readonly Offer[] {
  return [...types.values()].filter(({ name }) => of !== "learnt" || !discreteTypes.has(name)).map((each, at) => {
    const snippet = sizedTypes[each.name];
    return { ...callOffer(each, at, { kind: "word", realm: "type", name: each.name }), detail: each.doc.replace(/[:;] `.*$/, ""), ...(snippet === undefined ? {} : { insert: { snippet, plain: each.name } }) };
  });
}

/** `q.`: the outputs of a network's result; `on vae.`: the latents of a model. */
function memberOffers(analysis: Analysis, cursor: Cursor, target: string, stage: boolean): readonly Offer[] {
  if (stage) {
    const model = analysis.names.declarations.find(({ kind, name }) => kind === "model" && name === target)?.node;
    return analysis.names.declarations.filter(({ owner, kind }) => model !== undefined && owner === model && (kind === "latent" || kind === "column")).map((each) => nameOffer(analysis, each, each.kind === "latent" ? 0 : 1));
  }
  const name = analysis.names.declarations.findLast((each) => each.kind === "binding" && each.name === target && each.span.start < cursor.offset && each.owner?.kind === itemOf(cursor)?.word);
  const value = name?.node.kind === "let" ? name.node.value : undefined;
  const last = value?.kind === "pipe" ? value.into : value;
  const callee = last?.kind === "call" ? last.callee : last;
  const called = callee?.kind === "name" ? callee.name : target;
  const signature = analysis.facts.context.networks.get(called)?.signature;
  return (signature?.outputs ?? []).map(({ name: output, type }): Offer => ({ label: output, kind: CompletionItemKind.Field, rank: 0, detail: printType(type) }));
}

function objectiveOffers(analysis: Analysis, cursor: Cursor): readonly Offer[] {
  const model = modelAround(analysis, cursor);
  const form = model && isDiffusion(model) ? diffusionForm : elboForm;
  return [...objectives.values()].map((each, at) => callOffer(each.name === "elbo" ? { ...each, forms: [form] } : each, at, { kind: "word", realm: "training", name: each.name }));
}

function partlyObserved(analysis: Analysis, cursor: Cursor): readonly Offer[] {
  const model = modelAround(analysis, cursor);
  return analysis.names.declarations.filter(({ owner, node }) => owner !== undefined && owner === model && node.kind === "column" && node.type.optional).map((each) => nameOffer(analysis, each, 0));
}

/** Values of a setting, filled in with their defaults. */
function settingValues(analysis: Analysis, name: string): readonly Offer[] {
  const setting = settings.get(name);
  if (!setting) return [];
  const values = [...setting.values.values()].map((each, at): Offer => {
    const offer = callOffer(each, Math.min(at, 8), { kind: "word", realm: "training", name: each.name });
    const [first] = each.forms[0]?.parameters ?? [];
    if (each.kind === "data") return { ...offer, insert: { snippet: first ? `${each.name}(\${1:${first.default ?? first.name}})` : `${each.name}()`, plain: each.name } };
    return first && each.kind === "optimizer" ? { ...offer, insert: { snippet: `${each.name}(rate = \${1:${first.default ?? "1e-3"}})`, plain: each.name } } : offer;
  });
  return setting.values.size > 0 && name !== "checkpoint" ? values : [...values, ...constantOffers(analysis, true)];
}
