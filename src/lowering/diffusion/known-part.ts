import type { Diffusion } from "../../ir/model/model.js";
import type { Operand, TensorBuilder } from "../../ir/tensor/builder.js";
import type { TensorNode } from "../../ir/tensor/nodes.js";
import type { LoweringContext } from "../context.js";
import { ROWS, type Value } from "../value.js";
import type { CapturedStep } from "./captured-loop.js";
import { datumOfRows } from "./datum.js";

/** The inputs of a program that fills in the rest of a datum. */
export const knownInput = (name: string): string => `known.${name}`;
export const maskInput = (name: string): string => `mask.${name}`;

export interface KnownPart {
  /** A state with its known elements drawn from q(x_t | known) = Normal(signal known, deviation²): at t = 0, those elements themselves (Song et al. 2021; Lugmayr et al. 2022). */
  readonly at: (b: TensorBuilder, marginal: { readonly signal: Operand; readonly deviation: Operand }, state: TensorNode, stream: string, capture?: CapturedStep["capture"]) => TensorNode;
}

export function knownPart(context: LoweringContext, diffusion: Diffusion): KnownPart {
  const { b } = context;
  const known = datumOfRows(context, { name: knownInput(diffusion.name), bytes: diffusion.bytes });
  const mask: Value = { node: b.greater(context.inputColumn(maskInput(diffusion.name)).node, 0), axes: [ROWS] };
  return {
    at: (inner, { signal, deviation }, state, stream, capture = (value) => value) =>
      inner.select(capture(mask).node, inner.add(inner.multiply(capture(known).node, signal), inner.multiply(inner.normal(context.stream(`${diffusion.name}.known.${stream}`), state.shape), deviation)), state),
  };
}
