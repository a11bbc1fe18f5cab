import { suggest } from "../../diagnostics/suggest.js";
import { textOf, type Span } from "../../diagnostics/span.js";
import type * as ast from "../../parser/ast.js";
import { distributionNames } from "../../distributions/names.js";
import { functionNames, type FunctionName } from "../../ir/model/functions.js";
import { layerNames, type LayerName } from "../../ir/model/layers.js";
import type { Expr } from "../../ir/model/model.js";
import { dims, elementCount } from "../../types/type.js";
import type { Context } from "../context.js";
import { functionAliases, functionHabits, functionRules } from "../functions/function-rules.js";
import type { BoundCall, FunctionRule } from "../functions/function-rule.js";
import { layerRules, weightSupport } from "../layers/layer-rules.js";
import { schedules } from "../schedules.js";
import type { NetworkFrame, Scope } from "../scope.js";
import { bindArguments, type Elaborate } from "./arguments.js";
import { describeEntity, numberExpr, resolve, type Value } from "./names.js";
import { elaborateNetworkCall, elaborateRepeat } from "./network-calls.js";

const isFunction = (name: string): name is FunctionName => (functionNames as readonly string[]).includes(name);
const isDistributionName = (name: string): boolean => (distributionNames as readonly string[]).includes(name);
const isLayer = (name: string): name is LayerName => (layerNames as readonly string[]).includes(name);

/** Names that a call may use and that no declaration may take. */
export const reservedNames: readonly string[] = [...functionNames, ...layerNames, ...distributionNames, ...Object.keys(functionAliases), "repeat", "zeros", "ones"];

/** A call of a network, function or layer. `callee`: the call without what is piped into it. */
export function elaborateCall(context: Context, scope: Scope, call: ast.CallExpression, elaborate: Elaborate, callee: Span = call.span): Value | undefined {
  if (call.callee.kind === "missing") {
    for (const argument of call.args) elaborate(argument.value);
    return undefined;
  }
  const { name } = call.callee;
  const expr = (value: Expr | undefined): Value | undefined => value && { kind: "expr", expr: value };
  const entity = resolve(context, scope, name);
  if (entity?.kind === "network") return elaborateNetworkCall(context, scope, call, entity.signature, elaborate);
  if (name === "repeat") return expr(elaborateRepeat(context, scope, call, elaborate));
  const alias = Object.hasOwn(functionAliases, name) ? functionAliases[name] : undefined;
  const functionName = alias ?? (isFunction(name) ? name : undefined);
  if (functionName) {
    context.hover.set(call.callee, { span: call.callee.span, what: "function", name: functionName, doc: functionRules[functionName].doc });
    const pair = (functionName === "min" || functionName === "max") && positional(call) >= 2;
    const chosen: FunctionName = pair ? (functionName === "min" ? "minimum" : "maximum") : functionName;
    const rule = functionRules[chosen];
    const bound = bindArguments(context, scope, name, rule.parameters, call.args, call.span, callee, elaborate);
    return expr(bound && applyFunction(rule, chosen, bound));
  }
  if (isLayer(name)) {
    context.hover.set(call.callee, { span: call.callee.span, what: "layer", name, doc: layerRules[name].doc });
    return expr(elaborateLayer(context, scope, name, call, callee, elaborate));
  }
  if (entity?.kind === "broken") {
    for (const argument of call.args) elaborate(argument.value);
    return undefined;
  }
  if (call.args[0] && !isDistributionName(name)) elaborate(call.args[0].value);
  if (entity) {
    context.error({ code: "LVM3001", message: `\`${name}\` cannot be called`, span: call.callee.span, label: describeEntity(entity), related: [{ span: entity.declared, text: "declared here" }], help: `for an element of it write \`${name}[…]\`` });
    return undefined;
  }
  reportUnknownCall(context, call.callee);
  return undefined;
}

const positional = (call: ast.CallExpression): number => call.args.filter((argument) => !argument.name).length;

