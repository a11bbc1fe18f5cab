import type { AutoGroup, Site } from "../ir/model/model.js";
import type { Formula } from "../ir/objective/formula.js";
import type { Term } from "../ir/objective/objective.js";
import { bigSum, density, divergence, familyFormula, guideDensity, guideFamily, guideOwnDensity, log, modelDensity, negative, number, product, subscript, sum, symbol } from "./formulas.js";
import { chainSum, type Component, marginalComponents, summedFactors } from "./marginalization.js";
import { hasKlTerm } from "./estimators.js";
import { type Plans, type Setting, hasPathGradient, isWeighted } from "./setting.js";
import { type Piece, piecesOf, productOfSteps } from "./pieces.js";
import { makeTerm, stepByStep } from "./terms.js";
import { latentWeight, unweighted } from "./weights.js";

/**
 * The terms of the evidence lower bound: Σ E log p(x | …) + Σ_components log Σ_k … − Σ_latents KL, one for each site.
 * For an importance-weighted bound the same log-ratios stand inside one log-mean-exp (see importance-weighted.ts).
 */
export function elboTerms(setting: Setting, plans: Plans): readonly Term[] {
  const components = marginalComponents(setting);
  const summed = summedFactors(components);
  const { graph } = setting;
  return [
    ...dataTerms(setting, plans, components),
    ...graph.sites.filter((site) => graph.isLatent(site.name) && !graph.isMarginalized(site.name)).flatMap((site) => latentTerms(setting, plans, site.name, summed.has(site.name))),
    ...setting.program.guide.filter((step): step is AutoGroup => step.kind === "auto").flatMap((group) => entropyTerms(setting, plans, group, summed)),
    ...supervisionTerms(setting, plans),
  ];
}

/** Reconstruction of each observed site, and the evidence of each connected component of marginalized sites. */
export function dataTerms(setting: Setting, plans: Plans, components: readonly Component[]): readonly Term[] {
  const { graph } = setting;
  const summed = summedFactors(components);
  const reconstructions = graph.sites
    .filter((site) => !graph.isLatent(site.name) && !summed.has(site.name))
    .map((site) =>
      makeTerm(setting, plans, {
        kind: "reconstruction", sites: [site.name], origin: site.origin, reads: graph.modelReads(site.name).latents, weight: unweighted,
        formula: stepByStep(setting, site.name, ["model"], (piece) => log(modelDensity(site.name, piece))),
      }),
    );
  const evidences = components.map((component) => {
    const drawn = component.factors.filter((name) => graph.isLatent(name));
    const reads = component.factors.flatMap((name) => [...graph.modelReads(name).latents]).concat(drawn).filter((name) => !graph.isMarginalized(name));
    const factors = component.factors.map((name) => productOfSteps(piecesOf(setting, name, ["model"]), (piece) => modelDensity(name, piece)));
    const first = graph.site(component.factors.find((name) => !graph.isMarginalized(name)) ?? component.sites[0] ?? "");
    const chain = chainSum(setting, component);
    const plain = component.sites.filter((name) => !chain?.sites.includes(name));
    const reason = [
      ...(chain ? [`${chain.sites.join(", ")} ${chain.how}`] : []),
      ...(plain.length > 0 ? [`${plain.join(", ")} summed out exactly${plain.some((name) => graph.site(name).partlyObserved) ? " (in rows that lack it)" : ""}`] : []),
    ].join("; ");
    const joint = product(...factors);
    return makeTerm(setting, plans, {
      kind: "evidence", sites: component.sites, factors: component.factors, name: components.length === 1 ? "evidence" : `evidence.${component.sites.join("+")}`,
      origin: first.origin, reads, weight: unweighted, ...(chain?.kind === "gaussian" ? { closedForm: reason } : { reason }),
      formula: log(chain?.kind === "gaussian" ? { kind: "integral", of: joint, over: component.sites.map(symbol) } : component.sites.reduceRight((of, name) => bigSum(name, of), joint)),
    });
  });
  return [...reconstructions, ...evidences];
}

