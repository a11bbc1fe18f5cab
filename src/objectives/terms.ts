import type { Span } from "../diagnostics/span.js";
import { letterOf } from "../ir/model/model.js";
import type { Estimator, Term, TermAxis, TermKind, TermWeight } from "../ir/objective/objective.js";
import type { Formula } from "../ir/objective/formula.js";
import { count } from "./estimators.js";
import { expectation, negative, sum, underGuide } from "./formulas.js";
import { overSteps, type Piece, piecesOf } from "./pieces.js";
import type { Plans, Setting } from "./setting.js";

/** What a rule says about its term; the rest follows from the plans of the latents that it reads. */
export interface TermParts {
  readonly kind: TermKind;
  readonly sites: readonly string[];
  readonly factors?: readonly string[];
  /** Unique name when it is not `kind.sites`. */
  readonly name?: string;
  readonly origin: Span;
  /** Latents whose draws the term reads directly. */
  readonly reads: Iterable<string>;
  readonly weight: TermWeight;
  /** Computed without a draw of its own site: closed-form KL or entropy. */
  readonly closedForm?: string;
  /** First half of the reason, before what is said about the expectation. */
  readonly reason?: string;
  /** Inside the expectation; of a site in loops one for each of its pieces. */
  readonly formula: Formula | readonly Summand[];
  /** The whole term is −E[…]: the sign goes outside. */
  readonly sign?: -1;
  /** It has not the gradient of what it says. */
  readonly biased?: true;
  /** `overshooting`: the farthest prediction. */
  readonly distance?: number;
}

/** What stands inside the expectation for some steps of a site. */
export interface Summand {
  readonly piece: Piece;
  /** Latents whose draws these steps read directly. */
  readonly reads: Iterable<string>;
  readonly formula: Formula;
}

/** A formula for each piece of a site, under what its densities read: `own` is the draw itself. */
export function stepByStep(setting: Setting, name: string, reads: readonly ("own" | "model" | "guide")[], formula: (piece: Piece) => Formula): Formula | readonly Summand[] {
  const { graph } = setting;
  const pieces = piecesOf(setting, name, (["model", "guide"] as const).filter((side) => reads.includes(side)));
  const [only] = pieces;
  if (only && pieces.length === 1 && only.ranges.length === 0) return formula(only);
  return pieces.map((piece) => ({
    piece,
    reads: [...(reads.includes("own") ? [name] : []), ...(reads.includes("model") ? graph.readsOf("model", [piece.prior]).latents : []), ...(reads.includes("guide") && piece.guide ? graph.readsOf("guide", [piece.guide]).latents : [])],
    formula: formula(piece),
  }));
}

/** A term with its expectation, estimator and label. */
export function makeTerm(setting: Setting, plans: Plans, parts: TermParts): Term {
  const drawn = setting.graph.drawnWith(parts.reads);
  const estimators = drawn.map((site) => plans.get(site)?.estimator ?? "deterministic");
  const worst = estimators.reduce<Estimator>((least, next) => (rank[next] > rank[least] ? next : least), "deterministic");
  const summed = parts.kind === "evidence";
  const estimator = parts.closedForm ? "closed-form" : worst === "deterministic" && summed ? "enumeration" : worst;
  const clamped = parts.weight.freeBits > 0;
  const relaxed = worst === "relaxation" || worst === "straight-through";
  const sampled = rank[worst] >= rank.reparameterization;
  const exactness = clamped || relaxed || parts.biased ? "biased" : sampled ? "unbiased" : "exact";
  const over = describeExpectation(setting, plans, drawn);
  const ownLength = parts.sites.some((name) => setting.graph.site(name).plates.some((plate) => plate.length !== undefined));
  const sentences = [parts.closedForm ?? parts.reason, over, ownLength ? "steps beyond a row's own length contribute nothing" : undefined, parts.weight.balance === undefined ? undefined : `its gradient goes to the prior by ${parts.weight.balance}, to the guide by ${Number((1 - parts.weight.balance).toFixed(12))} (KL balancing, Hafner et al. 2021)`, clamped ? `free bits replace each coordinate below ${parts.weight.freeBits} nats by that constant, which is not the bound` : undefined];
  if (setting.bound === "importance-weighted" && sampled) sentences.push(`unbiased for the bound with K = ${setting.samples} samples`);
  const underOf = (sites: readonly string[]): Formula | undefined => underGuide(setting, sites, (site) => plans.get(site)?.estimator !== "deterministic");
  const signed = (formula: Formula): Formula => (parts.sign ? negative(formula) : formula);
  return {
    name: parts.name ?? `${parts.kind}.${parts.sites.join("+")}`,
    kind: parts.kind,
    sites: parts.sites,
    factors: parts.factors ?? [],
    origin: parts.origin,
    axes: axesOf(setting, parts.kind === "entropy" && parts.closedForm ? [] : summed ? (parts.factors ?? []).filter((name) => !parts.sites.includes(name)) : parts.sites, parts.weight.perDataset),
    expectation: drawn,
    weight: parts.weight,
    ...(parts.distance === undefined ? {} : { distance: parts.distance }),
    estimator,
    exactness,
    reason: sentences.filter((sentence) => sentence !== undefined && sentence !== "").join("; ") || "a density of data at data: nothing is drawn",
    formula: "kind" in parts.formula
      ? signed(expectation(underOf(drawn), parts.formula))
      : sum(...parts.formula.map(({ piece, reads, formula }) => signed(overSteps(piece, expectation(underOf(setting.graph.drawnWith(reads)), formula))))),
  };
}

