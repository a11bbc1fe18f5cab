import type { Expr } from "../../ir/model/model.js";
import { binary, jointRank, type Support } from "../../types/support.js";
import { dims, elementCount, sizeOf, type Size } from "../../types/type.js";
import { explainSize, printShape, reportShapeMismatch } from "../shape-messages.js";
import type { BoundCall, CallParameter, FunctionRule } from "./function-rule.js";
import { join, rangeOf, rangeOfSupport, supportOfRange } from "./ranges.js";
import { madeBy, realOf, resolveAxis, wrongRank } from "./shapes.js";

const value = (name = "x"): CallParameter => ({ name, doc: "a value", kind: "value" });

/** What is left of a support when its joint axes are taken apart: a simplex's entries lie between 0 and 1. */
export function apart(support: Support): Support {
  return jointRank(support) === 0 ? support : supportOfRange(rangeOfSupport(support));
}

export const reshape: FunctionRule = {
  doc: "`reshape(x, 7, 7, 64)`: the same numbers, row by row, in another shape.",
  parameters: [{ name: "x", doc: "a value", kind: "label" }, { name: "shape", doc: "the new sizes", kind: "sizes" }],
  type(call) {
    const [x] = call.args;
    const shape = call.sizes["shape"];
    if (!x || !shape) return undefined;
    const [from, to] = [elementCount(x.type), shape.reduce((total, size) => total * size.value, 1)];
    if (from === to) return { type: { support: apart(x.type.support), shape }, attributes: { shape: shape.map((size) => size.value) } };
    const why = explainSize(x.type.shape[0], call.span);
    call.context.error({
      code: "LVM3011",
      message: "`reshape` must keep the number of elements",
      span: call.at("shape"),
      label: `${shape.map((size) => size.value).join(" · ")} = ${to}`,
      related: [{ span: x.origin, text: `this has ${printShape(x.type)}${x.type.shape.length > 1 ? `: ${from} in all` : ""}` }],
      notes: why ? [why] : [],
      help: `choose sizes whose product is ${from}`,
    });
    return undefined;
  },
};

export const flatten: FunctionRule = {
  doc: "`flatten(x)`: the same numbers as one vector.",
  parameters: [{ name: "x", doc: "a value", kind: "label" }],
  type(call) {
    const [x] = call.args;
    if (!x) return undefined;
    const [only] = x.type.shape;
    const shape = x.type.shape.length === 1 && only ? [only] : [madeBy(call, elementCount(x.type))];
    return { type: { support: apart(x.type.support), shape } };
  },
};

export const concat: FunctionRule = {
  doc: "`concat(a, b, …)`: joined along the last axis, or along `axis`; single numbers count as vectors of one.",
  parameters: [
    { name: "parts", doc: "values that agree on every other axis", kind: "values" },
    { name: "axis", doc: "the axis along which they are joined", kind: "axis", default: -1 },
  ],
  type(call) {
    const [first] = call.args;
    if (!first) return undefined;
    const rank = Math.max(1, ...call.args.map((arg) => arg.type.shape.length));
    const parts = call.args.map((arg) => (arg.type.shape.length === 0 && rank === 1 ? vectorOfOne(arg) : arg));
    const axis = resolveAxis(call, "axis", rank);
    if (axis === undefined) return undefined;
    const lead = parts.find((part) => part.type.shape.length === rank) ?? first;
    let total = 0;
    for (const part of parts) {
      const agrees = part.type.shape.length === rank && part.type.shape.every((size, at) => at === axis || size.value === lead.type.shape[at]?.value);
      if (!agrees) {
        reportShapeMismatch(call.context, {
          span: part.origin,
          actual: part.type,
          expected: { ...part.type, shape: lead.type.shape.map((size, at) => (at === axis ? (part.type.shape[at] ?? size) : size)) },
          message: "shape mismatch in `concat`",
          wanted: { span: lead.origin, text: `this has [${dims(lead.type).join(", ")}]` },
          notes: [`all axes but the one that is joined (axis ${axis + 1}) must be equal`],
          help: part.type.shape.length === rank ? undefined : "bring both to the same number of axes: `flatten`, `reshape`",
        });
        return undefined;
      }
      total += part.type.shape[axis]?.value ?? 1;
    }
    const range = parts.map(rangeOf).reduce(join);
    const shape = lead.type.shape.map((size, at) => (at === axis ? madeBy(call, total) : size));
    return { type: { support: supportOfRange(range), shape }, attributes: { axis: axis + 1 }, args: parts };
  },
};

