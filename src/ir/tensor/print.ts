import { lineOf } from "../../diagnostics/span.js";
import type { Conv2dAttributes, TensorNode, TensorOp, TensorOpKind, TensorProgram } from "./nodes.js";
import { printShape } from "./shapes.js";

type OpOf<K extends TensorOpKind> = Extract<TensorOp, { readonly kind: K }>;
/** The operation's word and what follows its operands. */
type Rule<K extends TensorOpKind> = (op: OpOf<K>, node: TensorNode) => readonly [verb: string, attributes?: string];

const list = (values: readonly unknown[]): string => `[${values.join(", ")}]`;
const axis = (op: { readonly axis: number }): string => `axis ${op.axis}`;

/** Only what differs from a plain window: stride 1, no padding, no dilation. */
function windowText(op: Partial<Conv2dAttributes>): string {
  const parts: string[] = [];
  if (op.strides?.some((stride) => stride !== 1)) parts.push(`strides ${list(op.strides)}`);
  if (op.padding?.flat().some((amount) => amount !== 0)) parts.push(`padding ${list(op.padding.map(list))}`);
  if (op.dilation?.some((amount) => amount !== 1)) parts.push(`dilation ${list(op.dilation)}`);
  return parts.join(" ");
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  return Object.is(value, -0) ? "-0" : String(value);
}

/** The first values of a constant; a long one ends in its count. */
function constantText(values: readonly number[]): string {
  const shown = values.slice(0, 8).map(numberText);
  return values.length > 8 ? `[${shown.join(", ")}, … ${values.length} in all]` : list(shown);
}

const printRules: { readonly [K in TensorOpKind]: Rule<K> } = {
  input: (op) => [`input ${op.role} ${JSON.stringify(op.name)}`],
  constant: (op) => [`constant ${constantText(op.values)}`],
  size: (op) => [`size ${op.of}`],
  iota: () => ["iota"],
  random: (op) => [`random ${op.distribution} ${JSON.stringify(op.stream)}`],
  "random-log-gamma": (op) => ["random-log-gamma", JSON.stringify(op.stream)],
  unary: (op) => [op.function],
  binary: (op) => [op.function],
  compare: (op) => [op.function],
  select: () => ["select"],
  cast: () => ["cast"],
  reshape: () => ["reshape"],
  transpose: (op) => ["transpose", list(op.permutation)],
  broadcast: () => ["broadcast"],
  slice: (op) => ["slice", `from ${list(op.starts)}`],
  pad: (op) => ["pad", `low ${list(op.low)} high ${list(op.high)}${op.value === 0 ? "" : ` with ${numberText(op.value)}`}`],
  concatenate: (op) => ["concatenate", axis(op)],
  reverse: (op) => ["reverse", axis(op)],
  gather: (op) => ["gather", op.batchDims === 0 ? "" : `batch ${op.batchDims}`],
  "scatter-add": (op) => ["scatter-add", op.batchDims === 0 ? "" : `batch ${op.batchDims}`],
  reduce: (op) => [op.function, `over ${list(op.axes)}${op.keepDims ? " keep" : ""}`],
  "arg-reduce": (op) => [`arg-${op.function}`, axis(op)],
  "cumulative-sum": (op) => ["cumulative-sum", `${axis(op)}${op.exclusive ? " exclusive" : ""}${op.reverse ? " reverse" : ""}`],
  softmax: (op) => ["softmax", axis(op)],
  "log-softmax": (op) => ["log-softmax", axis(op)],
  dot: (op) => ["dot", [op.transposeLeft ? "transpose-left" : "", op.transposeRight ? "transpose-right" : ""].filter(Boolean).join(" ")],
  conv2d: (op) => ["conv2d", windowText(op)],
  "conv2d-input-gradient": (op) => ["conv2d-input-gradient", windowText(op)],
  "conv2d-filter-gradient": (op) => ["conv2d-filter-gradient", windowText(op)],
  pool2d: (op) => [`${op.function}-pool2d`, `window ${list(op.window)} ${windowText(op)}`.trimEnd()],
  "pool2d-gradient": (op) => [`${op.function}-pool2d-gradient`, `window ${list(op.window)} ${windowText(op)}`.trimEnd()],
  cholesky: () => ["cholesky"],
  "triangular-solve": (op) => ["triangular-solve", op.transpose ? "transpose" : ""],
  "stop-gradient": () => ["stop-gradient"],
  loop: (op) => ["loop", `${op.steps} steps${op.reverse ? " reverse" : ""}: ${op.carried} carried, ${op.invariants} invariant, ${op.scanned} scanned, ${op.stacked} stacked`],
  "loop-result": (op, node) => ["loop-result", resultName(op.result, node.inputs[0])],
};

/** `carry.1`, `stack.0`, `history.0`. */
function resultName(result: number, loop: TensorNode | undefined): string {
  if (loop?.op.kind !== "loop") return String(result);
  const { carried, stacked } = loop.op;
  if (result < carried) return `carry.${result}`;
  return result < carried + stacked ? `stack.${result - carried}` : `history.${result - carried - stacked}`;
}

function isInlined(node: TensorNode): boolean {
  return node.op.kind === "constant" && node.shape.length === 0;
}

/** A node where it is used: `%7`, or the number itself of a scalar constant (`3:i32` where it is not f32). */
function operandText(node: TensorNode): string {
  if (node.op.kind !== "constant" || !isInlined(node)) return `%${node.id}`;
  const text = numberText(node.op.values[0]!);
  if (node.dtype === "bool") return text === "0" ? "false" : "true";
  return node.dtype === "f32" ? text : `${text}:${node.dtype}`;
}

/** `vae.lvm:7`: the file's own name and the line. */
function originText({ origin }: TensorNode): string {
  return origin ? `    // ${origin.source.path.split(/[\\/]/).at(-1)}:${lineOf(origin)}` : "";
}

/**
 * The program as text, one line per node, scalar constants at their uses:
 * `%12 encoder.h: f32[rows, 400] = relu %11    // vae.lvm:7`, the body of a loop indented below it. The same program gives the same text.
 */
export function print(program: TensorProgram): string {
  const callsOf = new Map<string, number[]>();
  for (const { scope } of program.nodes) {
    if (!scope) continue;
    const calls = callsOf.get(scope.network) ?? [];
    if (!calls.includes(scope.call)) calls.push(scope.call);
    callsOf.set(scope.network, calls);
  }
  const nameOf = ({ scope, name }: TensorNode): string => {
    if (!scope) return name ?? "";
    const calls = callsOf.get(scope.network)!;
    const network = calls.length > 1 ? `${scope.network}#${calls.indexOf(scope.call) + 1}` : scope.network;
    return name === undefined ? network : `${network}.${name}`;
  };
  const lines = [`program ${program.name}`];
  for (const node of program.nodes) {
    if (isInlined(node)) continue;
    const [verb, attributes] = (printRules[node.op.kind] as (op: TensorOp, node: TensorNode) => readonly [string, string?])(node.op, node);
    const text = [verb, node.inputs.map(operandText).join(", "), attributes].filter(Boolean).join(" ");
    lines.push(`  %${[node.id, nameOf(node)].filter((part) => part !== "").join(" ")}: ${node.dtype}${printShape(node.shape)} = ${text}${originText(node)}`);
    if (node.op.kind === "loop") lines.push(...print(node.op.body).trimEnd().split("\n").slice(1).map((line) => `    ${line}`));
  }
  for (const [name, node] of Object.entries(program.outputs)) lines.push(`  output ${name} = ${operandText(node)}`);
  return `${lines.join("\n")}\n`;
}
