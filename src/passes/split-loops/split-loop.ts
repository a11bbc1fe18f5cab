import { TensorBuilder } from "../../ir/tensor/builder.js";
import { bodyInputName } from "../../ir/tensor/loops.js";
import type { LoopOp, TensorNode } from "../../ir/tensor/nodes.js";
import { InternalError } from "../../util/internal-error.js";
import { analyze } from "./analyze.js";
import { type Outside, ofAllSteps, outsideOf } from "./batch-rules.js";
import { choose } from "./choose.js";
import { sumOf } from "./sum-rules.js";

/**
 * A loop without what can leave it: its results, by their number, as nodes of `b`. Undefined where nothing leaves.
 *
 * @param inputs the loop's operands in `b`
 * @param reads the results that something reads; no other may be asked for
 */
export function splitLoop(b: TensorBuilder, op: LoopOp, inputs: readonly TensorNode[], reads: ReadonlySet<number>): ((result: number) => TensorNode) | undefined {
  const { steps, carried, stacked, body } = op;
  if (steps === 0) return undefined;
  const facts = analyze(op, reads);
  const { live, free, constant, delayed, accumulators, summed, required, stacks, carries } = facts;
  const numberOf = (node: TensorNode, what: string): number | undefined => {
    const name = node.op.kind === "input" ? node.op.name : "";
    return name.startsWith(what) ? Number(name.slice(what.length)) : undefined;
  };
  const carryOf = (node: TensorNode): number | undefined => numberOf(node, "carry.");
  const { before, after } = choose(facts, steps, (carry) => reads.has(carried + stacked + carry), carryOf);
  // What is computed outside alone.
  const left = new Set([...after].filter((node) => !required.has(node)));
  const collected = new Map([...accumulators].filter(([, { chain }]) => left.has(chain[0]!)));
  const next = (at: number): TensorNode => body.outputs[`carry.${at}`]!;
  const kept = carries.filter((at) => !collected.has(at) && !constant.has(at) && !delayed.has(at));

  // What stays in the loop, and which of its values are asked for outside.
  const stackedNodes = new Set<TensorNode>();
  const demanded = new Set<TensorNode>([...stacks, ...[...collected.values()].flatMap(({ terms }) => terms.map(({ node }) => node))]);
  for (const node of demanded) {
    if (free.has(node)) continue;
    if (after.has(node)) for (const input of node.inputs) demanded.add(input);
    else if (carryOf(node) === undefined) stackedNodes.add(node);
  }
  const inside = new Set<TensorNode>([...kept.map(next), ...stackedNodes]);
  const passed = new Set<TensorNode>();
  for (const node of inside) {
    if (before.has(node)) passed.add(node);
    else for (const input of node.inputs) inside.add(input);
  }
  const changes = left.size > 0 || passed.size > 0 || kept.length < carried || stacks.size < new Set(Array.from({ length: stacked }, (_, at) => body.outputs[`stack.${at}`])).size || [...stacks].some((node) => !stackedNodes.has(node));
  if (!changes) return undefined;

  const known = new Map<TensorNode, Outside>();
  let loop: { readonly carries: ReadonlyMap<number, TensorNode>; readonly histories: ReadonlyMap<number, TensorNode>; readonly stacks: ReadonlyMap<TensorNode, TensorNode> } | undefined;
  const made = (): NonNullable<typeof loop> => {
    if (!loop) throw new InternalError("a value that is computed before a loop needs the loop");
    return loop;
  };
  /** The value of the step before, from that of all steps. */
  const delay = (first: TensorNode, all: TensorNode): TensorNode => {
    const one = b.expandDims(first, [0]);
    if (steps === 1) return one;
    return op.reverse ? b.concatenate([b.sliceAxis(all, 0, 1, steps - 1), one], 0) : b.concatenate([one, b.sliceAxis(all, 0, 0, steps - 1)], 0);
  };
  const leaf = (node: TensorNode): Outside => {
    const [carry, invariant, scan] = [carryOf(node), numberOf(node, "invariant."), numberOf(node, "scan.")];
    if (invariant !== undefined) return { node: inputs[carried + invariant]!, batched: false };
    if (scan !== undefined) return { node: inputs[carried + op.invariants + scan]!, batched: true };
    if (carry === undefined) return { node: b.iota(steps), batched: true };
    if (constant.has(carry)) return { node: inputs[carry]!, batched: false };
    return { node: delayed.has(carry) ? delay(inputs[carry]!, ofAllSteps(b, outside(next(carry)), steps)) : made().histories.get(carry)!, batched: true };
  };
  /** A node of the body outside of the loop. */
  const outside = (node: TensorNode): Outside => {
    const done = known.get(node);
    if (done) return done;
    const value = b.at(node.origin, () => b.inScope(node.scope, (): Outside => {
      if (node.op.kind === "input") return leaf(node);
      if (!free.has(node) && !after.has(node)) return { node: made().stacks.get(node)!, batched: true };
      return outsideOf(b, node, node.inputs.map(outside), steps);
    }));
    if (node.name !== undefined && node.op.kind !== "input") b.named(value.node, node.name);
    known.set(node, value);
    return value;
  };
  /** Makes what `roots` need outside, operands first: bodies are long chains. */
  const makeAll = (roots: Iterable<TensorNode>): void => {
    const wanted = new Set(roots);
    for (const node of wanted) if (free.has(node) || after.has(node)) for (const input of node.inputs) wanted.add(input);
    for (const node of live) if (wanted.has(node) && node.op.kind !== "input" && (free.has(node) || (after.has(node) && !summed.has(node)))) outside(node);
  };
  /** Σ over the steps of a node. */
  const total = (node: TensorNode): TensorNode =>
    b.at(node.origin, () => b.inScope(node.scope, () => {
      const sum = summed.has(node) && (free.has(node) || left.has(node)) ? sumOf(node, node.inputs.map((input) => free.get(input) ?? true)) : undefined;
      if (sum) return sum.make({ b, node, steps, inputs: node.inputs.map((input, at) => (sum.sums[at] ? { node: total(input), batched: false } : outside(input))) });
      const value = outside(node);
      return value.batched ? b.sum(value.node, [0]) : b.multiply(value.node, steps);
    }));

  // The new loop: carries, invariants and scans are numbered anew, in their order.
  const ordered = live.filter((node) => inside.has(node));
  const isGiven = (node: TensorNode): boolean => passed.has(node) || (node.op.kind === "input" && node.op.name !== "index");
  const isInvariant = (node: TensorNode): boolean => isGiven(node) && free.get(node) === false;
  const isScan = (node: TensorNode): boolean => isGiven(node) && free.get(node) === true;
  const [invariants, scans] = [ordered.filter(isInvariant), ordered.filter(isScan)];
  const stackList = [...stackedNodes];
  makeAll(passed);
  if (kept.length + stackList.length > 0) {
    const inner = new TensorBuilder({ simplify: false });
    const within = new Map<TensorNode, TensorNode>();
    const input = (node: TensorNode, name: string): TensorNode => inner.input("loop", name, node.shape, node.dtype);
    for (const node of ordered) {
      const carry = carryOf(node);
      const copy = inner.at(node.origin, () => inner.inScope(node.scope, () => {
        if (isInvariant(node)) return input(node, `invariant.${invariants.indexOf(node)}`);
        if (isScan(node)) return input(node, `scan.${scans.indexOf(node)}`);
        if (carry !== undefined && !free.has(node)) return input(node, `carry.${kept.indexOf(carry)}`);
        return inner.make(node.op, node.inputs.map((each) => within.get(each)!), node.dtype, node.shape);
      }));
      within.set(node, node.name === undefined ? copy : inner.named(copy, node.name));
    }
    const outputs = [...kept.map((at, i) => [`carry.${i}`, within.get(next(at))!] as const), ...stackList.map((node, i) => [`stack.${i}`, within.get(node)!] as const)];
    const results = b.loopOf(
      { kind: "loop", steps, reverse: op.reverse, carried: kept.length, invariants: invariants.length, scanned: scans.length, stacked: stackList.length, body: inner.program(body.name, Object.fromEntries(outputs)) },
      [...kept.map((at) => inputs[at]!), ...[...invariants, ...scans].map((node) => outside(node).node)],
    );
    loop = {
      carries: new Map(kept.map((at, i) => [at, results.carries[i]!])), histories: new Map(kept.map((at, i) => [at, results.histories[i]!])),
      stacks: new Map(stackList.map((node, i) => [node, results.stacks[i]!])),
    };
  } else loop = { carries: new Map(), histories: new Map(), stacks: new Map() };
  makeAll(demanded);

  const inputOf = (carry: number): TensorNode | undefined => body.inputs.find((node) => bodyInputName(node) === `carry.${carry}`);
  const last = (at: number): TensorNode => {
    const all = outside(next(at));
    return all.batched ? b.reshape(b.sliceAxis(all.node, 0, op.reverse ? 0 : steps - 1, 1), next(at).shape) : all.node;
  };
  return (result) => {
    if (result >= carried && result < carried + stacked) return ofAllSteps(b, outside(body.outputs[`stack.${result - carried}`]!), steps);
    const at = result < carried ? result : result - carried - stacked;
    if (constant.has(at)) return result < carried ? inputs[at]! : ofAllSteps(b, { node: inputs[at]!, batched: false }, steps);
    if (delayed.has(at)) {
      if (result < carried) return last(at);
      const carry = inputOf(at);
      return carry ? outside(carry).node : delay(inputs[at]!, ofAllSteps(b, outside(next(at)), steps));
    }
    const sums = collected.get(at);
    if (!sums) return (result < carried ? made().carries : made().histories).get(at)!;
    return sums.terms.reduce<TensorNode>((sum, { node, negative }) => (negative ? b.subtract(sum, total(node)) : b.add(sum, total(node))), inputs[at]!);
  };
}
