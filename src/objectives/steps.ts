import { isDiscrete } from "../types/support.js";
import { elementCount } from "../types/type.js";
import type { Formula } from "../ir/objective/formula.js";
import type { DerivationStep, Objective, Term } from "../ir/objective/objective.js";
import { klWrittenOut } from "./closed-forms.js";
import { count } from "./estimators.js";
import { formulaText } from "./formula-text.js";
import { stepDensity } from "./conditions.js";
import { argument, bigSum, call, density, divergence, expectation, familyFormula, fraction, guideDensity, guideFamily, log, modelDensity, namedModelDensity, negative, number, product, relation, subscript, sum, superscript, symbol } from "./formulas.js";
import { outside, overSteps, piecesOf, siteAt } from "./pieces.js";
import type { Setting } from "./setting.js";
import { mapSummands, named, totalFormula } from "./total.js";
import { isDistributionCall } from "../ir/model/model.js";

type Derived = Omit<Objective, "steps">;

/** From log p(x) to the sum of terms, in the user's names: a chain of (in)equalities, then what each term and gradient is. */
export function derivationSteps(setting: Setting, derived: Derived): readonly DerivationStep[] {
  return [...chain(setting, derived), ...closedForms(setting, derived), ...gradients(setting, derived), ...weights(setting, derived)];
}

/** The sites by their part in the derivation. */
interface Roles {
  readonly observed: readonly string[];
  readonly inputs: readonly string[];
  readonly drawn: readonly string[];
  readonly rowDrawn: readonly string[];
  readonly globalDrawn: readonly string[];
  readonly summed: readonly string[];
}

function rolesOf(setting: Setting): Roles {
  const { graph } = setting;
  const latents = graph.sites.filter((site) => graph.isLatent(site.name));
  const drawn = latents.filter((site) => !graph.isMarginalized(site.name));
  return {
    observed: graph.sites.filter((site) => !graph.isLatent(site.name)).map((site) => site.name),
    inputs: setting.program.columns.filter((column) => column.role === "input").map((column) => column.name),
    drawn: drawn.map((site) => site.name),
    rowDrawn: drawn.filter((site) => site.scope === "row").map((site) => site.name),
    globalDrawn: drawn.filter((site) => site.scope === "global").map((site) => site.name),
    summed: latents.filter((site) => graph.isMarginalized(site.name)).map((site) => site.name),
  };
}

