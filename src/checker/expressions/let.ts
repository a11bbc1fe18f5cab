import { choice, freshName, replacement } from "../../diagnostics/fix.js";
import type * as ast from "../../parser/ast.js";
import type { Binding, Expr, Plate } from "../../ir/model/model.js";
import type { Context } from "../context.js";
import { declare, type Entity, type Scope } from "../scope.js";
import { elaborateValue } from "./elaborate.js";
import type { NetworkResult } from "./names.js";

/**
 * `h = …`: elaborates the value, declares the name in `scope`, and gives the bindings of the IR: one for a value; for a network's result none, or one for
 * each output where `bindOutputs` says so. None also after a mistake: the name is then declared as broken.
 */
export function elaborateLet(context: Context, scope: Scope, statement: ast.LetStatement): readonly Binding[] {
  const { plates } = scope;
  const { name } = statement.name;
  const value = elaborateValue(context, scope, statement.value);
  const base = { name, declared: statement.span };
  const declareOnce = (entity: Entity): boolean => {
    const earlier = declare(scope, entity);
    if (earlier && name !== "") {
      context.error({
        code: "LVM2002",
        message: `\`${name}\` is declared twice`,
        span: statement.name.span,
        label: `a second \`${name}\``,
        related: [{ span: earlier.declared, text: "the first is here" }],
        help: "give one of them another name",
        fixes: [choice(replacement(statement.name.span, freshName(name, statement.name.span), `Call it \`${freshName(name, statement.name.span)}\``))],
      });
    }
    return !earlier;
  };
  if (!value) {
    declareOnce({ ...base, kind: "broken" });
    return [];
  }
  if (value.kind === "result") {
    const [only] = value.outputs.values();
    context.hover.set(statement.name, { span: statement.name.span, what: `result of ${value.network.name}`, name, type: value.outputs.size === 1 ? only?.type : undefined, declared: statement.span });
    const { outputs, bindings } = bindOutputs(value, name, plates);
    return declareOnce({ ...base, kind: "result", network: value.network, outputs, plates }) ? bindings : [];
  }
  context.hover.set(statement.name, { span: statement.name.span, what: "value", name, type: value.expr.type, declared: statement.span });
  if (!declareOnce({ ...base, kind: "binding", type: value.expr.type, plates, indexed: statement.indices.length > 0 })) return [];
  return [{ kind: "binding", name, plates, value: value.expr, origin: statement.span }];
}

/**
 * The outputs of a result that is given a name. Each output is a call that holds the arguments, so a result of results of results would double at each
 * step; where an argument holds a call itself, the outputs become bindings (`q.mean`, which no other name can be) and the name stands for references to them.
 */
export function bindOutputs(result: NetworkResult, name: string, plates: readonly Plate[]): { readonly outputs: ReadonlyMap<string, Expr>; readonly bindings: readonly Binding[] } {
  const [first] = result.outputs.values();
  if (result.outputs.size < 2 || first?.kind !== "call" || !first.args.some(holdsCall)) return { outputs: result.outputs, bindings: [] };
  const bindings = [...result.outputs].map(([output, value]): Binding => ({ kind: "binding", name: `${name}.${output}`, plates, value, origin: result.origin }));
  const outputs = [...result.outputs.keys()].map((output, at): [string, Expr] => {
    const binding = bindings[at]!;
    return [output, { kind: "reference", to: { kind: "binding", name: binding.name, whole: false }, type: binding.value.type, origin: binding.origin }];
  });
  return { outputs: new Map(outputs), bindings };
}

function holdsCall(expr: Expr): boolean {
  switch (expr.kind) {
    case "call":
      return true;
    case "step":
    case "position":
    case "slice":
      return holdsCall(expr.target);
    case "gather":
      return holdsCall(expr.target) || holdsCall(expr.index);
    case "apply":
    case "layer":
      return expr.args.some(holdsCall);
    default:
      return false;
  }
}
