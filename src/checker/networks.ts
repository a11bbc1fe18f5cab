import type { Fix } from "../diagnostics/diagnostic.js";
import { choice, insertion, removal, replacement, withoutQuestionMark } from "../diagnostics/fix.js";
import { textOf } from "../diagnostics/span.js";
import type * as ast from "../parser/ast.js";
import type { Binding, Expr, Network } from "../ir/model/model.js";
import { partsOf } from "../ir/model/walk.js";
import { printSupport } from "../types/support.js";
import { elementCount, printType, sameShape, type Type } from "../types/type.js";
import type { Context, NetworkSignature } from "./context.js";
import { accepts, asLabel } from "./expressions/accepts.js";
import { reservedNames } from "./expressions/calls.js";
import { elaborate } from "./expressions/elaborate.js";
import { elaborateLet } from "./expressions/let.js";
import { createScope, declare, type Scope } from "./scope.js";
import { functionInto, mendSupport, printShape, reportShapeMismatch } from "./shape-messages.js";
import { refuseDropout } from "./diffusion/conditions.js";
import { elaborateType } from "./type-expressions.js";

/** Declares the signatures of networks, so that calls may stand before the network. The items' names must have been declared with `declareItem`. */
export function declareNetworks(context: Context, items: readonly ast.NetworkItem[]): void {
  for (const item of items) {
    const { name } = item.name;
    if (context.networks.has(name)) continue;
    if (reservedNames.includes(name)) {
      context.error({ code: "LVM2016", message: `\`${name}\` is a name of the language`, span: item.name.span, label: "cannot be declared anew", help: `call it otherwise: \`my_${name}\`` });
      continue;
    }
    const inputs = elaborateDeclarations(context, item.inputs, "input");
    const outputs = elaborateDeclarations(context, item.outputs, "output");
    if (!inputs || !outputs) continue;
    context.networks.set(name, { signature: { name, item, inputs, outputs }, state: "declared" });
  }
}

type Declared = NetworkSignature["inputs"];

function elaborateDeclarations(context: Context, declarations: readonly ast.ColumnDeclaration[], what: string): Declared | undefined {
  refuseDropout(context, declarations, `an ${what} of a network`);
  const seen = new Map<string, ast.ColumnDeclaration>();
  const done: { readonly name: string; readonly type: Type; readonly origin: ast.ColumnDeclaration["span"] }[] = [];
  let fine = true;
  for (const declaration of declarations) {
    const { name } = declaration.name;
    const earlier = seen.get(name);
    const type = elaborateType(context, declaration.type, { subject: name, span: declaration.span });
    if (earlier) {
      context.error({ code: "LVM2002", message: `\`${name}\` is declared twice`, span: declaration.name.span, label: `a second ${what} \`${name}\``, related: [{ span: earlier.span, text: "the first is here" }], help: "give one of them another name" });
      fine = false;
    }
    seen.set(name, declaration);
    if (declaration.type.optional) {
      context.error({ code: "LVM3017", message: "only a column of a model can be partly observed", span: declaration.type.span, label: "an input or output of a network is always there", help: "remove the `?`", fixes: [withoutQuestionMark(declaration.type.span)] });
    }
    if (!type) fine = false;
    else {
      context.hover.set(declaration.name, { span: declaration.name.span, what, name, type });
      done.push({ name, type, origin: declaration.span });
    }
  }
  return fine ? done : undefined;
}

/**
 * Elaborates the bodies of all declared networks and of the copies that `repeat` asks for. Afterwards the complete ones stand in `context.networks` in
 * dependency order: callees first.
 */
export function elaborateNetworks(context: Context): void {
  for (const [name, entry] of [...context.networks]) {
    if (entry.state === "declared" && !context.copies.some((copy) => copy.name === name)) complete(context, name, entry.signature);
  }
  if (reportRecursion(context)) context.copies.length = 0;
  for (let copy = context.copies.shift(); copy; copy = context.copies.shift()) {
    const entry = context.networks.get(copy.name);
    if (!entry) continue;
    const before = context.diagnostics.length;
    const original = context.networks.get(copy.item.name.name);
    if (original?.state === "broken") context.networks.set(copy.name, { signature: entry.signature, state: "broken" });
    else if (context.diagnostics.length === before) complete(context, copy.name, entry.signature, false);
  }
  sortNetworks(context);
}

