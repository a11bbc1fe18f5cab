import { datumOf, evaluationDraws, marginalsOf, posteriorsOf } from "../ir/diffusion/coefficients.js";
import { learntSpread } from "../ir/diffusion/learnt-spread.js";
import type { DiscreteDiffusion, ModelProgram } from "../ir/model/model.js";
import type { Formula } from "../ir/objective/formula.js";
import type { DerivationStep, Objective, Term } from "../ir/objective/objective.js";
import { bigSum, call, density, divergence, expectation, fraction, log, negative, number, product, relation, squared, subscript, sum, superscript, symbol } from "./formulas.js";
import { datumLetter, datumSteps, reconstructionFormula, scaleTerms } from "./diffusion-datum.js";
import { weighedText } from "./diffusion-weights.js";
import { varianceText } from "./diffusion-variance.js";
import { unweighted } from "./weights.js";

/** The bound of a diffusion (Sohl-Dickstein et al. 2015; Ho, Jain & Abbeel 2020): prior matching, denoising matching, reconstruction, one step t of each row at a time. */
export function deriveDiffusion(program: ModelProgram, diffusion: DiscreteDiffusion, mode: Objective["mode"]): Objective {
  const T = diffusion.time.plate.size;
  const { name, origin, guideOrigin, prior } = diffusion;
  const x = (t: Formula): Formula => subscript(symbol(name), t);
  const at = (t: number): Formula => x(number(t));
  const t = symbol("t");
  const before = x(sum(t, number(-1)));
  const forward = density("q", [x(t)], [at(0)]);
  const posterior = density("q", [before], [x(t), at(0)]);
  const reverse = density("p", [before], [x(t)]);
  const rows = { kind: "rows", name: "rows" } as const;
  const events = diffusion.type.shape.map((size, axis) => ({ kind: "event" as const, name: `${name}.${axis + 1}`, size: size.value }));
  const weight = mode === "training" ? program.training.objective.weight : undefined;
  const { hybrid } = program.training.objective;
  const added = mode === "training" && hybrid !== undefined ? `; ${hybrid} of the bound, in which the means are held, is added for the variance (Nichol & Dhariwal 2021)` : "";
  const weighed = `${weighedText(weight)}${added}`;
  const term = (part: Pick<Term, "name" | "kind" | "origin" | "estimator" | "exactness" | "reason" | "formula"> & { readonly steps?: readonly [number, number] }): Term => ({
    name: part.name, kind: part.kind, sites: [name], factors: [], origin: part.origin, axes: [rows, ...(part.steps ? [{ kind: "plate" as const, name: `t = ${part.steps[0]}..${part.steps[1]}`, size: part.steps[1] - part.steps[0] + 1 }] : []), ...events],
    expectation: [], weight: unweighted, estimator: part.estimator, exactness: part.exactness, reason: part.reason, formula: part.formula,
  });
  const priorTerm = negative(divergence(density("q", [at(T)], [at(0)]), call("Normal", number(prior.mean), number(prior.scale))));
  const denoising = negative(bigSum("t", expectation(forward, divergence(posterior, reverse)), number(2), symbol("T")));
  const reconstruction = reconstructionFormula(diffusion);
  const byShare = program.training.objective.timesteps === "importance";
  const draws = mode === "training" ? (byShare ? "one t for each row, more often those that count, over its probability" : "one t for each row, drawn uniformly from 1..T, times T") : T <= evaluationDraws ? "every t once for each row" : `${evaluationDraws} t for each row, more of those that count, over their probabilities`;
  const terms = [
    term({ name: `prior-matching.${name}`, kind: "prior-matching", origin: prior.origin, estimator: "closed-form", exactness: "exact", reason: "closed form of two Gaussians: no parameter is in it", formula: priorTerm }),
    term({ name: `denoising.${name}`, kind: "denoising", origin, estimator: "reparameterization", exactness: weighed ? "biased" : "unbiased", steps: [2, T], reason: [draws, diffusion.variance === "learnt" ? "each KL is of two Gaussians, in closed form" : "each KL is a weighted squared error", weighed].filter((each) => each !== "").join("; "), formula: denoising }),
    term({ name: `reconstruction.${name}`, kind: "reconstruction", origin: guideOrigin, estimator: "reparameterization", exactness: weighed ? "biased" : "unbiased", reason: [draws, weighed].filter((each) => each !== "").join("; "), formula: reconstruction }),
  ];
  return {
    model: program.name, mode, bound: "elbo", samples: 1, terms, latents: [], constraints: [], origin: program.training.objective.origin,
    steps: derivation(diffusion, [priorTerm, denoising, reconstruction], mode === "training" ? `one t for each row, ${byShare ? "more often those that count, over its probability" : "uniform over 1..T"}${weighed === "" ? "" : `; ${weighed}`}` : draws),
  };
}

