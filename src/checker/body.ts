import type * as ast from "../parser/ast.js";
import type { Fix } from "../diagnostics/diagnostic.js";
import { choice as unasked, freshName, insertion, replacement } from "../diagnostics/fix.js";
import { type Span, textOf } from "../diagnostics/span.js";
import { type Binding, type Expr, letterOf, type Plate } from "../ir/model/model.js";
import type { Context } from "./context.js";
import { elaborateValue } from "./expressions/elaborate.js";
import { bindOutputs } from "./expressions/let.js";
import { createScope, declare, type Entity, type Scope } from "./scope.js";
import { checkOrder, type Definition, definitionsIn, headOf } from "./rules/statement-order.js";
import { constantIn } from "./rules/loop-index.js";
import { reportShapeMismatch } from "./shape-messages.js";
import { loopPlate, loopWord, type SequencePlates, sequencePlates } from "./loop-plates.js";
import { sequencesIn, type SequenceText } from "./rules/sequences-in.js";
import { uniqueName } from "./unique-name.js";
import { printType, sameShape } from "../types/type.js";
import { requireNumber } from "./expressions/arguments.js";
import { join, rangeOf, supportOfRange } from "./functions/ranges.js";

/** What the bodies of a model and of its guide share: names, loops and bindings. */
export interface Body {
  readonly context: Context;
  readonly kind: "model" | "guide";
  /** The frame of the body: names that are visible below their definition. */
  readonly scope: Scope;
  /** For each statement, names in it that are taken as broken: they stand further down or go in a circle. */
  readonly broken: ReadonlyMap<ast.Statement, ReadonlySet<string>>;
  readonly bindings: Map<string, Binding>;
  readonly plates: Set<string>;
  /** Loops that have their plate; undefined after a mistake in the range. */
  readonly loops: Map<ast.LoopStatement, Plate | undefined>;
  /** Names that chains define, with values before the first step. */
  readonly sequences: ReadonlyMap<string, SequenceText>;
  /** Every `=`, `~` and `local` of the body. */
  readonly definitions: readonly Definition[];
  readonly sequencePlates: Map<string, { readonly plates: SequencePlates | undefined }>;
  /** Values before the first step, of names that are numbers computed. */
  readonly starts: Map<string, { readonly position: number; readonly value: Expr; readonly origin: Span }[]>;
  /** `where length(x) <= T`: loops to T end with each row's own length. */
  readonly length?: RowLength;
  /** Names in a statement that may not be read from here, each reported: they are then taken as broken, too. */
  readonly invisible?: (scope: Scope, statement: ast.Statement) => readonly string[];
}

/** From `where length(x) <= T`. */
export interface RowLength {
  /** The column of the data that holds the lengths. */
  readonly column: string;
  readonly most: number;
}

export interface BodyOptions {
  readonly invisible?: Body["invisible"];
  /** Names that have a value anyway, wherever a statement for them stands (columns, in a guide). */
  readonly given?: (name: string) => boolean;
  /** Columns of the data: before their first step they read as zeros. */
  readonly isColumn?: (name: string) => boolean;
  readonly length?: RowLength;
}

export function createBody(context: Context, kind: Body["kind"], outer: Scope, statements: readonly ast.Statement[], plates: Set<string>, { invisible, given, isColumn, length }: BodyOptions = {}): Body {
  const definitions = definitionsIn(statements);
  return {
    context, kind, scope: createScope(outer), broken: checkOrder(context, definitions, given, isColumn), bindings: new Map(), plates, invisible,
    loops: new Map(), sequences: sequencesIn(definitions), definitions, sequencePlates: new Map(), starts: new Map(), length,
  };
}

/** A frame for one statement, in which its broken names stay silent. */
export function statementScope(body: Body, scope: Scope, statement: ast.Statement): Scope {
  const names = new Set([...(body.broken.get(statement) ?? []), ...(body.invisible?.(scope, statement) ?? [])]);
  if (names.size === 0) return scope;
  const frame = createScope(scope);
  for (const name of names) declare(frame, { kind: "broken", name, declared: statement.span });
  return frame;
}

