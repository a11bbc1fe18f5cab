import { describe, expect, it } from "vitest";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import type { DType, Shape, TensorNode, TensorOp, TensorProgram } from "../../src/ir/tensor/nodes.js";
import { verify } from "../../src/ir/tensor/verify.js";

function node(id: number, op: TensorOp, inputs: TensorNode[], dtype: DType, shape: Shape): TensorNode {
  return { id, op, inputs, dtype, shape };
}
function program(nodes: TensorNode[], outputs?: Record<string, TensorNode>): TensorProgram {
  return { name: "p", nodes, inputs: nodes.filter(({ op }) => op.kind === "input"), outputs: outputs ?? { y: nodes.at(-1)! } };
}
const x = node(0, { kind: "input", role: "column", name: "x" }, [], "f32", ["rows", 3, 4]);
const i = node(1, { kind: "input", role: "column", name: "i" }, [], "i32", ["rows"]);
const f = node(2, { kind: "constant", values: new Array<number>(10).fill(0) }, [], "f32", [1, 1, 5, 2]);
const j = node(3, { kind: "cast" }, [x], "i32", x.shape);
const plain = { strides: [1, 1], padding: [[0, 0], [0, 0]], dilation: [1, 1] } as const;

/** One broken operation over x, i, f and j: what the message must say. */
const broken: readonly [expected: RegExp, op: TensorOp, inputs: TensorNode[], dtype: DType, shape: Shape][] = [
  [/%4 \(unary\): its shape is \[3\], but its operands give \[rows, 3, 4\]/, { kind: "unary", function: "exp" }, [x], "f32", [3]],
  [/%4 \(unary\): it has 2 operands, not 1/, { kind: "unary", function: "exp" }, [x, x], "f32", ["rows", 3, 4]],
  [/the result is i32, not f32/, { kind: "unary", function: "exp" }, [x], "i32", ["rows", 3, 4]],
  [/an operand is i32, not f32/, { kind: "unary", function: "exp" }, [i], "i32", ["rows"]],
  [/an operand is f32, not bool/, { kind: "unary", function: "not" }, [x], "bool", ["rows", 3, 4]],
  [/operands are f32 and i32/, { kind: "binary", function: "add" }, [x, j], "f32", ["rows", 3, 4]],
  [/an operand is i32, not f32/, { kind: "binary", function: "divide" }, [i, i], "i32", ["rows"]],
  [/the condition is f32, not bool/, { kind: "select" }, [x, x, x], "f32", ["rows", 3, 4]],
  [/\[0, 0, 1\] is no permutation/, { kind: "transpose", permutation: [0, 0, 1] }, [x], "f32", ["rows", "rows", 3]],
  [/reshape of \[rows, 3, 4\] to \[rows, 13\]/, { kind: "reshape" }, [x], "f32", ["rows", 13]],
  [/broadcast of \[rows, 3, 4\] to \[rows, 3, 5\]|do not broadcast/, { kind: "broadcast" }, [x], "f32", ["rows", 3, 5]],
  [/slice \[0, 2, 0\] of size \[rows, 2, 4\]/, { kind: "slice", starts: [0, 2, 0], sizes: ["rows", 2, 4] }, [x], "f32", ["rows", 2, 4]],
  [/slice \[1, 0, 0\]/, { kind: "slice", starts: [1, 0, 0], sizes: ["rows", 3, 4] }, [x], "f32", ["rows", 3, 4]],
  [/pad \[1, 0, 0\]/, { kind: "pad", low: [1, 0, 0], high: [0, 0, 0], value: 0 }, [x], "f32", ["rows", 3, 4]],
  [/axes \[2, 1\] .* are not sorted/, { kind: "reduce", function: "sum", axes: [2, 1], keepDims: false }, [x], "f32", ["rows"]],
  [/axes \[1, 1\] .* are not sorted, unique/, { kind: "reduce", function: "sum", axes: [1, 1], keepDims: false }, [x], "f32", ["rows", 4]],
  [/axes \[3\]/, { kind: "reduce", function: "sum", axes: [3], keepDims: false }, [x], "f32", ["rows", 3, 4]],
  [/axis 3 of/, { kind: "softmax", axis: 3 }, [x], "f32", ["rows", 3, 4]],
  [/the indices are f32, not i32/, { kind: "gather", batchDims: 0 }, [x, x], "f32", ["rows", 3, 4, 3, 4]],
  [/scatter-add of/, { kind: "scatter-add", batchDims: 0 }, [i, x], "f32", [7, 3, 5]],
  [/dot of \[rows, 3, 4\] and \[rows, 3, 4\]/, { kind: "dot", transposeLeft: false, transposeRight: false }, [x, x], "f32", ["rows", 3, 3]],
  [/image \[rows, 3, 4\] has no fixed size/, { kind: "conv2d", ...plain }, [x, f], "f32", ["rows", 3, 2]],
  [/conv2d of \[1, 1, 5, 2\] with \[1, 1, 5, 2\]/, { kind: "conv2d", ...plain }, [f, f], "f32", [1, 1, 5, 2]],
  [/a window of 1 over 5 gives 5 cells, not 4/, { kind: "conv2d", ...plain }, [f, f], "f32", [1, 1, 4, 2]],
  [/cholesky of/, { kind: "cholesky" }, [x], "f32", ["rows", 3, 4]],
  [/2 values for shape \[3\]/, { kind: "constant", values: [1, 2] }, [], "f32", [3]],
  [/not an integer/, { kind: "constant", values: [1.5] }, [], "i32", []],
  [/neither 0 nor 1/, { kind: "constant", values: [2] }, [], "bool", []],
];

describe("verify", () => {
  it("accepts what the builder makes", () => {
    const b = new TensorBuilder();
    const h = b.relu(b.dot(b.input("column", "x", ["rows", 3]), b.input("parameter", "w", [3, 2])));
    verify(b.program("p", { y: b.mean(b.logSoftmax(h)), k: b.argMax(h, -1) }));
  });

  it("names the node and what is broken", () => {
    for (const [expected, op, inputs, dtype, shape] of broken) {
      const last = node(4, op, inputs, dtype, shape);
      expect(() => verify(program([x, i, f, j, last], { y: last, x, i, f, j })), JSON.stringify(op)).toThrow(expected);
    }
  });

  it("the program as a whole: order, unneeded nodes, inputs, outputs, streams", () => {
    const e = node(1, { kind: "unary", function: "exp" }, [x], "f32", x.shape);
    expect(() => verify(program([e, x], { y: e }))).toThrow(/%0 .*does not stand before it|its operand %0/);
    expect(() => verify(program([x, { ...e, id: 0 }]))).toThrow(/its id does not rise/);
    expect(() => verify(program([x, e], { y: x }))).toThrow(/no output needs node %1 \(unary\)/);
    expect(() => verify(program([x], { y: e }))).toThrow(/output "y" is %1/);
    expect(() => verify({ ...program([x, e]), inputs: [] })).toThrow(/list of inputs/);
    expect(() => verify(program([x, { ...x, id: 1 }], { x }))).toThrow(/a second input is named "x"/);
    const draws = [0, 1].map((id) => node(id, { kind: "random", distribution: "normal", stream: "z" }, [], "f32", [id + 1]));
    expect(() => verify(program(draws, { a: draws[0]!, b: draws[1]! }))).toThrow(/another node draws from stream "z"/);
  });
});
