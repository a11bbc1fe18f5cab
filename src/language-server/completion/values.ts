import { CompletionItemKind } from "vscode-languageserver";
import type * as ast from "../../parser/ast.js";
import * as t from "../../parser/tokens.js";
import { isDiscrete } from "../../types/support.js";
import { printType } from "../../types/type.js";
import type { Analysis } from "../analysis.js";
import { type Cursor, loopVariables, nameOfArgument } from "../cursor.js";
import { constantCalls, constants, functions, layers, noiseSchedules, firstValues } from "../documentation/calls.js";
import type { Documented, FormParameter } from "../documentation/documented.js";
import { optionValues, rateSchedules } from "../documentation/training.js";
import { givenIn } from "../features/signature-help.js";
import { typeOf } from "../hover/facts.js";
import type { Declaration } from "../names.js";
import { calledBy, networkCall, type Realm } from "../vocabulary.js";
import { distributionOffers } from "./distributions.js";
import { type About, callOffer, type Offer } from "./offer.js";
import { constantsOf, drawsOf, latentsOf, modelAround, readableAt, supportOfDeclaration } from "./scope.js";
import type { Situation } from "./situation.js";

/** Ranks: what the place asks for, then names of the item, of the file, then what the language brings. */
const ranks = { parameter: 0, choice: 0, name: 2, file: 3, network: 4, call: 5, layer: 6 } as const;

const symbols: Readonly<Record<Declaration["kind"], CompletionItemKind>> = {
  import: CompletionItemKind.Reference, constant: CompletionItemKind.Constant, parameter: CompletionItemKind.Property, network: CompletionItemKind.Module, model: CompletionItemKind.Class, input: CompletionItemKind.Field,
  output: CompletionItemKind.Field, column: CompletionItemKind.Field, latent: CompletionItemKind.Variable, binding: CompletionItemKind.Variable, local: CompletionItemKind.Property, "loop variable": CompletionItemKind.Variable,
};

/** A declared name. */
export function nameOffer(analysis: Analysis, declaration: Declaration, rank: number): Offer {
  const type = typeOf(analysis, declaration);
  const constant = analysis.facts.context.constants.get(declaration.name)?.value;
  const detail = type ? printType(type) : declaration.owner === undefined && constant ? (constant.kind === "number" ? `= ${constant.value}` : `[${constant.shape.join(", ")}]`) : undefined;
  return { label: declaration.name, kind: symbols[declaration.kind], rank, about: { kind: "name", name: declaration.name, start: declaration.span.start }, ...(detail === undefined ? {} : { detail }) };
}

/** What may stand where a value is missing. */
export function expressionOffers(analysis: Analysis, cursor: Cursor, { realm, call, fresh }: Extract<Situation, { kind: "expression" }>): readonly Offer[] {
  const called = call && calledBy(analysis, cursor, call);
  if (!call || !called) return plainOffers(analysis, cursor, realm);
  const { current, names } = givenIn(call, called);
  const parameters = [...new Map(called.forms.flatMap((form) => form.parameters).map((each) => [each.name, each])).values()];
  const named = nameOfArgument(call.args.at(-1) ?? []);
  const parameter = parameters.find((each) => each.name === (named ?? current));
  const free = fresh ? parameterOffers(called, names.filter((name) => name !== current), named) : [];
  if (called.kind === "term") return termOffers(analysis, cursor, called.name);
  const positional = called.forms[0]?.positional;
  if (named === undefined && positional !== undefined && call.args.length > positional) return free;
  const operand = named !== undefined ? (call.args.at(-1)?.length ?? 0) > 2 : !fresh;
  return [...free, ...(parameter && !operand ? argumentOffers(analysis, cursor, realm, called, parameter) : plainOffers(analysis, cursor, realm))];
}

