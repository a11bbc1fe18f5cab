import { suggest } from "../../diagnostics/suggest.js";
import type { Span } from "../../diagnostics/span.js";
import type * as ast from "../../parser/ast.js";
import { distributionNames } from "../../distributions/names.js";
import { functionNames } from "../../ir/model/functions.js";
import { layerNames } from "../../ir/model/layers.js";
import { type Expr, letterOf, type Plate, type Reference } from "../../ir/model/model.js";
import { count } from "../../types/support.js";
import { sizeOf, type Size, type Type } from "../../types/type.js";
import { builtinConstant, constantByName } from "../constants.js";
import { mostSuggestions, type Constant, type Context, type NetworkSignature } from "../context.js";
import { range, rangeOfValues, supportOfRange } from "../functions/ranges.js";
import { lookup, visibleNames, type Entity, type Scope } from "../scope.js";
import type { SizeOrigin } from "../shape-messages.js";

/** The outputs of one network call. */
export interface NetworkResult {
  readonly kind: "result";
  readonly network: NetworkSignature;
  readonly outputs: ReadonlyMap<string, Expr>;
  readonly origin: Span;
}

/** What an expression can be where a record of outputs is welcome. */
export type Value = { readonly kind: "expr"; readonly expr: Expr } | NetworkResult;

/** What a name stands for: the scope's names first, then the file's constants, parameters and networks. No messages. */
export function resolve(context: Context, scope: Scope, name: string): Entity | undefined {
  const local = lookup(scope, name);
  if (local) return local;
  const constant = constantByName(context, name);
  if (constant) return { kind: "constant", name, declared: constant.span, constant };
  const param = context.parameterItems.get(name);
  if (param) return { kind: "parameter", name, declared: param.item.span, type: param.parameter.type, parameter: param.parameter.name };
  const network = context.networks.get(name);
  if (network) return { kind: "network", name, declared: network.signature.item.name.span, signature: network.signature };
  const item = context.items.get(name);
  if (item && (item.what === "const" || item.what === "param" || item.what === "network" || item.what === "import")) return { kind: "broken", name, declared: item.span };
  return undefined;
}

const words: Readonly<Record<Entity["kind"], string>> = {
  column: "a column of the data",
  site: "a random variable",
  binding: "a computed value",
  value: "a computed value",
  input: "an input of the network",
  parameter: "a parameter",
  constant: "a constant",
  "loop-variable": "a loop variable",
  network: "a network",
  result: "the result of a network",
  broken: "a declaration with a mistake",
};

/** `a column of the data`: what a name that is not a constant stands for. */
export function describeName(context: Context, scope: Scope, name: string): string | undefined {
  const entity = resolve(context, scope, name);
  return entity && words[entity.kind];
}

export function describeEntity(entity: Entity): string {
  return words[entity.kind];
}

/** The entity of a name that is read, visible and declared; else undefined, reported. */
export function resolveVisible(context: Context, scope: Scope, expression: ast.NameExpression): Entity | undefined {
  const entity = resolve(context, scope, expression.name);
  if (!entity) {
    reportUnknown(context, scope, expression);
    return undefined;
  }
  if (entity.kind === "broken") return undefined;
  context.hover.set(expression, { span: expression.span, what: words[entity.kind], name: entity.name, type: "type" in entity ? entity.type : undefined, declared: entity.declared });
  if (entity.hidden === undefined) return entity;
  context.error({
    code: "LVM2003",
    message: `\`${expression.name}\` cannot be read here`,
    span: expression.span,
    label: entity.hidden,
    related: [{ span: entity.declared, text: `\`${expression.name}\` is declared here` }],
    help: entity.hiddenHelp ?? "compute it from what is visible here",
  });
  return undefined;
}

function reportUnknown(context: Context, scope: Scope, expression: ast.NameExpression): void {
  const { name, span } = expression;
  const builtin = ([...functionNames, ...layerNames] as readonly string[]).includes(name);
  if (builtin || (distributionNames as readonly string[]).includes(name) || name === "zeros" || name === "ones") {
    const call = name === "zeros" || name === "ones" ? `${name}[K]` : `${name}(…)`;
    context.error({ code: "LVM3001", message: `\`${name}\` is not a value by itself`, span, label: builtin ? "a function" : "needs more", help: builtin ? `call it: \`${call}\`, or pipe into it: \`x |> ${name}\`` : `write \`${call}\`` });
    return;
  }
  const known = context.diagnostics.length < mostSuggestions ? [...visibleNames(scope), ...context.constantItems.keys(), ...context.parameterItems.keys(), ...context.networks.keys()] : [];
  const similar = suggest(name, known);
  context.error({
    code: "LVM2001",
    message: `unknown name \`${name}\``,
    span,
    label: "nothing of this name is visible here",
    help: similar ? `did you mean \`${similar}\`?` : known.length > 0 && known.length <= 8 ? `visible here: ${known.map((each) => `\`${each}\``).join(", ")}` : `declare \`${name}\` before it is read`,
    fixes: similar ? [{ title: `Change to \`${similar}\``, edits: [{ span, text: similar }] }] : undefined,
  });
}