function vectorOfOne(expr: Expr): Expr {
  return { kind: "apply", function: "reshape", args: [expr], attributes: { shape: [1] }, type: { support: expr.type.support, shape: [sizeOf(1)] }, origin: expr.origin };
}

export const stack: FunctionRule = {
  doc: "`stack(a, b, …)`: values of one shape along a new first axis, or a new `axis`.",
  parameters: [
    { name: "parts", doc: "values of equal shape", kind: "values" },
    { name: "axis", doc: "the place of the new axis", kind: "axis", default: 1 },
  ],
  type(call) {
    const [first] = call.args;
    if (!first) return undefined;
    const odd = call.args.find((arg) => dims(arg.type).join() !== dims(first.type).join());
    if (odd) {
      reportShapeMismatch(call.context, { span: odd.origin, actual: odd.type, expected: first.type, message: "shape mismatch in `stack`", wanted: { span: first.origin, text: `this has [${dims(first.type).join(", ")}]` } });
      return undefined;
    }
    const axis = resolveAxis(call, "axis", first.type.shape.length, 1);
    if (axis === undefined) return undefined;
    const shape = [...first.type.shape.slice(0, axis), madeBy(call, call.args.length), ...first.type.shape.slice(axis)];
    return { type: { support: supportOfRange(call.args.map(rangeOf).reduce(join)), shape }, attributes: { axis: axis + 1 } };
  },
};

export const oneHot: FunctionRule = {
  doc: "`one_hot(k)`: a vector of K numbers, 1 at the label and 0 elsewhere.",
  parameters: [{ name: "k", doc: "a value of type `index(K)`", kind: "label" }],
  type(call) {
    const [k] = call.args;
    if (!k) return undefined;
    const { support } = k.type;
    const size = support.kind === "index" ? support.size : support.kind === "binary" ? 2 : undefined;
    if (size === undefined) {
      call.context.error({ code: "LVM3005", message: "`one_hot` takes a label", span: k.origin, label: `this is ${support.kind}, not an \`index(K)\``, help: "declare it as `index(K)`" });
      return undefined;
    }
    return { type: { support: binary, shape: [...k.type.shape, madeBy(call, size)] }, attributes: { size } };
  },
};

export const broadcast: FunctionRule = {
  doc: "`broadcast(x, 3, 4)`: a single number repeated over a shape.",
  parameters: [value(), { name: "shape", doc: "the sizes", kind: "sizes" }],
  type(call) {
    const [x] = call.args;
    const shape = call.sizes["shape"];
    if (!x || !shape) return undefined;
    if (x.type.shape.length > 0) return wrongRank(call, x, "a single number", "only a single number broadcasts");
    return { type: { support: supportOfRange(rangeOf(x)), shape }, attributes: { shape: shape.map((size) => size.value) } };
  },
};

export const reverse: FunctionRule = {
  doc: "`reverse(x)`: the last axis (or `axis`) back to front.",
  parameters: [{ name: "x", doc: "a value", kind: "label" }, { name: "axis", doc: "the axis", kind: "axis", default: -1 }],
  type(call) {
    const [x] = call.args;
    const axis = x && resolveAxis(call, "axis", x.type.shape.length);
    if (!x || axis === undefined) return undefined;
    const support = x.type.support.kind === "simplex" ? x.type.support : apart(x.type.support);
    return { type: { support, shape: x.type.shape }, attributes: { axis: axis + 1 } };
  },
};

// ── Linear algebra ─────────────────────────────────────────────────────────────────────────────────────────────────

