import type { KernelBuilder } from "../../ir/kernel/builder.js";
import type { ElementType, KernelExpr, Statement } from "../../ir/kernel/nodes.js";
import { loopInputNames } from "../../ir/tensor/loops.js";
import type { LoopOp, TensorNode } from "../../ir/tensor/nodes.js";
import { mapStatements } from "../map-statements.js";
import type { Region } from "../schedule.js";
import { countOf } from "../static-shape.js";
import { kernelBuilder, type Operand, type Template } from "../templates/template.js";
import { unravel } from "../templates/views.js";
import type { EmitContext } from "./context.js";

const stepName: KernelExpr = { kind: "name", name: "step", type: "i32", width: "scalar" };
const stored = (type: ElementType): ElementType => (type === "bool" ? "i32" : type);

/**
 * One loop over the steps around the kernels of the body, which have an arena of their own within this one, all in one group: carries and slices are copied
 * into the body's inputs, and stacks and carries out of its outputs.
 */
export function loopKernel(context: EmitContext, op: LoopOp, operands: readonly Operand[]): Template {
  const { unit, places, target } = context;
  const loop = unit.anchor!;
  const body = context.schedule(op.body);
  const base = context.scratch(body.kernels.words);
  const k = kernelBuilder(target);
  const names = loopInputNames(op);

  const copy = (words: number, type: ElementType, from: KernelExpr | number, to: KernelExpr | number): void =>
    k.vectorLoop(words, (i, width) => k.store(k.add(i, to), k.load(k.add(i, from), stored(type), width)));
  const within = ({ offset }: Region): number => base + offset;
  /** Brings an operand, or slice `index` of it, to its place. */
  const bring = (at: number, to: number, index?: KernelExpr): void => {
    const { shape, read } = operands[at]!;
    const node = loop.inputs[at]!;
    const part = index ? shape.slice(1) : shape;
    const words = countOf(part);
    const view = places(node);
    if (view) return copy(words, view.type, index ? k.add(k.multiply(index, words), view.base) : view.base, to);
    k.loop(0, words, 1, (i) => {
      const value = read(k, [...(index ? [index] : []), ...unravel(k, i, part)], "scalar");
      k.store(k.add(i, to), value.type === "bool" ? k.convert(value, "i32") : value);
    });
  };
  const resultNode = (result: number): TensorNode | undefined =>
    result === 0 ? loop : unit.results.find((node) => node.op.kind === "loop-result" && node.op.result === result);
  /** Word of a result that something reads, and of slice `index` of it. */
  const resultAt = (result: number, words: number, index?: KernelExpr): KernelExpr | undefined => {
    const node = resultNode(result);
    const view = node && places(node);
    return view && k.add(index ? k.multiply(index, words) : k.integer(0), view.base);
  };

  // Before the steps: carries and invariants. A carry that the body does not read still has a place, for its history and its end.
  const carries = Array.from({ length: op.carried }, (_, at) => {
    const next = body.outputs[`carry.${at}`]!;
    const own = body.inputs[`carry.${at}`];
    return { next, words: next.words, type: next.type, place: own ? within(own) : context.scratch(next.words) };
  });
  carries.forEach(({ place }, at) => bring(at, place));
  for (const constant of body.constants) constant.values.forEach((value, at) => k.store(k.integer(within(constant) + at), k.constant(value, stored(constant.type))));
  names.forEach((name, at) => {
    const region = body.inputs[name];
    if (region && name.startsWith("invariant.")) bring(at, within(region));
  });

  const index = op.reverse ? k.subtract(op.steps - 1, stepName) : stepName;
  const before = k.collect(() => {
    const region = body.inputs["index"];
    if (region) k.store(k.integer(within(region)), index);
    carries.forEach(({ words, type, place }, at) => {
      const to = resultAt(op.carried + op.stacked + at, words, index);
      if (to) copy(words, type, place, to);
    });
    names.forEach((name, at) => {
      const scan = body.inputs[name];
      if (scan && name.startsWith("scan.")) bring(at, within(scan), index);
    });
  });
  // Where lanes are invocations they meet before what others of them wrote is read.
  const barrier: readonly Statement[] = target.simt ? [{ kind: "barrier" }] : [];
  const kernels = body.kernels.kernels.flatMap((kernel, at): readonly Statement[] => {
    const group: KernelExpr = { kind: "name", name: `g${at}`, type: "i32", width: "scalar" };
    const statements = mapStatements(kernel.body, (name) => `b${at}_${name}`, (expr) => (expr.kind === "group" ? group : undefined), (word) => relocated(k, word, base));
    return [...barrier, { kind: "for", name: `g${at}`, from: k.integer(0), to: k.integer(kernel.groups), step: 1, body: statements }];
  });
  const after = k.collect(() => {
    for (let at = 0; at < op.stacked; at++) {
      const region = body.outputs[`stack.${at}`]!;
      const to = resultAt(op.carried + at, region.words, index);
      if (to) copy(region.words, region.type, within(region), to);
    }
    for (const { words, type, next, place } of carries) copy(words, type, within(next), place);
  });
  const end = k.collect(() =>
    carries.forEach(({ words, type, place }, at) => {
      const to = resultAt(at, words);
      if (to) copy(words, type, place, to);
    }));
  const steps: Statement = { kind: "for", name: "step", from: k.integer(0), to: k.integer(op.steps), step: 1, body: [...barrier, ...before, ...kernels, ...barrier, ...after] };
  const total = (of: "flops" | "bytes"): number => op.steps * body.plan.kernels.reduce((sum, kernel) => sum + kernel[of], 0);
  const shared = Math.max(0, ...body.kernels.kernels.map((kernel) => kernel.shared ?? 0));
  return { title: `loop of ${op.steps} steps`, groups: 1, shared, body: [...k.body(), steps, ...barrier, ...end], flops: total("flops"), bytes: total("bytes"), before: [] };
}

function relocated(k: KernelBuilder, word: KernelExpr, base: number): KernelExpr {
  return k.add(word, { kind: "constant", value: base, type: "i32", width: word.width });
}
