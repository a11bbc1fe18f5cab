import { InternalError } from "../../util/internal-error.js";
import type { KernelBuilder } from "../../ir/kernel/builder.js";
import type { ElementType, KernelExpr } from "../../ir/kernel/nodes.js";
import { drawStrides } from "../../ir/tensor/draw-order.js";
import type { TensorNode } from "../../ir/tensor/nodes.js";
import { countOf, staticShape } from "../static-shape.js";
import type { View } from "../templates/template.js";
import { movedBy } from "../templates/views.js";
import { addressOf, affine, broadcastTo, clamped, type Coordinate, isUniform, keyOf, linear, plus, type Position, reshaped, valueOf, whereIs } from "./coordinate.js";
import { emitBinary, emitCompare, emitUnary } from "./elementwise.js";
import type { Words } from "../../ir/kernel/functions/random.js";
import { emitRandom, emitRandomLogGamma, streamKey } from "./random.js";

/** Word of the arena that counts chunks of rows (`arenaWords.chunk` of the run time). */
const chunkWord = 3;

/** Where the tensors that are in memory lie; undefined for those that are computed where they are used. */
export type Places = (node: TensorNode) => View | undefined;

/**
 * Writes tensor expressions at single places (or at one vector of neighbours): elementwise operations become arithmetic, movements become
 * index arithmetic, and what is in memory is loaded. Each value is computed once per place, in the outermost loop that fixes it.
 */
export class Expressions {
  private readonly known = new Map<string, KernelExpr>();
  /** Entries of `known` that were made of given values, with what was known before. */
  private changed: [key: string, before: KernelExpr | undefined][] | undefined;
  private given: { readonly values: ReadonlyMap<TensorNode, KernelExpr>; readonly count: number } | undefined;

  private readonly keys = new Map<string, Words>();
  /** What was loaded from memory; in the body of a loop also what changes with its index. */
  readonly loaded = new Set<TensorNode>();

  /** `use` separates the streams of programs that share a step: training, evaluation. `loops`: steps of those around, outermost first. */
  constructor(readonly k: KernelBuilder, private readonly places: Places, private readonly use?: string, private readonly loops: readonly number[] = []) {}

  private key(stream: string): Words {
    // A key that was written under a condition is not there behind it.
    const seen = (value: KernelExpr): boolean => value.kind !== "name" || this.k.knows(value.name);
    const known = this.keys.get(stream);
    if (known && seen(known.first) && seen(known.second)) return known;
    const made = streamKey(this.k, this.use === undefined ? stream : `${this.use}/${stream}`);
    this.keys.set(stream, made);
    return made;
  }

  /**
   * Computes `roots` at `position`, each from those before it and from `given` (results of the kernel itself, still in registers), and hands
   * all values to `write`.
   */
  at(position: Position, given: ReadonlyMap<TensorNode, KernelExpr>, roots: readonly TensorNode[], write: (values: ReadonlyMap<TensorNode, KernelExpr>) => void): void {
    const values = new Map([...given].map(([node, value]) => [node, this.k.bind(value, "r")] as const));
    this.changed = [];
    this.given = { values, count: countOf(position.shape) };
    for (const root of roots) values.set(root, this.compute(root, position));
    write(values);
    // What was made of the given values holds here alone.
    for (const [key, before] of this.changed.reverse()) {
      if (before) this.known.set(key, before);
      else this.known.delete(key);
    }
    this.changed = undefined;
    this.given = undefined;
  }

  /** The value of `node` at `position` (of any reshape of it): a scalar if the position is one or the value is the same for all lanes. */
  value(node: TensorNode, position: Position): KernelExpr {
    const given = this.given?.values.get(node);
    if (given) {
      // The same count of elements in row-major order: only the same place can be meant, since fusion admits aligned readers only.
      if (countOf(position.shape) !== this.given!.count) throw new InternalError(`node %${node.id} is read out of place in the kernel that computes it`);
      return given;
    }
    const filled = fillOf(node);
    if (filled !== undefined) return this.number(filled, node.dtype);
    const key = `${node.id} ${keyOf(position)}`;
    const known = this.known.get(key);
    if (known && (known.kind !== "name" || this.k.knows(known.name))) return known;
    const view = this.places(node);
    if (view) this.loaded.add(node);
    const value = view ? this.load(view, position) : this.compute(node, position);
    this.changed?.push([key, known]);
    this.known.set(key, value);
    return value;
  }

  private number(value: number, type: ElementType): KernelExpr {
    if (type === "bool") return this.k.compare("not_equal", this.k.constant(value, "i32"), 0);
    return this.k.constant(type === "f32" ? Math.fround(value) : value, type);
  }

  private load(view: View, position: Position): KernelExpr {
    const { k } = this;
    const address = addressOf(k, view, position);
    const type = view.type === "bool" ? "i32" : view.type;
    const index = address.kind === "affine" && address.lane <= 1 && address.lane >= 0 ? k.share(address.base) : valueOf(k, address);
    return k.outwards([index], () => {
      const loaded =
        address.kind === "affine" && address.lane === 0 ? k.load(index, type) : address.kind === "affine" && address.lane === 1 ? k.load(index, type, "vector") : k.gather(index, type);
      return k.bind(view.type === "bool" ? k.compare("not_equal", loaded, 0) : loaded, "x");
    });
  }

