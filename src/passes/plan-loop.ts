import { InternalError } from "../util/internal-error.js";
import { mostLoops } from "../ir/kernel/nodes.js";
import { TensorBuilder } from "../ir/tensor/builder.js";
import { importProgram } from "../ir/tensor/import-program.js";
import { loopInputNames } from "../ir/tensor/loops.js";
import type { LoopOp, TensorNode, TensorProgram } from "../ir/tensor/nodes.js";
import { dispatchWork } from "./costs.js";
import type { EmitContext } from "./emit/context.js";
import { costOf, emitStages } from "./emit-stages.js";
import type { LoopPlan, Surroundings } from "./loop-plan.js";
import { fillOf, runOf } from "./loop-operands.js";
import { type PlanLoop, type PlanOptions, planUnits, wordsOf } from "./plan-units.js";
import { kernelsOf } from "./stages.js";
import { staticShape } from "./static-shape.js";
import type { View } from "./templates/template.js";

export interface LoopOptions extends PlanOptions {
  /** Whether loops are loops of launches or one kernel each; by default what their bodies cost decides. For tests. */
  readonly loops?: "launches" | "kernels";
}

/** Plans the loops of one program, each once. */
export function loopPlanner(options: LoopOptions): PlanLoop {
  return (context, known) => {
    const found = known.get(context.unit);
    if (found) return found;
    const made = planLoop(context, options);
    known.set(context.unit, made);
    return made;
  };
}

function planLoop({ unit, places, loops, target }: EmitContext, options: LoopOptions): LoopPlan {
  const loop = unit.anchor!;
  const { op } = loop as { readonly op: LoopOp };
  const node = (result: number): TensorNode | undefined => (result === 0 ? loop : unit.results.find((each) => each.op.kind === "loop-result" && each.op.result === result));
  const isStored = (result: number): boolean => {
    const found = node(result);
    return found !== undefined && places(found) !== undefined;
  };
  const numbers = (count: number): number[] => Array.from({ length: count }, (_, at) => at);
  const stacks = numbers(op.stacked).filter((at) => isStored(op.carried + at));
  const histories = new Set(numbers(op.carried).filter((at) => isStored(op.carried + op.stacked + at)).map((at) => `carry.${at}`));
  const asked = [...stacks.map((at) => `stack.${at}`), ...histories, ...numbers(op.carried).filter(isStored).map((at) => `carry.${at}`)];
  const body = specialized(op, loop.inputs, outputsFor(op.body, asked), (each) => places(each) !== undefined);
  const surroundings: Surroundings = { loops: [...loops, op.steps], histories, reverse: op.reverse };
  const plan = (inner: LoopOptions): ReturnType<typeof planUnits> => planUnits(body, inner, () => new Map(), loopPlanner(inner), surroundings);
  const own: LoopOptions = { ...options, target, pinned: undefined };
  let made = plan(own);
  const kernels = made.stages.flatMap(kernelsOf).map((clusters) => ({ ...costOf(made, clusters), groups: Math.max(...clusters.flatMap(({ parts }) => parts.map(({ groups }) => groups))), alone: clusters.some(({ parts }) => parts[0]!.alone) }));
  const work = [...made.facts.values()].reduce((sum, each) => sum + each.work, 0);
  const launched = op.steps > 0 && loops.length < mostLoops && (options.loops === undefined ? isLarge(kernels, work, target.simt === true) : options.loops === "launches");
  // In one kernel all workgroups are alike, and what stands in it is no launch.
  if (!launched && (target.workgroup || kernels.some(({ alone }) => alone))) made = plan({ ...own, target: { ...target, workgroup: undefined }, loops: "kernels" });
  const sum = (of: "flops" | "bytes"): number => made.stages.flatMap(kernelsOf).reduce((total, clusters) => total + costOf(made, clusters)[of], 0);
  const { memory, order, fusion, storage } = made;
  return {
    op, steps: op.steps, work, flops: sum("flops"), bytes: sum("bytes"), collapsed: !launched, words: memory.plan.words, stacks,
    carries: Object.entries(made.program.outputs).flatMap(([name, output]) => (name.startsWith("carry.") ? [{ name, words: wordsOf(output), type: output.dtype, storage: storage!.get(name)! }] : [])),
    constants: [...order.stored].flatMap((each) => (each.op.kind === "constant" && !fusion.unitOf.has(each) ? [{ offset: memory.offsetOf(each), type: each.dtype, values: each.op.values }] : [])),
    emit: (base, given) => {
      const outside = new Map<TensorNode, View>();
      for (const input of made.program.inputs) if (input.op.kind === "input" && input.op.name !== "index") outside.set(input, found(given.inputs, input.op.name));
      for (const [name, output] of Object.entries(made.program.outputs)) outside.set(output, found(given.outputs, name));
      return emitStages(made, base, outside);
    },
  };
}

function found(views: ReadonlyMap<string, View>, name: string): View {
  const view = views.get(name);
  if (!view) throw new InternalError(`nothing says where ${name} of a loop lies`);
  return view;
}

/** A kernel that is worth a barrier (as src/codegen/c has it): below that threads gain nothing from a body's kernels. */
const sharedCost = 16_384;

function isLarge(kernels: readonly { readonly groups: number; readonly flops: number; readonly bytes: number; readonly alone: boolean }[], work: number, simt: boolean): boolean {
  if (kernels.some(({ alone }) => alone)) return true;
  return simt ? work >= dispatchWork * kernels.length : kernels.some(({ groups, flops, bytes }) => groups > 1 && Math.max(flops, bytes) >= sharedCost);
}

/** The outputs that are asked for and the carries that these need, at any step. */
function outputsFor(body: TensorProgram, asked: readonly string[]): readonly string[] {
  const wanted = new Set(asked);
  for (let known = -1; known !== wanted.size; ) {
    known = wanted.size;
    const needed = new Set([...wanted].map((name) => body.outputs[name]!));
    for (const node of [...body.nodes].reverse()) if (needed.has(node)) node.inputs.forEach((input) => needed.add(input));
    for (const { op } of needed) if (op.kind === "input" && op.name.startsWith("carry.")) wanted.add(op.name);
  }
  return Object.keys(body.outputs).filter((name) => wanted.has(name));
}

/** The body with the outputs that are wanted, and with what is the same all over written into it instead of given. */
function specialized(op: LoopOp, operands: readonly TensorNode[], wanted: readonly string[], isStored: (node: TensorNode) => boolean): TensorProgram {
  const fills = new Map(loopInputNames(op).flatMap((name, at) => {
    const operand = runOf(operands[at]!, isStored).node;
    const fill = isStored(operand) ? undefined : fillOf(operand);
    return fill === undefined || name.startsWith("carry.") ? [] : [[name, fill] as const];
  }));
  const b = new TensorBuilder({ simplify: false });
  const made = importProgram(b, op.body, {
    replace: (leaf) => {
      const fill = leaf.op.kind === "input" ? fills.get(leaf.op.name) : undefined;
      return fill === undefined ? undefined : b.full(fill, staticShape(leaf), leaf.dtype);
    },
  });
  return b.program(op.body.name, Object.fromEntries(wanted.map((name) => [name, made.get(op.body.outputs[name]!)!])));
}
