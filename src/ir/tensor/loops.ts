import { InternalError } from "../../util/internal-error.js";
import type { DType, LoopOp, Shape, TensorNode, TensorOp, TensorProgram } from "./nodes.js";

/** Type and shape of a value that a loop takes or gives. */
export interface LoopValue {
  readonly dtype: DType;
  readonly shape: Shape;
}

/**
 * What a loop gives, in the order of `loop-result`: its carries after the last step, its stacks [steps, …], and the history of each carry: [steps, …],
 * what it was when the step of that index began. A history costs nothing unless something reads it; the gradient of a loop does.
 */
export function loopResults({ body, carried, stacked, steps }: LoopOp): readonly LoopValue[] {
  const output = (name: string): TensorNode => {
    const node = body.outputs[name];
    if (!node) throw new InternalError(`the body of a loop has no output "${name}"`);
    return node;
  };
  const carries = Array.from({ length: carried }, (_, at) => output(`carry.${at}`));
  const stacks = Array.from({ length: stacked }, (_, at) => output(`stack.${at}`));
  const along = ({ dtype, shape }: TensorNode): LoopValue => ({ dtype, shape: [steps, ...shape] });
  return [...carries.map(({ dtype, shape }) => ({ dtype, shape })), ...stacks.map(along), ...carries.map(along)];
}

/** What each input of the body is called, by the position of the loop's operand: `carry.0`, …, `invariant.0`, …, `scan.0`, …. */
export function loopInputNames({ carried, invariants, scanned }: Pick<LoopOp, "carried" | "invariants" | "scanned">): readonly string[] {
  const names = (what: string, count: number): string[] => Array.from({ length: count }, (_, at) => `${what}.${at}`);
  return [...names("carry", carried), ...names("invariant", invariants), ...names("scan", scanned)];
}

/** The name under which the body lists an input node. */
export function bodyInputName({ id, op }: TensorNode): string {
  if (op.kind !== "input") throw new InternalError(`%${id} is no input`);
  return op.name;
}

/** JSON has no ±∞, NaN and −0: without this, constants that differ would become one node. */
function exactNumber(_: string, value: unknown): unknown {
  return typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0)) ? `number ${Object.is(value, -0) ? "-0" : value}` : value;
}

/** An operation as text: equal texts mean equal operations with equal attributes. The body of a loop counts by what it computes, not by where it comes from. */
export function operationKey(op: TensorOp): string {
  return op.kind === "loop" ? `${JSON.stringify({ ...op, body: undefined })}{${programKey(op.body)}}` : JSON.stringify(op, exactNumber);
}

const programKeys = new WeakMap<TensorProgram, string>();

function programKey(program: TensorProgram): string {
  const known = programKeys.get(program);
  if (known !== undefined) return known;
  const places = new Map(program.nodes.map((node, at) => [node, at]));
  const lines = program.nodes.map(({ op, inputs, dtype, shape }) => `${operationKey(op)}|${inputs.map((input) => places.get(input)).join()}|${dtype}|${shape.join()}`);
  const outputs = Object.entries(program.outputs).map(([name, node]) => `${name}=${places.get(node)}`).sort();
  const key = [...lines, ...outputs].join("\n");
  programKeys.set(program, key);
  return key;
}

/** What is wrong with a loop; undefined where it is right. The body itself is verified apart. */
export function loopProblem(op: LoopOp, inputs: readonly TensorNode[]): string | undefined {
  const { body, steps, carried, invariants, scanned, stacked } = op;
  if (!Number.isInteger(steps) || steps < 0) return `${steps} steps`;
  if (inputs.length !== carried + invariants + scanned) return `it has ${inputs.length} operands, not ${carried} + ${invariants} + ${scanned}`;
  const expected = [...Array.from({ length: carried }, (_, at) => `carry.${at}`), ...Array.from({ length: stacked }, (_, at) => `stack.${at}`)];
  if (expected.length === 0) return "its body has no outputs";
  const missing = expected.find((name) => !body.outputs[name]) ?? Object.keys(body.outputs).find((name) => !expected.includes(name));
  if (missing !== undefined) return `its body's outputs are ${Object.keys(body.outputs).join(", ")}, not ${expected.join(", ")}`;
  const text = ({ dtype, shape }: LoopValue): string => `${dtype}[${shape.join(", ")}]`;
  const given = new Map<string, LoopValue>([["index", { dtype: "i32", shape: [] }]]);
  for (const [at, name] of loopInputNames(op).entries()) {
    const { dtype, shape } = inputs[at]!;
    if (at >= carried + invariants && shape[0] !== steps) return `operand ${at} is ${text(inputs[at]!)}: its first axis is not that of ${steps} steps`;
    given.set(name, { dtype, shape: at >= carried + invariants ? shape.slice(1) : shape });
  }
  for (const input of body.inputs) {
    const name = bodyInputName(input);
    const value = given.get(name);
    if (!value || (input.op.kind === "input" && input.op.role !== "loop")) return `its body has an input "${name}", which no loop gives`;
    if (text(value) !== text(input)) return `its body takes ${text(input)} as ${name}, but is given ${text(value)}`;
  }
  for (let at = 0; at < carried; at++) {
    const [from, to] = [text(inputs[at]!), text(body.outputs[`carry.${at}`]!)];
    if (from !== to) return `carry.${at} is ${from} before a step and ${to} after it`;
  }
  return undefined;
}