  /** The operands at the places that an elementwise operation reads. */
  private operands(node: TensorNode, position: Position): KernelExpr[] {
    const shape = staticShape(node);
    return node.inputs.map((input) => this.value(input, broadcastTo(this.k, position, shape, staticShape(input))));
  }

  private elementwise(operands: readonly KernelExpr[], write: () => KernelExpr, hint = "t"): KernelExpr {
    return this.k.outwards(operands, () => this.k.bind(write(), hint));
  }

  private compute(node: TensorNode, position: Position): KernelExpr {
    const { k } = this;
    const { op } = node;
    const shape = staticShape(node);
    const [first] = node.inputs;
    const own = (): Position => reshaped(k, position, shape);
    switch (op.kind) {
      case "constant": {
        const filled = fillOf(node);
        if (filled !== undefined) return this.number(filled, node.dtype);
        throw new InternalError(`node %${node.id} (constant) has no place in memory`);
      }
      case "input":
        // What the body of a loop calls its index.
        if (op.role === "loop" && op.name === "index") {
          this.loaded.add(node);
          return k.loopIndex(this.loops.length - 1);
        }
        throw new InternalError(`node %${node.id} (${op.kind}) has no place in memory`);
      case "unary": {
        const operands = this.operands(node, position);
        return this.elementwise(operands, () => emitUnary(k, op.function, operands[0]!), op.function);
      }
      case "binary": {
        const operands = this.operands(node, position);
        return this.elementwise(operands, () => emitBinary(k, op.function, operands[0]!, operands[1]!), op.function);
      }
      case "compare": {
        const operands = this.operands(node, position);
        return this.elementwise(operands, () => emitCompare(k, op.function, operands[0]!, operands[1]!), op.function);
      }
      case "select": {
        const operands = this.operands(node, position);
        return this.elementwise(operands, () => this.choose(operands[0]!, operands[1]!, operands[2]!), "select");
      }
      case "cast": {
        const operands = this.operands(node, position);
        return this.elementwise(operands, () => this.cast(operands[0]!, node.dtype), "cast");
      }
      case "stop-gradient":
      case "reshape":
        return this.value(first!, position);
      case "broadcast":
        return this.value(first!, broadcastTo(k, position, shape, staticShape(first!)));
      case "transpose": {
        const at: Coordinate[] = shape.map(() => affine(k, 0));
        own().at.forEach((coordinate, axis) => (at[op.permutation[axis]!] = coordinate));
        return this.value(first!, { shape: staticShape(first!), at });
      }
      case "slice":
        return this.value(first!, { shape: staticShape(first!), at: own().at.map((coordinate, axis) => plus(k, coordinate, op.starts[axis]!)) });
      case "reverse":
        return this.value(first!, { shape, at: own().at.map((coordinate, axis) => (axis === op.axis ? this.mirrored(coordinate, shape[axis]!) : coordinate)) });
      case "pad":
        return this.pad(node, own(), op.low, op.high, op.value);
      case "concatenate":
        return this.concatenate(node, own(), op.axis);
      case "iota":
        return valueOf(k, own().at[0]!);
      case "gather":
        return this.gather(node, own(), op.batchDims);
      case "random": {
        const index = this.drawIndex(op, shape, own());
        const key = this.key(op.stream);
        return k.outwards([index], () => k.bind(emitRandom(k, key, op.distribution, index), op.distribution));
      }
      case "random-log-gamma": {
        this.loaded.add(node);
        const index = this.drawIndex(op, shape, own());
        const alpha = this.value(first!, position);
        const key = this.key(op.stream);
        return this.elementwise([index, alpha], () => emitRandomLogGamma(k, key, alpha, index), "log_gamma");
      }
      default:
        throw new InternalError(`node %${node.id} (${op.kind}) is no expression: it needs a kernel of its own`);
    }
  }

  /** Which draw of its stream, rows first: chunks of rows go on where the chunk before ended. The draws of all steps of the loops around are one array. */
  private drawIndex({ chunked, rowsAxis = -1 }: { readonly chunked?: true; readonly rowsAxis?: number }, shape: readonly number[], position: Position): KernelExpr {
    const { k, loops } = this;
    const whole = [...loops, ...shape];
    const strides = drawStrides(whole, rowsAxis < 0 ? -1 : rowsAxis + loops.length);
    const step = movedBy(k, { moves: loops.map((_, depth) => ({ depth, words: strides[depth]! })) });
    const own = linear(k, position, strides.slice(loops.length));
    const within = step ? plus(k, own, affine(k, step)) : own;
    if (!chunked) return valueOf(k, within);
    const first = k.outwards([], () => k.bind(k.multiply(k.load(k.integer(chunkWord), "i32"), countOf(whole)), "chunk"));
    return valueOf(k, plus(k, within, affine(k, first)));
  }

