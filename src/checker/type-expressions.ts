import { suggest } from "../diagnostics/suggest.js";
import { textOf } from "../diagnostics/span.js";
import type * as ast from "../parser/ast.js";
import type { Support } from "../types/support.js";
import type { Size, Type } from "../types/type.js";
import { evaluateConstant, evaluateSize, evaluateSizes } from "./constants.js";
import type { Context } from "./context.js";
import type { SizeOrigin } from "./shape-messages.js";

/** Names of types, for suggestions and completion, with what each means. */
export const typeNames: Readonly<Record<string, string>> = {
  real: "any number",
  positive: "a number above 0",
  nonnegative: "a number of at least 0",
  unit: "a number from 0 to 1",
  binary: "0 or 1",
  index: "a label: one of K; `index(10)`",
  count: "a whole number of at least 0",
  byte: "a whole number from 0 to 255",
  angle: "an angle in radians",
  interval: "a number between two bounds: `interval(-1, 1)`",
  simplex: "K nonnegative numbers that sum to 1: `simplex[K]`",
  ordered: "K rising numbers: `ordered[K]`",
  cholesky: "a lower triangular K×K matrix with a positive diagonal: `cholesky[K]`",
  covariance: "a symmetric positive definite K×K matrix: `covariance[K]`",
};

const habits: Readonly<Record<string, string>> = {
  float: "real", float32: "real", double: "real", number: "real", vector: "real", matrix: "real", tensor: "real", int: "count", integer: "count", bool: "binary", boolean: "binary",
  bit: "binary", category: "index", categorical: "index", uint8: "byte", probability: "unit", natural: "count", nonneg: "nonnegative",
};

type JointKind = "simplex" | "ordered" | "cholesky" | "covariance";
const joint: readonly string[] = ["simplex", "ordered", "cholesky", "covariance"] satisfies readonly JointKind[];

/**
 * The type that a type expression stands for. `declared` is what it belongs to (`z`, with the span `z: real[K]`); shape messages name it.
 * Undefined (reported) where it has a mistake.
 */
export function elaborateType(context: Context, expression: ast.TypeExpression, declared?: { readonly subject: string; readonly span: SizeOrigin["span"] }): Type | undefined {
  const origin: SizeOrigin = { subject: declared?.subject ?? "the type", span: declared?.span ?? expression.span, type: expression.span };
  const support = elaborateSupport(context, expression);
  const sizes = evaluateSizes(context, expression.sizes, { declared: origin });
  if (!support || !sizes) return undefined;
  const shape = shapeOf(context, expression, support, sizes);
  if (!shape) return undefined;
  const type: Type = { support, shape };
  context.hover.set(expression, { span: expression.span, what: "type", name: expression.name.name, type, doc: typeNames[expression.name.name] });
  return type;
}

function shapeOf(context: Context, expression: ast.TypeExpression, support: Support, sizes: readonly Size[]): readonly Size[] | undefined {
  if (!joint.includes(support.kind)) return sizes;
  const last = sizes[sizes.length - 1];
  if (!last) {
    context.error({
      code: "LVM3017",
      message: `\`${support.kind}\` needs a size`,
      span: expression.span,
      label: "how many?",
      help: `write \`${support.kind}[K]\``,
    });
    return undefined;
  }
  const square = support.kind === "cholesky" || support.kind === "covariance";
  if (square && sizes.length >= 2 && sizes[sizes.length - 2]?.value === last.value) {
    context.error({
      code: "LVM3017",
      message: `\`${support.kind}[K]\` is a K×K matrix already`,
      span: expression.span,
      label: "the size is written twice",
      help: `write \`${support.kind}[${last.text ?? last.value}]\``,
    });
    return undefined;
  }
  return square ? [...sizes, last] : sizes;
}

function elaborateSupport(context: Context, expression: ast.TypeExpression): Support | undefined {
  const { name, args } = expression;
  switch (name.name) {
    case "real":
    case "positive":
    case "nonnegative":
    case "unit":
    case "binary":
    case "count":
    case "byte":
    case "angle":
    case "simplex":
    case "ordered":
    case "cholesky":
    case "covariance":
      if (args.length > 0) return malformed(context, expression, `\`${name.name}\` takes no \`(…)\``, `sizes stand in brackets: \`${name.name}[${args.map((arg) => textOf(arg.span)).join(", ")}]\``);
      return { kind: name.name };
    case "index": {
      const [size] = args;
      if (!size || args.length !== 1) return malformed(context, expression, "`index` needs the number of its labels", `write \`index(${expression.sizes[0] ? textOf(expression.sizes[0].span) : "K"})\``);
      const value = evaluateSize(context, size);
      return value && { kind: "index", size: value.value };
    }
    case "interval": {
      const [low, high] = args;
      if (!low || !high || args.length !== 2) return malformed(context, expression, "`interval` needs two bounds", "write `interval(-1, 1)`");
      const from = evaluateConstant(context, low);
      const to = evaluateConstant(context, high);
      if (from === undefined || to === undefined) return undefined;
      if (from >= to) return malformed(context, expression, `the interval from ${from} to ${to} is empty`, "put the lower bound first");
      return { kind: "interval", low: from, high: to };
    }
    default: {
      if (name.name === "") return undefined;
      const known = Object.keys(typeNames);
      const habit = name.name.toLowerCase();
      const similar = (Object.hasOwn(habits, habit) ? habits[habit] : undefined) ?? suggest(name.name, known);
      context.error({
        code: "LVM2006",
        message: `unknown type \`${name.name}\``,
        span: name.span,
        label: "no such type",
        notes: [`types: ${known.map((each) => `\`${each}\``).join(", ")}`],
        help: similar ? `did you mean \`${similar}\`?` : "`real` is any number",
        fixes: similar ? [{ title: `Change to \`${similar}\``, edits: [{ span: name.span, text: similar }] }] : undefined,
      });
      return undefined;
    }
  }
}

function malformed(context: Context, expression: ast.TypeExpression, message: string, help: string): undefined {
  context.error({ code: "LVM3017", message, span: expression.span, label: "in this type", help });
  return undefined;
}
