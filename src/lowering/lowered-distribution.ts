import type { Distribution } from "../distributions/distribution.js";
import type { LoweringContext } from "./context.js";
import type { AxisName, Value } from "./value.js";

/** A distribution whose arguments have values: what a site is drawn from. */
export interface LoweredDistribution {
  readonly distribution: Distribution;
  readonly args: Readonly<Record<string, Value | LoweredDistribution>>;
  /** Shape of a whole draw at one step of the plates. */
  readonly shape: readonly number[];
  /** Trailing axes of `shape` that the density binds jointly. */
  readonly jointRank: number;
  readonly axes: readonly AxisName[];
  /** Number of values of the site, where it is finite. */
  readonly cardinality?: number;
  /** The site's type promises the distribution's support: its density need not test for it. */
  readonly trusted: boolean;
}

export function isLoweredDistribution(value: Value | LoweredDistribution): value is LoweredDistribution {
  return "distribution" in value;
}

/** Every argument, those of components included. */
export function argumentValues(distribution: LoweredDistribution): readonly Value[] {
  return Object.values(distribution.args).flatMap((arg) => (isLoweredDistribution(arg) ? argumentValues(arg) : [arg]));
}

/** The same distribution with other values of its arguments. */
export function mapArguments(context: LoweringContext, distribution: LoweredDistribution, map: (arg: Value) => Value): LoweredDistribution {
  const args = Object.fromEntries(Object.entries(distribution.args).map(([name, arg]) => [name, isLoweredDistribution(arg) ? mapArguments(context, arg, map) : map(arg)]));
  return { ...distribution, args, axes: context.space.sort(Object.values(args).flatMap((arg) => arg.axes)) };
}
