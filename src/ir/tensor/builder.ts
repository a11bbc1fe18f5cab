import type { Span } from "../../diagnostics/span.js";
import { InternalError } from "../../util/internal-error.js";
import { loopProblem, loopResults, operationKey } from "./loops.js";
import { type Checkpoint, segmentedLoop } from "./segmented-loop.js";
import type {
  BinaryFunction, ComparisonFunction, Conv2dAttributes, Dim, DType, InputRole, LoopOp, Padding2d, ReduceFunction, Scope, Shape, TensorNode, TensorOp, TensorProgram, UnaryFunction,
} from "./nodes.js";
import { axisOf, countElements, countKey, printShape, sameDims } from "./shapes.js";
import { shapeOf } from "./shape-rules.js";
import { simplified } from "./simplified.js";

/** Where an operand is expected a plain number stands for an f32 scalar constant. */
export type Operand = TensorNode | number;

/** What `TensorBuilder.loop` is made of. */
export interface LoopParts {
  readonly steps: number;
  /** From the last index to the first. */
  readonly reverse?: boolean;
  /** The carries before the first step. */
  readonly carries?: readonly TensorNode[];
  /** Values of the program around that every step sees: nothing else of it can be used within. */
  readonly invariants?: readonly TensorNode[];
  /** Arrays [steps, …] of which each step sees its own slice. */
  readonly scans?: readonly TensorNode[];
  /**
   * Every how many steps the gradient keeps the carries; the steps between are computed once more. It makes a loop of loops of the same values ([docs/autodiff.md](../../../docs/autodiff.md)),
   * without histories: a body that is to keep a carry stacks it.
   */
  readonly checkpoint?: Checkpoint | undefined;
  /** Writes the body with a builder of its own. */
  readonly body: (b: TensorBuilder, step: LoopStep) => { readonly carries?: readonly TensorNode[]; readonly stacks?: readonly TensorNode[] };
}

/** What the body of a loop sees, as nodes of its own builder. */
export interface LoopStep {
  readonly carries: readonly TensorNode[];
  readonly invariants: readonly TensorNode[];
  readonly scans: readonly TensorNode[];
  /** i32, from 0 to steps − 1. */
  readonly index: TensorNode;
}

export interface LoopResults {
  /** After the last step. */
  readonly carries: readonly TensorNode[];
  /** [steps, …]. */
  readonly stacks: readonly TensorNode[];
  /** [steps, …]: what each carry was when the step of that index began; none of a loop with checkpoints. */
  readonly histories: readonly TensorNode[];
}

/**
 * Makes tensor programs. Equal expressions become one node (hash-consing), and the identities that every derivation produces (x + 0,
 * 1 · x, constants of constants) vanish as they are made, so that what is printed reads as a person would have written it.
 */
export class TensorBuilder {
  private readonly made: TensorNode[] = [];
  private readonly known = new Map<string, TensorNode>();
  private origin: Span | undefined;
  private scope: Scope | undefined;

  /** `simplify: false` makes every node as it is asked for: tests compare the two. */
  constructor(private readonly options: { readonly simplify?: boolean } = {}) {}

  /** Everything that `make` builds comes from this place of the model file. */
  at<T>(origin: Span | undefined, make: () => T): T {
    const outer = this.origin;
    this.origin = origin ?? outer;
    try {
      return make();
    } finally {
      this.origin = outer;
    }
  }

  /** Everything that `make` builds belongs to this network call. */
  inScope<T>(scope: Scope | undefined, make: () => T): T {
    const outer = this.scope;
    this.scope = scope;
    try {
      return make();
    } finally {
      this.scope = outer;
    }
  }

  /** Gives a node a name for readers, unless it has one. */
  named(node: TensorNode, name: string): TensorNode {
    if (node.name === undefined && node.op.kind !== "input" && node.op.kind !== "constant") (node as { name?: string }).name = name;
    return node;
  }

  /** The program that computes `outputs`: the nodes that they need, in order. */
  program(name: string, outputs: Readonly<Record<string, TensorNode>>): TensorProgram {
    const needed = new Set<TensorNode>();
    const pending = Object.values(outputs);
    for (let node = pending.pop(); node; node = pending.pop()) {
      if (needed.has(node)) continue;
      needed.add(node);
      pending.push(...node.inputs);
    }
    const nodes = this.made.filter((node) => needed.has(node));
    return { name, nodes, inputs: nodes.filter((node) => node.op.kind === "input"), outputs };
  }

