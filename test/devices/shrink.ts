import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import { evaluateNodes } from "../../src/ir/tensor/evaluate.js";
import type { LoopOp, TensorNode, TensorOp, TensorProgram } from "../../src/ir/tensor/nodes.js";
import { shapeRules } from "../../src/ir/tensor/shape-rules.js";
import { hasLoops, unrollLoops } from "../../src/ir/tensor/unroll-loops.js";
import { verify } from "../../src/ir/tensor/verify.js";
import { engineRandom } from "../passes/support.js";
import type { CaseInputs, DeviceCase } from "./device-case.js";

/**
 * A smaller case that still fails, found greedily: fewer outputs, nodes that become inputs of the value that they had, nodes that make way for an operand
 * of their shape, smaller sizes, simpler numbers. `fails` may be slow; it is asked `most` times at most.
 */
export async function shrink(found: DeviceCase, fails: (smaller: DeviceCase) => Promise<boolean>, most = 400): Promise<DeviceCase> {
  let [current, asked] = [found, 0];
  const accept = async (make: () => DeviceCase | undefined): Promise<boolean> => {
    if (asked >= most) return false;
    const smaller = attempt(make);
    if (!smaller) return false;
    asked++;
    if (!(await fails(smaller))) return false;
    current = smaller;
    return true;
  };
  // Without loops, if what fails is not in them; else with bodies of fewer operations.
  await accept(() => (hasLoops(current.program) ? { ...current, program: unrollLoops(current.program) } : undefined));
  // One output alone, if one is enough.
  for (const name of Object.keys(current.program.outputs)) if (await accept(() => without(current, (each) => each !== name))) break;
  for (let round = 0, changed = true; changed && round < 8; round++) {
    changed = false;
    for (const name of Object.keys(current.program.outputs)) if (Object.keys(current.program.outputs).length > 1) changed = (await accept(() => without(current, (each) => each === name))) || changed;
    for (const name of Object.keys(current.aliases)) changed = (await accept(() => ({ ...current, aliases: Object.fromEntries(Object.entries(current.aliases).filter(([each]) => each !== name)) }))) || changed;
    // From the end: what is cut there takes most with it.
    for (let at = current.program.nodes.length - 1; at >= 0; at--) {
      const node = current.program.nodes[at];
      if (!node || node.op.kind === "input") continue;
      if (await accept(() => asInput(current, node))) changed = true;
      else if (node.op.kind === "loop") changed = (await smallerBody(node.op, at)) || changed;
      else for (const operand of node.inputs) if (operand.dtype === node.dtype && operand.shape.join() === node.shape.join() && (await accept(() => replaced(current, node, () => operand)))) { changed = true; break; }
    }
    const sizes = [...new Set(current.program.nodes.flatMap(({ shape }) => shape as number[]))].filter((size) => size > 1).sort((a, b) => b - a);
    for (const size of sizes) for (const less of [1, 2, Math.ceil(size / 2), size - 1]) if (less < size && (await accept(() => resized(current, size, less)))) { changed = true; break; }
  }
  /** Makes operations of the body of node `at` give way to an operand of their shape. */
  async function smallerBody({ body }: LoopOp, at: number): Promise<boolean> {
    let changed = false;
    for (const each of [...body.nodes].reverse()) {
      for (const [which, operand] of each.inputs.entries()) {
        if (operand.dtype === each.dtype && operand.shape.join() === each.shape.join()) changed = (await accept(() => withBody(current, at, each.id, which))) || changed;
      }
    }
    return changed;
  }
  for (const name of Object.keys(current.inputs)) {
    const simpler = (value: (old: number) => number) => (): DeviceCase => ({ ...current, inputs: { ...current.inputs, [name]: { ...current.inputs[name]!, values: current.inputs[name]!.values.map(value) } } });
    (await accept(simpler(() => 0))) || (await accept(simpler(() => 1))) || (await accept(simpler((old) => Math.round(old * 8) / 8)));
  }
  return current;
}

/** A candidate that is well formed; undefined where the change does not fit. */
function attempt(make: () => DeviceCase | undefined): DeviceCase | undefined {
  try {
    const made = make();
    if (made) verify(made.program);
    return made;
  } catch {
    return undefined;
  }
}

/** What remains after a change: inputs and aliases that the program still has. */
function cleaned({ seed, aliases, inputs }: DeviceCase, b: TensorBuilder, outputs: Readonly<Record<string, TensorNode>>): DeviceCase {
  const program = b.program(`random_${seed}`, outputs);
  const names = new Set(program.inputs.map(({ op }) => (op.kind === "input" ? op.name : "")));
  return {
    seed, program,
    inputs: Object.fromEntries(Object.entries(inputs).filter(([name]) => names.has(name))),
    aliases: Object.fromEntries(Object.entries(aliases).filter(([output, input]) => output in outputs && names.has(input))),
  };
}

