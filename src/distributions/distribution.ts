import type { TensorBuilder } from "../ir/tensor/builder.js";
import type { Shape, TensorNode } from "../ir/tensor/nodes.js";
import type { Support } from "../types/support.js";
import type { DistributionName } from "./names.js";

/**
 * Arguments of a distribution on tensors, by parameter name, as the user gave them (one of the `parameterizations`).
 *
 * Alignment: lowering gives every argument the same leading axes as the value (full size or 1), in the same order; an argument that is
 * itself a vector or matrix (`eventRank` of its spec) has those axes last. So a Normal's value and mean broadcast elementwise, a
 * Categorical's value is [...lead] and its logits are [...lead, K]. Values of `index` support are i32, all others f32.
 */
export type Arguments = Readonly<Record<string, TensorNode | Component>>;

/** The components of a mixture: arguments are [...lead, K, ...event], `eventRank` counts the axes after K. */
export interface Component {
  readonly distribution: Distribution;
  readonly args: Arguments;
  readonly eventRank: number;
}

export interface ParameterSpec {
  readonly name: string;
  readonly support: Support;
  /** Own axes of one argument: 0 for a number, 1 for a vector over the event, 2 for a matrix. */
  readonly eventRank: 0 | 1 | 2;
  readonly doc: string;
  /** May be left out, with this value. */
  readonly default?: number;
  /** Must be a compile-time constant (a count of levels, a bound). */
  readonly constant?: boolean;
  /** The argument is a distribution (Mixture's components). */
  readonly distribution?: boolean;
}

/**
 * One distribution of the language. `logDensity`, `sample`, `entropy` and `mean` accept the arguments of every parameterization.
 */
export interface Distribution {
  readonly name: DistributionName;
  /** Markdown: the density in Unicode mathematics, what the parameters mean, the source. */
  readonly doc: string;
  /** Every parameter name of every parameterization. */
  readonly parameters: readonly ParameterSpec[];
  /** Sets of names that may be given; the first is the positional one: [["mean", "scale"], ["mean", "variance"], …]. */
  readonly parameterizations: readonly (readonly string[])[];
  /** Axes that one draw binds jointly: 0 for Normal, 1 for Dirichlet and MultivariateNormal. */
  readonly eventRank: 0 | 1 | 2;
  /** The support of a draw, given each constant argument's value and each vector argument's last size. */
  support(facts: ArgumentFacts): Support;
  /**
   * log p(x), summed over the joint axes: [...lead]. −∞ outside the support, never NaN there. `trusted`: the type of x already promises the
   * support, so the test for it may be left out.
   */
  logDensity(b: TensorBuilder, x: TensorNode, args: Arguments, trusted?: boolean): TensorNode;
  /** One draw for each element of `shape` (all axes of the draw). `stream` names the random stream. */
  sample(b: TensorBuilder, stream: string, args: Arguments, shape: Shape): TensorNode;
  /** How gradients pass through `sample`; `none` for discrete distributions. */
  readonly reparameterization: "location-scale" | "inverse-cdf" | "implicit" | "identity" | "none";
  /** Differential or Shannon entropy in nats, where it has a closed form: [...lead]. */
  entropy?(b: TensorBuilder, args: Arguments, shape: Shape): TensorNode;
  /** The mean, where it exists: for reconstructions and predictions. Same shape as a draw. */
  mean?(b: TensorBuilder, args: Arguments, shape: Shape): TensorNode;
}

export interface ArgumentFacts {
  readonly constants: Readonly<Record<string, number>>;
  readonly lastSizes: Readonly<Record<string, number>>;
  /** Supports of arguments whose values the draw takes on: Mixture's components, Delta's value. */
  readonly supports?: Readonly<Record<string, Support>>;
}

/** An argument that is a tensor; the checker has seen to it. */
export function tensorArgument(args: Arguments, name: string): TensorNode | undefined {
  const value = args[name];
  return value !== undefined && !("distribution" in value) ? value : undefined;
}
