import type { KernelExpr, Statement } from "../ir/kernel/nodes.js";

/**
 * A body with names and expressions replaced: `replace` says what an expression becomes, undefined where its parts are to be looked at; `address`
 * what the index of a load or a store becomes.
 */
export function mapStatements(
  body: readonly Statement[], rename: (name: string) => string, replace: (expr: KernelExpr) => KernelExpr | undefined, address: (index: KernelExpr) => KernelExpr = (index) => index,
): readonly Statement[] {
  const expr = (value: KernelExpr): KernelExpr => {
    const known = replace(value);
    if (known) return known;
    switch (value.kind) {
      case "constant":
      case "group":
      case "loop-index":
      case "lane-numbers":
        return value;
      case "name":
        return { ...value, name: rename(value.name) };
      case "load":
      case "gather":
        return { ...value, index: address(expr(value.index)) };
      case "load-shared":
        return { ...value, index: expr(value.index) };
      case "splat":
      case "unary":
      case "convert":
      case "bitcast":
      case "reduce-lanes":
        return { ...value, value: expr(value.value) };
      case "binary":
      case "compare":
        return { ...value, left: expr(value.left), right: expr(value.right) };
      case "multiply-add":
        return { ...value, a: expr(value.a), b: expr(value.b), c: expr(value.c) };
      case "select":
        return { ...value, condition: expr(value.condition), yes: expr(value.yes), no: expr(value.no) };
      case "call":
        return { ...value, args: value.args.map(expr) };
    }
  };
  const statement = (each: Statement): Statement => {
    switch (each.kind) {
      case "let":
      case "var":
      case "set":
        return { ...each, name: rename(each.name), value: expr(each.value) };
      case "for":
        return { ...each, name: rename(each.name), from: expr(each.from), to: expr(each.to), body: each.body.map(statement) };
      case "if":
        return { ...each, condition: expr(each.condition), then: each.then.map(statement), otherwise: each.otherwise.map(statement) };
      case "store":
        return { ...each, index: address(expr(each.index)), value: expr(each.value) };
      case "store-shared":
        return { ...each, index: expr(each.index), value: expr(each.value) };
      case "load-four":
        return { ...each, names: [rename(each.names[0]), rename(each.names[1]), rename(each.names[2]), rename(each.names[3])], index: expr(each.index) };
      case "store-four":
        return { ...each, index: expr(each.index), values: [expr(each.values[0]), expr(each.values[1]), expr(each.values[2]), expr(each.values[3])] };
      case "barrier":
        return each;
    }
  };
  return body.map(statement);
}
