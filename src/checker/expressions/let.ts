import type * as ast from "../../parser/ast.js";
import type { Binding, Plate } from "../../ir/model/model.js";
import type { Context } from "../context.js";
import { declare, type Entity, type Scope } from "../scope.js";
import { elaborateValue } from "./elaborate.js";

/**
 * `h = …`: elaborates the value, declares the name in `scope`, and gives the binding of the IR. A network's result with several outputs is declared but makes
 * no binding (its outputs are calls that share one number). Undefined also after a mistake: the name is then declared as broken.
 */
export function elaborateLet(context: Context, scope: Scope, statement: ast.LetStatement, plates: readonly Plate[] = scope.plates): Binding | undefined {
  const { name } = statement.name;
  const value = elaborateValue(context, scope, statement.value);
  const indexed = statement.indices.length > 0;
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
      });
    }
    return !earlier;
  };
  if (!value) {
    declareOnce({ ...base, kind: "broken" });
    return undefined;
  }
  if (value.kind === "result") {
    const [only] = value.outputs.values();
    context.hover.set(statement.name, { span: statement.name.span, what: `result of ${value.network.name}`, name, type: value.outputs.size === 1 ? only?.type : undefined, declared: statement.span });
    declareOnce({ ...base, kind: "result", network: value.network, outputs: value.outputs, plates });
    return undefined;
  }
  context.hover.set(statement.name, { span: statement.name.span, what: "value", name, type: value.expr.type, declared: statement.span });
  if (!declareOnce({ ...base, kind: "binding", type: value.expr.type, plates, indexed })) return undefined;
  return { kind: "binding", name, plates, value: value.expr, origin: statement.span };
}
