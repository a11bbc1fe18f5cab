import { placeKey } from "../../../ir/model/positions.js";
import type { Objective, Term } from "../../../ir/objective/objective.js";
import type { LoweringContext } from "../../context.js";
import { labels } from "../../labels.js";
import { siteOf, type Latent } from "../../latents.js";
import { enumAxis, isPlateAxis, sumAxes, type Value } from "../../value.js";
import { labelEvidence, layoutOfTerm, placedOf } from "./evidence.js";
import { kalmanFilter } from "./kalman.js";
import { isGaussian, type LinearSystem, linearSystem, UnitVectors } from "./linear-system.js";
import { PlacedSites } from "./placed-values.js";

const unitVectors = new WeakMap<LoweringContext, UnitVectors>();

/** Gives the latents whose steps are summed out together a value wherever the model reads them: labels along an axis, or the unit vectors of a Gaussian chain. */
export function placeSummedSites(context: LoweringContext, objective: Objective): void {
  const placed = placedOf(context);
  if (placed.size === 0) return;
  const gaussian = objective.terms.filter((term) => isGaussianTerm(context, term) && term.sites.some((name) => placed.has(name)));
  const units = new UnitVectors(gaussian.map((term) => layoutOfTerm(context, term)));
  unitVectors.set(context, units);
  const vectors = units.source(context);
  context.placed = new PlacedSites(context.program, placed, (site, at) => (isGaussian(site) ? vectors(site, at) : labels(context, site, enumAxis(placeKey(site.name, at)))));
}

/** Whether a term integrates Gaussian chains out, rather than sums labels. */
export function isGaussianTerm(context: Pick<LoweringContext, "program">, { kind, sites }: Term): boolean {
  return kind === "evidence" && isGaussian(siteOf(context.program, sites[0]!));
}

export function systemOf(context: LoweringContext, term: Term): LinearSystem {
  return linearSystem(context, layoutOfTerm(context, term), unitVectors.get(context)!);
}

/** The log evidence of an evidence term whose latents stand in loops: along rows and draws. */
export function chainEvidence(context: LoweringContext, term: Term, latents: readonly Latent[]): Value {
  if (!isGaussianTerm(context, term)) return labelEvidence(context, term, latents);
  const { total } = kalmanFilter(context, systemOf(context, term), undefined, context.mode === "train" ? context.program.training.checkpoint : undefined);
  return sumAxes(context.b, total, isPlateAxis);
}
