import { InternalError } from "../../util/internal-error.js";
import { attributeRules, operandCounts } from "./attribute-rules.js";
import { dtypeRules } from "./dtype-rules.js";
import { operationKey } from "./loops.js";
import type { DType, Shape, TensorNode, TensorOp, TensorProgram } from "./nodes.js";
import { shapeRules } from "./shape-rules.js";
import { printShape, sameDims } from "./shapes.js";

/**
 * Throws InternalError, naming node and fault, unless the program is well formed: nodes in order of dependence with rising ids, none unneeded;
 * operands, attributes, shapes and dtypes as the rules say; inputs listed once each; streams not shared.
 */
export function verify(program: TensorProgram): void {
  verifyWithin(program, new Map(), "");
}

/** @param streams what draws from each: again only a loop that repeats the same draws may, as the gradient of a loop does
 * @param loops around the program, outermost first */
function verifyWithin(program: TensorProgram, streams: Map<string, string>, loops: string): void {
  const seen = new Set<TensorNode>();
  const names = new Set<string>();
  let last = -1;
  for (const node of program.nodes) {
    const broken = (problem: string): never => {
      const name = node.name === undefined ? "" : ` "${node.name}"`;
      throw new InternalError(`tensor program ${program.name}, node %${node.id}${name} (${node.op.kind}): ${problem}`);
    };
    if (node.id <= last) broken(`its id does not rise: %${last} stands before it`);
    last = node.id;
    for (const input of node.inputs) if (!seen.has(input)) broken(`its operand %${input.id} does not stand before it`);
    seen.add(node);
    const problem = problemOf(node);
    if (problem !== undefined) broken(problem);
    if (node.op.kind === "input") {
      if (names.has(node.op.name)) broken(`a second input is named "${node.op.name}"`);
      names.add(node.op.name);
    }
    if (node.op.kind === "random" || node.op.kind === "random-log-gamma") {
      const draws = `${loops}${operationKey(node.op)}${printShape(node.shape)}`;
      const known = streams.get(node.op.stream);
      if (known !== undefined && (loops === "" || known !== draws)) broken(`another node draws from stream "${node.op.stream}"`);
      streams.set(node.op.stream, draws);
    }
    if (node.op.kind === "loop") {
      try {
        verifyWithin(node.op.body, streams, `${loops}${node.op.steps} × `);
      } catch (error) {
        if (error instanceof InternalError) broken(error.problem);
        throw error;
      }
    } else if (node.op.kind === "input" && (node.op.role === "loop") !== (loops !== "")) broken(`its role is ${node.op.role}`);
  }
  verifyEnds(program, seen);
}

/** Inputs and outputs of the program, and that every node is needed. */
function verifyEnds(program: TensorProgram, seen: ReadonlySet<TensorNode>): void {
  const broken = (problem: string): never => {
    throw new InternalError(`tensor program ${program.name}: ${problem}`);
  };
  const inputs = program.nodes.filter((node) => node.op.kind === "input");
  if (inputs.length !== program.inputs.length || inputs.some((node, at) => node !== program.inputs[at])) broken("its list of inputs is not that of its input nodes, in order");
  const needed = new Set<TensorNode>();
  for (const [name, node] of Object.entries(program.outputs)) {
    if (!seen.has(node)) broken(`output "${name}" is %${node.id}, which is no node of it`);
    needed.add(node);
  }
  for (const node of [...program.nodes].reverse()) {
    if (!needed.has(node)) broken(`no output needs node %${node.id} (${node.op.kind})`);
    for (const input of node.inputs) needed.add(input);
  }
}

function problemOf(node: TensorNode): string | undefined {
  const { op, inputs, shape, dtype } = node;
  const count = operandCounts[op.kind];
  if (count !== "some" && inputs.length !== count) return `it has ${inputs.length} operands, not ${count}`;
  if (!shape.every((dim) => dim === "rows" || dim === "dataset" || (typeof dim === "number" && Number.isInteger(dim) && dim >= 0))) return `its shape is ${printShape(shape)}`;
  const shapes = inputs.map((input) => input.shape);
  try {
    const attributes = (attributeRules[op.kind] as (op: TensorOp, inputs: readonly Shape[], node: TensorNode) => string | undefined)(op, shapes, node);
    if (attributes !== undefined) return attributes;
    const rule = shapeRules[op.kind];
    if (rule !== "stated") {
      const expected = (rule as (op: TensorOp, inputs: readonly Shape[]) => Shape)(op, shapes);
      if (!sameDims(expected, shape)) return `its shape is ${printShape(shape)}, but its operands give ${printShape(expected)}`;
    }
  } catch (error) {
    // The shape rules throw on operands that do not fit; here the node is to be named as well.
    if (error instanceof InternalError) return error.problem;
    throw error;
  }
  const dtypes = inputs.map((input) => input.dtype);
  return (dtypeRules[op.kind] as (op: TensorOp, inputs: readonly DType[], result: DType) => string | undefined)(op, dtypes, dtype);
}
