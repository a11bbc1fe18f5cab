import type { KernelExpr, Statement } from "../../ir/kernel/nodes.js";
import { InternalError } from "../../util/internal-error.js";
import { address, renderExpression } from "./expression.js";
import { get } from "./operations.js";
import { type Declared, valueType, type Scope } from "./scope.js";
import type { Wat } from "./wat.js";

type Of<Kind extends Statement["kind"]> = Extract<Statement, { readonly kind: Kind }>;
type Renderers = { readonly [Kind in Statement["kind"]]: (statement: Of<Kind>, scope: Scope) => readonly Wat[] };

export function renderBody(body: readonly Statement[], scope: Scope): readonly Wat[] {
  return scope.statements(body, (statement) => (renderers[statement.kind] as (statement: Statement, scope: Scope) => readonly Wat[])(statement, scope));
}

function simtOnly(): never {
  throw new InternalError("WebAssembly has no groups with memory of their own");
}

const renderers: Renderers = {
  let: ({ name, value }, scope) => {
    // A loaded number that is only broadcast is broadcast by its load.
    if (value.kind === "load" && value.width === "scalar" && value.type !== "bool" && scope.isOnlySplat(name)) {
      const text = scope.statement(() => renderExpression({ kind: "splat", value, type: value.type, width: "vector" }, scope));
      return [["local.set", scope.declare(name, "v128", { splat: true }), text]];
    }
    if (value.type === "f32") return [bound(name, value, {}, scope)];
    const form = scope.linearOf(value, (part) => renderExpression(part, scope), true);
    return [bound(name, value, { range: scope.rangeOf(value), form }, scope)];
  },
  var: ({ name, value }, scope) => [bound(name, value, { mutable: true }, scope)],
  set: ({ name, value }, scope) => [scope.statement(() => ["local.set", scope.lookup(name), renderExpression(value, scope)])],
  for: ({ name, from, to, step, body }, scope) =>
    scope.block(() => {
      const start = scope.statement(() => renderExpression(from, scope));
      const [first, end] = [scope.rangeOf(from), scope.rangeOf(to)];
      // The bound is computed once, unless it is as cheap as a local.
      const limit = to.kind === "constant" ? undefined : scope.own("to", "i32");
      const keep: readonly Wat[] = limit === undefined ? [] : [scope.statement(() => ["local.set", limit, renderExpression(to, scope)])];
      const stop: Wat = limit === undefined ? renderExpression(to, scope) : get(limit);
      const local = scope.declare(name, "i32", { range: { low: first.low, high: Math.max(first.low, end.high - 1) }, counts: true });
      const label = `$each_${local.slice(1)}`;
      const { before, body: inside } = scope.loop(local, from.kind === "constant" ? from.value : undefined, step, () => renderBody(body, scope));
      const again: Wat = ["br_if", label, ["i32.lt_s", ["local.tee", local, ["i32.add", get(local), ["i32.const", String(step)]]], stop]];
      const loop: Wat = ["loop", label, ...inside, again];
      const runs = first.high < end.low;
      const begin: readonly Wat[] = [...keep, ["local.set", local, start]];
      return runs ? [...begin, ...before, loop] : [...begin, ["if", ["i32.lt_s", get(local), stop], ["then", ...before, loop]]];
    }),
  if: ({ condition, then, otherwise }, scope) => {
    const test = scope.statement(() => renderExpression(condition, scope));
    const yes = scope.block(() => renderBody(then, scope));
    const no = scope.block(() => renderBody(otherwise, scope));
    return [no.length === 0 ? ["if", test, ["then", ...yes]] : ["if", test, ["then", ...yes], ["else", ...no]]];
  },
  store: ({ index, value }, scope) => [
    scope.statement(() => {
      const at = address(index, scope);
      const what = renderExpression(value, scope);
      if (value.width === "scalar") return [value.type === "f32" ? "f32.store" : "i32.store", ...at, what];
      return ["v128.store", ...at, value.type === "bool" ? ["i32x4.neg", what] : what];
    }),
  ],
  "store-shared": simtOnly,
  "load-four": simtOnly,
  "store-four": simtOnly,
  barrier: simtOnly,
};

/** The value first: it may read an outer name that this one hides. */
function bound(name: string, value: KernelExpr, declared: Declared, scope: Scope): Wat {
  const text = scope.statement(() => renderExpression(value, scope));
  return ["local.set", scope.declare(name, valueType(value.type, value.width), declared), text];
}