/** Reports a name that is taken in this body or hides an item of the file; true when it is free. Silent where the other has a mistake itself. */
export function isFree(body: Body, scope: Scope, name: ast.Identifier, what: string): boolean {
  const { context } = body;
  const earlier = nearest(scope, name.name);
  if (earlier?.kind === "broken") return false;
  if (earlier) {
    context.error({
      code: "LVM2002",
      message: `\`${name.name}\` is declared twice`,
      span: name.span,
      label: `a second \`${name.name}\``,
      related: [{ span: earlier.declared, text: "the first is here" }],
      help: "give one of them another name",
      fixes: [unasked(replacement(name.span, freshName(name.name, name.span), `Call it \`${freshName(name.name, name.span)}\``))],
    });
    return false;
  }
  return isNoItem(context, name, what);
}

/** Reports a name that an item of the file has: a reader could not tell which one a line means. */
export function isNoItem(context: Context, name: ast.Identifier, what: string): boolean {
  const item = context.items.get(name.name);
  if (!item || item.what === "model") return true;
  context.error({
    code: "LVM4058",
    message: `${what} \`${name.name}\` hides a ${item.what} of the file`,
    span: name.span,
    label: "the same name",
    related: [{ span: item.span, text: `the ${item.what} \`${name.name}\`` }],
    help: `give the ${what} another name`,
  });
  return false;
}

/** As `lookup`, without counting as a use, and blind for hidden names. */
function nearest(scope: Scope, name: string): Entity | undefined {
  for (let frame: Scope | undefined = scope; frame; frame = frame.parent) {
    const entity = frame.entities.get(name);
    if (entity) return entity.hidden === undefined ? entity : undefined;
  }
  return undefined;
}

/** The frame of a loop with its variable; undefined (reported) where the range is no range. */
export function enterLoop(body: Body, scope: Scope, loop: ast.LoopStatement): Scope | undefined {
  const plate = loopPlate(body, scope, loop);
  if (!plate || loop.variable.name === "" || !isFree(body, scope, loop.variable, "loop variable")) return undefined;
  const inner = createScope(scope, { plate });
  declare(inner, { kind: "loop-variable", name: loop.variable.name, declared: loop.variable.span, plate });
  return inner;
}

/** Marks every name that a skipped loop would have defined as broken, so that its uses stay silent. */
export function declareBroken(body: Body, statements: readonly ast.Statement[]): void {
  for (const { name, statement } of definitionsIn(statements)) declare(body.scope, { kind: "broken", name, declared: statement.span });
}

/** Whether the indices on the left of `~` or `=` are the loop variables around it, in order. Reports otherwise. */
export function indicesFit(body: Body, scope: Scope, name: ast.Identifier, indices: readonly ast.Expression[], required: boolean): boolean {
  const { context } = body;
  const variables = loopVariables(scope);
  const written = `${name.name}[${variables.join(", ")}]`;
  if (indices.length === 0) {
    if (variables.length === 0 || !required) return true;
    context.error({
      code: "LVM4028",
      message: `\`${name.name}\` is drawn once for each ${list(variables)}`,
      span: name.span,
      label: "its index is missing",
      related: scope.plates.map((plate) => ({ span: loopWord(plate), text: "in this loop" })),
      help: `write \`${written}\`, here and where it is read in the loop`,
      fixes: [{ title: `Write \`${written}\``, edits: unindexed(name, scope).map((span) => ({ span, text: `[${variables.join(", ")}]` })) }],
    });
    return false;
  }
  if (indices.length === variables.length && indices.every((index, at) => index.kind === "name" && index.name === variables[at])) return true;
  if (indices.some((index) => index.kind === "missing")) return false;
  const first = indices[0]!;
  if (reportNoChain(body, scope, name, indices)) return false;
  // `z[1]` in `each n`, before a chain inside of it that defines `z[n, t]`.
  const begins = indices.length === 1 && constantIn(context, "", first) !== undefined && body.definitions.some((other) => other.name === name.name && other.loops.length === variables.length + 1 && other.loops.at(-1)?.loop === "chain");
  context.error({
    code: "LVM4029",
    message: variables.length === 0 ? `\`${name.name}\` has an index outside of any loop` : `the index of \`${name.name}\` is not that of its loops`,
    span: { ...first.span, end: indices[indices.length - 1]!.span.end },
    label: variables.length === 0 ? "no loop gives this" : `${list(variables)} ${variables.length > 1 ? "are" : "is"} expected here`,
    related: scope.plates.map((plate) => ({ span: loopWord(plate), text: "in this loop" })),
    help: variables.length === 0 ? `write \`${name.name}\`, or put the statement into \`each t in 1..T { … }\`` : begins ? `write \`${name.name}[${[...variables, textOf(first.span)].join(", ")}]\`` : `write \`${written}\``,
    fixes: [
      variables.length === 0 ? withoutIndex(name, indices) : replacement({ ...first.span, end: indices[indices.length - 1]!.span.end }, [...variables, ...(begins ? [textOf(first.span)] : [])].join(", "), `Write \`${begins ? `${name.name}[${[...variables, textOf(first.span)].join(", ")}]` : written}\``),
    ],
  });
  return false;
}

