import type { TensorBuilder } from "../ir/tensor/builder.js";
import type { TensorNode, TensorOp, TensorOpKind } from "../ir/tensor/nodes.js";

export type OpOf<K extends TensorOpKind> = Extract<TensorOp, { readonly kind: K }>;

/** What a rule knows: the node that it differentiates, and the gradient of its value. */
export interface VjpContext<K extends TensorOpKind> {
  readonly b: TensorBuilder;
  readonly op: OpOf<K>;
  readonly node: TensorNode;
  /** The gradient of the node's value; its shape broadcasts to the node's (what is the same everywhere stays small). */
  readonly g: TensorNode;
  /** The same with the node's own shape. */
  readonly full: () => TensorNode;
  readonly x: (operand: number) => TensorNode;
  /** Of a loop: the gradients of its results by their numbers; a result that is missing has gradient 0. */
  readonly results: ReadonlyMap<number, TensorNode>;
  /** Whether the operand's gradient will be asked for. */
  readonly isActive: (operand: number) => boolean;
  /** `gradientsOf`, for the body of a loop. */
  readonly gradientsOf: (b: TensorBuilder, output: TensorNode, wrt: readonly TensorNode[]) => TensorNode[];
}

/** The gradient of one operand, asked for only where it is needed; its shape broadcasts to the operand's. */
export type OperandGradient = () => TensorNode;

/** For each operand its gradient, `undefined` where there is none by nature (integers, conditions). */
export type VjpRule<K extends TensorOpKind> = (context: VjpContext<K>) => readonly (OperandGradient | undefined)[];

/** No derivative flows: a leaf, a step, a result that is no real number, or an explicit stop. */
export type NoGradient = "none";

/** One of several results: its gradient waits for the rule of the node that makes them all. */
export type ResultGradient = "result";
