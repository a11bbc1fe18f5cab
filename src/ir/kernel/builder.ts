import { InternalError } from "../../util/internal-error.js";
import type { ElementType, Four, KernelBinary, KernelCompare, KernelExpr, KernelUnary, Statement, Width } from "./nodes.js";

/** Where an operand is expected a plain number stands for a constant of the other operand's type. */
export type KernelOperand = KernelExpr | number;

/**
 * Writes the body of one kernel, statement by statement. Expressions are plain values; `bind` gives one a name so that it is computed once.
 * Scalars meet vectors by splatting; index arithmetic on constants is folded, so that strides of 1 and offsets of 0 leave no trace.
 */
export class KernelBuilder {
  private statements: Statement[] = [];
  private names = 0;
  /** From the whole body inwards: which names each block defines, and which expressions `share` has named there. */
  private readonly scopes: Scope[] = [{ statements: this.statements, constants: new Set(), shared: new Map(), guarded: false }];

  /** `lanes` of the target: loops over vectors step by it. `simt`: lanes are invocations, and what is left of a vector is a vector in which some lanes rest. */
  constructor(readonly lanes: number, readonly simt = false) {}

  /** What was written so far. */
  body(): readonly Statement[] {
    return this.statements;
  }

  /** The statements that `write` writes, apart from the rest. */
  collect(write: () => void, guarded = false): readonly Statement[] {
    const outer = this.statements;
    this.statements = [];
    this.scopes.push({ statements: this.statements, constants: new Set(), shared: new Map(), guarded });
    write();
    this.scopes.pop();
    const inner = this.statements;
    this.statements = outer;
    return inner;
  }

  private fresh(hint: string): string {
    return `${hint.replace(/[^A-Za-z0-9]/g, "_")}_${this.names++}`;
  }

  // ── Statements ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Computes a value once. Constants and names that do not change are as cheap as they are; of a register it is the value at this time. */
  bind(value: KernelExpr, hint = "t"): KernelExpr {
    if (value.kind === "constant" || value.kind === "group" || value.kind === "loop-index" || (value.kind === "name" && this.knows(value.name))) return value;
    const name = this.fresh(hint);
    this.scopes.at(-1)!.constants.add(name);
    this.statements.push({ kind: "let", name, value });
    return { kind: "name", name, type: value.type, width: value.width };
  }

  /**
   * For index arithmetic: names a value that depends on nothing but constants, the group, lets and loop variables, once, in the outermost
   * block where it can be computed (so out of the loops that do not change it). Anything else comes back as it is.
   */
  share(value: KernelExpr, hint = "at"): KernelExpr {
    if (value.kind === "constant" || value.kind === "name" || value.kind === "group" || value.kind === "loop-index") return value;
    let level = 0;
    const pure = usedNames(value, (name) => {
      const found = this.scopes.findLastIndex((scope) => scope.constants.has(name));
      level = Math.max(level, found);
      return found >= 0;
    });
    if (!pure) return value;
    const scope = this.scopes[level]!;
    const key = keyOf(value);
    const known = scope.shared.get(key);
    if (known) return known;
    const name = this.fresh(hint);
    scope.constants.add(name);
    scope.statements.push({ kind: "let", name, value });
    const shared: KernelExpr = { kind: "name", name, type: value.type, width: value.width };
    scope.shared.set(key, shared);
    return shared;
  }

  /**
   * Runs `write` in the outermost open block where the operands are known, so that what it writes leaves the loops that do not change them; where
   * an operand depends on a variable, in place. `write` may use nothing else that is bound, nor read words that this kernel writes.
   */
  outwards<T>(operands: readonly KernelExpr[], write: () => T): T {
    let level = Math.max(0, this.scopes.findLastIndex((scope) => scope.guarded));
    const visit = (name: string): boolean => {
      const found = this.scopes.findLastIndex((scope) => scope.constants.has(name));
      level = Math.max(level, found);
      return found >= 0;
    };
    if (!operands.every((operand) => usedNames(operand, visit)) || level === this.scopes.length - 1) return write();
    const inner = this.scopes.splice(level + 1);
    const statements = this.statements;
    this.statements = this.scopes[level]!.statements;
    const result = write();
    this.statements = statements;
    this.scopes.push(...inner);
    return result;
  }

