import { choice, removalFromList } from "../../diagnostics/fix.js";
import { suggest } from "../../diagnostics/suggest.js";
import type { Span } from "../../diagnostics/span.js";
import type * as ast from "../../parser/ast.js";
import type { Expr } from "../../ir/model/model.js";
import { printSupport } from "../../types/support.js";
import { printType, sameShape, type Type } from "../../types/type.js";
import { evaluateSize } from "../constants.js";
import type { Context, NetworkSignature } from "../context.js";
import type { Scope } from "../scope.js";
import { mendSupport, printShape, reportShapeMismatch } from "../shape-messages.js";
import { accepts, asLabel } from "./accepts.js";
import { unknownArgument, type Elaborate } from "./arguments.js";
import { describeName, resolve, type NetworkResult } from "./names.js";

const usage = (network: NetworkSignature): string => `${network.name}(${network.inputs.map((input) => input.name).join(", ")})`;

/** A call of a network: its outputs by name, all of one call. */
export function elaborateNetworkCall(context: Context, scope: Scope, call: ast.CallExpression, network: NetworkSignature, elaborate: Elaborate): NetworkResult | undefined {
  if (call.callee.kind === "name") {
    const outputs = network.outputs.map((output) => `${output.name}: ${printType(output.type)}`).join(", ");
    const inputs = network.inputs.map((input) => `${input.name}: ${printType(input.type)}`).join(", ");
    context.hover.set(call.callee, { span: call.callee.span, what: "network", name: network.name, declared: network.item.name.span, doc: `\`(${inputs}) -> (${outputs})\`${network.item.doc ? `\n\n${network.item.doc}` : ""}` });
  }
  noteCall(context, scope, network.item.name.name, call.span);
  const given = bindInputs(context, call, network);
  const elaborated = call.args.map((argument) => [argument, elaborate(argument.value)] as const);
  if (!given) return undefined;
  const args: Expr[] = [];
  for (const input of network.inputs) {
    const expr = elaborated.find(([argument]) => argument === given.get(input.name))?.[1];
    const fitting = expr && fitInput(context, expr, input, network);
    if (fitting) args.push(fitting);
  }
  if (args.length < network.inputs.length) return undefined;
  const number = context.freshCall();
  const outputs = new Map<string, Expr>();
  for (const output of network.outputs) {
    outputs.set(output.name, { kind: "call", call: number, network: network.name, args, output: output.name, type: output.type, origin: call.span });
  }
  return { kind: "result", network, outputs, origin: call.span };
}

function noteCall(context: Context, scope: Scope, called: string, span: Span): void {
  const caller = scope.network?.item;
  if (caller === undefined) return;
  const calls = context.networkCalls.get(caller) ?? new Map<string, Span>();
  if (!calls.has(called)) calls.set(called, span);
  context.networkCalls.set(caller, calls);
}

function bindInputs(context: Context, call: ast.CallExpression, network: NetworkSignature): Map<string, ast.Argument> | undefined {
  const given = new Map<string, ast.Argument>();
  const related = [{ span: network.item.name.span, text: "the network is declared here" }];
  const help = `write \`${usage(network)}\``;
  let fine = true;
  let at = 0;
  for (const argument of call.args) {
    if (!argument.name) while (given.has(network.inputs[at]?.name ?? "")) at += 1;
    const input = argument.name ? network.inputs.find((each) => each.name === argument.name?.name) : network.inputs[at];
    if (argument.name && !input) {
      unknownArgument(context, network.name, argument.name, network.inputs.map((each) => each.name), help);
      fine = false;
    } else if (!input) {
      context.error({ code: "LVM3007", message: `too many arguments for \`${network.name}\``, span: argument.span, label: `it takes ${network.inputs.length}`, related, help, fixes: [choice(removalFromList(argument.span, "Remove this argument"))] });
      return undefined;
    } else if (given.has(input.name)) {
      context.error({ code: "LVM3007", message: `\`${input.name}\` is given twice`, span: argument.span, label: "the second time", related: [{ span: given.get(input.name)?.span ?? call.span, text: "the first" }], help: "remove one of them", fixes: [choice(removalFromList(argument.span, "Remove the second"))] });
      fine = false;
    } else given.set(input.name, argument);
  }
  const missing = network.inputs.filter((input) => !given.has(input.name));
  if (fine && missing.length > 0) {
    context.error({
      code: "LVM3007",
      message: `\`${network.name}\` needs ${missing.map((input) => `\`${input.name}\``).join(" and ")}`,
      span: call.span,
      label: missing.length > 1 ? "arguments are missing" : "an argument is missing",
      related: missing.map((input) => ({ span: input.origin, text: "this input" })).slice(0, 3),
      help,
    });
    return undefined;
  }
  return fine ? given : undefined;
}

function fitInput(context: Context, expr: Expr, input: NetworkSignature["inputs"][number], network: NetworkSignature): Expr | undefined {
  const wanted = { span: input.origin, text: `the network takes ${printShape(input.type)}` };
  if (!sameShape(expr.type, input.type)) {
    reportShapeMismatch(context, { span: expr.origin, actual: expr.type, expected: input.type, wanted });
    return undefined;
  }
  if (accepts(input.type.support, expr)) return asLabel(input.type.support, expr);
  const label = expr.type.support.kind === "index";
  const mend = label ? { help: "make a vector of it: `one_hot(…)`" } : mendSupport(input.type.support, expr.origin);
  context.error({
    code: label ? "LVM3021" : "LVM3005",
    message: label ? `\`${input.name}\` takes numbers, and this is a label` : `\`${input.name}\` of \`${network.name}\` must be ${printSupport(input.type.support)}`,
    span: expr.origin,
    label: expr.kind === "number" ? `this is ${expr.value}` : `this is ${printType(expr.type)}`,
    related: [{ span: input.origin, text: "declared here" }],
    notes: [`not every ${printSupport(expr.type.support)} value is ${printSupport(input.type.support)}`],
    help: mend.help ?? `declare the input as \`${input.name}: ${printType({ support: expr.type.support, shape: input.type.shape })}\``,
    fixes: mend.fixes,
  });
  return undefined;
}

