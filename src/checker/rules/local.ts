import type * as ast from "../../parser/ast.js";
import type { Parameter } from "../../ir/model/model.js";
import { printType } from "../../types/type.js";
import { type Body, isFree } from "../body.js";
import { loopWord } from "../loop-plates.js";
import { declare, type Scope } from "../scope.js";
import { elaborateInitializer, learnableType } from "../parameters.js";

/** `local mean: real[20] = 0` in a guide: one learnable value for each data row. */
export function elaborateLocal(body: Body, scope: Scope, statement: ast.LocalStatement): Parameter | undefined {
  const { context } = body;
  const { name } = statement;
  if (name.name === "") return undefined;
  const declared = { ...name.span, end: statement.type.span.end };
  const type = learnableType(context, statement.type, name, declared);
  const free = isFree(body, scope, name, "local value");
  if (free) declare(body.scope, { kind: "broken", name: name.name, declared });
  if (scope.plates.length > 0) {
    context.error({
      code: "LVM4032",
      message: "`local` stands outside of loops",
      span: name.span,
      label: "inside a loop",
      related: scope.plates.map((plate) => ({ span: loopWord(plate), text: "this loop" })),
      help: `move it out and give it the loop's size in front; in the loop read \`${name.name}[t]\``,
    });
    return undefined;
  }
  if (!type || !free) return undefined;
  const init = elaborateInitializer(context, type, statement.init, { span: declared, text: `\`${name.name}\` is ${printType(type)}` });
  const parameter: Parameter = { name: `local.${name.name}`, type, perRow: true, trainable: true, init: init ?? { kind: "constant", value: 0 }, origin: statement.span };
  body.scope.entities.set(name.name, { kind: "parameter", name: name.name, declared, type, parameter: parameter.name });
  context.hover.set(name, { span: name.span, what: "local parameter", name: name.name, type, declared });
  return parameter;
}