/** From log p(x_0) to the weighted squared error, with the numbers of the schedule. */
function derivation(diffusion: DiscreteDiffusion, terms: readonly Formula[], draws: string): readonly DerivationStep[] {
  const { name, time: { forward }, prediction, variance } = diffusion;
  const T = forward.step.length - 1;
  const marginals = marginalsOf(forward);
  const posteriors = posteriorsOf(forward, marginals);
  const datum = datumOf(prediction, marginals);
  const x = (t: Formula): Formula => subscript(symbol(name), t);
  const [t, last] = [symbol("t"), symbol("T")];
  const before = x(sum(t, number(-1)));
  const range = (from: number, to: string): Formula => subscript(symbol(name), symbol(`${from}:${to}`));
  const middle = Math.max(2, Math.round(T / 2));
  const table = (of: readonly number[], what: string, from = 1): string => `${what}: ${[...new Set([from, middle, T])].map((at) => `${shownText(of[at]!)} at t = ${at}`).join(", ")}`;
  const s = subscript(symbol("s"), t);
  const d = subscript(symbol("σ"), t);
  const epsilon = symbol("ε");
  const network = call("net", x(t), t);
  const error = { data: sum(x(number(0)), negative(network)), noise: sum(epsilon, negative(network)), velocity: sum(symbol("v"), negative(network)) }[prediction];
  const least = variance === "large" ? forward.noise : variance === "learnt" ? learntSpread(forward).small : posteriors.deviation.map((each, at) => (at === 1 ? forward.noise[1]! : each));
  const weight = marginals.snr.map((_, at) => (at === 0 ? 0 : ((posteriors.ofData[at]! * datum.ofOutput[at]!) / least[at]!) ** 2 / 2));
  const spread = varianceText(diffusion, table);
  const weighted = product(subscript(symbol("w"), t), superscript(call("", error), number(2)));
  const ofDatum = datumSteps(diffusion, shownText(forward.noise[1]!));
  const steps: DerivationStep[] = [
    ...ofDatum.before,
    { relation: "", formula: sum(log(density(datumLetter(diffusion), [x(number(0))])), ...scaleTerms(diffusion)), rule: "the evidence of a row" },
    { relation: "≥", formula: sum(expectation(density("q", [range(1, "T")], [x(number(0))]), sum(log(density(datumLetter(diffusion), [range(0, "T")])), negative(log(density("q", [range(1, "T")], [x(number(0))]))))), ...scaleTerms(diffusion)), rule: "Jensen's inequality; the guide is the forward chain" },
    { relation: "=", formula: sum(...terms), rule: "the forward chain backwards, by Bayes' rule: q(x_t | x_{t−1}) = q(x_{t−1} | x_t, x_0) q(x_t | x_0) / q(x_{t−1} | x_0); the marginals telescope" },
    { relation: "", formula: relation(density("q", [x(t)], [x(number(0))]), "=", call("Normal", product(s, x(number(0))), squared(d))), rule: `the product of the steps' factors, and their noise carried along. ${table(marginals.signal, "s")}; ${table(marginals.deviation, "σ")}` },
    { relation: "", formula: relation(density("q", [before], [x(t), x(number(0))]), "=", call("Normal", sum(product(symbol("c"), x(number(0))), product(symbol("k"), x(t))), squared(symbol("σ̃")))), rule: `Bayes' rule on Gaussians. ${table(posteriors.ofData, "c")}; ${table(posteriors.ofState, "k")}; ${table(posteriors.deviation, "σ̃")}` },
    { relation: "", formula: relation(density("p", [before], [x(t)]), "=", call("Normal", sum(product(symbol("c"), subscript(symbol("x̂"), number(0))), product(symbol("k"), x(t))), spread.variance)), rule: `the same with what the network says in place of ${name}_0; ${spread.rule}` },
    ...spread.steps,
  ];
  if (prediction !== "data") {
    const formula = prediction === "noise" ? fraction(sum(x(t), negative(product(d, network))), s) : sum(product(s, x(t)), negative(product(d, network)));
    steps.push({ relation: "", formula: relation(subscript(symbol("x̂"), number(0)), "=", formula), rule: prediction === "noise" ? "the network predicts the noise ε of x_t = s x_0 + σ ε" : "the network predicts the velocity v = s ε − σ x_0 (Salimans & Ho 2022), where s² + σ² = 1" });
  }
  steps.push(
    ...ofDatum.after,
    { relation: "", formula: relation(divergence(density("q", [before], [x(t), x(number(0))]), density("p", [before], [x(t)])), "=", spread.divergence(weighted)), rule: `${spread.divergenceRule}. ${table(weight, "w", diffusion.reconstruction === "discretized" ? 2 : 1)}` },
    { relation: "≈", formula: variance === "learnt" ? product(last, call("", spread.divergence(weighted))) : product(last, weighted), rule: draws },
  );
  return steps;
}

function shownText(value: number): string {
  return String(Number(value.toPrecision(4))).replace("-", "−");
}