/** `logits = `, of those parameters that can go with what is given already. */
function parameterOffers(called: Documented, given: readonly string[], named: string | undefined): readonly Offer[] {
  if (named !== undefined) return [];
  const fitting = called.forms.filter((form) => !form.unnamed && given.every((name) => form.parameters.some((each) => each.name === name)));
  const open = new Map(fitting.flatMap((form) => form.parameters).filter(({ name, many }) => !given.includes(name) && !many && /^\w+$/.test(name)).map((each) => [each.name, each]));
  return [...open.values()].map((each) => ({
    label: `${each.name} = `, kind: CompletionItemKind.Property, rank: ranks.parameter, about: { kind: "parameter", called: called.name, doc: each.doc },
    ...(each.type === undefined && each.default === undefined ? {} : { detail: [each.type, each.default === undefined ? undefined : `= ${each.default}`].filter((part) => part !== undefined).join(" ") }),
  }));
}

function argumentOffers(analysis: Analysis, cursor: Cursor, realm: Realm, called: Documented, parameter: FormParameter): readonly Offer[] {
  const choices = (parameter.choices ?? []).map((label): Offer => {
    const value = optionValues.get(label);
    return value ? callOffer(value, ranks.choice, { kind: "word", realm: "training", name: label }) : { label, kind: CompletionItemKind.EnumMember, rank: ranks.choice, about: { kind: "parameter", called: called.name, doc: parameter.doc } };
  });
  switch (parameter.takes) {
    case "word":
      return choices;
    case "distribution":
      return distributionOffers(analysis, cursor, true);
    case "rate":
      return [...callsOf(rateSchedules, ranks.call, "training"), ...constantOffers(analysis)];
    case "constant":
      return [...choices, ...constantOffers(analysis)];
    case "name":
      return called.name === "repeat" ? networkNames(analysis) : plainOffers(analysis, cursor, realm);
    case "value":
      return [...choices, ...plainOffers(analysis, cursor, realm)];
  }
}

function plainOffers(analysis: Analysis, cursor: Cursor, realm: Realm): readonly Offer[] {
  switch (realm) {
    case "value":
    case "distribution":
      return valueOffers(analysis, cursor);
    case "first value":
      return [...callsOf(firstValues, ranks.choice, "first value"), ...constantOffers(analysis), ...builtinConstants()];
    case "constant":
      return [...constantOffers(analysis), ...builtinConstants(), ...callsOf(noiseSchedules, ranks.call, "constant"), ...callsOf(constantCalls, ranks.call, "constant")];
    default:
      return constantOffers(analysis);
  }
}

/** Names that can be read, networks, functions; in networks layers too. */
function valueOffers(analysis: Analysis, cursor: Cursor): readonly Offer[] {
  const bare = cursor.next?.tokenType === t.LeftParenthesis;
  const inNetwork = cursor.blocks[0]?.[0]?.tokenType === t.keywords.network;
  const { networks } = analysis.facts.context;
  const readable = readableAt(analysis, cursor).filter(({ kind, name }) => kind !== "import" || !networks.has(name));
  return [
    ...loopVariables(cursor).map((label): Offer => ({ label, kind: CompletionItemKind.Variable, rank: ranks.name, detail: "loop variable" })),
    ...readable.map((each) => nameOffer(analysis, each, each.owner ? ranks.name : ranks.file)),
    ...builtinConstants(),
    ...networkOffers(analysis, cursor, false, bare),
    ...callsOf(functions, ranks.call, "value", { bare }),
    ...(inNetwork ? callsOf(layers, ranks.layer, "value", { bare }) : []),
  ];
}

/** What a value can be piped into. */
export function pipeOffers(analysis: Analysis, cursor: Cursor): readonly Offer[] {
  const bare = cursor.next?.tokenType === t.LeftParenthesis;
  const inNetwork = cursor.blocks[0]?.[0]?.tokenType === t.keywords.network;
  return [
    ...(inNetwork ? callsOf(layers, ranks.name, "value", { piped: true, bare }) : []),
    ...networkOffers(analysis, cursor, true, bare),
    ...callsOf(functions, ranks.call, "value", { piped: true, bare }),
  ];
}

