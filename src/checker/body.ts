import type * as ast from "../parser/ast.js";
import type { Span } from "../diagnostics/span.js";
import type { Binding, Expr, Plate } from "../ir/model/model.js";
import { evaluateConstant } from "./constants.js";
import type { Context } from "./context.js";
import { elaborateValue } from "./expressions/elaborate.js";
import { bindOutputs } from "./expressions/let.js";
import { describeName } from "./expressions/names.js";
import { createScope, declare, type Entity, type Scope } from "./scope.js";
import { checkOrder, definitionsIn } from "./rules/statement-order.js";
import { reportUnsupported } from "./rules/unsupported.js";

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
  /** Loop variables by the name of their plate: `t` of `t_2`. */
  readonly variables: Map<string, string>;
  /** Names in a statement that may not be read from here, each reported: they are then taken as broken, too. */
  readonly invisible?: (scope: Scope, statement: ast.Statement) => readonly string[];
}

/** `given`: names that have a value anyway, wherever a statement for them stands (columns, in a guide). */
export function createBody(context: Context, kind: Body["kind"], outer: Scope, statements: readonly ast.Statement[], plates: Set<string>, invisible?: Body["invisible"], given: (name: string) => boolean = () => false): Body {
  return { context, kind, scope: createScope(outer), broken: checkOrder(context, definitionsIn(statements), given), bindings: new Map(), plates, variables: new Map(), invisible };
}

/** A frame for one statement, in which its broken names stay silent. */
export function statementScope(body: Body, scope: Scope, statement: ast.Statement): Scope {
  const names = new Set([...(body.broken.get(statement) ?? []), ...(body.invisible?.(scope, statement) ?? [])]);
  if (names.size === 0) return scope;
  const frame = createScope(scope);
  for (const name of names) declare(frame, { kind: "broken", name, declared: statement.span });
  return frame;
}

/** `first`, or `first_2` … when that is taken. */
export function uniqueName(first: string, taken: { has(name: string): boolean }): string {
  if (!taken.has(first)) return first;
  for (let at = 2; ; at++) if (!taken.has(`${first}_${at}`)) return `${first}_${at}`;
}

/** Reports a name that is taken in this body or hides an item of the file; true when it is free. */
export function isFree(body: Body, scope: Scope, name: ast.Identifier, what: string): boolean {
  const { context } = body;
  const earlier = nearest(scope, name.name);
  if (earlier) {
    context.error({
      code: "LVM2002",
      message: `\`${name.name}\` is declared twice`,
      span: name.span,
      label: `a second \`${name.name}\``,
      related: [{ span: earlier.declared, text: "the first is here" }],
      help: "give one of them another name",
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

/** The frame of an `each` loop with its variable; undefined (reported) where the range is no range, or the loop is a `chain`. */
export function enterLoop(body: Body, scope: Scope, loop: ast.LoopStatement): Scope | undefined {
  const { context } = body;
  if (loop.loop === "chain") {
    reportUnsupported(context, "`chain` is", { ...loop.span, end: Math.min(loop.range.span.end, loop.span.end) }, "where the steps do not look back, `each` has the same form");
    return undefined;
  }
  const describe = (name: string): string | undefined => describeName(context, scope, name);
  const from = evaluateConstant(context, loop.range.from, describe);
  const to = evaluateConstant(context, loop.range.to, describe);
  if (from === undefined || to === undefined) return undefined;
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from > to || from < 0) {
    context.error({
      code: "LVM4030",
      message: from > to ? `the range ${from}..${to} is empty` : "a loop runs over whole numbers from 0 up",
      span: loop.range.span,
      label: `from ${from} to ${to}`,
      help: "write the smaller number first: `each t in 1..T`",
    });
    return undefined;
  }
  if (loop.variable.name === "" || !isFree(body, scope, loop.variable, "loop variable")) return undefined;
  const plate: Plate = { name: uniqueName(loop.variable.name, body.plates), from, size: to - from + 1, origin: loop.span };
  body.plates.add(plate.name);
  body.variables.set(plate.name, loop.variable.name);
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
  const variables = loopVariables(body, scope);
  const written = `${name.name}[${variables.join(", ")}]`;
  if (indices.length === 0) {
    if (variables.length === 0 || !required) return true;
    context.error({
      code: "LVM4028",
      message: `\`${name.name}\` is drawn once for each ${list(variables)}`,
      span: name.span,
      label: "its index is missing",
      related: scope.plates.map((plate) => ({ span: { ...plate.origin, end: plate.origin.start + 4 }, text: "in this loop" })),
      help: `write \`${written}\`, here and where it is read in the loop`,
    });
    return false;
  }
  if (indices.length === variables.length && indices.every((index, at) => index.kind === "name" && index.name === variables[at])) return true;
  if (indices.some((index) => index.kind === "missing")) return false;
  const first = indices[0]!;
  context.error({
    code: "LVM4029",
    message: variables.length === 0 ? `\`${name.name}\` has an index outside of any loop` : `the index of \`${name.name}\` is not that of its loops`,
    span: { ...first.span, end: indices[indices.length - 1]!.span.end },
    label: variables.length === 0 ? "no loop gives this" : `${list(variables)} ${variables.length > 1 ? "are" : "is"} expected here`,
    related: scope.plates.map((plate) => ({ span: { ...plate.origin, end: plate.origin.start + 4 }, text: "in this loop" })),
    help: variables.length === 0 ? `write \`${name.name}\`, or put the statement into \`each t in 1..T { … }\`` : `write \`${written}\``,
  });
  return false;
}

/** Loop variables around a place as the user named them, outermost first. */
function loopVariables(body: Body, scope: Scope): readonly string[] {
  return scope.plates.map((plate) => body.variables.get(plate.name) ?? plate.name);
}

function list(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(", ");
}

/** `h = …`: a binding, or the shared outputs of a network call. Gives the bindings that the program has to compute. */
export function elaborateLet(body: Body, scope: Scope, statement: ast.LetStatement): readonly Binding[] {
  const { context } = body;
  const { name } = statement;
  const given = elaborateValue(context, statementScope(body, scope, statement), statement.value);
  if (name.name === "") return [];
  const only = given?.kind === "result" && statement.indices.length > 0 && given.outputs.size === 1 ? [...given.outputs.values()][0] : undefined;
  const value = only ? ({ kind: "expr", expr: only } as const) : given;
  const frame = statement.indices.length > 0 ? body.scope : scope;
  const fits = indicesFit(body, scope, name, statement.indices, false);
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
  const entity: Entity = { kind: "binding", name: unique, declared, type: value.expr.type, plates, indexed };
  frame.entities.set(name.name, entity);
  return [addBinding(body, unique, plates, value.expr, statement.span)];
}

function addBinding(body: Body, name: string, plates: readonly Plate[], value: Expr, origin: Span): Binding {
  const binding: Binding = { kind: "binding", name, plates, value, origin };
  body.bindings.set(name, binding);
  return binding;
}