  private choose(condition: KernelExpr, yes: KernelExpr, no: KernelExpr): KernelExpr {
    const { k } = this;
    if (yes.type !== "bool") return k.select(condition, yes, no);
    return k.compare("not_equal", k.select(condition, k.convert(yes, "i32"), k.convert(no, "i32")), 0);
  }

  private cast(value: KernelExpr, type: ElementType): KernelExpr {
    if (type === "bool" && value.type !== "bool") return this.k.compare("not_equal", value, 0);
    return this.k.convert(value, type);
  }

  private mirrored(coordinate: Coordinate, size: number): Coordinate {
    const { k } = this;
    if (coordinate.kind === "vector") return { kind: "vector", value: k.share(k.subtract(size - 1, coordinate.value)) };
    return affine(k, k.share(k.subtract(size - 1, coordinate.base)), -coordinate.lane);
  }

  /** A bool with the width of the coordinate: low ≤ coordinate < high, as far as that is in doubt. */
  private within(coordinate: Coordinate, low: number | undefined, high: number | undefined): KernelExpr | undefined {
    const { k } = this;
    const value = valueOf(k, coordinate);
    const above = low === undefined ? undefined : k.compare("greater_equal", value, low);
    const below = high === undefined ? undefined : k.compare("less", value, high);
    return above && below ? k.binary("and", above, below) : (above ?? below);
  }

  private pad(node: TensorNode, position: Position, low: readonly number[], high: readonly number[], value: number): KernelExpr {
    const { k } = this;
    const input = node.inputs[0]!;
    const shape = staticShape(input);
    const fill = this.number(value, node.dtype);
    if (countOf(shape) === 0) return fill;
    let inside: KernelExpr | undefined;
    let outside = false;
    const at = position.at.map((coordinate, axis) => {
      const moved = plus(k, coordinate, -low[axis]!);
      const where = whereIs(moved, 0, shape[axis]!);
      outside ||= where === "before" || where === "behind";
      if (where !== undefined) return moved;
      const test = this.within(moved, low[axis]! > 0 ? 0 : undefined, high[axis]! > 0 ? shape[axis]! : undefined);
      if (!test) return moved;
      inside = inside ? k.binary("and", ...this.alike(inside, test)) : test;
      return clamped(k, moved, shape[axis]!);
    });
    if (outside) return fill;
    const read = this.value(input, { shape, at });
    if (!inside) return read;
    const operands = [inside, read, fill];
    return this.elementwise(operands, () => this.choose(operands[0]!, operands[1]!, operands[2]!), "pad");
  }

  private alike(a: KernelExpr, b: KernelExpr): [KernelExpr, KernelExpr] {
    const width = a.width === "vector" || b.width === "vector" ? "vector" : "scalar";
    return [this.k.widened(a, width), this.k.widened(b, width)];
  }

  private concatenate(node: TensorNode, position: Position, axis: number): KernelExpr {
    const { k } = this;
    let start = 0;
    let result: KernelExpr | undefined;
    for (const part of node.inputs) {
      const shape = staticShape(part);
      const size = shape[axis]!;
      const where = whereIs(position.at[axis]!, start, start + size);
      if (size === 0 || where === "before" || where === "behind") {
        start += size;
        continue;
      }
      const moved = clamped(k, plus(k, position.at[axis]!, -start), size);
      const value = this.value(part, { shape, at: position.at.map((coordinate, i) => (i === axis ? moved : coordinate)) });
      if (result) {
        const [before, boundary] = [result, valueOf(k, position.at[axis]!)];
        const from = start;
        result = this.elementwise([boundary, before, value], () => this.choose(k.compare("less", boundary, from), before, value), "part");
      } else result = value;
      start += size;
    }
    if (!result) throw new InternalError(`node %${node.id} concatenates nothing`);
    return result;
  }

  private gather(node: TensorNode, position: Position, batchDims: number): KernelExpr {
    const { k } = this;
    const [table, indices] = node.inputs as [TensorNode, TensorNode];
    const [tableShape, indexShape] = [staticShape(table), staticShape(indices)];
    const found = this.value(indices, { shape: indexShape, at: position.at.slice(0, indexShape.length) });
    const index: Coordinate = found.width === "scalar" ? affine(k, found) : { kind: "vector", value: found };
    const at = [...position.at.slice(0, batchDims), clamped(k, index, tableShape[batchDims]!), ...position.at.slice(indexShape.length)];
    return this.value(table, { shape: tableShape, at });
  }
}

/** The one value of a constant that is the same all over; any for one without elements, which nothing reads. */
function fillOf({ op }: TensorNode): number | undefined {
  if (op.kind !== "constant") return undefined;
  return op.values.every((value) => Object.is(value, op.values[0])) ? (op.values[0] ?? 0) : undefined;
}

/** Whether no lane of the position differs: such a place has one value. */
export function isOnePlace(position: Position): boolean {
  return position.at.every(isUniform);
}