  /** Adds a node whose shape is given by the operation's shape rule, unless it is stated (`shape` for reshape, inputs …). */
  make(op: TensorOp, inputs: readonly TensorNode[], dtype: DType, shape?: Shape): TensorNode {
    const result = shape ?? shapeOf(op, inputs);
    const key = `${operationKey(op)}|${inputs.map((input) => input.id).join(",")}|${dtype}|${result.join(",")}`;
    const known = this.known.get(key);
    if (known) return known;
    const node: TensorNode = { id: this.made.length, op, inputs, dtype, shape: result, origin: this.origin, scope: this.scope };
    this.made.push(node);
    this.known.set(key, node);
    return node;
  }

  // ── Leaves ───────────────────────────────────────────────────────────────────────────────────────────────────────

  input(role: InputRole, name: string, shape: Shape, dtype: DType = "f32"): TensorNode {
    return this.inScope(undefined, () => this.make({ kind: "input", role, name }, [], dtype, shape));
  }

  scalar(value: number, dtype: DType = "f32"): TensorNode {
    return this.inScope(undefined, () => this.make({ kind: "constant", values: [value] }, [], dtype, []));
  }

  constant(values: readonly number[], shape: Shape, dtype: DType = "f32"): TensorNode {
    if (values.length !== countElements(shape)) throw new InternalError(`${values.length} values for shape ${printShape(shape)}`);
    return this.inScope(undefined, () => this.make({ kind: "constant", values }, [], dtype, shape));
  }

  /** A node filled with one value. */
  full(value: number, shape: Shape, dtype: DType = "f32"): TensorNode {
    return this.broadcast(this.scalar(value, dtype), shape);
  }

  /** Number of rows of the batch or the data set, as an f32 scalar. */
  size(of: "rows" | "dataset"): TensorNode {
    return this.make({ kind: "size", of }, [], "f32", []);
  }

  /** 0, 1 … length − 1. */
  iota(length: Dim): TensorNode {
    return this.make({ kind: "iota" }, [], "i32", [length]);
  }

  uniform(stream: string, shape: Shape): TensorNode {
    return this.make({ kind: "random", distribution: "uniform", stream }, [], "f32", shape);
  }

  normal(stream: string, shape: Shape): TensorNode {
    return this.make({ kind: "random", distribution: "normal", stream }, [], "f32", shape);
  }

  /** log of a Gamma(alpha, 1) draw for each element of `alpha`. */
  randomLogGamma(stream: string, alpha: TensorNode): TensorNode {
    return this.make({ kind: "random-log-gamma", stream }, [alpha], "f32", alpha.shape);
  }

  // ── Elementwise ──────────────────────────────────────────────────────────────────────────────────────────────────

  operand(value: Operand, like: DType = "f32"): TensorNode {
    return typeof value === "number" ? this.scalar(value, like) : value;
  }

  private simpler(op: TensorOp, inputs: readonly TensorNode[]): TensorNode | undefined {
    return this.options.simplify === false ? undefined : simplified(this, op, inputs);
  }

  unary(name: UnaryFunction, x: Operand): TensorNode {
    const input = this.operand(x);
    const op: TensorOp = { kind: "unary", function: name };
    return this.simpler(op, [input]) ?? this.make(op, [input], name === "not" || name === "is_finite" ? "bool" : input.dtype);
  }

  binary(name: BinaryFunction, left: Operand, right: Operand): TensorNode {
    const dtype = typeof left === "number" ? (typeof right === "number" ? "f32" : right.dtype) : left.dtype;
    const inputs = [this.operand(left, dtype), this.operand(right, dtype)];
    if (inputs[0]!.dtype !== inputs[1]!.dtype) throw new InternalError(`${name} of ${inputs[0]!.dtype} and ${inputs[1]!.dtype}`);
    const op: TensorOp = { kind: "binary", function: name };
    return this.simpler(op, inputs) ?? this.make(op, inputs, dtype);
  }

  compare(name: ComparisonFunction, left: Operand, right: Operand): TensorNode {
    const dtype = typeof left === "number" ? (typeof right === "number" ? "f32" : right.dtype) : left.dtype;
    const inputs = [this.operand(left, dtype), this.operand(right, dtype)];
    if (inputs[0]!.dtype !== inputs[1]!.dtype) throw new InternalError(`${name} of ${inputs[0]!.dtype} and ${inputs[1]!.dtype}`);
    return this.make({ kind: "compare", function: name }, inputs, "bool");
  }