function complete(context: Context, name: string, signature: NetworkSignature, warn = true): void {
  const network = elaborateNetwork(context, signature, warn);
  context.networks.set(name, network ? { signature, state: "complete", network } : { signature, state: "broken" });
}

/** The body of one network: every output assigned once, with the shape and support that was declared. Undefined when it has a mistake. */
export function elaborateNetwork(context: Context, signature: NetworkSignature, warn = true): Network | undefined {
  const { item, name } = signature;
  const scope = createScope(undefined, { network: { name, item: item.name.name, layers: new Map() } });
  for (const input of signature.inputs) declare(scope, { kind: "input", name: input.name, type: input.type, declared: input.origin });
  const bindings: Binding[] = [];
  const values = new Map<string, Expr>();
  const assigned = new Map<string, ast.LetStatement>();
  let fine = true;
  for (const statement of item.body) {
    if (statement.kind !== "let") {
      notInNetwork(context, statement);
      fine = false;
      continue;
    }
    if (statement.indices.length > 0) {
      context.error({ code: "LVM3020", message: "a network assigns whole values", span: statement.name.span, label: "with an index", help: "build the array with `concat` or `stack`" });
      fine = false;
      continue;
    }
    const output = signature.outputs.find((each) => each.name === statement.name.name);
    const earlier = output && assigned.get(output.name);
    if (output && earlier) {
      context.error({ code: "LVM2002", message: `\`${output.name}\` is assigned twice`, span: statement.name.span, label: "the second time", related: [{ span: earlier.span, text: "the first time" }], help: "give one of the two another name" });
      fine = false;
      continue;
    }
    if (output) assigned.set(output.name, statement);
    const inputOfThisName = signature.inputs.some((input) => input.name === statement.name.name) && output !== undefined;
    const before = context.diagnostics.length;
    if (inputOfThisName) {
      const value = elaborate(context, scope, statement.value);
      if (value && output) keep(fitOutput(context, value, output, statement), output.name);
      else fine = false;
      continue;
    }
    const made = elaborateLet(context, scope, statement);
    const binding = made.find((each) => each.name === statement.name.name);
    if (context.diagnostics.length > before && context.diagnostics.slice(before).some((each) => each.severity === "error")) fine = false;
    bindings.push(...made);
    if (!output) continue;
    const value = binding ? binding.value : readBack(context, scope, statement);
    if (!value) {
      fine = false;
      continue;
    }
    keep(fitOutput(context, value, output, statement), output.name);
  }
  function keep(value: Expr | undefined, output: string): void {
    if (!value) fine = false;
    else values.set(output, value);
  }
  for (const output of signature.outputs) {
    if (assigned.has(output.name)) continue;
    const declaration = item.outputs.find((each) => each.name.name === output.name);
    fine = false;
    context.error({
      code: "LVM3012",
      message: `\`${item.name.name}\` does not assign its output \`${output.name}\``,
      span: declaration?.name.span ?? item.name.span,
      label: "declared here, assigned nowhere",
      help: `add \`${output.name} = …\``,
      fixes: assigned.has(output.name) ? undefined : outputFix(signature, output),
    });
  }
  if (fine && warn) warnUnused(context, signature, scope);
  if (!fine) return undefined;
  const used = new Set(scope.used);
  return {
    name,
    doc: item.doc,
    inputs: signature.inputs,
    outputs: signature.outputs.flatMap((output) => {
      const value = values.get(output.name);
      return value ? [{ ...output, value: used.has(output.name) && bindings.some((each) => each.name === output.name) ? reference(output.name, value) : value }] : [];
    }),
    // An output that is read further down is a binding, too; what nothing reads is none.
    bindings: bindings.filter((binding) => used.has(binding.name) || !scope.entities.has(binding.name)),
    origin: item.span,
  };
}

function reference(name: string, value: Expr): Expr {
  return { kind: "reference", to: { kind: "binding", name, whole: false }, type: value.type, origin: value.origin };
}