function chain(setting: Setting, derived: Derived): readonly DerivationStep[] {
  const roles = rolesOf(setting);
  const symbols = (names: readonly string[]): readonly Formula[] => names.map(symbol);
  const { observed, inputs, drawn, summed } = roles;
  const hasGlobals = roles.globalDrawn.length > 0;
  // With global latents the evidence is that of the whole data set, in nats per row.
  const globals = new Set(roles.globalDrawn);
  const row = (name: string): Formula => (hasGlobals && !globals.has(name) ? subscript(symbol(name), symbol("1:N")) : symbol(name));
  const given = inputs.map((name) => (hasGlobals ? subscript(symbol(name), symbol("1:N")) : symbol(name)));
  const scaled = (of: Formula): Formula => (hasGlobals ? product(fraction(number(1), symbol("N")), of) : of);
  const evidence = scaled(log(density("p", observed.map(row), given)));
  const steps: DerivationStep[] = [];
  const add = (sign: DerivationStep["relation"], formula: Formula, rule: string): void => void steps.push({ relation: sign, formula, rule });

  if (derived.bound === "posterior") {
    add("", scaled(log(density("p", drawn.map(row), [...observed.map(row), ...given]))), "the log density of the posterior, in nats per row");
    add("=", sum(scaled(log(density("p", [...observed, ...drawn].map(row), given))), negative(evidence)), "Bayes' rule; the evidence does not depend on the latents, so it is left out");
    add("≈", termSum(derived, derived.terms), `one term for each site, at learnt points of ${drawn.join(", ")}`);
    return steps;
  }
  add("", evidence, hasGlobals ? "the evidence of a data set of N rows, in nats per row" : "the evidence of a row");
  const joint = [...observed, ...drawn];
  if (summed.length > 0) {
    const whole = density("p", [...joint, ...summed].map(row), given);
    add("=", scaled(log(integrate(setting, drawn, row, integrate(setting, summed, symbol, whole)))), summedText(derived, summed));
  }
  if (drawn.length === 0) {
    add("=", termSum(derived, derived.terms), summed.length > 0 ? "factors as declared" : "one term for each observed site: nothing is hidden, so the likelihood is exact");
    return steps;
  }
  if (summed.length === 0) add("=", scaled(log(integrate(setting, drawn, row, density("p", joint.map(row), given)))), hiddenText(setting, drawn));
  const points = drawn.filter((name) => derived.latents.some((plan) => plan.sites.includes(name) && plan.estimator === "deterministic"));
  if (points.length === drawn.length) {
    const at = drawn.map((name) => pointOf(setting, name)).join(", ");
    add("≈", scaled(log(density("p", joint.map(row), given))), `a Delta guide puts all its mass on one point, ${at}: the entropy is left out, which makes this the objective of the posterior mode`);
    add("=", termSum(derived, derived.terms.filter((term) => term.kind !== "supervision"), true), "one term for each site");
    return steps;
  }
  const random = drawn.filter((name) => !points.includes(name));
  const guide = withRows(guideDensity(setting, random), row, hasGlobals);
  const jointDensity = density("p", joint.map(row), given);
  if (derived.bound === "importance-weighted") {
    const bound = totalFormula({ ...derived, terms: derived.terms.filter((term) => term.kind !== "supervision"), constraints: [] });
    const enumerated = derived.latents.filter((plan) => plan.estimator === "enumeration" && plan.guide === "guide-site").flatMap((plan) => plan.sites);
    if (enumerated.length > 0) {
      add("≥", bound, `Jensen's inequality, over ${enumerated.join(", ")} (every value is visited) and over the mean of the ${derived.samples} draws`);
      return steps;
    }
    const draws = superscript(guide, number(derived.samples));
    const ratio = fraction(jointDensity, guide);
    const mean = product(fraction(number(1), number(derived.samples)), bigSum("k", subscript(ratio, symbol("k")), number(1), number(derived.samples)));
    add("=", scaled(log(expectation(draws, mean))), `each of K = ${derived.samples} draws gives an unbiased estimate of the evidence, so their mean does`);
    add("≥", scaled(expectation(draws, log(mean))), "Jensen's inequality; tighter as K grows (Burda, Grosse & Salakhutdinov 2015)");
    add("=", bound, "p and q factorise as declared; every term is taken at draw k");
    return steps;
  }
  add("≥", scaled(expectation(guide, sum(log(jointDensity), negative(log(guide))))), `Jensen's inequality; equal where ${formulaText(guide)} is the posterior${points.length > 0 ? ` (the point ${points.join(", ")} has no entropy: it is left out)` : ""}`);
  if (hasGlobals) {
    const perRow = [...observed, ...roles.rowDrawn];
    const rowJoint = density("p", symbols(perRow), symbols([...roles.globalDrawn, ...inputs]));
    const rowRatio = roles.rowDrawn.length > 0 ? sum(log(rowJoint), negative(log(guideDensity(setting, roles.rowDrawn)))) : log(rowJoint);
    const globalRatio = sum(log(density("p", symbols(roles.globalDrawn))), negative(log(guideDensity(setting, roles.globalDrawn))));
    add("=", sum(
      product(fraction(number(1), symbol("N")), bigSum("n", expectation(density("q", symbols(drawn)), rowRatio), number(1), symbol("N"))),
      product(fraction(number(1), symbol("N")), expectation(density("q", symbols(roles.globalDrawn)), globalRatio)),
    ), "rows are independent given the global latents: the mean over a minibatch of M rows estimates the mean over N without bias");
  } else {
    const factors = setting.graph.sites.filter((site) => !setting.graph.isMarginalized(site.name));
    if (summed.length === 0)
      add("=", expectation(guide, sum(...factors.flatMap((site) => factorsOf(setting, "p", site.name)), ...random.flatMap((name) => factorsOf(setting, "q", name).map(negative)))), `p and q factorise as declared${factors.some((site) => site.plates.length > 0) ? ", over the steps of loops" : ""}`);
  }
  const bare = derived.terms.filter((term) => term.kind !== "supervision");
  add("=", termSum(derived, bare, true), `one term for each site, each in nats per row${derived.terms.some((term) => term.weight.perDataset) ? "; those of global latents are shared by the N rows, and the mean over rows of the others is left unwritten" : ""}`);
  for (const name of drawn.filter((site) => setting.graph.site(site).partlyObserved)) {
    const atValue = bare.map((term) => (term.sites.includes(name) ? { ...term, formula: sum(...piecesOf(setting, name, ["model"]).map((piece) => overSteps(piece, log(modelDensity(name, piece))))) } : { ...term, formula: givenValue(term.formula, name) }));
    add("", relation(log(density("p", [...observed, name].map(symbol), inputs.map(symbol))), "≥", termSum(derived, atValue, true)), `rows where ${name} is observed: the same terms at its value, without −log q(${name} | …)`);
  }
  return steps;
}

