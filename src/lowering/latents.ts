import type { LatentPlan, Objective } from "../ir/objective/objective.js";
import type { ModelProgram, Site } from "../ir/model/model.js";
import { InternalError } from "../util/internal-error.js";
import type { LoweringContext } from "./context.js";
import { declarePlate } from "./plates.js";
import { ROWS, SAMPLES, type AxisName, type Value } from "./value.js";
import type { LoweredDistribution } from "./lowered-distribution.js";

/** A latent site in one program: its value under the guide and what the terms need to know of how it was drawn. */
export interface Latent {
  readonly site: Site;
  readonly plan: LatentPlan;
  readonly value: Value;
  /** The guide's distribution: a guide site, or a coordinate-wise Gaussian of an automatic guide over a real site. */
  readonly guide?: LoweredDistribution;
  /** log |∂value / ∂unconstrained|, summed over the site's shape, for automatic guides of constrained sites. */
  readonly logJacobian?: Value;
  /** Mean-field automatic guides: the Gaussian on the unconstrained scale, and its draw there. */
  readonly free?: { readonly guide: LoweredDistribution; readonly value: Value };
  /** Set for enumerated and marginalized sites. */
  readonly axis?: AxisName;
  /** q(k) along `axis`, observed rows included as one-hot rows; for enumerated sites. */
  readonly weight?: Value;
  /** f32 1 where the row's value is observed, for partly observed sites. */
  readonly observed?: Value;
  /** log q at the draw, for score-function sites and log-ratio terms: [...axes]. */
  readonly logGuide?: Value;
}

/** Which draws a program makes: how many for each row latent and each global one. */
export interface DrawCounts {
  readonly row: number;
  readonly global: number;
}

export function siteOf(program: ModelProgram, name: string): Site {
  const site = program.model.find((step): step is Site => step.kind === "site" && step.name === name);
  if (!site) throw new InternalError(`unknown site ${name}`);
  return site;
}

export function planOf(objective: Objective, site: string): LatentPlan {
  const plan = objective.latents.find((candidate) => candidate.sites.includes(site));
  if (!plan) throw new InternalError(`no plan for ${site}`);
  return plan;
}

/** The axes along which a site is drawn, beside those of its arguments: its plates, rows, and draws when there are several. */
export function drawAxes(context: LoweringContext, site: Pick<Site, "scope" | "plates">, counts: DrawCounts, given: readonly AxisName[]): AxisName[] {
  const axes: AxisName[] = [...given, ...site.plates.filter((plate) => !context.isWithin(plate)).map((plate) => declarePlate(context, plate))];
  if (site.scope === "row") axes.push(ROWS);
  const count = site.scope === "row" ? counts.row : counts.global;
  if (count > 1) axes.push(context.space.declare(SAMPLES, count));
  return context.space.sort(axes);
}