/** Networks of the file and of its imports, but for the one that is being written. */
function networkOffers(analysis: Analysis, cursor: Cursor, piped: boolean, bare: boolean): readonly Offer[] {
  const own = cursor.blocks[0]?.[0]?.tokenType === t.keywords.network ? cursor.blocks[0]?.[1]?.image : undefined;
  return analysis.names.declarations.flatMap((declaration) => {
    const call = declaration.owner === undefined && declaration.name !== own && (declaration.kind === "network" || declaration.kind === "import") ? networkCall(analysis, declaration.name) : undefined;
    return call ? [callOffer(call, ranks.network, aboutName(declaration), { piped, bare })] : [];
  });
}

function networkNames(analysis: Analysis): readonly Offer[] {
  return analysis.names.declarations.filter(({ kind, owner }) => kind === "network" && owner === undefined).map((each) => nameOffer(analysis, each, ranks.network));
}

/** Latents that `kl` can bound, columns that `reconstruction` can. */
function termOffers(analysis: Analysis, cursor: Cursor, term: string): readonly Offer[] {
  const model = modelAround(analysis, cursor);
  if (!model) return [];
  const latents = latentsOf(analysis, model).map(({ declaration }) => declaration).filter(({ kind }) => kind === "latent");
  const observed = analysis.names.declarations.filter(({ owner, kind, name }) => owner === model && kind === "column" && drawsOf(model.body, name).length > 0);
  return (term === "kl" ? latents : observed).map((each) => nameOffer(analysis, each, ranks.name));
}

export function constantOffers(analysis: Analysis, numbers = false): readonly Offer[] {
  return constantsOf(analysis, numbers).map((each) => nameOffer(analysis, each, ranks.file));
}

function builtinConstants(): readonly Offer[] {
  return [...constants.values()].map(({ name, forms }): Offer => ({
    label: name, kind: CompletionItemKind.Constant, rank: ranks.call, about: { kind: "word", realm: "constant", name }, ...(name === "pi" || forms.length > 0 ? {} : { insert: { snippet: `${name}[\${1:K}]`, plain: name } }),
  }));
}

export function callsOf(table: ReadonlyMap<string, Documented>, rank: number, realm: Realm, options: { readonly piped?: boolean; readonly bare?: boolean } = {}): readonly Offer[] {
  return [...table.values()].map((each) => callOffer(each, rank, { kind: "word", realm, name: each.name }, options));
}

const aboutName = ({ name, span }: Declaration): About => ({ kind: "name", name, start: span.start });

/** Latents without an entry that an `auto` group, or a sum, can take. */
export function siteOffers(analysis: Analysis, cursor: Cursor, of: "auto" | "marginalize"): readonly Offer[] {
  const model = modelAround(analysis, cursor);
  if (!model) return [];
  const here = cursor.head.map(({ image }) => image);
  return latentsOf(analysis, model)
    .filter(({ declaration, guided }) => !here.includes(declaration.name) && (!guided || isWordItself(analysis, cursor, declaration)))
    .filter(({ declaration: { kind, node } }) => !(of === "auto" && kind === "column") && !(of === "marginalize" && node.kind === "sample" && node.global))
    .flatMap(({ declaration }) => {
      const support = supportOfDeclaration(analysis, declaration);
      const discrete = support && isDiscrete(support);
      return of === "auto" ? (discrete ? [] : [nameOffer(analysis, declaration, ranks.name)]) : discrete && support.kind !== "count" ? [nameOffer(analysis, declaration, ranks.name)] : isChained(model.body, declaration.name) ? [nameOffer(analysis, declaration, ranks.file)] : [];
    });
}

/** The one entry of a latent is the word that is being written. */
function isWordItself(analysis: Analysis, { word }: Cursor, declaration: Declaration): boolean {
  const writes = analysis.names.of(declaration).filter(({ role }) => role === "write");
  return writes.length > 0 && writes.every(({ span }) => span.start === word.start);
}

function isChained(body: readonly ast.Statement[], name: string, within = false): boolean {
  return body.some((statement) => (statement.kind === "loop" ? isChained(statement.body, name, within || statement.loop === "chain") : within && statement.kind === "sample" && statement.name.name === name));
}