/** log p(z | …) of a site by name: of one in loops a sum over its steps. */
function factorsOf(setting: Setting, name: "p" | "q", site: string): readonly Formula[] {
  if (setting.graph.site(site).plates.length === 0) return [log(name === "p" ? namedModelDensity(setting, site) : guideDensity(setting, [site]))];
  return piecesOf(setting, site, [name === "p" ? "model" : "guide"]).map((piece) => overSteps(piece, log(stepDensity(name, site, piece))));
}

/** A term at a given value of a site: its draw leaves the expectation and joins what is given. */
function givenValue(formula: Formula, name: string): Formula {
  if (formula.kind !== "expectation") return mapSummands(formula, (summand) => (summand.kind === "expectation" ? givenValue(summand, name) : summand));
  if (formula.under.kind !== "density") return formula;
  const isSite = (variable: Formula): boolean => variable.kind === "symbol" && variable.name === name;
  const { under } = formula;
  if (!under.of.some(isSite)) return formula;
  const of = under.of.filter((variable) => !isSite(variable));
  return of.length === 0 ? formula.of : expectation({ ...under, of, given: [...under.given, symbol(name)] }, formula.of);
}

/** Σ terms without β, annealing, free bits: the bound itself. */
function termSum(derived: Derived, terms: readonly Term[], plain = false): Formula {
  const shown = plain ? terms.map((term) => ({ ...term, weight: { ...term.weight, factor: 1, annealed: false, freeBits: 0 } })) : terms;
  return totalFormula({ ...derived, bound: "elbo", samples: 1, terms: shown, constraints: [] });
}

/** ∫ over the continuous, Σ over the discrete of these. */
function integrate(setting: Setting, names: readonly string[], row: (name: string) => Formula, of: Formula): Formula {
  const discrete = names.filter((name) => isDiscrete(setting.graph.site(name).type.support));
  const continuous = names.filter((name) => !discrete.includes(name));
  const inner: Formula = continuous.length > 0 ? { kind: "integral", of, over: continuous.map(row) } : of;
  return discrete.reduceRight<Formula>((body, name) => bigSum(formulaText(row(name)), body), inner);
}

