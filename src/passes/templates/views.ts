import type { KernelBuilder } from "../../ir/kernel/builder.js";
import type { KernelExpr, Width } from "../../ir/kernel/nodes.js";
import { type Operand, type Read, type View, vectorAxis } from "./template.js";

/** A row-major view of a whole tensor at `base`. */
export function denseView(base: number, shape: readonly number[], type: View["type"] = "f32"): View {
  return { base, shape, strides: rowMajor(shape), type };
}

export function rowMajor(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  return strides;
}

export function product(sizes: readonly number[]): number {
  return sizes.reduce((a, b) => a * b, 1);
}

/** An index as what changes plus a constant, so that neighbours of a tile share the first and differ in the second. */
export function splitConstant(k: KernelBuilder, index: KernelExpr): [KernelExpr | undefined, number] {
  if (index.kind === "constant") return [undefined, index.value];
  if (index.kind === "binary" && index.type === "i32" && index.width === "scalar") {
    const [left, leftConstant] = splitConstant(k, index.left);
    const [right, rightConstant] = splitConstant(k, index.right);
    if (index.op === "add") return [!left ? right : !right ? left : k.add(left, right), leftConstant + rightConstant];
    if (index.op === "subtract" && !right) return [left, leftConstant - rightConstant];
    if (index.op === "multiply" && !right && left) return [k.multiply(left, rightConstant), leftConstant * rightConstant];
    if (index.op === "multiply" && !left && right) return [k.multiply(right, leftConstant), leftConstant * rightConstant];
  }
  return [index, 0];
}

/** By how many words a view moves with the loops around; undefined where it stays. */
export function movedBy(k: KernelBuilder, { moves = [] }: Pick<View, "moves">): KernelExpr | undefined {
  const [first, ...rest] = moves.map(({ depth, words, alternates }) => {
    const index = k.loopIndex(depth);
    return k.share(k.multiply(alternates ? k.share(k.binary("and", index, 1)) : index, words));
  });
  return first && rest.reduce((sum, each) => k.share(k.add(sum, each)), first);
}

/** Word of an element: Σ index · stride + base, the changing part named once and outside the loops that do not change it. */
export function wordOf(k: KernelBuilder, base: number, strides: readonly number[], index: readonly KernelExpr[], moved?: KernelExpr): KernelExpr {
  let constant = base;
  let sum = moved;
  strides.forEach((stride, axis) => {
    if (stride === 0) return;
    const [changing, fixed] = splitConstant(k, index[axis]!);
    constant += fixed * stride;
    if (!changing) return;
    const term = k.share(k.multiply(changing, stride));
    sum = sum ? k.share(k.add(sum, term)) : term;
  });
  return sum ? k.add(sum, constant) : k.integer(constant);
}

/** Reads a view: a vector load where neighbours are adjacent, one value for all lanes where the vector axis repeats, else a gather. */
export function loadView(k: KernelBuilder, view: View, index: readonly KernelExpr[], width: Width, axis = vectorAxis(view.shape)): KernelExpr {
  const word = wordOf(k, view.base, view.strides, index, movedBy(k, view));
  const loaded = view.type === "bool" ? "i32" : view.type;
  const value = (): KernelExpr => {
    if (width === "scalar") return k.load(word, loaded);
    const stride = axis < 0 ? 0 : view.strides[axis]!;
    if (stride === 1) return k.load(word, loaded, "vector");
    if (stride === 0) return k.widened(k.load(word, loaded), "vector");
    return k.gather(k.add(k.share(k.multiply(k.laneNumbers(), stride)), word), loaded);
  };
  return view.type === "bool" ? k.compare("not_equal", value(), 0) : value();
}

export function storeView(k: KernelBuilder, view: View, index: readonly KernelExpr[], value: KernelExpr): void {
  k.store(wordOf(k, view.base, view.strides, index, movedBy(k, view)), value);
}

export function readView(view: View): Read {
  return (k, index, width) => loadView(k, view, index, width);
}

export function viewOperand(view: View): Operand {
  const axis = vectorAxis(view.shape);
  return { shape: view.shape, read: readView(view), contiguous: axis < 0 || view.strides[axis]! <= 1, view };
}

/** Coordinates of element `flat` of a row-major tensor. */
export function unravel(k: KernelBuilder, flat: KernelExpr, shape: readonly number[]): KernelExpr[] {
  const index: KernelExpr[] = [];
  let rest = flat;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis]!;
    if (axis === 0 || product(shape.slice(0, axis)) === 1) {
      index.unshift(size === 1 ? k.integer(0) : rest);
      rest = k.integer(0);
    } else {
      index.unshift(size === 1 ? k.integer(0) : k.share(k.remainder(rest, size)));
      rest = k.share(k.divide(rest, size));
    }
  }
  return index;
}

/** Row-major position among axes of these sizes; axes of size 1 do not count. */
export function flatten(k: KernelBuilder, index: readonly KernelExpr[], sizes: readonly number[]): KernelExpr {
  let flat: KernelExpr = k.integer(0);
  sizes.forEach((size, axis) => {
    if (size !== 1) flat = k.add(k.multiply(flat, size), index[axis]!);
  });
  return k.share(flat);
}