/** `repeat(x, block, 3)`: copies of a network, each with weights of its own, one after the other. `repeat(x, block, 3, c)`: its further inputs are the same for each copy. */
export function elaborateRepeat(context: Context, scope: Scope, call: ast.CallExpression, elaborate: Elaborate): Expr | undefined {
  const help = "write `x |> repeat(block, 3)`";
  const [input, block, times, ...more] = call.args;
  if (!input || !block || !times) {
    context.error({ code: "LVM3007", message: "`repeat` takes a value, a network and a number", span: call.span, label: `${call.args.length} arguments`, help });
    return undefined;
  }
  if (!scope.network) {
    context.error({ code: "LVM3008", message: "`repeat` makes weights, and weights belong to a network", span: call.span, label: "outside of a network", help: "move it into a `network`, and call that" });
    return undefined;
  }
  const value = elaborate(input.value);
  const size = evaluateSize(context, times.value, { describe: (name) => describeName(context, scope, name) });
  const network = repeated(context, scope, block.value);
  const others = more.map((argument) => elaborate(argument.value));
  if (!value || !size || !network) return undefined;
  const [[from, ...rest], to] = [network.inputs, network.outputs[0]];
  if (network.outputs.length !== 1 || !from || !to || !sameTypes(from.type, to.type)) {
    context.error({
      code: "LVM3025",
      message: `\`${network.name}\` cannot be repeated`,
      span: block.span,
      label: "needs one output, of the type of its first input",
      related: [{ span: network.item.name.span, text: `(${network.inputs.map((each) => printType(each.type)).join(", ")}) -> (${network.outputs.map((each) => printType(each.type)).join(", ")})` }],
      help: "make its output the same type as its first input",
    });
    return undefined;
  }
  if (rest.length !== more.length) {
    const form = `x |> repeat(${["block", "n", ...rest.map((each) => each.name)].join(", ").replace("block", network.name)})`;
    context.error({ code: "LVM3007", message: `\`${network.name}\` has ${network.inputs.length === 1 ? "one input" : `${network.inputs.length} inputs`}`, span: call.span, label: `${more.length + 1} given`, related: [{ span: network.item.name.span, text: "declared here" }], help: `write \`${form}\`: what follows the number goes to every copy` });
    return undefined;
  }
  if (size.value > 100) {
    context.error({ code: "LVM3016", message: "too many copies", span: times.span, label: `${size.value} of them`, help: "repeat at most 100 times" });
    return undefined;
  }
  noteCall(context, scope, network.item.name.name, call.span);
  const first = fitInput(context, value, from, network);
  const shared = rest.map((each, at) => others[at] && fitInput(context, others[at], each, network)).filter((each) => each !== undefined);
  if (!first || shared.length < rest.length) return undefined;
  let expr = first;
  for (let step = 0; step < size.value; step += 1) {
    const name = copyName(context, network.name);
    const signature: NetworkSignature = { ...network, name };
    context.networks.set(name, { signature, state: "declared" });
    context.copies.push({ name, item: network.item });
    expr = { kind: "call", call: context.freshCall(), network: name, args: [expr, ...shared], output: to.name, type: to.type, origin: call.span };
  }
  return expr;
}

function sameTypes(left: Type, right: Type): boolean {
  return sameShape(left, right) && printSupport(left.support) === printSupport(right.support);
}

function copyName(context: Context, base: string): string {
  for (let number = 1; ; number += 1) {
    const name = `${base}_${number}`;
    if (!context.networks.has(name) && !context.items.has(name)) return name;
  }
}

function repeated(context: Context, scope: Scope, expression: ast.Expression): NetworkSignature | undefined {
  if (expression.kind === "missing") return undefined;
  const entity = expression.kind === "name" ? resolve(context, scope, expression.name) : undefined;
  if (entity?.kind === "network") return entity.signature;
  if (entity?.kind === "broken") return undefined;
  const similar = expression.kind === "name" ? suggest(expression.name, [...context.networks.keys()]) : undefined;
  context.error({ code: "LVM3001", message: "`repeat` takes a network", span: expression.span, label: "not the name of a network", help: similar ? `did you mean \`${similar}\`?` : "write `x |> repeat(block, 3)` with a `network block` of the file" });
  return undefined;
}