/** `y is summed over, z is integrated out`. */
function hiddenText(setting: Setting, names: readonly string[]): string {
  const discrete = names.filter((name) => isDiscrete(setting.graph.site(name).type.support));
  const continuous = names.filter((name) => !discrete.includes(name));
  const say = (some: readonly string[], what: string): readonly string[] => (some.length === 0 ? [] : [`${some.join(", ")} ${some.length === 1 ? "is" : "are"} ${what}`]);
  return [...say(discrete, "summed over"), ...say(continuous, "integrated out")].join(", ");
}

function withRows(guide: Formula, row: (name: string) => Formula, hasGlobals: boolean): Formula {
  if (guide.kind !== "density" || !hasGlobals) return guide;
  const all = (items: readonly Formula[]): readonly Formula[] => items.map((item) => (item.kind === "symbol" ? row(item.name) : item));
  return { ...guide, of: all(guide.of), given: all(guide.given) };
}

/** `k is summed out exactly: 4 states`, and of chains how. */
function summedText(derived: Derived, summed: readonly string[]): string {
  const chains = new Map<string, string[]>();
  const plain: string[] = [];
  for (const name of summed) {
    const plan = derived.latents.find(({ sites }) => sites.includes(name));
    if (!plan || plan.cardinality !== undefined) plain.push(name);
    else chains.set(plan.reason, [...(chains.get(plan.reason) ?? []), name]);
  }
  const say = (names: readonly string[], what: string): string => `${names.join(", ")} ${names.length === 1 ? "is" : "are"} ${what}`;
  return [...[...chains].map(([how, names]) => say(names, how)), ...(plain.length > 0 ? [say(plain, `summed out exactly${states(derived)}`)] : [])].join("; ");
}

function states(derived: Derived): string {
  const plans = derived.latents.filter((plan) => plan.guide === "marginalized" && plan.cardinality !== undefined);
  return plans.length === 0 ? "" : `: ${plans.map((plan) => count(plan.cardinality ?? 0, "state")).join(" × ")}`;
}

function pointOf(setting: Setting, name: string): string {
  const entry = setting.graph.entryOf(name);
  const value = entry?.kind === "guide-site" ? Object.values(entry.distribution.args)[0] : undefined;
  return value && !isDistributionCall(value) ? `${name} = ${formulaText(argument(outside(setting, "guide"), value))}` : name;
}

/** Each closed-form KL written out. */
function closedForms(setting: Setting, derived: Derived): readonly DerivationStep[] {
  return derived.terms.flatMap((term): readonly DerivationStep[] => {
    const [name] = term.sites;
    if (term.kind !== "kl" || name === undefined) return [];
    const site = setting.graph.site(name);
    return piecesOf(setting, name, ["model", "guide"]).flatMap((piece): readonly DerivationStep[] => {
      const left = divergence(guideFamily(setting, name, piece), familyFormula(piece.inModel, piece.prior));
      const written = klWrittenOut(setting, piece.guide, piece.prior, elementCount(site.type), [piece.inGuide, piece.inModel]);
      if (!written) return [];
      const letters = written.letters.map(([letter, value]) => `${letter} = ${formulaText(value)}`).join(", ");
      const where = piece.index.length === 0 ? "" : ` at ${formulaText(siteAt(name, piece))}`;
      return [{ relation: "", formula: relation(left, "=", written.formula), rule: `closed form of ${term.name}${where}${letters === "" ? "" : `, with ${letters}`}` }];
    });
  });
}

