import type { DType, TensorNode, TensorOp, TensorOpKind, TensorProgram } from "../nodes.js";
import type { RandomSource } from "./random.js";

/** A dense array, row-major. Booleans are 0 and 1. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly values: Float64Array;
}

export interface InputValue {
  readonly values: ArrayLike<number>;
  readonly shape: readonly number[];
}

export interface EvaluateBindings {
  /** By the input's name; a number stands for a scalar. */
  readonly inputs: Readonly<Record<string, InputValue | number>>;
  /** Rows of the batch; where absent, taken from an input whose shape has the symbol. */
  readonly rows?: number;
  readonly dataset?: number;
  /** Needed where the program draws. */
  readonly random?: RandomSource;
  /** `f32` rounds after every operation and every step of a reduction, as a float32 engine would; special functions are correctly rounded then. */
  readonly precision?: "f64" | "f32";
  /** In the body of a loop: the loops around it, the outermost first, and the streams that were drawn. */
  readonly within?: { readonly loops: readonly { readonly steps: number; readonly index: number }[]; readonly draws: Map<string, Float64Array> };
}

/** What a rule knows besides its operands. */
export interface EvaluateContext {
  readonly node: TensorNode;
  /** The node's shape with its symbols bound. */
  readonly shape: readonly number[];
  readonly count: number;
  /** Rounds an f32 value to the precision asked for. */
  readonly round: (value: number) => number;
  readonly bindings: EvaluateBindings;
  readonly sizes: Readonly<Record<"rows" | "dataset", number | undefined>>;
  /** A shape with its symbols bound. */
  readonly bind: (shape: TensorNode["shape"]) => readonly number[];
  /** Absent where a rule is asked alone: loops then cannot run. */
  readonly loops?: {
    /** All results of the loops so far. */
    readonly results: Map<TensorNode, readonly Float64Array[]>;
    /** The outputs of a body. */
    readonly run: (program: TensorProgram, bindings: EvaluateBindings) => Record<string, Tensor>;
  };
}

export type OpOf<K extends TensorOpKind> = Extract<TensorOp, { readonly kind: K }>;

/** The values of the result, row-major; `evaluate` rounds them to the node's dtype. */
export type EvaluateRule<K extends TensorOpKind> = (op: OpOf<K>, inputs: readonly Tensor[], context: EvaluateContext) => Float64Array;