type Rebuild = (b: TensorBuilder, node: TensorNode, inputs: readonly TensorNode[]) => TensorNode | undefined;

function rebuilt(given: DeviceCase, rule: Rebuild): DeviceCase {
  const b = new TensorBuilder({ simplify: false });
  const made = new Map<TensorNode, TensorNode>();
  for (const node of given.program.nodes) {
    const inputs = node.inputs.map((input) => made.get(input)!);
    made.set(node, rule(b, node, inputs) ?? b.make(node.op, inputs, node.dtype, node.shape));
  }
  return cleaned(given, b, Object.fromEntries(Object.entries(given.program.outputs).map(([name, node]) => [name, made.get(node)!])));
}

function without({ program, ...given }: DeviceCase, drop: (name: string) => boolean): DeviceCase | undefined {
  const outputs = Object.fromEntries(Object.entries(program.outputs).filter(([name]) => !drop(name)));
  if (Object.keys(outputs).length === 0 || Object.keys(outputs).length === Object.keys(program.outputs).length) return undefined;
  const b = new TensorBuilder({ simplify: false });
  const made = new Map<TensorNode, TensorNode>();
  for (const node of program.nodes) made.set(node, b.make(node.op, node.inputs.map((input) => made.get(input)!), node.dtype, node.shape));
  return cleaned({ program, ...given }, b, Object.fromEntries(Object.entries(outputs).map(([name, node]) => [name, made.get(node)!])));
}

function replaced(given: DeviceCase, old: TensorNode, by: () => TensorNode): DeviceCase {
  const at = old.inputs.indexOf(by());
  return rebuilt(given, (_, node, inputs) => (node === old ? inputs[at] : undefined));
}

/** The loop at a place of the program with a body in which node `id` makes way for one of its operands. */
function withBody(given: DeviceCase, at: number, id: number, which: number): DeviceCase | undefined {
  const loop = given.program.nodes[at];
  if (loop?.op.kind !== "loop") return undefined;
  const inner = new TensorBuilder({ simplify: false });
  const made = new Map<TensorNode, TensorNode>();
  for (const node of loop.op.body.nodes) {
    const inputs = node.inputs.map((input) => made.get(input)!);
    made.set(node, node.id === id ? inputs[which]! : inner.make(node.op, inputs, node.dtype, node.shape));
  }
  const body = inner.program(loop.op.body.name, Object.fromEntries(Object.entries(loop.op.body.outputs).map(([name, node]) => [name, made.get(node)!])));
  const op: LoopOp = { ...loop.op, body };
  return rebuilt(given, (b, node, inputs) => (node === loop ? b.make(op, inputs, node.dtype, node.shape) : undefined));
}

function asInput(given: DeviceCase, old: TensorNode): DeviceCase | undefined {
  if (old.dtype === "bool" || (old.op.kind === "constant" && old.shape.length === 0)) return undefined;
  const value = evaluateNodes(given.program, { inputs: given.inputs, random: engineRandom(), precision: "f32" }).get(old)!;
  const name = `v${old.id}_${old.op.kind}`.replaceAll("-", "_");
  if (name in given.inputs) return undefined;
  const inputs: CaseInputs = { ...given.inputs, [name]: { values: [...value.values], shape: value.shape } };
  return rebuilt({ ...given, inputs }, (b, node) => (node === old ? b.input("column", name, old.shape, old.dtype) : undefined));
}

/** Every size `from` becomes `to`, where all operations still make sense. */
function resized(given: DeviceCase, from: number, to: number): DeviceCase | undefined {
  const shrunk = (shape: TensorProgram["nodes"][number]["shape"]): number[] => (shape as readonly number[]).map((dim) => (dim === from ? to : dim));
  const inputs = Object.fromEntries(Object.entries(given.inputs).map(([name, { values, shape }]) => {
    const smaller = shrunk(shape);
    return [name, { values: values.slice(0, smaller.reduce((n, dim) => n * dim, 1)), shape: smaller }];
  }));
  return rebuilt({ ...given, inputs }, (b, node, operands) => {
    const op: TensorOp = node.op.kind === "slice" ? { ...node.op, sizes: shrunk(node.op.sizes) } : node.op;
    if (op.kind === "constant") {
      const shape = shrunk(node.shape);
      return b.constant(op.values.slice(0, shape.reduce((n, dim) => n * dim, 1)), shape, node.dtype);
    }
    return b.make(op, operands, node.dtype, shapeRules[op.kind] === "stated" ? shrunk(node.shape) : undefined);
  });
}