  /** Whether a name that `bind`, `share` or `loop` gave can still be used here. */
  knows(name: string): boolean {
    return this.scopes.some((scope) => scope.constants.has(name));
  }

  /** A register with a first value; `set` changes it. */
  variable(value: KernelExpr, hint = "v"): KernelExpr & { readonly kind: "name" } {
    const name = this.fresh(hint);
    this.statements.push({ kind: "var", name, value });
    return { kind: "name", name, type: value.type, width: value.width };
  }

  set(variable: KernelExpr & { readonly kind: "name" }, value: KernelExpr): void {
    this.statements.push({ kind: "set", name: variable.name, value: this.widened(value, variable.width) });
  }

  store(index: KernelExpr, value: KernelExpr): void {
    this.statements.push({ kind: "store", index, value });
  }

  /** for (i = from; i < to; i += step) */
  loop(from: KernelOperand, to: KernelOperand, step: number, write: (i: KernelExpr) => void, hint = "i"): void {
    const [start, end] = [this.integer(from), this.integer(to)];
    if (start.kind === "constant" && end.kind === "constant") {
      if (start.value >= end.value) return;
      if (start.value + step >= end.value) return write(start); // one turn needs no loop
    }
    const name = this.fresh(hint);
    const body = this.collect(() => {
      this.scopes.at(-1)!.constants.add(name);
      write({ kind: "name", name, type: "i32", width: "scalar" });
    });
    this.statements.push({ kind: "for", name, from: start, to: end, step, body });
  }

  /** Lane l stores at word `index`_l of the group's own memory. */
  storeShared(index: KernelExpr, value: KernelExpr): void {
    this.statements.push({ kind: "store-shared", index, value });
  }

  /** Names for the four words of the group's own memory from 4 · `index`_l on. */
  loadFour(index: KernelExpr, hint = "t", type: ElementType = "f32"): Four<KernelExpr> {
    const names = [0, 1, 2, 3].map(() => this.fresh(hint)) as unknown as Four<string>;
    names.forEach((name) => this.scopes.at(-1)!.constants.add(name));
    this.statements.push({ kind: "load-four", names, type, index });
    return names.map((name) => ({ kind: "name", name, type, width: "vector" })) as unknown as Four<KernelExpr>;
  }

  storeFour(index: KernelExpr, values: Four<KernelExpr>): void {
    this.statements.push({ kind: "store-four", index, values });
  }

  /** Lanes wait for each other, where they are invocations; elsewhere everything is in order as it is. */
  barrier(): void {
    if (this.simt && this.statements.at(-1)?.kind !== "barrier") this.statements.push({ kind: "barrier" });
  }

  /** Covers 0 … count − 1: whole vectors first, then the rest one by one, or in a vector in which some lanes rest. `write` is called once for each width. */
  vectorLoop(count: number, write: (i: KernelExpr, width: Width) => void, hint = "i"): void {
    if (this.simt) return this.loop(0, count, this.lanes, (i) => this.lanesBelow(i, count, () => write(i, "vector")), hint);
    const whole = count - (count % this.lanes);
    this.loop(0, whole, this.lanes, (i) => write(i, "vector"), hint);
    this.loop(whole, count, 1, (i) => write(i, "scalar"), hint);
  }

  /** Runs `write` for the lanes l with from + l < end: for all, without a condition, where `end` is a multiple of the lanes. Only with `simt`. */
  lanesBelow(from: KernelExpr, end: number, write: () => void): void {
    if (end % this.lanes === 0) return write();
    this.when(this.compare("less", this.share(this.add(from, this.laneNumbers())), end), write);
  }

  when(condition: KernelExpr, then: () => void, otherwise: () => void = () => {}): void {
    this.statements.push({ kind: "if", condition, then: this.collect(then, true), otherwise: this.collect(otherwise, true) });
  }

  // ── Expressions ──────────────────────────────────────────────────────────────────────────────────────────────────

  constant(value: number, type: ElementType = "f32", width: Width = "scalar"): KernelExpr {
    return { kind: "constant", value, type, width };
  }

  integer(value: KernelOperand): KernelExpr {
    return typeof value === "number" ? this.constant(value, "i32") : value;
  }

  group(): KernelExpr {
    return { kind: "group", type: "i32", width: "scalar" };
  }

