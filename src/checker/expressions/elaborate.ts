import type * as ast from "../../parser/ast.js";
import { choice, insertion } from "../../diagnostics/fix.js";
import { textOf, type Span } from "../../diagnostics/span.js";
import type { FunctionName } from "../../ir/model/functions.js";
import type { Expr } from "../../ir/model/model.js";
import { dims, sizeOf } from "../../types/type.js";
import type { Context } from "../context.js";
import type { Scope } from "../scope.js";
import { reportShapeMismatch, type SizeOrigin } from "../shape-messages.js";
import { functionRules } from "../functions/function-rules.js";
import { join, rangeOf, supportOfRange } from "../functions/ranges.js";
import { suggest } from "../../diagnostics/suggest.js";
import { requireNumber } from "./arguments.js";
import { applyFunction, elaborateCall } from "./calls.js";
import { elaborateIndex } from "./indexing.js";
import { arrayExpr, elaborateName, numberExpr, type NetworkResult, type Value } from "./names.js";

/**
 * An expression of the source as one of the model IR, typed for one data row. Undefined when it has a mistake: then it has been reported, and
 * the caller stays silent.
 */
export function elaborate(context: Context, scope: Scope, expression: ast.Expression): Expr | undefined {
  const value = elaborateValue(context, scope, expression);
  return value && single(context, value, expression);
}

/** As `elaborate`, where a record of outputs is welcome too: `q = encoder(x)`. */
export function elaborateValue(context: Context, scope: Scope, expression: ast.Expression): Value | undefined {
  const value = elaborateNode(context, scope, expression);
  if (value?.kind === "expr" && !context.hover.has(expression)) context.hover.set(expression, { span: expression.span, what: "expression", type: value.expr.type });
  return value;
}

/** The value of a result with one output. */
function single(context: Context, value: Value, expression: ast.Expression): Expr | undefined {
  if (value.kind === "expr") return value.expr;
  const [only] = value.outputs.values();
  if (only && value.outputs.size === 1) return { ...only, origin: expression.span };
  reportSeveral(context, value, expression.span);
  return undefined;
}

function reportSeveral(context: Context, result: NetworkResult, span: Span): void {
  const names = [...result.outputs.keys()];
  context.error({
    code: "LVM3013",
    message: `\`${result.network.name}\` has ${names.length} outputs, and one value is needed`,
    span,
    label: `gives ${names.map((name) => `\`${name}\``).join(", ")}`,
    related: [{ span: result.network.item.name.span, text: "declared here" }],
    help: `name one: \`${/^\w+$/.test(textOf(span)) ? textOf(span) : "q"}.${names[0] ?? ""}\`${/^\w+$/.test(textOf(span)) ? "" : `, after \`q = ${textOf(span).replace(/\s+/g, " ").slice(0, 40)}\``}`,
    fixes: names.map((name) => choice(insertion(span, `.${name}`, `Take \`${name}\``))),
  });
}

function elaborateNode(context: Context, scope: Scope, expression: ast.Expression): Value | undefined {
  const recur = (part: ast.Expression): Expr | undefined => elaborate(context, scope, part);
  const expr = (value: Expr | undefined): Value | undefined => value && { kind: "expr", expr: value };
  switch (expression.kind) {
    case "missing":
      return undefined;
    case "number":
      return expr(numberExpr(expression.value, expression.span));
    case "parenthesized":
      return elaborateValue(context, scope, expression.expression);
    case "name":
      return elaborateName(context, scope, expression);
    case "unary":
      return expr(elaborateOperator(context, "negate", [expression.operand], expression.span, "-", recur));
    case "binary":
      return expr(elaborateOperator(context, operators[expression.operator], [expression.left, expression.right], expression.span, expression.operator, recur));
    case "call":
      return elaborateCall(context, scope, expression, recur);
    case "pipe":
      return elaboratePipe(context, scope, expression);
    case "index":
      return expr(elaborateIndex(context, scope, expression, recur));
    case "member":
      return expr(elaborateMember(context, scope, expression));
    case "array":
      return expr(elaborateArray(context, expression, recur));
    case "string":
      return misplaced(context, expression, "a text is no value", "texts are options only: `padding = \"same\"`");
    case "range":
      return misplaced(context, expression, "a range is no value", "ranges stand in brackets and loops: `x[1..3]`, `each t in 1..T`");
    case "condition":
      return misplaced(context, expression, "a condition is no value", "`|` stands inside `guide(…)` only");
  }
}

const operators: Readonly<Record<ast.BinaryOperator, FunctionName>> = {
  "+": "add",
  "-": "subtract",
  "*": "multiply",
  "/": "divide",
  "@": "matmul",
  "^": "power",
  "<": "less",
  "<=": "less_equal",
  ">": "greater",
  ">=": "greater_equal",
  "==": "equal",
  "!=": "not_equal",
};

function misplaced(context: Context, expression: ast.Expression, message: string, help: string): undefined {
  context.error({ code: "LVM3020", message, span: expression.span, label: "not allowed here", help });
  return undefined;
}

