import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import type { BinaryFunction, TensorNode, TensorProgram, UnaryFunction } from "../../src/ir/tensor/nodes.js";
import { randomGenerator } from "../../src/util/random-generator.js";
import { randomLoop } from "../support/random-loop.js";

const unary: readonly UnaryFunction[] = ["negate", "tanh", "sigmoid", "softplus", "abs", "relu", "square", "exp", "sin", "floor"];
const binary: readonly BinaryFunction[] = ["add", "add", "subtract", "multiply", "multiply", "maximum", "minimum"];
const sizes = [1, 2, 3, 4, 5, 7, 9, 17];

export interface RandomCase {
  readonly program: TensorProgram;
  readonly inputs: Readonly<Record<string, { readonly values: readonly number[]; readonly shape: readonly number[] }>>;
  readonly aliases: Readonly<Record<string, string>>;
}

/** A random program of every kind of operation on small shapes, values kept moderate; some outputs take the place of inputs. */
export function randomCase(seed: number): RandomCase {
  const next = randomGenerator(`kernels ${seed}`);
  const below = (n: number): number => Math.floor(next() * n);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;
  const b = new TensorBuilder({ simplify: next() < 0.5 });
  const values = (count: number): number[] => Array.from({ length: count }, () => Math.fround(2 * next() - 1));
  const inputs: Record<string, { values: number[]; shape: number[] }> = {};
  const count = (shape: readonly number[]): number => shape.reduce((n, dim) => n * dim, 1);
  const shapeOf = (node: TensorNode): number[] => node.shape as number[];
  const made: TensorNode[] = [];
  const parameters: TensorNode[] = [];
  const input = (shape: number[], name = `x${Object.keys(inputs).length}`): TensorNode => {
    inputs[name] = { values: values(count(shape)), shape };
    return b.input("parameter", name, shape);
  };
  const indices = (shape: number[], most: number): TensorNode => {
    const name = `i${Object.keys(inputs).length}`;
    inputs[name] = { values: Array.from({ length: count(shape) }, () => below(most + 2) - 1), shape }; // some outside: clamped
    return b.input("column", name, shape, "i32");
  };
  for (let i = 0; i < 3; i++) {
    const node = input(Array.from({ length: 1 + below(3) }, () => pick(sizes)));
    made.push(node);
    parameters.push(node);
  }
  // Keeps values in a range where float32 and float64 agree.
  const tame = (node: TensorNode): TensorNode => b.unary("tanh", node);
  const steps = 4 + below(8);
  for (let step = 0; step < steps; step++) {
    const x = pick(made);
    const shape = shapeOf(x);
    const rank = shape.length;
    const axis = below(Math.max(1, rank));
    switch (below(23)) {
      case 0:
      case 1:
        made.push(b.unary(pick(unary), x));
        break;
      case 2:
      case 3:
      case 4: {
        const other = made.find((each) => each !== x && each.shape.join() === shape.join()) ?? (rank > 0 && next() < 0.5 ? input(shape.slice(axis)) : b.scalar(pick([0, 1, -1, 2, 0.5])));
        made.push(next() < 0.5 ? b.binary(pick(binary), x, other) : b.binary(pick(binary), other, x));
        break;
      }
      case 5:
        made.push(b.select(b.less(x, pick([0, 0.3, -0.2])), x, b.unary("negate", x)));
        break;
      case 6:
        if (rank > 0) made.push(b.reduce(pick(["sum", "max", "min", "logsumexp", "product"] as const), tame(x), [...new Set([axis, below(rank)])], next() < 0.5));
        break;
      case 7:
        if (rank > 1) made.push(b.transpose(x, [...shape.keys()].sort(() => next() - 0.5)));
        break;
      case 8:
        made.push(b.reshape(x, rank > 1 && next() < 0.5 ? [...shape.slice(0, -2), shape.at(-2)! * shape.at(-1)!] : [count(shape)]));
        break;
      case 9:
        if (rank > 0 && shape[axis]! > 1) made.push(b.sliceAxis(x, axis, below(shape[axis]!), 1), b.sliceAxis(x, axis, 1, shape[axis]! - 1));
        break;
      case 10:
        if (rank > 0) made.push(b.pad(x, shape.map((_, i) => (i === axis ? 1 + below(2) : 0)), shape.map((_, i) => (i === axis ? below(3) : 0)), pick([0, 0.5])));
        break;
      case 11:
        if (rank > 0) made.push(b.concatenate([x, b.unary("negate", x), x], axis));
        break;
      case 12:
        if (rank > 0) made.push(b.reverse(x, axis));
        break;
      case 13:
        if (rank > 0) made.push(b.gather(x, indices([pick(sizes)], shape[0]!)));
        break;
      case 14:
        if (rank > 0) made.push(tame(b.scatterAdd(indices([shape[0]!], 4), x, 4)));
        break;
      case 15:
        if (rank > 1) {
          const n = pick(sizes);
          const k = shape.at(-1)!;
          made.push(tame(next() < 0.5 ? b.dot(x, input([k, n])) : b.dot(x, input([n, k]), false, true)));
        }
        break;
      case 16:
        if (rank > 1) made.push(tame(b.dot(x, x, true, false)));
        break;
      case 17:
        if (rank > 0) made.push(b.softmax(x, axis), b.logSoftmax(x, axis));
        break;
      case 18:
        if (rank > 0) made.push(tame(b.cumulativeSum(x, axis, next() < 0.5, next() < 0.5)));
        break;
      case 19:
        if (rank > 0) made.push(b.cast(b.argMax(b.add(x, input(shape)), axis), "f32"));
        break;
      case 20:
        made.push(b.add(b.uniform(`u${step}`, shape), b.multiply(x, b.normal(`n${step}`, shape))));
        break;
      case 21:
        if (rank < 4 && count(shape) <= 200) made.push(...randomLoop(b, next, x, pick(made), `loop${step}`));
        break;
      default: {
        const image = input([2, 5 + below(3), 6, 1 + below(3)]);
        const channels = image.shape[3] as number;
        const filter = input([3, 2, channels, 1 + below(5)]);
        const attributes = { strides: pick([[1, 1], [2, 1]] as const), padding: [[1, 1], [0, 1]] as const, dilation: [1, 1] as const };
        const y = tame(b.conv2d(image, filter, attributes));
        made.push(y, tame(b.conv2dInputGradient(y, filter, [image.shape[1] as number, 6], attributes)), tame(b.conv2dFilterGradient(image, y, [3, 2], attributes)), b.pool2d(pick(["max", "mean"] as const), image, [2, 2], [2, 2], [[0, 0], [0, 0]]));
      }
    }
    while (made.length > 3 && (made.at(-1)!.shape.length > 4 || count(shapeOf(made.at(-1)!)) > 3000)) made.pop();
  }
  const outputs: Record<string, TensorNode> = Object.fromEntries(made.slice(-3).map((node, i) => [`y${i}`, node]));
  const aliases: Record<string, string> = {};
  // A step of gradient descent, or what looks like one: new values in the place of the old.
  parameters.forEach((node, i) => {
    const other = made.findLast((each) => each.shape.join() === node.shape.join())!;
    outputs[`next${i}`] = b.subtract(node, b.multiply(other, 0.1));
    aliases[`next${i}`] = node.op.kind === "input" ? node.op.name : "";
  });
  const program = b.program("random", outputs);
  const used = new Set(program.inputs.map(({ op }) => (op.kind === "input" ? op.name : "")));
  return { program, inputs: Object.fromEntries(Object.entries(inputs).filter(([name]) => used.has(name))), aliases };
}