/** `h[0] = …` where nothing defines the steps behind it: a start of no chain. Reported once for each name. */
function reportNoChain(body: Body, scope: Scope, name: ast.Identifier, indices: readonly ast.Expression[]): boolean {
  const { context } = body;
  const variables = loopVariables(scope);
  const last = indices.at(-1)!;
  if (indices.length !== variables.length + 1 || constantIn(context, "", last) === undefined) return false;
  const others = body.definitions.filter((other) => other.name === name.name && other.statement.name !== name);
  const inEach = others.find((other) => other.loops.length === indices.length && other.loops.at(-1)?.loop === "each");
  const unindexed = others.find((other) => other.statement.kind !== "local" && other.statement.indices.length === 0 && other.loops.at(-1)?.loop === "chain");
  const steps = `${name.name}[${[...variables, "t"].join(", ")}]`;
  context.error({
    code: "LVM4029",
    message: `\`${name.name}[${indices.map((index) => textOf(index.span)).join(", ")}]\` begins no chain`,
    span: { ...indices[0]!.span, end: last.span.end },
    label: inEach ? "the steps of an `each` have no start" : "no `chain` defines the steps behind it",
    related: inEach ? [{ span: headOf(inEach.loops.at(-1)!), text: "the steps are defined here" }] : unindexed ? [{ span: unindexed.statement.name.span, text: unindexed.local ? "without an index this is another value, of its step alone" : "its index is missing here" }] : [],
    help: inEach ? "make the loop a `chain`, or remove this statement" : unindexed ? `write \`${name.name}[${unindexed.loops.map((loop) => loop.variable.name).join(", ")}] ${unindexed.local ? "=" : "~"} …\` in the chain` : `add \`chain t in ${startAfter(context, last)} { ${steps} … }\`, or write \`${name.name}\` without an index`,
    fixes: inEach
      ? [unasked(replacement({ ...inEach.loops.at(-1)!.span, end: inEach.loops.at(-1)!.span.start + "each".length }, "chain", "Make the loop a `chain`"))]
      : unindexed ? [insertion(unindexed.statement.name.span, `[${unindexed.loops.map((loop) => loop.variable.name).join(", ")}]`, `Write \`${name.name}[${unindexed.loops.map((loop) => loop.variable.name).join(", ")}]\` in the chain`)]
      : [unasked(withoutIndex(name, indices))],
  });
  return true;
}

/** Behind each place of a name in the loop around it where no index follows. */
function unindexed({ name, span }: ast.Identifier, scope: Scope): readonly Span[] {
  const { origin } = scope.plates.at(-1)!;
  return [...textOf(origin).matchAll(new RegExp(`\\b${name}\\b(?!\\s*\\[)`, "g"))].map(({ index }) => ({ ...span, start: origin.start + index + name.length, end: origin.start + index + name.length }));
}

/** `h` of `h[0]`. */
function withoutIndex(name: ast.Identifier, indices: readonly ast.Expression[]): Fix {
  const end = name.span.source.text.indexOf("]", indices.at(-1)!.span.end) + 1;
  return { title: "Remove the index", edits: [{ span: { ...name.span, start: name.span.end, end }, text: "" }] };
}

function startAfter(context: Context, index: ast.Expression): string {
  return `${(constantIn(context, "", index) ?? 0) + 1}..T`;
}

/** Loop variables around a place as the user named them, outermost first. */
function loopVariables(scope: Scope): readonly string[] {
  return scope.plates.map(letterOf);
}

function list(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(", ");
}