export const matmul: FunctionRule = {
  doc: "`a @ b`: matrix times matrix, matrix times vector, or the inner product of two vectors.",
  parameters: [value("a"), value("b")],
  type(call) {
    const [left, right] = call.args;
    if (!left || !right) return undefined;
    for (const side of [left, right]) {
      const rank = side.type.shape.length;
      if (rank !== 1 && rank !== 2) return wrongRank(call, side, "vectors or matrices", rank === 0 ? "use `*` for a single number" : "reshape it to a matrix first");
    }
    const [inner, outer] = [left.type.shape[left.type.shape.length - 1], right.type.shape[0]];
    if (!inner || !outer) return undefined;
    if (inner.value !== outer.value) {
      const swapped = right.type.shape.length === 2 && right.type.shape[1]?.value === inner.value;
      const flipped = left.type.shape.length === 2 && left.type.shape[0]?.value === outer.value;
      reportShapeMismatch(call.context, {
        span: right.origin,
        actual: realOf([outer]),
        expected: realOf([inner]),
        message: "shape mismatch in `@`",
        label: `this begins with ${outer.value}: [${dims(right.type).join(", ")}]`,
        wanted: { span: left.origin, text: `this ends with ${inner.value}: [${dims(left.type).join(", ")}]` },
        help: swapped ? "transpose the right side: `transpose(…)`" : flipped ? "transpose the left side: `transpose(…)`" : undefined,
      });
      return undefined;
    }
    const shape: readonly Size[] = [...left.type.shape.slice(0, -1), ...right.type.shape.slice(1)];
    const nonnegative = rangeOf(left).low >= 0 && rangeOf(right).low >= 0;
    return { type: { support: { kind: nonnegative ? "nonnegative" : "real" }, shape } };
  },
};

const matrix = (call: BoundCall, x: Expr): readonly [Size, Size] | undefined => {
  const [rows, columns] = x.type.shape;
  return x.type.shape.length === 2 && rows && columns ? [rows, columns] : wrongRank(call, x, "a matrix", "a matrix has two axes");
};

export const transpose: FunctionRule = {
  doc: "`transpose(a)`: rows become columns.",
  parameters: [value("a")],
  type(call) {
    const [x] = call.args;
    const sizes = x && matrix(call, x);
    return sizes && { type: { support: x.type.support.kind === "covariance" ? x.type.support : apart(x.type.support), shape: [sizes[1], sizes[0]] } };
  },
};

export const outer: FunctionRule = {
  doc: "`outer(a, b)`: the matrix of all products of two vectors' entries.",
  parameters: [value("a"), value("b")],
  type(call) {
    const [left, right] = call.args;
    if (!left || !right) return undefined;
    for (const side of [left, right]) if (side.type.shape.length !== 1) return wrongRank(call, side, "two vectors", "a vector has one axis");
    const nonnegative = rangeOf(left).low >= 0 && rangeOf(right).low >= 0;
    return { type: { support: { kind: nonnegative ? "nonnegative" : "real" }, shape: [...left.type.shape, ...right.type.shape] } };
  },
};

export const diagonal: FunctionRule = {
  doc: "`diagonal(v)`: the matrix with v on its diagonal; of a matrix, its diagonal.",
  parameters: [value("v")],
  type(call) {
    const [x] = call.args;
    if (!x) return undefined;
    const [first] = x.type.shape;
    const { support } = x.type;
    if (x.type.shape.length === 1 && first) {
      const range = rangeOf(x);
      const positive = range.low > 0 || (range.low === 0 && range.open);
      return { type: { support: { kind: positive ? "cholesky" : range.low >= 0 ? "nonnegative" : "real" }, shape: [first, first] } };
    }
    const sizes = matrix(call, x);
    if (!sizes) return undefined;
    if (sizes[0].value !== sizes[1].value) return wrongRank(call, x, "a square matrix", "rows and columns must be equally many");
    const positive = support.kind === "cholesky" || support.kind === "covariance";
    return { type: { support: positive ? { kind: "positive" } : apart(support), shape: [sizes[0]] } };
  },
};

export const trace: FunctionRule = {
  doc: "`trace(a)`: the sum of a square matrix's diagonal.",
  parameters: [value("a")],
  type(call) {
    const [x] = call.args;
    const sizes = x && matrix(call, x);
    if (!sizes) return undefined;
    if (sizes[0].value !== sizes[1].value) return wrongRank(call, x, "a square matrix", "rows and columns must be equally many");
    const positive = x.type.support.kind === "cholesky" || x.type.support.kind === "covariance";
    return { type: { support: { kind: positive ? "positive" : rangeOf(x).low >= 0 ? "nonnegative" : "real" }, shape: [] } };
  },
};
