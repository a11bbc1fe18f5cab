import type { KernelExpr, Statement } from "../../ir/kernel/nodes.js";
import type { Range } from "../wasm/ranges.js";

/** What the text of one entry point or function is made of while it is written. */
export interface Scope {
  readonly lanes: number;
  readonly groups: number;
  /** Steps of the loops of launches around the kernel. */
  readonly loops: readonly number[] | undefined;
  /** Whether the group's own memory is used by fours. */
  readonly fours: boolean;
  /** Bounds of integers. */
  readonly ranges: Map<string, Range>;
  lines: string[];
  indent: string;
  /** Names in use of helpers.ts, and of scalar functions. */
  readonly helpers: Set<string>;
  readonly functions: Set<string>;
  readonly reductions: Map<string, { readonly op: "add" | "min" | "max"; readonly type: "f32" | "i32" | "u32" }>;
  /** Whether `uniform_word` is in use. */
  asksLaneZero: boolean;
  /** Names that stand for a product or a sum of floats, see `rounding.ts`. */
  readonly rounded: ReadonlyMap<string, "product" | "sum">;
  /** Names of which WGSL sees that all lanes have the same value. */
  readonly uniform: Set<string>;
  /** Whether constants are to be unknown to the compiler. */
  hides: boolean;
  /** Whether something was stored since the last barrier. */
  dirty: boolean;
  /** Where lanes meet and the arena is to be in order, see `ordering.ts`. */
  readonly arenaMeetings: ReadonlySet<Statement>;
  parts: number;
}

export function line(scope: Scope, text: string): void {
  scope.lines.push(`${scope.indent}${text}`);
}

/** Gives a text a name of its own: names of kernels end otherwise. */
export function hoisted(scope: Scope, text: string): string {
  const name = `part${scope.parts++}`;
  line(scope, `let ${name} = ${text};`);
  return name;
}

/** All expressions directly inside of one. */
export function operandsOf(expr: KernelExpr): readonly KernelExpr[] {
  switch (expr.kind) {
    case "constant":
    case "name":
    case "group":
    case "loop-index":
    case "lane-numbers":
      return [];
    case "load":
    case "gather":
    case "load-shared":
      return [expr.index];
    case "splat":
    case "unary":
    case "convert":
    case "bitcast":
    case "reduce-lanes":
      return [expr.value];
    case "binary":
    case "compare":
      return [expr.left, expr.right];
    case "multiply-add":
      return [expr.a, expr.b, expr.c];
    case "select":
      return [expr.condition, expr.yes, expr.no];
    case "call":
      return expr.args;
  }
}

/** Expressions of a statement itself, not of the blocks in it. */
export function expressionsOf(statement: Statement): readonly KernelExpr[] {
  switch (statement.kind) {
    case "let":
    case "var":
    case "set":
      return [statement.value];
    case "for":
      return [statement.from, statement.to];
    case "if":
      return [statement.condition];
    case "store":
    case "store-shared":
      return [statement.index, statement.value];
    case "load-four":
      return [statement.index];
    case "store-four":
      return [statement.index, ...statement.values];
    case "barrier":
      return [];
  }
}

const reduces = (expr: KernelExpr): boolean => expr.kind === "reduce-lanes" || operandsOf(expr).some(reduces);
/** Whether all lanes meet in a statement's own expressions. */
export const meets = (statement: Statement): boolean => statement.kind === "barrier" || expressionsOf(statement).some(reduces);
/** Statements that other lanes may see the effect of. */
export const isStore = ({ kind }: Statement): boolean => kind === "store" || kind === "store-shared" || kind === "store-four";