/** Whether the statement gives a value before the first step of a chain, and its place among the plates of the name; undefined (reported) where it does not fit. */
export function startOf(body: Body, scope: Scope, statement: ast.LetStatement | ast.SampleStatement): { readonly plates: SequencePlates; readonly position: number } | undefined | "none" {
  const text = body.sequences.get(statement.name.name);
  if (!text?.starts.some((start) => start.statement === statement)) return "none";
  const outer = statement.indices.slice(0, -1);
  if (!indicesFit(body, scope, statement.name, outer, false)) return undefined;
  const plates = sequencePlates(body, scope, statement.name.name);
  const position = plates?.positions.get(statement);
  return plates && position !== undefined ? { plates, position } : undefined;
}

/** The direction of the chain that defines a name; undefined where none does. */
export function chainedBy(body: Body, name: string, plates: readonly Plate[]): Plate["chain"] {
  return body.sequencePlates.get(name)?.plates?.chain.chain ?? plates.at(-1)?.chain;
}

/** The plates of a name that is defined here: those around it, the innermost one with the positions of its starts where it is a sequence. Undefined after a mistake in these. */
export function platesOf(body: Body, scope: Scope, name: string): readonly Plate[] | undefined {
  if (!body.sequences.has(name)) return scope.plates;
  const plates = sequencePlates(body, scope, name);
  return plates && [...scope.plates.slice(0, -1), plates.own];
}

/** `h[0] = zeros[64]`: a value before the first step. The first one says what `h` is: numbers of this shape. */
function elaborateStart(body: Body, scope: Scope, statement: ast.LetStatement, start: ReturnType<typeof startOf>): void {
  const { context } = body;
  const { name } = statement.name;
  const given = elaborateValue(context, statementScope(body, scope, statement), statement.value);
  const known = body.scope.entities.get(name);
  const broken = (): void => void (known ?? declare(body.scope, { kind: "broken", name, declared: statement.name.span }));
  const [only] = given?.kind === "result" ? given.outputs.values() : [];
  const value = given?.kind === "expr" ? given.expr : given?.outputs.size === 1 ? only : undefined;
  if (given && !value) reportSeveralOutputs(body, statement, given.kind === "result" ? given.outputs.size : 0);
  if (!value || !start || start === "none" || !requireNumber(context, value, `${name}[…]`)) return broken();
  const starts = body.starts.get(name) ?? [];
  if (known && known.kind === "binding" && !sameShape(known.type, value.type)) {
    reportShapeMismatch(context, { span: value.origin, actual: value.type, expected: known.type, message: `the values of \`${name}\` have different shapes`, wanted: { span: known.declared, text: "the first start" } });
    return;
  }
  body.starts.set(name, [...starts, { position: start.position, value, origin: statement.span }]);
  addDefined(body, name, start.position);
  if (known || !isFree(body, scope, statement.name, "binding")) return;
  const type = { support: { kind: "real" as const }, shape: value.type.shape };
  context.hover.set(statement.name, { span: statement.name.span, what: "value", name, type, declared: statement.name.span });
  body.scope.entities.set(name, { kind: "binding", name: uniqueName(name, body.bindings), declared: statement.name.span, type, plates: [...scope.plates, start.plates.own], indexed: true, chained: start.plates.chain.chain, defined: new Set([start.position]) });
}

/** One more position of a sequence can be read above its chain; below it all can. */
export function addDefined(body: Body, name: string, position: number | "all"): void {
  const entity = body.scope.entities.get(name);
  if (entity?.kind !== "site" && entity?.kind !== "binding") return;
  const { defined, ...rest } = entity;
  if (position === "all") body.scope.entities.set(name, rest as Entity);
  else if (defined) body.scope.entities.set(name, { ...entity, defined: new Set([...defined, position]) });
}

function reportSeveralOutputs(body: Body, statement: ast.LetStatement, outputs: number): void {
  body.context.error({
    code: "LVM4029", message: `\`${statement.name.name}\` holds several outputs, which have no index`, span: statement.name.span, label: `${outputs} outputs`,
    help: `name one of them: \`q = …\`, then \`${statement.name.name}[…] = q.…\``,
  });
}

/** A chain with a mistake: what reads its steps stays silent. */
function breakChained(body: Body, { name }: ast.LetStatement): readonly Binding[] {
  body.scope.entities.set(name.name, { kind: "broken", name: name.name, declared: name.span });
  return [];
}

