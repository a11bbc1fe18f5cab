import { evaluationDraws, scheduleTimes } from "../ir/diffusion/coefficients.js";
import type { ContinuousDiffusion, ModelProgram } from "../ir/model/model.js";
import type { Formula } from "../ir/objective/formula.js";
import type { DerivationStep, Objective, Term } from "../ir/objective/objective.js";
import { datumLetter, firstLikelihood, scaledBytes, scaleTerms } from "./diffusion-datum.js";
import { weighedText } from "./diffusion-weights.js";
import { bigSum, call, density, divergence, expectation, fraction, list, log, negative, number, product, relation, squared, subscript, sum, symbol } from "./formulas.js";
import { unweighted } from "./weights.js";

const t = symbol("t");
/** t ~ Uniform(0, 1) */
const uniform = relation(t, "~", call("Uniform", number(0), number(1)));
/** Just after the datum: t = 0 of the schedule. */
const first = symbol("0+");

/** The bound of a diffusion in continuous time (Kingma, Salimans, Poole & Ho 2021): prior matching, the integral over time, reconstruction. */
export function deriveContinuousDiffusion(program: ModelProgram, diffusion: ContinuousDiffusion, mode: Objective["mode"]): Objective {
  const { name, origin, guideOrigin, prior, reconstruction, type } = diffusion;
  const x = (at: Formula): Formula => subscript(symbol(name), at);
  const datum = x(number(0));
  const weighed = mode === "training" ? weighedText(program.training.objective.weight) : "";
  const byShare = mode === "evaluation" || program.training.objective.timesteps === "importance";
  const draws = mode === "evaluation" ? `${evaluationDraws} times t for each row, one in each part of (0, 1), more where the bound has more, over their densities` : `one t for each row, (u + row / rows) mod 1 with one uniform u for the minibatch${byShare ? ", more where the bound has more, over its density" : ""}`;
  const rows = { kind: "rows", name: "rows" } as const;
  const term = (part: Pick<Term, "name" | "kind" | "origin" | "estimator" | "exactness" | "reason" | "formula">): Term => ({
    ...part, sites: [name], factors: [], axes: [rows, ...type.shape.map((size, axis) => ({ kind: "event" as const, name: `${name}.${axis + 1}`, size: size.value }))], expectation: [], weight: unweighted,
  });
  const priorTerm = negative(divergence(density("q", [x(number(1))], [datum]), call("Normal", number(prior.mean), number(prior.scale))));
  const integral = negative(product(fraction(number(1), number(2)), expectation(list([uniform, density("q", [x(t)], [datum])]), weighedError(diffusion))));
  const likelihood = sum(expectation(density("q", [x(first)], [datum]), firstLikelihood(diffusion, x(first))), ...scaleTerms(diffusion));
  const exact = reconstruction === "gaussian";
  const terms = [
    term({ name: `prior-matching.${name}`, kind: "prior-matching", origin: prior.origin, estimator: "closed-form", exactness: "exact", reason: "closed form of two Gaussians: no parameter is in it", formula: priorTerm }),
    term({ name: `denoising.${name}`, kind: "denoising", origin, estimator: "reparameterization", exactness: weighed ? "biased" : "unbiased", reason: [draws, "an integral of weighted squared errors", weighed].filter((each) => each !== "").join("; "), formula: integral }),
    term({ name: `reconstruction.${name}`, kind: "reconstruction", origin: guideOrigin, estimator: exact ? "closed-form" : "reparameterization", exactness: exact ? "exact" : "unbiased", reason: exact ? "closed form of two Gaussians: no parameter is in it" : "the mass of a byte's bin at a draw: no parameter is in it", formula: likelihood }),
  ];
  return {
    model: program.name, mode, bound: "elbo", samples: 1, terms, latents: [], constraints: [], origin: program.training.objective.origin,
    steps: derivation(diffusion, [priorTerm, integral, likelihood], [draws, weighed].filter((each) => each !== "").join("; ")),
  };
}

/** What is integrated: the fall of the signal-to-noise ratio, or of its logarithm, times the squared error of what the network says. */
function weighedError({ name, prediction }: ContinuousDiffusion): Formula {
  const said = call("net", subscript(symbol(name), t), t);
  const error = (target: Formula): Formula => squared(call("", sum(target, negative(said))));
  switch (prediction) {
    case "data":
      return product(call("", negative(symbol("snr′(t)"))), error(subscript(symbol(name), number(0))));
    case "noise":
      return product(call("", negative(symbol("λ′(t)"))), error(symbol("ε")));
    case "velocity":
      return product(call("", negative(symbol("λ′(t)"))), fraction(squared(symbol("s")), sum(squared(symbol("s")), squared(symbol("σ")))), error(symbol("v")));
  }
}