function reportUnknownCall(context: Context, callee: ast.NameExpression): void {
  const { name, span } = callee;
  if (isDistributionName(name)) {
    context.error({ code: "LVM3020", message: "a distribution is no value", span, label: "distributions stand after `~`", help: `draw from it first: \`z ~ ${name}(…)\`` });
    return;
  }
  if (Object.hasOwn(schedules, name)) {
    context.error({ code: "LVM2004", message: `\`${name}\` makes a constant`, span, label: "called where values are computed", help: `give the array a name at the top of the file: \`const alpha = ${name}(…)\`` });
    return;
  }
  const known = [...context.networks.keys(), ...functionNames, ...layerNames, "repeat"];
  const similar = (Object.hasOwn(functionHabits, name.toLowerCase()) ? functionHabits[name.toLowerCase()] : undefined) ?? suggest(name, known);
  context.error({
    code: "LVM2004",
    message: `unknown function \`${name}\``,
    span,
    label: "no function, layer or network of this name",
    help: similar ? `did you mean \`${similar}\`?` : `declare it: \`network ${name}(…) -> (…) { … }\``,
    fixes: similar ? [{ title: `Change to \`${similar}\``, edits: [{ span, text: similar }] }] : undefined,
  });
}

/** A function with its arguments bound: its type, and its value when all arguments are numbers. */
export function applyFunction(rule: FunctionRule, name: FunctionName, call: BoundCall): Expr | undefined {
  const typed = rule.type(call);
  if (!typed) return undefined;
  const args = typed.args ?? call.args;
  const numbers = args.map((arg) => (arg.kind === "number" ? arg.value : undefined));
  const written: Expr = { kind: "apply", function: name, args, attributes: typed.attributes ?? {}, type: typed.type, origin: call.span };
  if (rule.fold && numbers.every((value) => value !== undefined)) {
    const value = rule.fold(...numbers);
    if (Number.isFinite(value)) return { ...numberExpr(value, call.span), written };
    call.context.error({ code: "LVM3019", message: "the value is not a finite number", span: call.span, label: `this is ${value}`, help: "look for a division by zero, a logarithm or root of a negative number" });
    return undefined;
  }
  const folded = rule.fold && foldArrays(rule.fold, args, typed.type);
  if (folded) return { kind: "constant", values: folded, type: typed.type, origin: call.span, written };
  return written;
}

/** `ones[K] / K`: the values of an elementwise function of constant arrays and numbers; undefined where something is not constant, or not finite. */
function foldArrays(fold: (...values: number[]) => number, args: readonly Expr[], type: Expr["type"]): readonly number[] | undefined {
  const operands = args.map((arg) => (arg.kind === "number" ? arg.value : arg.kind === "constant" ? arg.values : undefined));
  if (operands.some((operand) => operand === undefined)) return undefined;
  const values = Array.from({ length: elementCount(type) }, (_, at) => fold(...operands.map((operand) => (typeof operand === "number" ? operand : (operand?.[at] ?? NaN)))));
  return values.every(Number.isFinite) ? values : undefined;
}

function elaborateLayer(context: Context, scope: Scope, name: LayerName, call: ast.CallExpression, callee: Span, elaborate: Elaborate): Expr | undefined {
  const rule = layerRules[name];
  const frame = scope.network;
  if (!frame) {
    context.error({
      code: "LVM3008",
      message: `\`${name}\` has weights, and weights belong to a network`,
      span: callee,
      label: "outside of a network",
      help: `move it into a \`network\`, and call that: \`network f(x: …) -> (y: …) { y = x |> ${textOf(callee).replace(/\s+/g, " ")} }\``,
    });
    for (const argument of call.args) if (!argument.name && argument === call.args[0]) elaborate(argument.value);
    return undefined;
  }
  const bound = bindArguments(context, scope, name, rule.parameters, call.args, call.span, callee, elaborate);
  const typed = bound && rule.type(bound);
  const prefix = weightPrefix(frame, name);
  if (!bound || !typed) return undefined;
  const parameters: Record<string, string> = {};
  for (const weight of typed.weights) {
    const full = `${prefix}.${weight.role}`;
    parameters[weight.role] = full;
    context.addParameter({ name: full, type: { support: weightSupport, shape: weight.shape }, perRow: false, trainable: weight.trainable, init: weight.init, origin: callee });
  }
  context.hover.set(call.callee, { span: call.callee.span, what: "layer", name: prefix, type: typed.type, doc: rule.doc, weights: typed.weights.map(({ role, shape }) => ({ role, shape: dims({ support: weightSupport, shape }) })) });
  return { kind: "layer", layer: name, args: bound.args, attributes: typed.attributes, parameters, type: typed.type, origin: call.span };
}

/** `encoder.dense_1`: layers are numbered by kind within their network. */
function weightPrefix(frame: NetworkFrame, layer: LayerName): string {
  const number = (frame.layers.get(layer) ?? 0) + 1;
  frame.layers.set(layer, number);
  return `${frame.name}.${layer}_${number}`;
}