  /** The index of a loop of launches around this kernel. */
  loopIndex(depth: number): KernelExpr {
    return { kind: "loop-index", depth, type: "i32", width: "scalar" };
  }

  load(index: KernelExpr, type: ElementType = "f32", width: Width = "scalar"): KernelExpr {
    return { kind: "load", index, type, width };
  }

  /** One word for each lane, from a vector of indices. */
  gather(index: KernelExpr, type: ElementType = "f32"): KernelExpr {
    return { kind: "gather", index, type, width: "vector" };
  }

  /** Word `index`_l of the group's own memory for lane l. */
  loadShared(index: KernelExpr, type: ElementType = "f32"): KernelExpr {
    return { kind: "load-shared", index, type, width: "vector" };
  }

  laneNumbers(): KernelExpr {
    return { kind: "lane-numbers", type: "i32", width: "vector" };
  }

  widened(value: KernelExpr, width: Width): KernelExpr {
    if (value.width === width) return value;
    if (width === "scalar") throw new InternalError("a vector where one value belongs");
    if (value.kind === "constant") return { ...value, width };
    return { kind: "splat", value, type: value.type, width };
  }

  private pair(left: KernelOperand, right: KernelOperand): [KernelExpr, KernelExpr] {
    const typed = typeof left !== "number" ? left : typeof right !== "number" ? right : undefined;
    const type = typed?.type ?? "f32";
    const [a, b] = [left, right].map((side) => (typeof side === "number" ? this.constant(side, type) : side)) as [KernelExpr, KernelExpr];
    if (a.type !== b.type) throw new InternalError(`${a.type} meets ${b.type}`);
    const width: Width = a.width === "vector" || b.width === "vector" ? "vector" : "scalar";
    return [this.widened(a, width), this.widened(b, width)];
  }

  unary(op: KernelUnary, value: KernelExpr): KernelExpr {
    return { kind: "unary", op, value, type: value.type, width: value.width };
  }

  binary(op: KernelBinary, left: KernelOperand, right: KernelOperand): KernelExpr {
    const [a, b] = this.pair(left, right);
    return foldInteger(op, a, b) ?? { kind: "binary", op, left: a, right: b, type: a.type, width: a.width };
  }

  compare(op: KernelCompare, left: KernelOperand, right: KernelOperand): KernelExpr {
    const [a, b] = this.pair(left, right);
    return { kind: "compare", op, left: a, right: b, type: "bool", width: a.width };
  }

  add = (a: KernelOperand, b: KernelOperand) => this.binary("add", a, b);
  subtract = (a: KernelOperand, b: KernelOperand) => this.binary("subtract", a, b);
  multiply = (a: KernelOperand, b: KernelOperand) => this.binary("multiply", a, b);
  divide = (a: KernelOperand, b: KernelOperand) => this.binary("divide", a, b);
  remainder = (a: KernelOperand, b: KernelOperand) => this.binary("remainder", a, b);
  min = (a: KernelOperand, b: KernelOperand) => this.binary("min", a, b);
  max = (a: KernelOperand, b: KernelOperand) => this.binary("max", a, b);
  /** By a constant below 32. */
  shiftLeft = (a: KernelExpr, by: number) => this.binary("shift_left", a, by);
  shiftRight = (a: KernelExpr, by: number) => this.binary("shift_right", a, by);

  less = (a: KernelOperand, b: KernelOperand) => this.compare("less", a, b);
  greater = (a: KernelOperand, b: KernelOperand) => this.compare("greater", a, b);
  equal = (a: KernelOperand, b: KernelOperand) => this.compare("equal", a, b);

  multiplyAdd(a: KernelOperand, b: KernelOperand, c: KernelExpr): KernelExpr {
    const [x, y] = this.pair(a, b);
    const width: Width = x.width === "vector" || c.width === "vector" ? "vector" : "scalar";
    return { kind: "multiply-add", a: this.widened(x, width), b: this.widened(y, width), c: this.widened(c, width), type: c.type, width };
  }

  select(condition: KernelExpr, yes: KernelOperand, no: KernelOperand): KernelExpr {
    const [a, b] = this.pair(yes, no);
    const width: Width = a.width === "vector" || condition.width === "vector" ? "vector" : "scalar";
    return { kind: "select", condition: this.widened(condition, width), yes: this.widened(a, width), no: this.widened(b, width), type: a.type, width };
  }