/** Estimators in the order in which they take from the quality of a term. */
const rank: Record<Estimator, number> = {
  deterministic: 0, "closed-form": 0, enumeration: 1, reparameterization: 2, "implicit-reparameterization": 3, "score-function": 4, relaxation: 5, "straight-through": 6,
};

function describeExpectation(setting: Setting, plans: Plans, drawn: readonly string[]): string {
  const groups = new Map<string, string[]>();
  for (const site of drawn) {
    const plan = plans.get(site);
    if (!plan) continue;
    const draws = setting.bound === "importance-weighted" && plan.scope === "row" ? setting.samples : (plan.scoreSamples ?? 1);
    const each = plan.scope === "row" ? "per row" : "for all rows";
    const how: Record<Estimator, string> = {
      deterministic: "at the point # of the guide",
      "closed-form": "",
      enumeration: "exact sum over the values of #",
      reparameterization: `# by reparameterization, ${count(draws, "draw")} ${each}`,
      "implicit-reparameterization": `# by implicit reparameterization, ${count(draws, "draw")} ${each}`,
      "score-function": `# by the score function, ${count(draws, "draw")} ${each}`,
      relaxation: `# by relaxation, ${count(draws, "draw")} ${each}`,
      "straight-through": `# by a straight-through gradient, ${count(draws, "draw")} ${each}`,
    };
    const text = how[plan.estimator];
    groups.set(text, [...(groups.get(text) ?? []), site]);
  }
  return [...groups].filter(([text]) => text !== "").map(([text, sites]) => text.replace("#", () => sites.join(", "))).join("; ");
}

/** Rows (averaged), plates and event axes (summed) of the sites; of several sites only what they share: the plates. */
function axesOf(setting: Setting, sites: readonly string[], perDataset: boolean): readonly TermAxis[] {
  const axes: TermAxis[] = perDataset ? [] : [{ kind: "rows", name: "rows" }];
  const seen = new Set<string>();
  for (const name of sites) {
    const site = setting.graph.site(name);
    for (const plate of site.plates) {
      if (seen.has(plate.name)) continue;
      seen.add(plate.name);
      const { from, to } = plate.written ?? { from: plate.from, to: plate.from + plate.size - 1 };
      axes.push({ kind: "plate", name: `${letterOf(plate)} = ${from}..${to}`.replaceAll("-", "−"), size: plate.size });
    }
    site.type.shape.forEach((size, axis) => {
      axes.push({ kind: "event", name: size.text !== undefined && size.text !== String(size.value) ? `${name}.${axis + 1}: ${size.text}` : `${name}.${axis + 1}`, size: size.value });
    });
  }
  return axes;
}