  negate = (x: Operand) => this.unary("negate", x);
  exp = (x: Operand) => this.unary("exp", x);
  log = (x: Operand) => this.unary("log", x);
  log1p = (x: Operand) => this.unary("log1p", x);
  expm1 = (x: Operand) => this.unary("expm1", x);
  sqrt = (x: Operand) => this.unary("sqrt", x);
  reciprocal = (x: Operand) => this.unary("reciprocal", x);
  square = (x: Operand) => this.unary("square", x);
  abs = (x: Operand) => this.unary("abs", x);
  sign = (x: Operand) => this.unary("sign", x);
  floor = (x: Operand) => this.unary("floor", x);
  tanh = (x: Operand) => this.unary("tanh", x);
  relu = (x: Operand) => this.unary("relu", x);
  sigmoid = (x: Operand) => this.unary("sigmoid", x);
  softplus = (x: Operand) => this.unary("softplus", x);
  erf = (x: Operand) => this.unary("erf", x);
  lgamma = (x: Operand) => this.unary("lgamma", x);
  digamma = (x: Operand) => this.unary("digamma", x);
  not = (x: Operand) => this.unary("not", x);
  add = (a: Operand, b: Operand) => this.binary("add", a, b);
  subtract = (a: Operand, b: Operand) => this.binary("subtract", a, b);
  multiply = (a: Operand, b: Operand) => this.binary("multiply", a, b);
  divide = (a: Operand, b: Operand) => this.binary("divide", a, b);
  power = (a: Operand, b: Operand) => this.binary("power", a, b);
  maximum = (a: Operand, b: Operand) => this.binary("maximum", a, b);
  minimum = (a: Operand, b: Operand) => this.binary("minimum", a, b);
  less = (a: Operand, b: Operand) => this.compare("less", a, b);
  lessEqual = (a: Operand, b: Operand) => this.compare("less_equal", a, b);
  greater = (a: Operand, b: Operand) => this.compare("greater", a, b);
  greaterEqual = (a: Operand, b: Operand) => this.compare("greater_equal", a, b);
  equal = (a: Operand, b: Operand) => this.compare("equal", a, b);
  notEqual = (a: Operand, b: Operand) => this.compare("not_equal", a, b);
  and = (a: TensorNode, b: TensorNode) => this.compare("and", a, b);
  or = (a: TensorNode, b: TensorNode) => this.compare("or", a, b);

  /** Sum of any number of terms, left to right. */
  addAll(terms: readonly Operand[]): TensorNode {
    return terms.slice(1).reduce<TensorNode>((sum, term) => this.add(sum, term), this.operand(terms[0] ?? 0));
  }

  /** `condition ? yes : no`, elementwise. */
  select(condition: TensorNode, yes: Operand, no: Operand): TensorNode {
    const dtype = typeof yes !== "number" ? yes.dtype : typeof no !== "number" ? no.dtype : "f32";
    return this.make({ kind: "select" }, [condition, this.operand(yes, dtype), this.operand(no, dtype)], dtype);
  }

  cast(x: TensorNode, dtype: DType): TensorNode {
    if (x.dtype === dtype) return x;
    if (x.op.kind === "constant" && dtype !== "bool") return this.constant(x.op.values.map((value) => (dtype === "f32" ? value : Math.trunc(value))), x.shape, dtype);
    return this.make({ kind: "cast" }, [x], dtype);
  }

  stopGradient(x: TensorNode): TensorNode {
    return this.make({ kind: "stop-gradient" }, [x], x.dtype);
  }

  // ── Movement ─────────────────────────────────────────────────────────────────────────────────────────────────────

  reshape(x: TensorNode, shape: Shape): TensorNode {
    if (sameDims(x.shape, shape)) return x;
    if (countKey(x.shape) !== countKey(shape)) throw new InternalError(`reshape of ${printShape(x.shape)} to ${printShape(shape)}`);
    const from = x.op.kind === "reshape" ? x.inputs[0]! : x;
    return sameDims(from.shape, shape) ? from : this.make({ kind: "reshape" }, [from], x.dtype, shape);
  }

  /** Inserts axes of size 1 before the given positions of the result. */
  expandDims(x: TensorNode, axes: readonly number[]): TensorNode {
    const rank = x.shape.length + axes.length;
    const at = new Set(axes.map((axis) => axisOf(axis, rank)));
    const rest = [...x.shape];
    return this.reshape(x, Array.from({ length: rank }, (_, axis) => (at.has(axis) ? 1 : rest.shift()!)));
  }

  transpose(x: TensorNode, permutation: readonly number[]): TensorNode {
    if (permutation.every((from, to) => from === to)) return x;
    return this.make({ kind: "transpose", permutation }, [x], x.dtype);
  }

  broadcast(x: TensorNode, shape: Shape): TensorNode {
    return sameDims(x.shape, shape) ? x : this.make({ kind: "broadcast" }, [x], x.dtype, shape);
  }

