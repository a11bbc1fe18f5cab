import { InternalError } from "../../util/internal-error.js";
import type { LoopResults, LoopStep, TensorBuilder } from "./builder.js";
import { drawsOfSteps } from "./draw-order.js";
import { loopInputNames } from "./loops.js";
import type { Dim, LoopOp, TensorNode, TensorOp, TensorProgram } from "./nodes.js";

/** Every how many steps of a loop the carries are kept: a number of steps, or about √steps, where least is kept in all. */
export type Checkpoint = number | "sqrt";

/**
 * The same loop as a loop over segments, each a loop over its steps. The values, the draws among them, are those of the loop. What differs is what its gradient keeps (Griewank 1992): the outer
 * loop's gradient keeps the carries at the beginning of each segment, and computes a segment again, with the carries of its steps, when it comes to it.
 * Steps that fill no segment are a loop of their own, those of the highest indices. The histories, which are what is not to be kept, are not given.
 */
export function segmentedLoop(b: TensorBuilder, op: LoopOp, inputs: readonly TensorNode[], checkpoint: Checkpoint): LoopResults {
  const { steps, reverse, carried, invariants, scanned, stacked, body } = op;
  const length = segmentLength(steps, checkpoint, drawsByStep(body));
  if (length === steps) return { ...b.loopOf(op, inputs), histories: [] };
  const segments = Math.floor(steps / length);
  const whole = segments * length;
  const rest = steps - whole;
  // Draws are counted by the loops around them: with a rest, whose steps are no longer one loop, they come from an array of all.
  const draws = rest === 0 ? [] : body.nodes.flatMap((node) => (node.op.kind === "random" ? [{ node, all: b.make(drawsOfSteps(node.op), [], "f32", [steps, ...node.shape]) }] : []));
  const given = inputs.slice(carried, carried + invariants);
  const scans = [...inputs.slice(carried + invariants), ...draws.map(({ all }) => all)];
  const indexed = body.inputs.some(({ op: input }) => input.kind === "input" && input.name === "index");
  const names = loopInputNames(op);

  const step = (inner: TensorBuilder, at: LoopStep, index: TensorNode) => {
    const operands = [...at.carries, ...at.invariants.slice(0, invariants), ...at.scans.slice(0, scanned)];
    const values = new Map([...names.map((name, i) => [name, operands[i]!] as const), ["index", index]]);
    const made = new Map(draws.map(({ node }, i) => [node, at.scans[scanned + i]!]));
    for (const node of body.nodes) if (!made.has(node)) made.set(node, copied(inner, node, made, values));
    const outputs = (what: string, count: number): TensorNode[] => Array.from({ length: count }, (_, i) => made.get(body.outputs[`${what}.${i}`]!)!);
    return { carries: outputs("carry", carried), stacks: outputs("stack", stacked) };
  };
  const inSegments = (carries: readonly TensorNode[]): LoopResults =>
    b.loop({
      steps: segments, reverse, carries, invariants: given, scans: scans.map((all) => b.reshape(b.sliceAxis(all, 0, 0, whole), [segments, length, ...all.shape.slice(1)])),
      body: (outer, segment) =>
        outer.loop({
          steps: length, reverse, carries: segment.carries, scans: segment.scans, invariants: [...segment.invariants, ...(indexed ? [outer.multiply(segment.index, length)] : [])],
          body: (inner, at) => step(inner, at, indexed ? inner.add(at.invariants[invariants]!, at.index) : at.index),
        }),
    });
  const remaining = (carries: readonly TensorNode[]): LoopResults =>
    b.loop({ steps: rest, reverse, carries, invariants: given, scans: scans.map((all) => b.sliceAxis(all, 0, whole, rest)), body: (inner, at) => step(inner, at, inner.add(at.index, whole)) });

  const start = inputs.slice(0, carried);
  const flat = (all: TensorNode): TensorNode => b.reshape(all, [whole as Dim, ...all.shape.slice(2)]);
  if (rest === 0) {
    const { carries, stacks } = inSegments(start);
    return { carries, stacks: stacks.map(flat), histories: [] };
  }
  const early = reverse ? remaining(start) : inSegments(start);
  const late = reverse ? inSegments(early.carries) : remaining(early.carries);
  const [low, high] = reverse ? [late, early] : [early, late];
  return { carries: late.carries, stacks: low.stacks.map((all, i) => b.concatenate([flat(all), high.stacks[i]!], 0)), histories: [] };
}

/**
 * Steps of a segment; `steps` itself where it is better to have none. For `sqrt` a divisor of the steps, if one keeps at most a quarter more than ⌈√steps⌉ would: nothing remains then.
 * @param exact only a divisor will do: the largest that is not longer than asked for, or the one that keeps least
 */
function segmentLength(steps: number, checkpoint: Checkpoint, exact: boolean): number {
  if (checkpoint !== "sqrt" && !(Number.isInteger(checkpoint) && checkpoint >= 1)) throw new InternalError(`a loop with a checkpoint every ${checkpoint} steps`);
  const kept = (length: number): number => length + Math.ceil(steps / length);
  const root = Math.ceil(Math.sqrt(steps));
  const divisors = Array.from({ length: steps }, (_, at) => at + 1).filter((length) => steps % length === 0);
  const best = divisors.reduce((least, length) => (kept(length) < kept(least) ? length : least), steps);
  const wanted = checkpoint === "sqrt" ? (exact || kept(best) <= 1.25 * kept(root) ? best : root) : exact ? divisors.findLast((length) => length <= checkpoint)! : checkpoint;
  // A segment of one step, or one segment, keeps no less than none.
  return wanted <= 1 || wanted >= steps ? steps : wanted;
}

/** Whether the body draws what cannot be drawn before the loop: by parameters of the step, or in a loop of its own. */
function drawsByStep(body: TensorProgram): boolean {
  const draws = ({ nodes }: TensorProgram): boolean => nodes.some(({ op }) => op.kind === "random" || op.kind === "random-log-gamma" || (op.kind === "loop" && draws(op.body)));
  return body.nodes.some(({ op }) => op.kind === "random-log-gamma" || (op.kind === "loop" && draws(op.body)));
}

function copied(b: TensorBuilder, node: TensorNode, made: ReadonlyMap<TensorNode, TensorNode>, inputs: ReadonlyMap<string, TensorNode>): TensorNode {
  const op: TensorOp = node.op;
  if (op.kind === "input") return inputs.get(op.name)!;
  const copy = b.at(node.origin, () => b.inScope(node.scope, () => b.make(op, node.inputs.map((input) => made.get(input)!), node.dtype, node.shape)));
  return node.name === undefined ? copy : b.named(copy, node.name);
}
