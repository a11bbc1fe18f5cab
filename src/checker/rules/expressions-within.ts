import type * as ast from "../../parser/ast.js";

/** The direct parts of an expression. */
function parts(expression: ast.Expression): readonly ast.Expression[] {
  switch (expression.kind) {
    case "number":
    case "string":
    case "name":
    case "missing":
      return [];
    case "unary":
      return [expression.operand];
    case "binary":
      return [expression.left, expression.right];
    case "call":
      return expression.args.map((argument) => argument.value);
    case "index":
      return [expression.target, ...expression.indices];
    case "member":
      return [expression.target];
    case "pipe":
      return [expression.value, expression.into];
    case "range":
      return [expression.from, expression.to];
    case "array":
      return expression.elements;
    case "condition":
      return [expression.value, ...expression.given];
    case "parenthesized":
      return [expression.expression];
  }
}

/** The expression and everything in it, from left to right. Without recursion: nesting may be deep. */
export function* expressionsWithin(expression: ast.Expression): Generator<ast.Expression> {
  const stack: ast.Expression[] = [expression];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    yield next;
    const below = parts(next);
    for (let at = below.length - 1; at >= 0; at--) stack.push(below[at]!);
  }
}

/** Names that an expression reads (those that it calls are none of them). */
export function namesRead(expression: ast.Expression): readonly ast.NameExpression[] {
  const names: ast.NameExpression[] = [];
  for (const part of expressionsWithin(expression)) if (part.kind === "name") names.push(part);
  return names;
}

/** A name that an expression reads, with the indices behind it. */
export interface Access {
  readonly name: ast.NameExpression;
  readonly indices: readonly ast.Expression[];
}

/** As `namesRead`, each with the brackets behind it: `z[t - 1]`. */
export function accessesIn(expression: ast.Expression): readonly Access[] {
  const indexed = new Map<ast.Expression, readonly ast.Expression[]>();
  const found: Access[] = [];
  for (const part of expressionsWithin(expression)) {
    if (part.kind === "index" && part.target.kind === "name") indexed.set(part.target, part.indices);
    else if (part.kind === "name") found.push({ name: part, indices: indexed.get(part) ?? [] });
  }
  return found;
}