/** `h[t] = gru(h[t - 1], x[t])` of a name that has starts. */
function elaborateChained(body: Body, scope: Scope, statement: ast.LetStatement, value: Expr): readonly Binding[] {
  const { context } = body;
  const { name } = statement.name;
  const entity = body.scope.entities.get(name);
  const plates = sequencePlates(body, scope, name);
  if (entity?.kind !== "binding" || !plates || !requireNumber(context, value, `${name}[…]`)) return breakChained(body, statement);
  if (!sameShape(entity.type, value.type)) {
    reportShapeMismatch(context, { span: value.origin, actual: value.type, expected: entity.type, message: `a step of the chain changes the shape of \`${name}\``, wanted: { span: entity.declared, text: `its start is ${printType(entity.type)}` } });
    return breakChained(body, statement);
  }
  const starts = [...(body.starts.get(name) ?? [])].sort((left, right) => left.position - right.position);
  // Whatever the step before is, steps have the support of their expression: with that of the starts, the support of all.
  const support = [...starts.map((each) => each.value), value].map(rangeOf).reduce(join);
  body.scope.entities.set(name, { ...entity, type: { ...entity.type, support: supportOfRange(support) } });
  addDefined(body, name, "all");
  context.hover.set(statement.name, { span: statement.name.span, what: "value", name, type: entity.type, declared: entity.declared });
  const binding: Binding = { kind: "binding", name: entity.name, plates: entity.plates, value, sequence: { chain: plates.chain, starts }, origin: statement.span };
  body.bindings.set(binding.name, binding);
  return [binding];
}

/** `h = …`: a binding, or the shared outputs of a network call. Gives the bindings that the program has to compute. */
export function elaborateLet(body: Body, scope: Scope, statement: ast.LetStatement): readonly Binding[] {
  const { context } = body;
  const { name } = statement;
  const start = startOf(body, scope, statement);
  if (start !== "none") {
    elaborateStart(body, scope, statement, start);
    return [];
  }
  const given = elaborateValue(context, statementScope(body, scope, statement), statement.value);
  if (name.name === "") return [];
  const only = given?.kind === "result" && statement.indices.length > 0 && given.outputs.size === 1 ? [...given.outputs.values()][0] : undefined;
  const value = only ? ({ kind: "expr", expr: only } as const) : given;
  const frame = statement.indices.length > 0 ? body.scope : scope;
  const fits = indicesFit(body, scope, name, statement.indices, false);
  if (body.sequences.get(name.name)?.chained.statement === statement) {
    if (value?.kind === "result") reportSeveralOutputs(body, statement, value.outputs.size);
    return value?.kind === "expr" && fits ? elaborateChained(body, scope, statement, value.expr) : breakChained(body, statement);
  }
  if (!isFree(body, scope, name, "binding")) return [];
  const plates = scope.plates;
  const declared: Span = name.span;
  const indexed = statement.indices.length > 0;
  if (!value || !fits) {
    declare(frame, { kind: "broken", name: name.name, declared });
    return [];
  }
  if (value.kind === "result") {
    if (indexed) {
      context.error({
        code: "LVM4029",
        message: `\`${name.name}\` holds several outputs, which have no index`,
        span: name.span,
        label: "an index is for one array",
        related: [{ span: value.network.item.name.span, text: `\`${value.network.name}\` has ${value.network.outputs.length} outputs` }],
        help: `write \`${name.name} = …\` without an index, and read \`${name.name}.${value.network.outputs[0]?.name ?? "output"}\` in the loop`,
      });
    }
    const bound = bindOutputs(value, uniqueName(name.name, body.bindings), plates);
    declare(frame, { kind: "result", name: name.name, declared, network: value.network, outputs: bound.outputs, plates });
    for (const binding of bound.bindings) body.bindings.set(binding.name, binding);
    return bound.bindings;
  }
  context.hover.set(name, { span: name.span, what: "value", name: name.name, type: value.expr.type, declared });
  const unique = uniqueName(name.name, body.bindings);
  const entity: Entity = { kind: "binding", name: unique, declared, type: value.expr.type, plates, indexed, chained: plates.at(-1)?.chain };
  frame.entities.set(name.name, entity);
  return [addBinding(body, unique, plates, value.expr, statement.span)];
}

function addBinding(body: Body, name: string, plates: readonly Plate[], value: Expr, origin: Span): Binding {
  const binding: Binding = { kind: "binding", name, plates, value, origin };
  body.bindings.set(name, binding);
  return binding;
}
