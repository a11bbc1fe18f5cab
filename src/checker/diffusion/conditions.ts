import type * as ast from "../../parser/ast.js";
import { choice as unasked } from "../../diagnostics/fix.js";
import type { Column } from "../../ir/model/model.js";
import { evaluateConstant } from "../constants.js";
import type { Context } from "../context.js";
import { declare, type Scope } from "../scope.js";
import { elaborateType } from "../type-expressions.js";

/** The columns beside the datum, which its network may read, some with a share of rows from which training leaves them out. Undefined (reported) where one has no type. */
export function checkConditions(context: Context, model: ast.ModelItem, datum: ast.ColumnDeclaration, scope: Scope): readonly Column[] | undefined {
  const columns: Column[] = [];
  for (const declaration of model.columns) {
    if (declaration === datum) continue;
    const { name } = declaration.name;
    const type = elaborateType(context, declaration.type, { subject: name, span: declaration.span });
    if (!type) return undefined;
    declare(scope, { kind: "column", name, declared: declaration.span, type });
    context.hover.set(declaration.name, { span: declaration.name.span, what: "column", name, type, declared: declaration.span });
    const dropout = declaration.dropout && dropoutOf(context, declaration.dropout);
    columns.push({ name, type, role: "input", partlyObserved: false, ...(dropout === undefined ? {} : { dropout }), origin: declaration.span });
  }
  if (datum.dropout) reportDropout(context, datum, "the datum of a diffusion cannot be left out", "what the noise is added to");
  return columns;
}

/** Columns of other models and of networks are always there: guidance has a meaning for the network of a diffusion alone. */
export function refuseDropout(context: Context, columns: readonly ast.ColumnDeclaration[], what: string): void {
  for (const column of columns) if (column.dropout) reportDropout(context, column, `${what} cannot be left out`, "only a condition of a diffusion can");
}

function reportDropout(context: Context, column: ast.ColumnDeclaration, message: string, label: string): void {
  context.error({ code: "LVM4064", message, span: column.dropout!.span, label, help: "remove `dropout …`", fixes: [unasked({ title: "Remove `dropout`", edits: [{ span: { ...column.dropout!.span, start: column.type.span.end }, text: "" }] })] });
}

function dropoutOf(context: Context, written: ast.Expression): number | undefined {
  const share = evaluateConstant(context, written);
  if (share === undefined || (share > 0 && share < 1)) return share;
  context.error({
    code: "LVM4064",
    message: `a condition is left out of ${share} of the rows`,
    span: written.span,
    label: "must lie between 0 and 1",
    help: "`dropout 0.1` leaves it out of every tenth row, so that the network learns to do without (Ho & Salimans 2022)",
  });
  return undefined;
}