  slice(x: TensorNode, starts: readonly number[], sizes: Shape): TensorNode {
    if (sameDims(x.shape, sizes)) return x;
    return this.make({ kind: "slice", starts, sizes }, [x], x.dtype);
  }

  /** `x[…, start : start + size, …]` along one axis. */
  sliceAxis(x: TensorNode, axis: number, start: number, size: number): TensorNode {
    const at = axisOf(axis, x.shape.length);
    return this.slice(x, x.shape.map((_, i) => (i === at ? start : 0)), x.shape.map((dim, i) => (i === at ? size : dim)));
  }

  pad(x: TensorNode, low: readonly number[], high: readonly number[], value = 0): TensorNode {
    if ([...low, ...high].every((amount) => amount === 0)) return x;
    return this.make({ kind: "pad", low, high, value }, [x], x.dtype);
  }

  concatenate(parts: readonly TensorNode[], axis: number): TensorNode {
    if (parts.length === 1) return parts[0]!;
    return this.make({ kind: "concatenate", axis: axisOf(axis, parts[0]!.shape.length) }, parts, parts[0]!.dtype);
  }

  reverse(x: TensorNode, axis: number): TensorNode {
    return this.make({ kind: "reverse", axis: axisOf(axis, x.shape.length) }, [x], x.dtype);
  }

  gather(table: TensorNode, indices: TensorNode, batchDims = 0): TensorNode {
    return this.make({ kind: "gather", batchDims }, [table, indices], table.dtype);
  }

  scatterAdd(indices: TensorNode, updates: TensorNode, size: Dim, batchDims = 0): TensorNode {
    const shape = [...indices.shape.slice(0, batchDims), size, ...updates.shape.slice(indices.shape.length)];
    return this.make({ kind: "scatter-add", batchDims }, [indices, updates], updates.dtype, shape);
  }

  /** f32 [..., size]: 1 where the last axis equals the index. */
  oneHot(indices: TensorNode, size: number): TensorNode {
    return this.cast(this.equal(this.expandDims(indices, [indices.shape.length]), this.iota(size)), "f32");
  }

  // ── Reductions ───────────────────────────────────────────────────────────────────────────────────────────────────

  reduce(name: ReduceFunction, x: TensorNode, axes?: readonly number[], keepDims = false): TensorNode {
    const over = (axes ?? x.shape.map((_, axis) => axis)).map((axis) => axisOf(axis, x.shape.length)).sort((a, b) => a - b);
    if (over.length === 0 && name !== "all" && name !== "any") return x;
    return this.make({ kind: "reduce", function: name, axes: over, keepDims }, [x], x.dtype);
  }

  sum = (x: TensorNode, axes?: readonly number[], keepDims = false) => this.reduce("sum", x, axes, keepDims);
  max = (x: TensorNode, axes?: readonly number[], keepDims = false) => this.reduce("max", x, axes, keepDims);
  logsumexp = (x: TensorNode, axes?: readonly number[], keepDims = false) => this.reduce("logsumexp", x, axes, keepDims);

  /** Sum over the last `rank` axes. */
  sumLast(x: TensorNode, rank: number): TensorNode {
    return this.sum(x, Array.from({ length: rank }, (_, i) => x.shape.length - rank + i));
  }

  mean(x: TensorNode, axes?: readonly number[], keepDims = false): TensorNode {
    const over = (axes ?? x.shape.map((_, axis) => axis)).map((axis) => axisOf(axis, x.shape.length));
    let total = this.sum(x, over, keepDims);
    let count = 1;
    for (const axis of over) {
      const dim = x.shape[axis]!;
      if (typeof dim === "number") count *= dim;
      else total = this.divide(total, this.size(dim));
    }
    return this.multiply(total, 1 / count);
  }

  argMax(x: TensorNode, axis: number): TensorNode {
    return this.make({ kind: "arg-reduce", function: "max", axis: axisOf(axis, x.shape.length) }, [x], "i32");
  }

  cumulativeSum(x: TensorNode, axis: number, exclusive = false, reverse = false): TensorNode {
    return this.make({ kind: "cumulative-sum", axis: axisOf(axis, x.shape.length), exclusive, reverse }, [x], x.dtype);
  }

  softmax(x: TensorNode, axis = -1): TensorNode {
    return this.make({ kind: "softmax", axis: axisOf(axis, x.shape.length) }, [x], x.dtype);
  }

  logSoftmax(x: TensorNode, axis = -1): TensorNode {
    return this.make({ kind: "log-softmax", axis: axisOf(axis, x.shape.length) }, [x], x.dtype);
  }

