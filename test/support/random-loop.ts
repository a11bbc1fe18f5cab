import type { LoopStep, TensorBuilder } from "../../src/ir/tensor/builder.js";
import type { TensorNode } from "../../src/ir/tensor/nodes.js";

/**
 * A random loop around `x`, of any shape: 0 to 4 steps either way, several carries (totals and delays among them), invariants, scanned arrays, products with both, draws and loops within; every value stays moderate and has a
 * derivative almost everywhere. Gives some of its results, the first of the shape of `x`.
 *
 * @param name of its random streams: one of its own for each loop of a program
 */
export function randomLoop(b: TensorBuilder, next: () => number, x: TensorNode, other: TensorNode, name: string, depth = 0): TensorNode[] {
  const below = (n: number): number => Math.floor(next() * n);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;
  const steps = pick(depth > 0 ? [1, 2] : [0, 1, 2, 3, 4]);
  const factors = (node: TensorNode): TensorNode =>
    b.multiply(b.expandDims(node, [0]), b.constant(Array.from({ length: steps }, () => Math.fround(0.5 + next())), [steps, ...node.shape.map(() => 1)]));
  const size = x.shape.at(-1);
  const weights = typeof size === "number" && size <= 20 && x.shape.length > 1 && next() < 0.5 ? b.multiply(0.4, b.unary("sin", b.reshape(b.cast(b.iota(size * size), "f32"), [size, size]))) : undefined;
  const extra = pick(["none", "scalar", "counter", "flag", "total", "delay"] as const);
  const carried = { none: [], scalar: [b.scalar(0.5)], counter: [b.scalar(2, "i32")], flag: [b.less(x, 0)], total: [b.tanh(x)], delay: [b.multiply(0.5, x)] }[extra];
  const choices = Array.from({ length: 2 + below(4) }, () => ({ kind: below(15), at: next(), over: next(), u: next() }));
  const inner = next() < 0.2 && depth < 1;
  const stacksSum = next() < 0.5;

  const body = (k: TensorBuilder, { carries: [c, second], invariants, scans: [each], index }: LoopStep): { carries: TensorNode[]; stacks: TensorNode[] } => {
    const same: TensorNode[] = [c!, k.add(k.multiply(0.5, c!), each!), k.multiply(c!, k.sigmoid(k.broadcast(invariants[0]!, c!.shape)))];
    const rank = c!.shape.length;
    for (const [number, { kind, at, over, u }] of choices.entries()) {
      const value = same[Math.floor(at * same.length)]!;
      const partner = same[Math.floor(over * same.length)]!;
      const axis = Math.floor(u * Math.max(1, rank));
      const fixed = typeof value.shape[axis] === "number";
      same.push([
        () => k.tanh(value),
        () => k.subtract(value, partner),
        () => k.multiply(value, k.tanh(partner)),
        () => k.select(k.less(value, partner), value, k.multiply(0.5, partner)),
        () => (rank > 0 ? k.subtract(value, k.multiply(0.3, k.reduce("sum", k.tanh(value), [axis], true))) : value),
        () => (rank > 0 && fixed ? k.multiply(2, k.softmax(value, axis)) : value),
        () => (rank > 0 && fixed ? k.tanh(k.cumulativeSum(value, axis)) : value),
        () => (invariants[1] ? k.dot(value, invariants[1], false, u < 0.5) : value),
        () => k.add(value, k.multiply(0.2, k.normal(`${name} noise ${number}`, value.shape))),
        () => k.multiply(value, k.add(0.5, k.multiply(0.1, k.cast(index, "f32")))),
        () => k.maximum(value, partner),
        () => (rank > 0 && fixed ? k.reverse(value, axis) : k.multiply(value, k.uniform(`${name} share ${number}`, value.shape))),
        // Recurrent cells: products with the state, with what is scanned, and with what both made.
        () => (invariants[1] ? k.add(k.dot(c!, invariants[1]), k.dot(each!, invariants[1], false, u < 0.5)) : k.add(value, each!)),
        () => (invariants[1] ? k.multiply(k.sigmoid(k.dot(k.tanh(value), k.multiply(0.5, invariants[1]))), partner) : k.multiply(k.sigmoid(each!), partner)),
        () => (second && extra === "delay" ? k.add(value, k.multiply(0.5, second)) : k.subtract(value, each!)),
      ][kind]!());
    }
    if (inner) same.push(randomLoop(k, next, same.at(-1)!, c!, `${name} inner`, depth + 1)[0]!);
    let end = k.tanh(same.at(-1)!);
    const after: TensorNode[] = [];
    if (second && extra === "scalar") {
      end = k.multiply(end, second);
      after.push(k.add(k.multiply(0.9, second), k.multiply(0.1, k.tanh(k.sum(end)))));
    } else if (second && extra === "counter") {
      end = k.multiply(end, k.add(1, k.multiply(0.01, k.cast(second, "f32"))));
      after.push(k.add(k.multiply(second, 3), index));
    } else if (second && extra === "total") {
      const term = k.tanh(same.at(-1)!);
      after.push(k.subtract(k.add(second, invariants[1] ? k.dot(term, invariants[1]) : k.square(term)), k.multiply(0.1, each!)));
    } else if (second && extra === "delay") after.push(k.multiply(0.5, each!));
    else if (second) {
      end = k.select(second, end, k.multiply(0.7, end));
      after.push(k.greater(end, k.multiply(0.5, c!)));
    }
    return { carries: [end, ...after], stacks: [stacksSum ? k.sum(same.at(-1)!) : end] };
  };
  const invariant = other.shape.join() === x.shape.join() ? other : b.sum(b.tanh(other));
  const made = b.loop({ steps, reverse: next() < 0.4, carries: [x, ...carried], invariants: [invariant, ...(weights ? [weights] : [])], scans: [factors(x)], body });
  const counted = made.carries[1]?.dtype === "i32" ? [b.multiply(b.scalar(0.01), b.cast(made.carries[1], "f32"))] : extra === "total" || extra === "delay" ? [b.tanh(made.carries[1]!)] : [];
  // Of no steps there is nothing to see but the carries.
  return [made.carries[0]!, ...counted, ...(steps > 0 ? [pick([made.stacks[0]!, made.histories[0]!])] : [])];
}