/** A name as a value: undefined (reported) when it is unknown, hidden, or no value. */
export function elaborateName(context: Context, scope: Scope, expression: ast.NameExpression): Value | undefined {
  const builtin = builtinConstant(expression.name);
  if (builtin !== undefined && !resolve(context, scope, expression.name)) return { kind: "expr", expr: numberExpr(builtin, expression.span) };
  const entity = resolveVisible(context, scope, expression);
  return entity && readEntity(context, scope, entity, expression.span);
}

/** The value of an entity read bare, without brackets. */
export function readEntity(context: Context, scope: Scope, entity: Entity, span: Span): Value | undefined {
  const reference = (to: Reference, type: Type): Value => ({ kind: "expr", expr: { kind: "reference", to, type, origin: span } });
  switch (entity.kind) {
    case "column":
      return reference({ kind: "column", name: entity.name }, entity.type);
    case "input":
      return reference({ kind: "input", name: entity.name }, entity.type);
    case "parameter":
      return reference({ kind: "parameter", name: entity.parameter }, entity.type);
    case "constant":
      return { kind: "expr", expr: constantExpr(entity.constant, span) };
    case "loop-variable":
      return { kind: "expr", expr: loopVariable(entity.plate, span) };
    case "site":
    case "binding": {
      const inside = isInside(entity.plates, scope.plates);
      const whole = entity.plates.length > 0 && (entity.indexed || !inside);
      if (whole && !entity.indexed) {
        context.error({
          code: "LVM3010",
          message: `\`${entity.name}\` has one value for each step of its loop`,
          span,
          label: "read outside of the loop",
          related: [{ span: entity.declared, text: "computed in the loop here" }],
          help: `write \`${entity.name}[${entity.plates.map(letterOf).join(", ")}]\` where it is computed, then it is an array outside`,
        });
        return undefined;
      }
      return reference({ kind: entity.kind, name: entity.name, whole }, whole ? wholeType(entity) : entity.type);
    }
    case "value":
      return { kind: "expr", expr: { ...entity.expr, origin: span } };
    case "result":
      if (isInside(entity.plates, scope.plates)) return { kind: "result", network: entity.network, outputs: entity.outputs, origin: span };
      context.error({ code: "LVM3010", message: `\`${entity.name}\` has one value for each step of its loop`, span, label: "read outside of the loop", related: [{ span: entity.declared, text: "computed in the loop here" }], help: "assign the output that is needed with the loop's index: `mean[t] = q.mean`" });
      return undefined;
    case "network": {
      const { inputs } = entity.signature;
      context.error({
        code: "LVM3001",
        message: `\`${entity.name}\` is a network, not a value`,
        span,
        label: "not called",
        related: [{ span: entity.declared, text: "declared here" }],
        help: `call it: \`${entity.name}(${inputs.map((input) => input.name).join(", ")})\``,
      });
      return undefined;
    }
    case "broken":
      return undefined;
  }
}

/** Whether `plates` are the outer loops of this place: then a value of theirs is the current step's. */
export function isInside(plates: readonly Plate[], here: readonly Plate[]): boolean {
  return plates.every((plate, at) => here[at] === plate || here[at]?.name === plate.name);
}

/** The whole array of an entity in loops: the loops' sizes in front. */
export function wholeType(entity: Extract<Entity, { kind: "site" | "binding" }>): Type {
  const sizes: readonly Size[] = entity.plates.map((plate) => sizeOf(plate.size, undefined, { subject: `each ${letterOf(plate)}`, span: plate.origin } satisfies SizeOrigin));
  return { support: entity.type.support, shape: [...sizes, ...entity.type.shape] };
}

export function numberExpr(value: number, origin: Span): Extract<Expr, { kind: "number" }> {
  return { kind: "number", value, origin, type: { support: supportOfRange(range(value, value, { integer: Number.isInteger(value) })), shape: [] } };
}

/** A `const` as a value; arrays keep the span of their declaration as the reason of their sizes. */
export function constantExpr(constant: Constant, origin: Span): Expr {
  const { value } = constant;
  if (value.kind === "number") return numberExpr(value.value, origin);
  return arrayExpr(value.values, value.shape.map((size) => sizeOf(size, undefined, { subject: constant.name, span: constant.span } satisfies SizeOrigin)), origin, constant.name);
}

export function arrayExpr(values: readonly number[], shape: readonly Size[], origin: Span, name?: string): Expr {
  const each = rangeOfValues(values);
  const positive = each.low > 0;
  return { kind: "constant", name, values, origin, type: { support: positive ? { kind: "positive" } : supportOfRange(each), shape } };
}

function loopVariable(plate: Plate, origin: Span): Expr {
  return { kind: "loop-variable", plate, origin, type: { support: plate.continuous ? { kind: "unit" } : plate.from >= 1 ? { kind: "positive" } : plate.from >= 0 ? count : { kind: "real" }, shape: [] } };
}
