import { constrain, logAbsDetJacobian, unconstrainedShape } from "../distributions/bijectors.js";
import { distributions } from "../distributions/registry.js";
import type { AutoGroup } from "../ir/model/model.js";
import type { TensorNode } from "../ir/tensor/nodes.js";
import { dims } from "../types/type.js";
import { InternalError } from "../util/internal-error.js";
import type { LoweringContext } from "./context.js";
import type { LoweredDistribution } from "./lowered-distribution.js";
import { declarePlate } from "./plates.js";
import { siteOf } from "./latents.js";
import { SAMPLES, canonical, type AxisName, type Value } from "./value.js";

/** One site's share of an automatic guide. */
export interface AutoPart {
  readonly name: string;
  readonly value: Value;
  readonly logJacobian?: Value;
  /** Mean-field groups: the site's own Gaussian on the unconstrained scale, and its draw there. */
  readonly free?: { readonly guide: LoweredDistribution; readonly value: Value };
  /** The same Gaussian where the site is real, so that it is the guide of the site itself. */
  readonly guide?: LoweredDistribution;
}

/** The Gaussian of the group, on the unconstrained scale. */
function groupArguments(context: LoweringContext, group: AutoGroup): { location: Value; scale: Value; factor?: Value } {
  const { location, scale, factor } = group.parameters;
  return { location: context.parameter(location), scale: context.parameter(scale), factor: factor === undefined ? undefined : context.parameter(factor) };
}

function familyOf(group: AutoGroup) {
  return group.family === "mean_field" ? distributions.Normal : distributions.MultivariateNormal;
}

function namedArguments(context: LoweringContext, group: AutoGroup, values: { location: Value; scale: Value; factor?: Value }): Record<string, TensorNode> {
  const { location, scale, factor } = values;
  if (group.family === "mean_field") return { mean: location.node, scale: scale.node };
  if (group.family === "full_rank") return { mean: location.node, cholesky: scale.node };
  if (!factor) throw new InternalError("a low-rank guide without a factor");
  return { mean: location.node, factor: factor.node, diagonal: context.b.square(scale.node) };
}

/** Entropy of the Gaussian of a whole full-rank or low-rank group, in closed form: [...axes]. */
export function autoEntropy(context: LoweringContext, group: AutoGroup): Value {
  const { b } = context;
  const values = groupArguments(context, group);
  const family = familyOf(group);
  if (!family.entropy) throw new InternalError(`${family.name} has no entropy`);
  const { node, axes } = values.location;
  const entropy = b.broadcast(family.entropy(b, namedArguments(context, group, values), node.shape), node.shape.slice(0, node.shape.length - family.eventRank));
  return { node: b.sumLast(entropy, entropy.shape.length - axes.length), axes };
}

/**
 * Draws the group and gives each site its constrained value, with the log Jacobian of its bijection. A posterior mode is no draw but the
 * group's location.
 */
export function drawAutoGroup(context: LoweringContext, group: AutoGroup, count: number, deterministic: boolean): AutoPart[] {
  const { b, space } = context;
  const values = groupArguments(context, group);
  const axes = deterministic ? [...values.location.axes] : space.sort([...values.location.axes, ...(count > 1 ? [space.declare(SAMPLES, count)] : [])]);
  const total = group.sites.reduce((sum, { dimension }) => sum + dimension, 0);
  const stream = context.stream(`auto.${group.sites.map(({ site }) => site).join("+")}`);
  const drawn = deterministic ? values.location.node : familyOf(group).sample(b, stream, namedArguments(context, group, values), [...space.dims(axes), total]);
  context.autoDraws.push({ group, drawn: { node: drawn, axes } });

  let start = 0;
  return group.sites.map(({ site: name, dimension }) => {
    const site = siteOf(context.program, name);
    const plates = site.plates.map((plate) => declarePlate(context, plate));
    const plateSizes = site.plates.map((plate) => plate.size);
    const shape = dims(site.type);
    const at = start;
    start += dimension;
    const share = (node: TensorNode, own: readonly AxisName[]): Value => {
      const part = b.sliceAxis(node, node.shape.length - 1, at, dimension);
      const free = unconstrainedShape(site.type.support, shape);
      return canonical(b, space, b.reshape(part, [...part.shape.slice(0, -1), ...plateSizes, ...free]), [...own, ...plates]);
    };
    const free = share(drawn, axes);
    const value: Value = { node: constrain(b, free.node, site.type.support), axes: free.axes };
    const real = site.type.support.kind === "real";
    const jacobian = real ? undefined : logAbsDetJacobian(b, free.node, site.type.support);
    const logJacobian = jacobian && { node: b.sumLast(jacobian, jacobian.shape.length - free.axes.length), axes: free.axes };
    if (group.family !== "mean_field" || deterministic) return { name, value, logJacobian };
    const [mean, scale] = [share(values.location.node, values.location.axes), share(values.scale.node, values.scale.axes)];
    const guide: LoweredDistribution = {
      distribution: distributions.Normal,
      args: { mean, scale },
      shape: unconstrainedShape(site.type.support, shape),
      jointRank: 0,
      axes: mean.axes,
      trusted: true,
    };
    return { name, value, logJacobian, free: { guide, value: free }, guide: real ? guide : undefined };
  });
}

/** log q of every automatic group of one scope at its draw, on the unconstrained scale: [...axes]. */
export function autoLogDensities(context: LoweringContext, scope: "row" | "global"): Value[] {
  const { b } = context;
  return context.autoDraws
    .filter(({ group }) => group.scope === scope)
    .map(({ group, drawn }) => {
      const density = familyOf(group).logDensity(b, drawn.node, namedArguments(context, group, groupArguments(context, group)));
      return { node: b.sumLast(density, density.shape.length - drawn.axes.length), axes: drawn.axes };
    });
}