/** Both sides are looked at before either is given up: two mistakes give two messages. */
function elaborateOperator(context: Context, name: FunctionName, operands: readonly ast.Expression[], span: Span, symbol: string, recur: (part: ast.Expression) => Expr | undefined): Expr | undefined {
  const given = operands.map(recur);
  const args = given.filter((arg) => arg !== undefined);
  if (args.length < operands.length) return undefined;
  const labels = name === "equal" || name === "not_equal";
  if (!labels && !args.every((arg) => requireNumber(context, arg, symbol))) return undefined;
  if (symbol === "-" && args.length === 1 && args[0]?.kind === "number") return numberExpr(-args[0].value, span);
  return applyFunction(functionRules[name], name, { context, name: symbol, span, callee: span, args, numbers: {}, words: {}, sizes: {}, at: () => span });
}

/** `x |> f(a)` is `f(x, a)`, `x |> relu` is `relu(x)`. */
function elaboratePipe(context: Context, scope: Scope, expression: ast.PipeExpression): Value | undefined {
  const recur = (part: ast.Expression): Expr | undefined => elaborate(context, scope, part);
  const piped: ast.Argument = { kind: "argument", value: expression.value, span: expression.value.span };
  const { into } = expression;
  if (into.kind === "call") return elaborateCall(context, scope, { ...into, args: [piped, ...into.args], span: expression.span }, recur, into.span);
  if (into.kind === "name") return elaborateCall(context, scope, { kind: "call", callee: into, args: [piped], span: expression.span }, recur, into.span);
  recur(expression.value);
  if (into.kind !== "missing") context.error({ code: "LVM3001", message: "`|>` pipes into a function, layer or network", span: into.span, label: "not one of these", help: "write `x |> relu` or `x |> dense(400)`" });
  return undefined;
}

/** `q.mean` */
function elaborateMember(context: Context, scope: Scope, expression: ast.MemberExpression): Expr | undefined {
  const target = elaborateValue(context, scope, expression.target);
  if (!target) return undefined;
  const { name } = expression;
  if (target.kind === "expr") {
    context.error({ code: "LVM3001", message: "only the result of a network has named outputs", span: expression.target.span, label: "this is one value", help: `remove \`.${name.name}\`` });
    return undefined;
  }
  const output = target.outputs.get(name.name);
  if (output) {
    context.hover.set(expression, { span: expression.span, what: `output of ${target.network.name}`, name: name.name, type: output.type, declared: target.network.outputs.find((each) => each.name === name.name)?.origin });
    return { ...output, origin: expression.span };
  }
  if (name.name === "") return undefined;
  const known = [...target.outputs.keys()];
  const similar = suggest(name.name, known);
  context.error({
    code: "LVM2008",
    message: `\`${target.network.name}\` has no output \`${name.name}\``,
    span: name.span,
    label: "not one of its outputs",
    related: [{ span: target.network.item.name.span, text: "the network is declared here" }],
    notes: [`its outputs: ${known.map((each) => `\`${each}\``).join(", ")}`],
    help: similar ? `did you mean \`${similar}\`?` : `use \`${known[0] ?? ""}\`, or add \`${name.name}\` to the network's outputs`,
    fixes: similar ? [{ title: `Change to \`${similar}\``, edits: [{ span: name.span, text: similar }] }] : undefined,
  });
  return undefined;
}

/** `[1, 2]`: a constant when all its elements are, else a stack. */
function elaborateArray(context: Context, expression: ast.ArrayExpression, recur: (part: ast.Expression) => Expr | undefined): Expr | undefined {
  const given = expression.elements.map(recur);
  const elements = given.filter((element) => element !== undefined);
  const [first] = elements;
  if (elements.length < expression.elements.length) return undefined;
  if (!first) {
    context.error({ code: "LVM3003", message: "an array needs at least one element", span: expression.span, label: "empty", help: "write its elements: `[1, 2]`" });
    return undefined;
  }
  if (!elements.every((element) => requireNumber(context, element, "[…]"))) return undefined;
  const odd = elements.find((element) => dims(element.type).join() !== dims(first.type).join());
  if (odd) {
    reportShapeMismatch(context, { span: odd.origin, actual: odd.type, expected: first.type, message: "the elements of an array have different shapes", wanted: { span: first.origin, text: "the first element" } });
    return undefined;
  }
  const shape = [sizeOf(elements.length, undefined, { subject: textOf(expression.span), span: expression.span } satisfies SizeOrigin), ...first.type.shape];
  const numbers = elements.flatMap((element) => (element.kind === "number" ? [element.value] : element.kind === "constant" ? element.values : []));
  if (elements.every((element) => element.kind === "number" || element.kind === "constant")) return arrayExpr(numbers, shape, expression.span);
  return { kind: "apply", function: "stack", args: elements, attributes: { axis: 1 }, type: { support: supportOfRange(elements.map(rangeOf).reduce(join)), shape }, origin: expression.span };
}
