import type { Term } from "../ir/objective/objective.js";
import { log, modelDensity } from "./formulas.js";
import { dataTerms } from "./elbo.js";
import { marginalComponents, summedFactors } from "./marginalization.js";
import type { Plans, Setting } from "./setting.js";
import { makeTerm, stepByStep } from "./terms.js";
import { latentWeight } from "./weights.js";

/** Maximum likelihood: log p of the data, marginalized sites summed out exactly. */
export function likelihoodTerms(setting: Setting, plans: Plans): readonly Term[] {
  return dataTerms(setting, plans, marginalComponents(setting));
}

/** The mode of the posterior (MAP): log p of the data and of every latent at its learnt point, on the constrained scale. */
export function posteriorTerms(setting: Setting, plans: Plans): readonly Term[] {
  const { graph } = setting;
  const components = marginalComponents(setting);
  const summed = summedFactors(components);
  const priors = graph.sites
    .filter((site) => graph.isLatent(site.name) && !graph.isMarginalized(site.name) && !summed.has(site.name))
    .map((site) =>
      makeTerm(setting, plans, {
        kind: "log-prior", sites: [site.name], origin: site.origin, reads: [site.name, ...graph.modelReads(site.name).latents],
        weight: latentWeight(setting, "log-prior", site.scope), reason: "at a learnt point", formula: stepByStep(setting, site.name, ["own", "model"], (piece) => log(modelDensity(site.name, piece))),
      }),
    );
  return [...dataTerms(setting, plans, components), ...priors];
}
