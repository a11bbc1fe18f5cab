import { textOf } from "../../diagnostics/span.js";
import type * as ast from "../../parser/ast.js";
import type { Column } from "../../ir/model/model.js";
import type { Fix } from "../../diagnostics/diagnostic.js";
import { correction, replacement } from "../../diagnostics/fix.js";
import type { RowLength } from "../body.js";
import { evaluateConstant } from "../constants.js";
import type { Context } from "../context.js";

/** The column that holds the lengths of `x`: no column of the file has such a name. */
export function lengthColumn(column: string): string {
  return `length(${column})`;
}

/** `where length(x) <= T`: T is the first axis of the column x. Undefined (reported) where it is anything else. */
export function checkRowLength(context: Context, where: ast.Expression, columns: ReadonlyMap<string, Column>): RowLength | undefined {
  const call = where.kind === "binary" && where.operator === "<=" ? where : undefined;
  const left = call?.left.kind === "call" && call.left.callee.kind === "name" && call.left.callee.name === "length" ? call.left : undefined;
  const argument = left?.args.length === 1 ? left.args[0]?.value : undefined;
  if (!call || !argument || argument.kind !== "name") {
    if (where.kind !== "missing") report("this is not a length of rows", where, "only `length(column) <= T` is known here", "write for example `where length(x) <= T`");
    return undefined;
  }
  const most = evaluateConstant(context, call.right);
  const column = columns.get(argument.name);
  if (most === undefined) return undefined;
  if (!column) {
    report(`the model has no column \`${argument.name}\``, argument, "of this the rows would have lengths", columns.size > 0 ? `name one of ${[...columns.keys()].map((name) => `\`${name}\``).join(", ")}` : "declare the column in the model's head", undefined, correction(argument.span, argument.name, columns.keys()) ?? (columns.size === 1 ? [replacement(argument.span, [...columns.keys()][0]!)] : undefined));
    return undefined;
  }
  const [steps] = column.type.shape;
  if (steps?.value !== most) {
    report(`\`${column.name}\` ${steps ? `has ${steps.value} steps` : "has no steps"}, and its length is at most ${most}`, call.right, `at most ${most}`, steps ? `write \`where length(${column.name}) <= ${steps.text ?? steps.value}\`` : `give it an axis of steps in front: \`${column.name}: real[${textOf(call.right.span)}]\``, column, steps && [replacement(call.right.span, steps.text ?? String(steps.value))]);
    return undefined;
  }
  return { column: lengthColumn(column.name), most };

  function report(message: string, at: ast.Expression, label: string, help: string, related?: Column, fixes?: readonly Fix[]): void {
    context.error({ code: "LVM4046", message, span: at.span, label, related: related ? [{ span: related.origin, text: "declared here" }] : [], help, fixes });
  }
}
