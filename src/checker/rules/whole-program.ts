import type { Expr, GuideStep, ModelProgram, Step } from "../../ir/model/model.js";
import { argumentsOf, partsOf } from "../../ir/model/walk.js";

/**
 * Whether everything that a program reads is in it: bindings, sites and networks, and an entry of the guide for each latent. Where something of another item is wrong (a network's head,
 * a syntax error), what reads it stays silent and is left out, so the rest alone is no program.
 */
export function isWhole({ model, guide, networks }: Pick<ModelProgram, "model" | "guide" | "networks">): boolean {
  const sites = new Set(model.flatMap((step) => (step.kind === "site" ? [step.name] : [])));
  const known = new Set(networks.map(({ name }) => name));
  const entries = new Set(guide.flatMap(sitesOf));
  const latents = model.flatMap((step) => (step.kind === "site" && (step.role === "latent" || step.partlyObserved) ? [step.name] : []));
  if (!latents.every((name) => entries.has(name))) return false;
  const networkValues = networks.flatMap(({ bindings, outputs }) => [...bindings, ...outputs].map(({ value }) => value));
  return reads(model, sites, known) && reads(guide, sites, known) && allWithin(networkValues, (expr) => expr.kind !== "call" || known.has(expr.network));
}

function sitesOf(step: GuideStep): readonly string[] {
  if (step.kind === "auto") return step.sites.map(({ site }) => site);
  return step.kind === "binding" ? [] : [step.site];
}

function reads(steps: readonly (Step | GuideStep)[], sites: ReadonlySet<string>, networks: ReadonlySet<string>): boolean {
  const bindings = new Set(steps.flatMap((step) => (step.kind === "binding" ? [step.name] : [])));
  return allWithin(steps.flatMap(valuesOf), (expr) => {
    if (expr.kind === "call") return networks.has(expr.network);
    if (expr.kind !== "reference") return true;
    return expr.to.kind === "binding" ? bindings.has(expr.to.name) : expr.to.kind === "site" ? sites.has(expr.to.name) : true;
  });
}

function valuesOf(step: Step | GuideStep): readonly Expr[] {
  if (step.kind === "binding") return [step.value, ...(step.sequence?.starts ?? []).map(({ value }) => value)];
  if (step.kind === "auto" || step.kind === "marginalized") return [];
  return [step.distribution, ...(step.sequence?.starts ?? []).map(({ value }) => value)].flatMap(argumentsOf);
}

/** Outputs of one call share their arguments, so each expression is visited once. */
function allWithin(values: readonly Expr[], fits: (expr: Expr) => boolean): boolean {
  const visited = new Set<Expr>();
  const stack = [...values];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if (visited.has(next)) continue;
    visited.add(next);
    if (!fits(next)) return false;
    stack.push(...partsOf(next));
  }
  return true;
}
