import type { ArgumentFacts, Arguments, Component } from "../distributions/distribution.js";
import { distributions } from "../distributions/registry.js";
import { isDistributionCall, type DistributionCall } from "../ir/model/model.js";
import type { Shape, TensorNode } from "../ir/tensor/nodes.js";
import { cardinality, isSubset } from "../types/support.js";
import { dims, type Type } from "../types/type.js";
import { InternalError } from "../util/internal-error.js";
import type { Frame, LoweringContext } from "./context.js";
import { asNumber } from "./elementwise.js";
import { lowerExpression } from "./expressions.js";
import { isLoweredDistribution, type LoweredDistribution } from "./lowered-distribution.js";
import { aligned, eventShape, unionAxes, type AxisName, type Value } from "./value.js";

/** Values of a distribution's arguments, in `frame`, for a site of the given type. */
export function lowerDistribution(context: LoweringContext, frame: Frame, call: DistributionCall, type: Type): LoweredDistribution {
  return context.b.at(call.origin, () => {
    const distribution = distributions[call.distribution];
    const args: Record<string, Value | LoweredDistribution> = {};
    for (const [name, arg] of Object.entries(call.args)) {
      args[name] = isDistributionCall(arg) ? lowerDistribution(context, frame, arg, arg.type) : keepIndex(context, lowerExpression(context, frame, arg), call);
    }
    const shape = dims(type);
    const jointRank = distribution.name === "Mixture" ? shape.length : distribution.eventRank;
    const trusted = isSubset(type.support, distribution.support(factsOf(args)));
    return { distribution, args, shape, jointRank, axes: axesOf(context, args), cardinality: cardinality(type.support), trusted };
  });
}

/** Constants and lengths among the arguments, on which a support may depend. */
function factsOf(args: Readonly<Record<string, Value | LoweredDistribution>>): ArgumentFacts {
  const constants: Record<string, number> = {};
  const lastSizes: Record<string, number> = {};
  for (const [name, arg] of Object.entries(args)) {
    if (isLoweredDistribution(arg)) continue;
    if (arg.node.op.kind === "constant" && arg.node.shape.length === 0) constants[name] = arg.node.op.values[0]!;
    const size = eventShape(arg).at(-1);
    if (typeof size === "number") lastSizes[name] = size;
  }
  return { constants, lastSizes };
}

/** A Delta may sit on a label; every other argument is a number. */
function keepIndex(context: LoweringContext, value: Value, call: DistributionCall): Value {
  return call.distribution === "Delta" ? value : asNumber(context, value);
}

function axesOf(context: LoweringContext, args: Readonly<Record<string, Value | LoweredDistribution>>): AxisName[] {
  return context.space.sort(Object.values(args).flatMap((arg) => arg.axes));
}

/** Arguments as the distribution wants them: leading axes `axes` and the site's own independent axes, then each argument's own. */
export function alignedArguments(context: LoweringContext, lowered: LoweredDistribution, axes: readonly AxisName[]): Arguments {
  const { b } = context;
  const independent = lowered.shape.length - lowered.jointRank;
  const result: Record<string, TensorNode | Component> = {};
  for (const [name, arg] of Object.entries(lowered.args)) {
    if (isLoweredDistribution(arg)) {
      result[name] = alignedComponent(context, arg, axes, lowered.shape.length);
      continue;
    }
    const own = lowered.distribution.parameters.find((parameter) => parameter.name === name)?.eventRank ?? 0;
    result[name] = aligned(b, vectorized(context, arg, own, lowered), axes, independent + own);
  }
  return result;
}

/** A scalar where a vector or matrix belongs stands for a constant one: `Categorical(logits = 0)`. */
function vectorized(context: LoweringContext, arg: Value, own: number, lowered: LoweredDistribution): Value {
  if (own === 0 || eventShape(arg).length > 0) return arg;
  if (own === 2) throw new InternalError(`a number where ${lowered.distribution.name} takes a matrix`);
  const size = lowered.jointRank > 0 ? lowered.shape.at(-1)! : lowered.cardinality;
  if (size === undefined) throw new InternalError(`the length of ${lowered.distribution.name}'s argument is unknown`);
  const node = context.b.broadcast(context.b.expandDims(arg.node, [arg.node.shape.length]), [...arg.node.shape, size]);
  return { node, axes: arg.axes };
}

/** A mixture's component: its arguments have the K components in front of the event. */
function alignedComponent(context: LoweringContext, component: LoweredDistribution, axes: readonly AxisName[], eventRank: number): Component {
  const args: Record<string, TensorNode | Component> = {};
  for (const [name, arg] of Object.entries(component.args)) {
    if (isLoweredDistribution(arg)) {
      args[name] = alignedComponent(context, arg, axes, eventRank);
      continue;
    }
    const own = component.distribution.parameters.find((parameter) => parameter.name === name)?.eventRank ?? 0;
    const event = eventShape(arg);
    // [K] against an event of higher rank: the component axis comes first, so 1s follow it.
    const missing = 1 + eventRank - component.distribution.eventRank + own - event.length;
    const shaped = event.length > 0 && missing > 0 ? context.b.reshape(arg.node, [...arg.node.shape.slice(0, arg.axes.length + 1), ...new Array<number>(missing).fill(1), ...event.slice(1)]) : arg.node;
    args[name] = aligned(context.b, { node: shaped, axes: arg.axes }, axes, 1 + eventRank - component.distribution.eventRank + own);
  }
  return { distribution: component.distribution, args, eventRank };
}

/** Log density of a value, elementwise over the independent axes of the site: [...axes, ...independent]. */
export function logDensityElementwise(context: LoweringContext, lowered: LoweredDistribution, x: Value): Value {
  const { b, space } = context;
  const axes = unionAxes(space, [{ node: x.node, axes: lowered.axes }, x]);
  const args = alignedArguments(context, lowered, axes);
  const node = lowered.distribution.logDensity(b, aligned(b, x, axes, lowered.shape.length), args, lowered.trusted);
  const shape: Shape = [...space.dims(axes), ...lowered.shape.slice(0, lowered.shape.length - lowered.jointRank)];
  return { node: b.broadcast(node, shape), axes };
}

/** Log density of a value, summed over its shape: [...axes]. */
export function logDensity(context: LoweringContext, lowered: LoweredDistribution, x: Value): Value {
  const each = logDensityElementwise(context, lowered, x);
  return { node: context.b.sumLast(each.node, each.node.shape.length - each.axes.length), axes: each.axes };
}

/** Independent draws along every axis of `axes`. */
export function draw(context: LoweringContext, lowered: LoweredDistribution, stream: string, axes: readonly AxisName[]): Value {
  const { b, space } = context;
  const args = alignedArguments(context, lowered, axes);
  return { node: lowered.distribution.sample(b, context.stream(stream), args, [...space.dims(axes), ...lowered.shape]), axes };
}

/** The mean, where it exists. */
export function meanOf(context: LoweringContext, lowered: LoweredDistribution): Value | undefined {
  const { b, space } = context;
  const { distribution, axes } = lowered;
  if (!distribution.mean || distribution.name === "Categorical") return undefined;
  const node = distribution.mean(b, alignedArguments(context, lowered, axes), [...space.dims(axes), ...lowered.shape]);
  return { node: b.broadcast(node, [...space.dims(axes), ...lowered.shape]), axes };
}
