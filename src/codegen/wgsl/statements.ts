import type { KernelExpr, Statement } from "../../ir/kernel/nodes.js";
import { boundsOf, fromWord, renderExpression, renderIndex, renderWord, toWord } from "./expressions.js";
import { renderName } from "./names.js";
import { learn } from "./ordering.js";
import { has } from "../../ir/kernel/statements.js";
import { hoisted, isStore, line, meets, type Scope } from "./scope.js";
import { isSeenUniform } from "./uniform.js";

type Rule<K extends Statement["kind"]> = (statement: Extract<Statement, { readonly kind: K }>, scope: Scope) => void;

const statementRules: { readonly [K in Statement["kind"]]: Rule<K> } = {
  let: ({ name, value }, scope) => {
    line(scope, `let ${renderName(name)} = ${renderExpression(value, scope)};`);
    mark(name, isSeenUniform(value, scope.uniform), scope);
  },
  var: ({ name, value }, scope) => {
    line(scope, `var ${renderName(name)}: ${value.type} = ${renderExpression(value, scope)};`);
    mark(name, false, scope);
  },
  set: ({ name, value }, scope) => line(scope, `${renderName(name)} = ${renderExpression(value, scope)};`),
  for: ({ name, from, to, step, body }, scope) => {
    const together = has(body, meets);
    const [start, end] = [from, to].map((bound) => control(bound, together, scope)) as [string, string];
    const i = renderName(name);
    const stores = has(body, isStore);
    mark(name, together || (isSeenUniform(from, scope.uniform) && isSeenUniform(to, scope.uniform)), scope);
    line(scope, `for (var ${i} = ${start}; ${i} < ${to.kind === "constant" ? end : hoistedBefore(end, scope)}; ${i} ${step === 1 ? "+= 1i" : `+= ${step}i`}) {`);
    scope.dirty ||= stores;
    renderBlock(body, scope);
    scope.dirty ||= stores;
    line(scope, "}");
  },
  if: ({ condition, then, otherwise }, scope) => {
    const together = has([...then, ...otherwise], meets);
    line(scope, `if (${control(condition, together, scope)}) {`);
    const before = scope.dirty;
    renderBlock(then, scope);
    const after = scope.dirty;
    if (otherwise.length > 0) {
      scope.dirty = before;
      line(scope, "} else {");
      renderBlock(otherwise, scope);
    }
    scope.dirty ||= before || after;
    line(scope, "}");
  },
  store: ({ index, value }, scope) => {
    const word = renderWord(value, scope);
    const place = `arena[${renderIndex(index, value.width, scope)}]`;
    // All lanes have a scalar; one of them stores it.
    if (value.width === "vector") line(scope, `${place} = ${word};`);
    else line(scope, `if (lane == 0i) { ${place} = ${meets({ kind: "store", index, value }) ? hoistedBefore(word, scope) : word}; }`);
    scope.dirty = true;
  },
  "store-shared": ({ index, value }, scope) => {
    const word = renderWord(value, scope);
    line(scope, `own[${renderExpression(index, scope)}] = ${word};`);
    scope.dirty = true;
  },
  "load-four": ({ names, type, index }, scope) => {
    const four = hoisted(scope, `own[${renderExpression(index, scope)}]`);
    names.forEach((name, at) => {
      line(scope, `let ${renderName(name)} = ${fromWord(`${four}.${"xyzw"[at]}`, type)};`);
      mark(name, false, scope);
    });
  },
  "store-four": ({ index, values }, scope) => {
    const words = values.map((value) => renderWord(value, scope));
    line(scope, `own[${renderExpression(index, scope)}] = vec4<u32>(${words.join(", ")});`);
    scope.dirty = true;
  },
  barrier: (statement, scope) => renderBarrier(statement, scope),
};

function renderBarrier(statement: Statement, scope: Scope): void {
  line(scope, "workgroupBarrier();");
  if (scope.arenaMeetings.has(statement)) line(scope, "storageBarrier();");
  scope.dirty = false;
}

export function renderStatements(statements: readonly Statement[], scope: Scope): void {
  for (const statement of statements) {
    // Lanes that come together see what the others stored: also where a reduction does it.
    if (statement.kind !== "barrier" && ((scope.dirty && meets(statement)) || scope.arenaMeetings.has(statement))) renderBarrier(statement, scope);
    if (statement.kind === "for") learn(statement, scope.ranges, (expr) => boundsOf(expr, scope));
    (statementRules[statement.kind] as Rule<typeof statement.kind>)(statement as never, scope);
    if (statement.kind !== "for") learn(statement, scope.ranges, (expr) => boundsOf(expr, scope));
  }
}

function renderBlock(statements: readonly Statement[], scope: Scope): void {
  const { indent } = scope;
  scope.indent = `${indent}  `;
  renderStatements(statements, scope);
  scope.indent = indent;
}

function mark(name: string, uniform: boolean, scope: Scope): void {
  if (uniform) scope.uniform.add(name);
  else scope.uniform.delete(name);
}

/** A name for a text that is to be computed before the statement's own line. */
function hoistedBefore(text: string, scope: Scope): string {
  return /^[A-Za-z0-9_]+$/.test(text) ? text : hoisted(scope, text);
}

/** A bound or a condition; `together`: of statements in which lanes meet, so that WGSL must see that it is the same for all. */
function control(expr: KernelExpr, together: boolean, scope: Scope): string {
  const text = renderExpression(expr, scope);
  if (!together || expr.width === "vector" || isSeenUniform(expr, scope.uniform)) return text;
  scope.asksLaneZero = true;
  return hoisted(scope, fromWord(`uniform_word(${toWord(text, expr.type)}, lane)`, expr.type));
}
