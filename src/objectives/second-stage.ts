import { type ModelProgram, type Site, type Stage } from "../ir/model/model.js";
import { withoutStage } from "../ir/model/stages.js";
import type { Formula } from "../ir/objective/formula.js";
import type { DerivationStep, Objective, Term } from "../ir/objective/objective.js";
import { density, expectation, fraction, log, negative, number, product, relation, subscript, sum, symbol } from "./formulas.js";
import { unweighted } from "./weights.js";

/**
 * What a second stage maximizes: the objective of its own model, whose rows are draws of the first's latent, or its datum with noise. For evaluation the terms of the first stage stand beside
 * it, so that their sum is a bound of log p(x) of the two together: log p(x) ≥ E_q(z | x) [log p(x | z) + log p(z) − log q(z | x)], of which training has p(z) alone (Vahdat, Kreis & Kautz 2021, eq. 2).
 */
export function deriveSecondStage(program: ModelProgram, stage: Stage, mode: Objective["mode"], derive: (program: ModelProgram, mode: Objective["mode"]) => Objective): Objective {
  const own = derive(withoutStage(program), mode);
  if (stage.kind === "noised") return { ...own, steps: [noisedStep(stage), ...own.steps] };
  const first = derive(stage.model, "evaluation");
  const scaled = stage.scale === undefined ? [] : [rescaling(stage)];
  const frozen = mode === "evaluation" && own.bound !== "posterior" ? frozenTerms(first, stage) : undefined;
  return { ...own, ...(frozen ? { bound: "elbo" as const } : {}), terms: [...(frozen ?? []), ...own.terms, ...scaled], first, steps: [...latentSteps(stage, frozen !== undefined), ...own.steps] };
}

/** Elements of the latent in a row. */
export function elementsOf(stage: Stage): number {
  const column = stage.columns.find(({ name }) => name === stage.site);
  return (column?.type.shape ?? []).reduce((count, { value }) => count * value, 1);
}

function rescaling(stage: Stage): Term {
  const count = elementsOf(stage);
  const s = symbol("s");
  return {
    name: `rescaling.${stage.site}`, kind: "rescaling", sites: [stage.site], factors: [], origin: stage.origin, axes: [{ kind: "rows", name: "rows" }], expectation: [], weight: unweighted,
    estimator: "closed-form", exactness: "exact", frozen: true, reason: `s is the standard deviation of ${stage.site} over the data, measured before this stage: a constant`, formula: negative(product(number(count), log(s))),
  };
}

/**
 * The first stage's terms with −log q(z | x) in place of z's divergence from its old prior; undefined where the sum would be no bound of each row: a latent of all rows, one that is summed out or
 * enumerated, or a prior whose log p(z) cannot be taken out of a term.
 */
function frozenTerms(first: Objective, stage: Stage): readonly Term[] | undefined {
  const plain = first.bound === "elbo" && first.latents.every(({ scope, guide, estimator }) => scope === "row" && guide === "guide-site" && estimator !== "enumeration" && estimator !== "deterministic");
  const divergence = first.terms.find((term) => term.sites.includes(stage.site));
  if (!plain || !divergence || (divergence.kind !== "kl" && divergence.kind !== "log-ratio") || first.terms.some(({ kind }) => !["reconstruction", "kl", "log-ratio"].includes(kind))) return undefined;
  const columns = observedOf(stage.model);
  const q = density("q", [symbol(stage.site)], columns);
  return first.terms.map((term): Term => term !== divergence ? { ...term, frozen: true } : {
    ...term, name: `entropy.${stage.site}`, kind: "entropy", frozen: true, expectation: [stage.site], estimator: "reparameterization", exactness: "unbiased", reason: "−log q at the draw of which the second stage learns the density", formula: negative(expectation(q, log(q))),
  });
}

function observedOf(model: ModelProgram): Formula[] {
  return model.model.filter((step): step is Site => step.kind === "site" && step.role === "observed").map(({ name }) => symbol(name));
}

function latentSteps(stage: Extract<Stage, { readonly kind: "latent" }>, joint: boolean): readonly DerivationStep[] {
  const z = symbol(stage.site);
  const columns = observedOf(stage.model);
  const q = density("q", [z], columns);
  const count = elementsOf(stage);
  const p = log(density("p", [z]));
  const name = stage.model.name;
  return [
    ...(joint
      ? [
          { relation: "", formula: log(density("p", columns)), rule: `the evidence of a row of ${name}` },
          { relation: "≥", formula: expectation(q, sum(log(density("p", columns, [z])), p, negative(log(q)))), rule: `Jensen's inequality with the guide of ${name}, which stays as it is, like its likelihood: what is learnt is p(${stage.site})` },
        ] satisfies DerivationStep[]
      : []),
    { relation: "", formula: expectation(q, p), rule: `the rows of this stage are draws of ${stage.site} from the guide of ${name}, afresh at each visit` },
    ...(stage.scale === undefined
      ? []
      : [{ relation: "=", formula: sum(expectation(q, log(density("p_s", [fraction(z, symbol("s"))]))), negative(product(number(count), log(symbol("s"))))), rule: `${stage.site} in units of s, its standard deviation over the data (Rombach et al. 2022): below, ${stage.site} is ${stage.site} / s, and p is p_s` }] satisfies DerivationStep[]),
  ];
}

function noisedStep(stage: Stage): DerivationStep {
  const x = symbol(stage.site);
  const t = symbol("t");
  return {
    relation: "", formula: relation(subscript(x, t), "=", sum(product(subscript(symbol("s"), t), subscript(x, number(0))), product(subscript(symbol("σ"), t), symbol("ε")))),
    rule: `the rows of this stage are those of ${stage.model.name} with the noise of a step t, drawn evenly at each visit: below, ${stage.site} is ${stage.site}_t`,
  };
}