/** The value of an output that was assigned a network's result. */
function readBack(context: Context, scope: Scope, statement: ast.LetStatement): Expr | undefined {
  const entity = scope.entities.get(statement.name.name);
  if (entity?.kind !== "result") return undefined;
  const [only] = entity.outputs.values();
  if (only && entity.outputs.size === 1) return only;
  context.error({
    code: "LVM3013",
    message: `\`${entity.network.name}\` has ${entity.outputs.size} outputs, and one value is needed`,
    span: statement.value.span,
    label: `gives ${[...entity.outputs.keys()].map((each) => `\`${each}\``).join(", ")}`,
    help: `name one: \`q = …\`, then \`q.${[...entity.outputs.keys()][0] ?? ""}\``,
  });
  return undefined;
}

function fitOutput(context: Context, value: Expr, output: Declared[number], statement: ast.LetStatement): Expr | undefined {
  if (value.type.shape.length === 0 && output.type.shape.length > 0 && value.kind === "number" && accepts(output.type.support, value)) {
    return { kind: "apply", function: "broadcast", args: [value], attributes: { shape: output.type.shape.map((size) => size.value) }, type: { support: value.type.support, shape: output.type.shape }, origin: value.origin };
  }
  if (!sameShape(value.type, output.type)) {
    const flat = elementCount(value.type) === 1 && output.type.shape.length === 0;
    reportShapeMismatch(context, {
      span: statement.value.span,
      actual: value.type,
      expected: output.type,
      wanted: { span: output.origin, text: `the output is ${printShape(output.type)}` },
      help: flat ? "add `|> sum`: it makes a single number of a vector of one" : undefined,
    });
    return undefined;
  }
  if (accepts(output.type.support, value)) return asLabel(output.type.support, value);
  const mend = mendSupport(output.type.support, statement.value.span);
  const text = textOf(statement.value.span);
  const piped = mend.fixes && mend.help ? [{ title: `${mend.help[0]?.toUpperCase() ?? ""}${mend.help.slice(1)}`, edits: [{ span: statement.value.span, text: `${text} ${mend.help.replace(/^add `|`$/g, "")}` }] }] : undefined;
  context.error({
    code: "LVM3005",
    message: `\`${output.name}\` must be ${printSupport(output.type.support)}`,
    span: statement.value.span,
    label: value.kind === "number" ? `this is ${value.value}` : `this is ${printType(value.type)}`,
    related: [{ span: output.origin, text: "declared here" }],
    notes: [`not every ${printSupport(value.type.support)} value is ${printSupport(output.type.support)}`],
    help: mend.help ?? `declare the output as \`${output.name}: ${printType(value.type)}\``,
    fixes: statement.value.kind === "pipe" || statement.value.kind === "call" || statement.value.kind === "name" ? piped : undefined,
  });
  return undefined;
}

function notInNetwork(context: Context, statement: Exclude<ast.Statement, ast.LetStatement>): void {
  const words = { sample: "a draw", local: "`local`", auto: "`auto`", marginalize: "`marginalize`", loop: "a loop" } as const;
  const span = "name" in statement ? statement.name.span : statement.span;
  context.error({
    code: "LVM3020",
    message: `${words[statement.kind]} cannot stand in a network`,
    span,
    label: "a network is a function of its inputs",
    help: statement.kind === "sample" ? "draw it in the model or guide, and give it to the network as an input" : "assign values only: `h = …`",
  });
}

/** A first value for an output that is not assigned: a layer of the first input, of the output's size and support. */
function outputFix({ item, inputs }: NetworkSignature, output: NetworkSignature["outputs"][number]): readonly Fix[] | undefined {
  const [input] = inputs;
  const into = functionInto(output.type.support);
  const last = item.body.at(-1);
  const [rank, size] = [output.type.shape.length, output.type.shape[0]];
  if (!input || !last || rank > 1 || input.type.shape.length !== rank || (into === undefined && output.type.support.kind !== "real") || input.type.support.kind === "index") return undefined;
  const line = `${output.name} = ${[input.name, ...(size ? [`dense(${size.text ?? size.value})`] : []), ...(into ? [into] : [])].join(" |> ")}`;
  return [choice(insertion(last.span, `\n  ${line}`, `Add \`${line}\``))];
}

