import type { Span } from "../../diagnostics/span.js";
import type { Attributes, Expr } from "../../ir/model/model.js";
import type { Size, Type } from "../../types/type.js";
import type { Context } from "../context.js";

/** One parameter of a function or layer, as users write it. */
export interface CallParameter {
  readonly name: string;
  readonly doc: string;
  /**
   * `value`: computed · `values`: any number of them · `label`: a value that may be of an index type · `size`, `sizes`: constant whole numbers ≥ 1 ·
   * `number`: a constant · `axis`: counted from 1 or from the end · `choice`: one of some words in quotes · `flag`: true or false
   */
  readonly kind: "value" | "values" | "label" | "size" | "sizes" | "number" | "axis" | "choice" | "flag";
  /** Taken when it is left out; without one the argument is required (`optional`: left out with no value). */
  readonly default?: number | string | boolean;
  readonly optional?: boolean;
  readonly choices?: readonly string[];
  /** Bounds of a `number`, both included. */
  readonly from?: number;
  readonly to?: number;
}

/** A call whose arguments have been bound to parameters. */
export interface BoundCall {
  readonly context: Context;
  /** As the user wrote it. */
  readonly name: string;
  /** The whole call. */
  readonly span: Span;
  /** `dense(400)`: the call alone, without what is piped into it. */
  readonly callee: Span;
  /** `value`, `values` and `label` arguments, in order. */
  readonly args: readonly Expr[];
  readonly numbers: Readonly<Record<string, number | undefined>>;
  readonly words: Readonly<Record<string, string | boolean | undefined>>;
  readonly sizes: Readonly<Record<string, readonly Size[]>>;
  /** Where an argument stands, for messages; the call where it was left out. */
  at(name: string): Span;
}

export interface TypedCall {
  readonly type: Type;
  readonly attributes?: Attributes;
  /** Where the rule changed them (an order, an expansion). */
  readonly args?: readonly Expr[];
}

export interface FunctionRule {
  /** Markdown, one or two sentences. */
  readonly doc: string;
  readonly parameters: readonly CallParameter[];
  /** The result's type; undefined when a mistake was reported. */
  type(call: BoundCall): TypedCall | undefined;
  /** The value on numbers, for folding constants. */
  readonly fold?: (...values: number[]) => number;
}
