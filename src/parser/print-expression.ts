import type { Argument, ColumnDeclaration, Expression, TypeExpression } from "./ast.js";

/** Expressions, types and columns on one line. */

interface Style {
  /** Within an index `t-1` is written without spaces. */
  readonly tight?: boolean;
}

export function printExpression(node: Expression, style: Style = {}): string {
  switch (node.kind) {
    case "number":
      return node.text;
    case "string":
      return printString(node.value);
    case "name":
      return node.name;
    case "unary":
      return `-${printExpression(node.operand, style)}`;
    case "binary": {
      const space = node.operator === "^" || (style.tight && (node.operator === "+" || node.operator === "-")) ? "" : " ";
      return `${printExpression(node.left, style)}${space}${node.operator}${space}${printExpression(node.right, style)}`;
    }
    case "call":
      return `${printExpression(node.callee)}(${node.args.map(printArgument).join(", ")})`;
    case "index":
      return `${printExpression(node.target, style)}${printIndices(node.indices)}`;
    case "member":
      return `${printExpression(node.target, style)}.${node.name.name}`;
    case "pipe":
      return `${printExpression(node.value, style)} |> ${printExpression(node.into, style)}`;
    case "range":
      return `${printExpression(node.from, style)}..${printExpression(node.to, style)}`;
    case "array":
      return `[${node.elements.map((element) => printExpression(element)).join(", ")}]`;
    case "condition":
      return `${printExpression(node.value)} | ${node.given.map((given) => printExpression(given)).join(", ")}`;
    case "parenthesized":
      return `(${printExpression(node.expression, style)})`;
    case "missing":
      return "";
  }
}

export function printArgument(node: Argument): string {
  return node.name ? `${node.name.name}${printIndices(node.indices ?? [])} = ${printExpression(node.value)}` : printExpression(node.value);
}

export function printIndices(indices: readonly Expression[]): string {
  return indices.length === 0 ? "" : `[${indices.map((index) => printExpression(index, { tight: true })).join(", ")}]`;
}

export function printType(node: TypeExpression): string {
  const args = node.args.length === 0 ? "" : `(${node.args.map((arg) => printExpression(arg)).join(", ")})`;
  const sizes = node.sizes.length === 0 ? "" : `[${node.sizes.map((size) => printExpression(size)).join(", ")}]`;
  return `${node.name.name}${args}${sizes}${node.optional ? "?" : ""}`;
}

export function printColumn(node: ColumnDeclaration): string {
  return `${node.name.name}${printIndices(node.indices)}: ${printType(node.type)}${node.dropout ? ` dropout ${printExpression(node.dropout)}` : ""}`;
}

export function printString(value: string): string {
  return `"${value.replace(/["\\]/g, "\\$&").replace(/\n/g, "\\n").replace(/\t/g, "\\t")}"`;
}