function warnUnused(context: Context, signature: NetworkSignature, scope: Scope): void {
  for (const [name, entity] of scope.entities) {
    if (scope.used.has(name) || signature.outputs.some((output) => output.name === name) || name === "" || name.startsWith("_")) continue;
    if (entity.kind !== "binding" && entity.kind !== "result" && entity.kind !== "input") continue;
    context.warning({
      code: "LVM2009",
      message: `\`${name}\` is never read`,
      span: entity.declared,
      label: entity.kind === "input" ? "this input has no effect" : "this value has no effect",
      help: entity.kind === "input" ? "remove it, or use it" : "remove the line, or use the value",
      fixes: entity.kind === "input" ? undefined : [choice(removal(entity.declared, "Remove this line")), choice(replacement({ ...entity.declared, end: entity.declared.start + name.length }, `_${name}`, "Mark it as unused: `_" + name + "`"))],
    });
  }
}

/** Circles among the calls; true when there was one. */
function reportRecursion(context: Context): boolean {
  let found = false;
  const calls = (name: string): readonly string[] => [...(context.networkCalls.get(name)?.keys() ?? [])];
  calleesFirst([...context.networkCalls.keys()], calls, (circle) => {
    found = true;
    const [called = "", ...inner] = circle;
    const caller = inner[inner.length - 1] ?? called;
    const span = context.networkCalls.get(caller)?.get(called);
    const declared = context.networks.get(called)?.signature.item.name.span;
    if (!span || !declared) return;
    context.error({
      code: "LVM2010",
      message: `\`${called}\` calls itself`,
      span,
      label: [...circle.slice(0, 8), called].map((each) => `\`${each}\``).join(" → "),
      related: [{ span: declared, text: "declared here" }],
      help: "stack copies with `repeat(block, 3)`, or give the inner part a network of its own",
    });
    for (const each of circle) {
      const entry = context.networks.get(each);
      if (entry) context.networks.set(each, { signature: entry.signature, state: "broken" });
    }
  });
  return found;
}

/** Puts networks behind those that they call. */
function sortNetworks(context: Context): void {
  const entries = new Map(context.networks);
  const called = (name: string): readonly string[] => {
    const network = entries.get(name)?.network;
    return network ? calledBy(network) : [];
  };
  context.networks.clear();
  for (const name of calleesFirst([...entries.keys()], called)) {
    const entry = entries.get(name);
    if (entry) context.networks.set(name, entry);
  }
}

/** Names in an order in which those that a name calls stand before it. Depth first with a stack of its own: a chain of calls may be long. */
function calleesFirst(names: readonly string[], calls: (name: string) => readonly string[], onCircle?: (circle: readonly string[]) => void): readonly string[] {
  const sorted = new Set<string>();
  const path = new Map<string, Iterator<string>>();
  for (const root of names) {
    if (sorted.has(root)) continue;
    const stack = [root];
    path.set(root, calls(root)[Symbol.iterator]());
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const next = path.get(top)?.next();
      if (!next || next.done) {
        stack.pop();
        path.delete(top);
        sorted.add(top);
      } else if (path.has(next.value)) onCircle?.(stack.slice(stack.indexOf(next.value)));
      else if (!sorted.has(next.value)) {
        stack.push(next.value);
        path.set(next.value, calls(next.value)[Symbol.iterator]());
      }
    }
  }
  return [...sorted];
}

/** Networks that a body calls, in the order of their calls. Outputs of one call share their arguments, so each expression is visited once. */
function calledBy(network: Network): readonly string[] {
  const called = new Set<string>();
  const visited = new Set<Expr>();
  const visit = (expr: Expr): void => {
    if (visited.has(expr)) return;
    visited.add(expr);
    for (const child of partsOf(expr)) visit(child);
    if (expr.kind === "call") called.add(expr.network);
  };
  for (const binding of network.bindings) visit(binding.value);
  for (const output of network.outputs) visit(output.value);
  return [...called];
}