  convert(value: KernelExpr, type: ElementType): KernelExpr {
    return value.type === type ? value : { kind: "convert", value, type, width: value.width };
  }

  bitcast(value: KernelExpr, type: ElementType): KernelExpr {
    return value.type === type ? value : { kind: "bitcast", value, type, width: value.width };
  }

  reduceLanes(op: "add" | "min" | "max", value: KernelExpr): KernelExpr {
    return value.width === "scalar" ? value : { kind: "reduce-lanes", op, value, type: value.type, width: "scalar" };
  }

  /** A scalar function of the program; with `simt` of vectors, lane by lane. */
  call(name: string, args: readonly KernelExpr[], type: ElementType): KernelExpr {
    const width: Width = args.some((arg) => arg.width === "vector") ? "vector" : "scalar";
    return { kind: "call", function: name, args: args.map((arg) => this.widened(arg, width)), type, width };
  }
}

interface Scope {
  readonly statements: Statement[];
  /** Lets and loop variables: names whose value does not change where they are known. */
  readonly constants: Set<string>;
  readonly shared: Map<string, KernelExpr>;
  /** Whether it runs under a condition: a load may not leave it, for its index may be good only there. */
  readonly guarded: boolean;
}

/** Text that is equal for equal index arithmetic, and for nothing else: of what `usedNames` lets through. */
function keyOf(value: KernelExpr): string {
  const head = `${value.kind} ${value.type} ${value.width} `;
  switch (value.kind) {
    case "constant":
      return `${head}${Object.is(value.value, -0) ? "-0" : value.value}`;
    case "name":
      return `${head}${value.name}`;
    case "splat":
    case "convert":
    case "bitcast":
      return `${head}(${keyOf(value.value)})`;
    case "unary":
      return `${head}${value.op}(${keyOf(value.value)})`;
    case "binary":
    case "compare":
      return `${head}${value.op}(${keyOf(value.left)},${keyOf(value.right)})`;
    case "select":
      return `${head}(${keyOf(value.condition)},${keyOf(value.yes)},${keyOf(value.no)})`;
    case "loop-index":
      return `${head}${value.depth}`;
    case "group":
    case "lane-numbers":
      return head;
    default:
      throw new InternalError(`${value.kind} is no index arithmetic`);
  }
}

/** Whether `value` is arithmetic on names that all pass `visit`: no loads, no calls. */
function usedNames(value: KernelExpr, visit: (name: string) => boolean): boolean {
  switch (value.kind) {
    case "constant":
    case "group":
    case "loop-index":
    case "lane-numbers":
      return true;
    case "name":
      return visit(value.name);
    case "splat":
    case "unary":
    case "convert":
    case "bitcast":
      return usedNames(value.value, visit);
    case "binary":
    case "compare":
      return usedNames(value.left, visit) && usedNames(value.right, visit);
    case "select":
      return usedNames(value.condition, visit) && usedNames(value.yes, visit) && usedNames(value.no, visit);
    default:
      return false;
  }
}

/** Index arithmetic on constants: folded, and neutral elements dropped. Only for integers: they have no NaN and no rounding. */
function foldInteger(op: KernelBinary, a: KernelExpr, b: KernelExpr): KernelExpr | undefined {
  if (a.type !== "i32") return undefined;
  const [x, y] = [a.kind === "constant" ? a.value : undefined, b.kind === "constant" ? b.value : undefined];
  if (x !== undefined && y !== undefined) {
    const value = { add: x + y, subtract: x - y, multiply: Math.imul(x, y), divide: Math.trunc(x / y), remainder: x % y, min: Math.min(x, y), max: Math.max(x, y) }[op as string];
    return value === undefined ? undefined : { kind: "constant", value, type: "i32", width: a.width };
  }
  if (op === "add") return x === 0 ? b : y === 0 ? a : undefined;
  if (op === "subtract") return y === 0 ? a : undefined;
  if (op === "multiply") return x === 1 ? b : y === 1 ? a : x === 0 ? a : y === 0 ? b : undefined;
  if (op === "divide") return y === 1 ? a : undefined;
  if (op === "remainder") return y === 1 ? { kind: "constant", value: 0, type: "i32", width: a.width } : undefined;
  return undefined;
}