/** The terms of one latent with a guide, except the entropy of an automatic group. */
function latentTerms(setting: Setting, plans: Plans, name: string, summed: boolean): readonly Term[] {
  const { graph } = setting;
  const site = graph.site(name);
  const entry = graph.entryOf(name);
  if (!entry || entry.kind === "marginalized") return [];
  const priorReads = [...graph.modelReads(name).latents];
  const guideReads = [...graph.guideReads(name).latents];
  const base = { sites: [name], origin: site.origin };
  const logPrior = (piece: Piece): Formula => log(modelDensity(name, piece));
  const atDraw = "both densities at the draw";

  if (plans.get(name)?.estimator === "deterministic" && entry.kind === "guide-site") {
    if (summed) return [];
    return [makeTerm(setting, plans, {
      ...base, kind: "log-prior", reads: [name, ...priorReads], weight: latentWeight(setting, "log-prior", site.scope),
      reason: "a Delta guide has no entropy: this is the bound of the posterior mode (MAP)", formula: stepByStep(setting, name, ["own", "model"], logPrior),
    })];
  }
  if (hasKlTerm(setting, name)) {
    const families = entry.kind === "auto" ? "Normal, Normal" : `${entry.distribution.distribution}, ${site.distribution.distribution}`;
    const reads = [...priorReads, ...guideReads];
    const ahead = overshootingTerms(setting, plans, site, reads);
    const weight = latentWeight(setting, "kl", site.scope);
    return [makeTerm(setting, plans, {
      ...base, kind: "kl", reads, weight: { ...weight, factor: weight.factor / (1 + ahead.length * ((setting.objective.overshooting ?? 1) - 1)) }, sign: -1,
      closedForm: `closed form for the pair (${families})`,
      formula: stepByStep(setting, name, ["model", "guide"], (piece) => divergence(guideFamily(setting, name, piece), familyFormula(piece.inModel, piece.prior))),
    }), ...ahead];
  }
  if (entry.kind === "auto" && !site.partlyObserved) {
    if (summed) return [];
    return [makeTerm(setting, plans, {
      ...base, kind: "cross-entropy", reads: [name, ...priorReads], weight: latentWeight(setting, "cross-entropy", site.scope),
      reason: site.type.support.kind === "real" ? undefined : "with the log Jacobian from the unconstrained scale",
      formula: stepByStep(setting, name, ["own", "model"], (piece) => (site.type.support.kind === "real" ? logPrior(piece) : sum(logPrior(piece), log(symbol("|J|"))))),
    })];
  }
  const logGuide = (piece: Piece): Formula => log(guideOwnDensity(setting, name, piece));
  if (summed)
    return [makeTerm(setting, plans, {
      ...base, kind: "entropy", reads: [name, ...guideReads], weight: latentWeight(setting, "entropy", site.scope, false), sign: -1,
      reason: `−log q at the draw; log p(${name} | …) is a factor of the evidence`, formula: stepByStep(setting, name, ["own", "guide"], logGuide),
    })];
  const pair = entry.kind === "guide-site" ? ` (${entry.distribution.distribution}, ${site.distribution.distribution})` : "";
  return [makeTerm(setting, plans, {
    ...base, kind: "log-ratio", reads: [name, ...priorReads, ...guideReads], weight: latentWeight(setting, "log-ratio", site.scope),
    reason: site.partlyObserved
      ? `observed rows contribute log p(${name} | …) alone`
      : hasPathGradient(setting, name) ? `${atDraw}; the parameters of q have their gradient through the draw alone, which is 0 where q is the posterior (Roeder, Wu & Duvenaud 2017)`
      : isWeighted(setting, name) ? `${atDraw}, inside the log-mean-exp` : `no closed-form KL for the pair${pair}: ${atDraw}`,
    formula: stepByStep(setting, name, ["own", "model", "guide"], (piece) => sum(logPrior(piece), negative(logGuide(piece)))),
  })];
}

/** Latent overshooting of a chain: the KLs of all distances up to D count 1/D each, those of more than one step as a term of their own. */
function overshootingTerms(setting: Setting, plans: Plans, site: Site, reads: readonly string[]): readonly Term[] {
  const { overshooting: distance = 1 } = setting.objective;
  if (distance < 2 || setting.bound !== "elbo" || !isChained(site)) return [];
  const weight = latentWeight(setting, "overshooting", site.scope);
  const d = symbol("d");
  return [makeTerm(setting, plans, {
    sites: [site.name], origin: site.origin, kind: "overshooting", distance, reads: [site.name, ...reads], weight: { ...weight, factor: weight.factor / distance }, sign: -1, biased: true,
    reason: `the prior predicts up to ${distance} steps ahead by its own draws; the guide has no gradient here (latent overshooting, Hafner et al. 2019)`,
    formula: bigSum("d", divergence(guideDensity(setting, [site.name]), density("p", [subscript(symbol(site.name), symbol("t"))], [subscript(symbol(site.name), sum(symbol("t"), negative(d)))])), number(2), number(distance)),
  })];
}

/** Whether a chain without loops around it draws the site. */
function isChained(site: Site): boolean {
  return site.plates.length === 1 && (site.sequence !== undefined || site.plates[0]!.chain !== undefined);
}

/**
 * H(q) of an automatic group on the unconstrained scale, over those of its sites whose KL is not a term by itself. A mean-field group is
 * split by site where a constraint speaks of one of them. Inside a log-mean-exp it is −log q at the draw.
 */
function entropyTerms(setting: Setting, plans: Plans, group: AutoGroup, summed: ReadonlySet<string>): readonly Term[] {
  const { graph } = setting;
  const sites = group.sites.map((entry) => entry.site).filter((name) => !hasKlTerm(setting, name) && !graph.site(name).partlyObserved);
  if (sites.length === 0) return [];
  const split = group.family === "mean_field" && setting.objective.constraints.some((constraint) => constraint.term === "kl" && sites.includes(constraint.site));
  return (split ? sites.map((name) => [name]) : [sites]).map((names) => {
    const atDraw = names.some((name) => isWeighted(setting, name));
    return makeTerm(setting, plans, {
      kind: "entropy", sites: names, origin: group.origin, reads: atDraw ? names : [],
      weight: latentWeight(setting, "entropy", group.scope, !names.some((name) => summed.has(name))),
      closedForm: atDraw ? undefined : "entropy of a Gaussian on the unconstrained scale",
      reason: atDraw ? "−log q at the draw, inside the log-mean-exp" : undefined,
      formula: atDraw ? negative(log(guideDensity(setting, names))) : { kind: "entropy", of: guideDensity(setting, names) },
    });
  });
}

/** α · log q(y | x) on the observed rows of partly observed columns (Kingma et al. 2014, equation 9). */
function supervisionTerms(setting: Setting, plans: Plans): readonly Term[] {
  const { graph } = setting;
  const { supervision } = setting.objective;
  if (supervision === 0) return [];
  return graph.sites.filter((site) => site.partlyObserved && graph.entryOf(site.name)?.kind === "guide-site").map((site) =>
    makeTerm(setting, plans, {
      kind: "supervision", sites: [site.name], origin: graph.entryOf(site.name)?.origin ?? site.origin, reads: graph.guideReads(site.name).latents,
      weight: { ...unweighted, factor: supervision }, reason: `on rows where ${site.name} is observed`, formula: stepByStep(setting, site.name, ["guide"], (piece) => log(guideOwnDensity(setting, site.name, piece))),
    }),
  );
}
