import type { DistributionCall, Site } from "../ir/model/model.js";
import { InternalError } from "../util/internal-error.js";
import { sequenceDistribution } from "./chains/sequence.js";
import type { Frame, LoweringContext } from "./context.js";
import { logDensity, lowerDistribution } from "./densities.js";
import type { LoweredDistribution } from "./lowered-distribution.js";
import type { Latent } from "./latents.js";
import { observedValue } from "./observed.js";
import { addValues, aligned, unionAxes, type Value } from "./value.js";

const modelFrame: Frame = { of: "model" };

/** The model's distribution of a site, under the values that the sites have in this program: of a sequence, at all its positions. */
export function modelDistribution(context: LoweringContext, site: Site): LoweredDistribution {
  const lowered = (call: DistributionCall): LoweredDistribution => lowerDistribution(context, modelFrame, call, site.type);
  const { sequence, distribution } = site;
  if (!sequence) return lowered(distribution);
  return sequenceDistribution(context, site.plates.at(-1)!, sequence.chain, lowered(distribution), sequence.starts.map(({ position, value }) => ({ position, value: lowered(value) })));
}

/** The value of any site: a latent's under the guide, an observed one's from the data. */
export function siteValue(context: LoweringContext, site: Site): Value {
  const known = context.sites.get(site.name);
  if (known) return known;
  if (site.role !== "observed") throw new InternalError(`${site.name} has no value`);
  const value = observedValue(context, site);
  context.sites.set(site.name, value);
  return value;
}

/** log p(site | parents): [...axes], plates kept. */
export function logModel(context: LoweringContext, site: Site): Value {
  return context.b.at(site.origin, () => logDensity(context, modelDistribution(context, site), siteValue(context, site)));
}

/**
 * The factor of a site in a sum over labels: log p, with the log Jacobian of an automatic latent; for a summed site whose value the row
 * observes, −∞ at every other label.
 */
export function logFactor(context: LoweringContext, site: Site, latent: Latent | undefined): Value {
  const { b, space } = context;
  const density = logModel(context, site);
  const prior = latent?.logJacobian ? addValues(b, space, [density, latent.logJacobian]) : density;
  if (!latent?.observed || !latent.axis) return prior;
  const column = context.inputColumn(site.name);
  const axes = unionAxes(space, [prior, latent.value, latent.observed, column]);
  const at = (value: Value) => aligned(b, value, axes, 0);
  const excluded = b.and(b.greater(at(latent.observed), 0), b.notEqual(at(column), at(latent.value)));
  return { node: b.select(excluded, -Infinity, at(prior)), axes };
}