  // ── Products ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Matrix product of the last two axes; leading axes broadcast. */
  dot(left: TensorNode, right: TensorNode, transposeLeft = false, transposeRight = false): TensorNode {
    return this.make({ kind: "dot", transposeLeft, transposeRight }, [left, right], "f32");
  }

  conv2d(x: TensorNode, filter: TensorNode, attributes: Conv2dAttributes): TensorNode {
    return this.make({ kind: "conv2d", ...attributes }, [x, filter], "f32");
  }

  conv2dInputGradient(dy: TensorNode, filter: TensorNode, inputSize: readonly [number, number], attributes: Conv2dAttributes): TensorNode {
    return this.make({ kind: "conv2d-input-gradient", inputSize, ...attributes }, [dy, filter], "f32");
  }

  conv2dFilterGradient(x: TensorNode, dy: TensorNode, filterSize: readonly [number, number], attributes: Conv2dAttributes): TensorNode {
    return this.make({ kind: "conv2d-filter-gradient", filterSize, ...attributes }, [x, dy], "f32");
  }

  pool2d(name: "max" | "mean", x: TensorNode, window: readonly [number, number], strides: readonly [number, number], padding: Padding2d): TensorNode {
    return this.make({ kind: "pool2d", function: name, window, strides, padding }, [x], "f32");
  }

  pool2dGradient(name: "max" | "mean", x: TensorNode, dy: TensorNode, window: readonly [number, number], strides: readonly [number, number], padding: Padding2d): TensorNode {
    return this.make({ kind: "pool2d-gradient", function: name, window, strides, padding }, [x, dy], "f32");
  }

  cholesky(a: TensorNode): TensorNode {
    return this.make({ kind: "cholesky" }, [a], "f32");
  }

  triangularSolve(lower: TensorNode, b: TensorNode, transpose = false): TensorNode {
    return this.make({ kind: "triangular-solve", transpose }, [lower, b], "f32");
  }

  // ── Loops ──────────────────────────────────────────────────────────────────

  /** Steps with carried state, which are not unrolled. Throws InternalError where a carry changes its type or shape, or a scan has another number of steps. */
  loop({ steps, reverse = false, carries = [], invariants = [], scans = [], checkpoint, body }: LoopParts): LoopResults {
    const inner = new TensorBuilder(this.options);
    const inputs = (what: string, nodes: readonly TensorNode[], skip: number): TensorNode[] =>
      nodes.map(({ shape, dtype }, at) => inner.input("loop", `${what}.${at}`, shape.slice(skip), dtype));
    const step: LoopStep = {
      carries: inputs("carry", carries, 0), invariants: inputs("invariant", invariants, 0), scans: inputs("scan", scans, 1), index: inner.input("loop", "index", [], "i32"),
    };
    const made = inner.at(this.origin, () => inner.inScope(this.scope, () => body(inner, step)));
    const named = (what: string, nodes: readonly TensorNode[] = []): [string, TensorNode][] => nodes.map((node, at) => [`${what}.${at}`, node]);
    const program = inner.program("body", Object.fromEntries([...named("carry", made.carries), ...named("stack", made.stacks)]));
    const op: LoopOp = { kind: "loop", steps, reverse, carried: carries.length, invariants: invariants.length, scanned: scans.length, stacked: made.stacks?.length ?? 0, body: program };
    const operands = [...carries, ...invariants, ...scans];
    return checkpoint === undefined ? this.loopOf(op, operands) : segmentedLoop(this, fitting(op, operands), operands, checkpoint);
  }

  /** A loop whose body is a program already. */
  loopOf(op: LoopOp, inputs: readonly TensorNode[]): LoopResults {
    const results = loopResults(fitting(op, inputs));
    const node = this.make(op, inputs, results[0]!.dtype, results[0]!.shape);
    const all = results.map((_, at) => this.loopResult(node, at));
    const stacked = op.carried + op.stacked;
    return { carries: all.slice(0, op.carried), stacks: all.slice(op.carried, stacked), histories: all.slice(stacked) };
  }

  /** A loop's result by its number; 0 is the loop itself. */
  loopResult(loop: TensorNode, result: number): TensorNode {
    if (result === 0) return loop;
    const value = loop.op.kind === "loop" ? loopResults(loop.op)[result] : undefined;
    if (!value) throw new InternalError(`result ${result} of %${loop.id} (${loop.op.kind})`);
    return this.make({ kind: "loop-result", result }, [loop], value.dtype, value.shape);
  }
}

function fitting(op: LoopOp, inputs: readonly TensorNode[]): LoopOp {
  const problem = loopProblem(op, inputs);
  if (problem !== undefined) throw new InternalError(`loop: ${problem}`);
  return op;
}
