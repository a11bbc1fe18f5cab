/** Number of elements. */
export function sizeOf(shape: readonly number[]): number {
  let count = 1;
  for (const dim of shape) count *= dim;
  return count;
}

/** Row-major strides. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

/** A row-major copy of the view with the given shape, strides and offset: broadcast, transpose, slice and reverse are all this. */
export function strided(values: Float64Array, shape: readonly number[], strides: readonly number[], offset = 0): Float64Array {
  const count = sizeOf(shape);
  const result = new Float64Array(count);
  if (count === 0) return result;
  const rank = shape.length;
  if (rank === 0) {
    result[0] = values[offset]!;
    return result;
  }
  const inner = shape[rank - 1]!;
  const innerStride = strides[rank - 1]!;
  const index = new Array<number>(rank).fill(0);
  let from = offset;
  for (let to = 0; to < count; ) {
    if (innerStride === 0) {
      result.fill(values[from]!, to, to + inner);
      to += inner;
    } else {
      for (let i = 0, at = from; i < inner; i++, at += innerStride) result[to++] = values[at]!;
    }
    for (let axis = rank - 2; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}

/** `values` of shape `from` broadcast to `to` (right-aligned); the same array where nothing changes. */
export function expand(values: Float64Array, from: readonly number[], to: readonly number[]): Float64Array {
  if (from.length === to.length && from.every((dim, axis) => dim === to[axis])) return values;
  const own = stridesOf(from);
  const skip = to.length - from.length;
  return strided(values, to, to.map((_, axis) => (axis < skip || from[axis - skip] === 1 ? 0 : own[axis - skip]!)));
}

export function permuted(values: Float64Array, shape: readonly number[], permutation: readonly number[]): Float64Array {
  if (permutation.every((from, to) => from === to)) return values;
  const own = stridesOf(shape);
  return strided(values, permutation.map((axis) => shape[axis]!), permutation.map((axis) => own[axis]!));
}

/** An axis seen as [outer, length, inner]. */
export function aroundAxis(shape: readonly number[], axis: number): { outer: number; length: number; inner: number } {
  return { outer: sizeOf(shape.slice(0, axis)), length: shape[axis]!, inner: sizeOf(shape.slice(axis + 1)) };
}