/** How the gradient passes each latent. */
function gradients(setting: Setting, derived: Derived): readonly DerivationStep[] {
  const asides: DerivationStep[] = [];
  const f = call("f", symbol("·"));
  for (const plan of derived.latents) {
    const [name] = plan.sites;
    if (name === undefined || plan.guide === "marginalized") continue;
    const value = (site: string): Formula => (f.kind === "call" ? { ...f, args: [symbol(site)] } : f);
    const entry = setting.graph.entryOf(name);
    const q = guideDensity(setting, plan.sites);
    if (plan.estimator === "enumeration")
      asides.push({ relation: "", formula: relation(expectation(q, value(name)), "=", bigSum(name, product(q, value(name)))), rule: `the expectation over ${name} is a sum${plan.cardinality === undefined ? "" : ` of ${count(plan.cardinality, "state")}`}: exact` });
    if (plan.estimator === "reparameterization" && entry?.kind === "auto")
      asides.push({
        relation: "", formula: relation(plan.sites.length === 1 ? symbol(name) : call("", ...plan.sites.map(symbol)), "=", call("T", sum(symbol("location"), product(symbol("scale"), symbol("ε"))))),
        rule: `one draw for the group, ε ~ Normal(0, 1); T maps the unconstrained scale to each support`,
      });
    if (plan.estimator === "reparameterization" && entry?.kind === "guide-site" && ["Normal", "MultivariateNormal"].includes(entry.distribution.distribution)) {
      // Of a chain its steps: they stand behind the starts.
      const piece = piecesOf(setting, name, ["guide"]).reduce((most, next) => (next.ranges.length > most.ranges.length ? next : most));
      const args = Object.entries(piece.guide?.args ?? {}).map(([role, arg]) => [role, isDistributionCall(arg) ? undefined : argument(piece.inGuide, arg)] as const);
      const mean = args.find(([role]) => role === "mean")?.[1];
      const scale = args.find(([role]) => role === "scale" || role === "cholesky")?.[1];
      if (mean && scale) asides.push({ relation: "", formula: relation(siteAt(name, piece), "=", sum(mean, product(scale, siteAt("ε", piece)))), rule: `reparameterization with ε ~ Normal(0, 1): the gradient passes through the draw` });
    }
    if (plan.estimator === "score-function") {
      const terms = plan.downstream.join(" + ");
      asides.push({
        relation: "",
        formula: relation(call("∇", expectation(q, value(name))), "=", sum(expectation(q, product(sum(value(name), negative(symbol("b"))), call("∇", log(q)))), expectation(q, call("∇", value(name))))),
        rule: `score function: f = ${terms === "" ? "0" : terms} (only what is downstream of ${name}); b = ${plan.baseline === "leave_one_out" ? `the mean of f over the other ${(plan.scoreSamples ?? 2) - 1} draws` : "0"}`,
      });
    }
  }
  return asides;
}

/** What training changes about the bound: β, annealing, free bits, supervision, constraints. */
function weights(setting: Setting, derived: Derived): readonly DerivationStep[] {
  const { beta, anneal, freeBits, supervision } = setting.objective;
  const has = (test: (term: Term) => boolean): boolean => derived.terms.some(test);
  const rules: string[] = [];
  if (has((term) => term.weight.factor !== 1 && term.kind !== "supervision")) rules.push(`β = ${beta} multiplies the terms of the latents${beta === 0 ? ": they are computed and reported, not trained" : beta > 1 ? ", which keeps this a lower bound where they are KLs" : ""}`);
  if (has((term) => term.weight.annealed)) rules.push(`a rises from 0 to 1 over ${anneal.steps.toLocaleString("en-US")} steps${anneal.cycles > 1 ? `, ${anneal.cycles} times` : ""}`);
  if (has((term) => term.weight.freeBits > 0)) rules.push(`free bits: coordinates below ${freeBits} nats, averaged over the rows, have no gradient (Kingma et al. 2016)`);
  if (has((term) => term.kind === "supervision")) rules.push(`supervision: ${supervision} · log q of the observed values (Kingma et al. 2014)`);
  for (const constraint of derived.constraints) rules.push(`${constraint.name} ${constraint.relation === "<=" ? "≤" : "≥"} ${constraint.bound}: the multiplier λ ≥ 0 is learnt (Rezende & Viola 2018)`);
  return rules.length === 0 ? [] : [{ relation: "", formula: named(totalFormula(derived)), rule: `what is trained: ${rules.join("; ")}` }];
}