/** From log p(x_0) over the bound of T steps to the integral, with the numbers of the schedule. */
function derivation(diffusion: ContinuousDiffusion, terms: readonly Formula[], draws: string): readonly DerivationStep[] {
  const { name, time: { marginals }, prediction, type: { shape } } = diffusion;
  const x = (at: Formula): Formula => subscript(symbol(name), at);
  const [datum, estimate] = [x(number(0)), subscript(symbol("x̂"), number(0))];
  const before = sum(t, negative(fraction(number(1), symbol("T"))));
  const [s, d] = [symbol("s"), symbol("σ")];
  const steps = divergence(density("q", [x(before)], [x(t), datum]), density("p", [x(before)], [x(t)]));
  const error = squared(call("", sum(datum, negative(estimate))));
  const middle = (scheduleTimes.length - 1) / 2;
  const table = (of: readonly number[], what: string): string => `${what}: ${[0, middle, scheduleTimes.length - 1].map((at) => `${shownText(of[at]!)} at t = ${scheduleTimes[at]!}`).join(", ")}`;
  const deviation = marginals.deviation[0]! / marginals.signal[0]!;
  const [last, , likelihood] = terms as [Formula, Formula, Formula];
  const said = call("net", x(t), t);
  const seen = { data: said, noise: fraction(sum(x(t), negative(product(d, said))), s), velocity: sum(product(s, x(t)), negative(product(d, said))) }[prediction];
  const spoken = { data: "the network predicts the datum", noise: "the network predicts the noise ε of x_t = s x_0 + σ ε: |x_0 − x̂_0|² is |ε − net|² / snr", velocity: "the network predicts the velocity v = s ε − σ x_0 (Salimans & Ho 2022), where s² + σ² = 1: |x_0 − x̂_0|² is σ² |v − net|²" }[prediction];
  return [
    ...scaledBytes(diffusion),
    { relation: "", formula: sum(log(density(datumLetter(diffusion), [datum])), ...scaleTerms(diffusion)), rule: "the evidence of a row" },
    { relation: "≥", formula: sum(last, negative(bigSum("i", expectation(density("q", [x(t)], [datum]), steps), number(1), symbol("T"))), likelihood), rule: "the bound of T steps as long as 1/T, t = i/T: Jensen's inequality, the chain of the guide backwards by Bayes' rule, and marginals that telescope" },
    { relation: "", formula: relation(density("q", [x(t)], [datum]), "=", call("Normal", product(s, datum), squared(d))), rule: `what the guide says. ${table(marginals.signal, "s")}; ${table(marginals.deviation, "σ")}` },
    { relation: "", formula: relation(steps, "=", product(fraction(number(1), number(2)), call("", sum(call("snr", before), negative(call("snr", t)))), error)), rule: `Bayes' rule on Gaussians: two of one variance, and the difference of their means; snr = s² / σ². ${table(marginals.snr, "snr")}` },
    { relation: "", formula: relation(estimate, "=", seen), rule: spoken },
    { relation: "→", formula: sum(...terms), rule: `T → ∞: T (snr(t − 1/T) − snr(t)) is −snr′(t), and the sum an integral over t (Kingma et al. 2021, eq. 17). With λ = log snr it is one over λ, the same for every schedule between these ends. ${table(marginals.snr.map(Math.log), "λ")}` },
    { relation: "", formula: relation(density("p", [datum], [x(first)]), "=", call("Normal", fraction(x(first), s), squared(call("", fraction(d, s))))), rule: `what is left to say at t = 0: σ / s is ${shownText(deviation)}${diffusion.reconstruction === "discretized" ? "; of bytes, the mass of their bins" : `, and E log p is −${shape.length > 0 ? "½ log(2πe σ² / s²) for each element" : "½ log(2πe σ² / s²)"}`}` },
    { relation: "≈", formula: weighedError(diffusion), rule: `half of it: ${draws}; the derivative is that of the guide's expressions` },
  ];
}

function shownText(value: number): string {
  return String(Number(value.toPrecision(4))).replace("-", "−");
}
