import type { Kernel, KernelExpr, Statement } from "../../ir/kernel/nodes.js";
import { rangeOf, type Range } from "../wasm/ranges.js";
import { blocksOf, has } from "../../ir/kernel/statements.js";
import { expressionsOf, meets, operandsOf } from "./scope.js";

interface Access extends Range {
  readonly stores: boolean;
  /** Where it stands in the text. */
  readonly at: number;
}

interface Meeting {
  readonly statement: Statement;
  readonly at: number;
  /** Of the outermost loop around it: what stands there comes before it and after it. */
  readonly loop: { from: number; to: number } | undefined;
}

/**
 * The statements at which lanes meet and the arena must be in order: what some lane reads or stores before, another may store or read after. Most kernels bring
 * words into shared memory turn by turn and store elsewhere at the end; barriers of shared memory alone are cheaper, and loads may go on
 * across them. Indices are known by their bounds; what has none may be anywhere.
 */
export function arenaMeetings({ body, groups, loops }: Kernel, lanes: number): ReadonlySet<Statement> {
  if (!has(body, meets)) return new Set();
  const { accesses, meetings } = survey(body, { groups, loops }, lanes);
  const overlaps = accesses.map((a) => accesses.filter((b) => b !== a && (a.stores || b.stores) && a.low <= b.high && b.low <= a.high));
  const needed = meetings.filter(({ at, loop }) => {
    const before = (access: Access): boolean => access.at < at || isIn(access, loop);
    const after = (access: Access): boolean => access.at >= at || isIn(access, loop);
    return accesses.some((a, index) => before(a) && overlaps[index]!.some(after));
  });
  return new Set(needed.map(({ statement }) => statement));
}

const isIn = ({ at }: Access, loop: Meeting["loop"]): boolean => loop !== undefined && at >= loop.from && at < loop.to;

function survey(body: readonly Statement[], kernel: Pick<Kernel, "groups" | "loops">, lanes: number) {
  const names = new Map<string, Range>();
  const accesses: Access[] = [];
  const meetings: Meeting[] = [];
  let at = 0;
  const boundsOf = (expr: KernelExpr): Range => rangeOf(expr, (name) => names.get(name), kernel, lanes);
  const touch = (index: KernelExpr, { width }: KernelExpr, stores: boolean): void => {
    const { low, high } = boundsOf(index);
    // A vector at a scalar index is a word for each lane.
    accesses.push({ low, high: high + (width === "vector" && index.width === "scalar" ? lanes - 1 : 0), stores, at: at++ });
  };
  const visit = (expr: KernelExpr): void => {
    if (expr.kind === "load" || expr.kind === "gather") touch(expr.index, expr, false);
    operandsOf(expr).forEach(visit);
  };
  const walk = (statements: readonly Statement[], outer: Meeting["loop"]): void => {
    for (const statement of statements) {
      if (meets(statement)) meetings.push({ statement, at: at++, loop: outer });
      expressionsOf(statement).forEach(visit);
      if (statement.kind === "store") touch(statement.index, statement.value, true);
      learn(statement, names, boundsOf);
      if (statement.kind === "if") {
        narrowed(statement.condition, names, () => walk(statement.then, outer));
        walk(statement.otherwise, outer);
      } else if (statement.kind === "for") {
        const loop = outer ?? { from: at, to: Infinity };
        walk(statement.body, loop);
        if (outer === undefined) loop.to = at;
      } else blocksOf(statement).forEach((block) => walk(block, outer));
    }
  };
  walk(body, undefined);
  return { accesses, meetings };
}

/** Bounds of the name that a statement defines. Registers have none. */
export function learn(statement: Statement, names: Map<string, Range>, boundsOf: (expr: KernelExpr) => Range): void {
  if (statement.kind === "let") names.set(statement.name, boundsOf(statement.value));
  else if (statement.kind === "var") names.delete(statement.name);
  else if (statement.kind === "for") {
    const [first, end] = [boundsOf(statement.from), boundsOf(statement.to)];
    // From a known start the last turn is known to the word.
    const last = first.low === first.high ? first.low + Math.floor((end.high - 1 - first.low) / statement.step) * statement.step : end.high - 1;
    names.set(statement.name, { low: first.low, high: Math.max(first.low, last) });
  }
}

/** Where names are known to be below constants: `if (column < 400)`. */
function narrowed(condition: KernelExpr, names: Map<string, Range>, within: () => void): void {
  const before = new Map<string, Range | undefined>();
  const apply = (expr: KernelExpr): void => {
    if (expr.kind === "binary" && expr.op === "and") return [expr.left, expr.right].forEach(apply);
    if (expr.kind !== "compare" || expr.op !== "less" || expr.left.kind !== "name" || expr.left.type !== "i32") return;
    const bound = expr.right.kind === "splat" ? expr.right.value : expr.right;
    const range = names.get(expr.left.name);
    if (bound.kind !== "constant" || range === undefined || range.high < bound.value) return;
    before.set(expr.left.name, range);
    names.set(expr.left.name, { low: range.low, high: Math.max(range.low, bound.value - 1) });
  };
  apply(condition);
  within();
  for (const [name, range] of before) if (range) names.set(name, range);
}
