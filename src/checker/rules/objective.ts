import type * as ast from "../../parser/ast.js";
import type { Fix } from "../../diagnostics/diagnostic.js";
import type { Span } from "../../diagnostics/span.js";
import type { Constraint, TrainingObjective } from "../../ir/model/model.js";
import { choice as unasked, correction, removalFromList, replacement } from "../../diagnostics/fix.js";
import type { Context } from "../context.js";
import { assignOptions, type Choice, isMissing, list, type NumberRange, readChoice, readNumber } from "./options.js";
import { suggestion } from "./suggestion.js";

/** What the settings of a train block are checked against. */
export interface TrainedModel {
  readonly name: string;
  readonly origin: Span;
  readonly latents: readonly TrainedLatent[];
  readonly observed: readonly TrainedColumn[];
  /** False where the model or its guide has errors: then checks that would follow from these stay silent. */
  readonly sound: boolean;
  /** The reverse of a noising chain: its objective has weights over steps, and none of the options of latents. */
  readonly diffusion?: { readonly learntVariance: boolean };
}

export interface TrainedColumn {
  readonly name: string;
  readonly origin: Span;
  readonly partly: boolean;
  /** How the guide infers it where it is missing. */
  readonly guided?: TrainedLatent["guided"];
  readonly guideOrigin?: Span;
}

export interface TrainedLatent {
  readonly name: string;
  readonly scope: "row" | "global";
  readonly origin: Span;
  /** How the guide infers it. */
  readonly guided: "point" | "distribution" | "auto" | "marginalized" | "unknown";
  readonly guideOrigin?: Span;
  /** Drawn in a chain. */
  readonly chained?: boolean;
}

/** Options of `elbo`. */
export const optionNames = ["beta", "samples", "free_bits", "anneal", "supervision", "balance", "overshooting", "gradient"] as const;
export type OptionName = (typeof optionNames)[number];

/** Those of the bound of a diffusion. */
export const diffusionOptionNames = ["weight", "timesteps", "hybrid"] as const;

const ranges: Readonly<Record<Exclude<OptionName, "anneal" | "gradient">, NumberRange>> = {
  beta: { atLeast: 0 },
  samples: { whole: true, atLeast: 1 },
  free_bits: { atLeast: 0 },
  supervision: { atLeast: 0 },
  balance: { atLeast: 0, atMost: 1 },
  overshooting: { whole: true, atLeast: 1 },
};

export const objectiveNames = ["elbo", "likelihood", "posterior"] as const;
const aliases: Readonly<Record<string, (typeof objectiveNames)[number]>> = { map: "posterior" };

/** The objective of a model whose train block does not name one. */
export function defaultObjective(model: TrainedModel): TrainingObjective {
  return {
    kind: model.latents.length > 0 || model.observed.some(({ partly }) => partly) ? "elbo" : "likelihood",
    samples: 1,
    beta: 1,
    freeBits: 0,
    anneal: { steps: 0, cycles: 1 },
    supervision: 0,
    constraints: [],
    origin: model.origin,
  };
}

/** `maximize elbo(beta = 4) subject to kl(z) <= 20`. */
export function readObjective(context: Context, statement: ast.MaximizeStatement, model: TrainedModel): TrainingObjective {
  const fallback = { ...defaultObjective(model), origin: statement.span };
  const choice = readChoice(statement.objective);
  const kind = objectiveNames.find((name) => name === choice?.name) ?? (choice && Object.hasOwn(aliases, choice.name) ? aliases[choice.name] : undefined);
  if (!choice || !kind) {
    if (!isMissing(statement.objective)) {
      context.error({
        code: "LVM5001",
        message: choice ? `unknown objective \`${choice.name}\`` : "this is not an objective",
        span: choice?.nameSpan ?? statement.objective.span,
        label: choice ? "unknown" : "an objective is expected here",
        notes: [`the objectives are ${list(objectiveNames)}`],
        help: (choice && suggestion(choice.name, objectiveNames)) ?? `write \`maximize ${fallback.kind}\``,
        fixes: (choice && correction(choice.nameSpan, choice.name, objectiveNames)) ?? [unasked(replacement(statement.objective.span, fallback.kind))],
      });
    }
    return fallback;
  }
  const given = assignOptions(context, choice, kind !== "elbo" ? [] : model.diffusion ? diffusionOptionNames : optionNames, 0);
  const timesteps = given.get("timesteps");
  const gradient = given.get("gradient");
  const number = (name: keyof typeof ranges, otherwise: number): number => {
    const argument = given.get(name);
    return argument ? (readNumber(context, name, argument.value, ranges[name]) ?? otherwise) : otherwise;
  };
  const anneal = given.get("anneal");
  const ahead = number("overshooting", 1);
  const objective: TrainingObjective = {
    kind,
    samples: number("samples", 1),
    beta: number("beta", 1),
    freeBits: number("free_bits", 0),
    anneal: anneal ? readAnneal(context, anneal.value) : { steps: 0, cycles: 1 },
    supervision: number("supervision", 0),
    ...(given.has("balance") ? { balance: number("balance", 0.5) } : {}),
    ...(ahead > 1 ? { overshooting: ahead } : {}),
    ...(gradient && readGradient(context, gradient.value) === "path" ? { gradient: "path" } : {}),
    ...(timesteps && readTimesteps(context, timesteps.value) === "importance" ? { timesteps: "importance" } : {}),
    ...weighing(context, given, model),
    constraints: statement.constraints.flatMap((constraint) => readConstraint(context, constraint, model) ?? []),
    origin: statement.span,
  };
  checkKind(context, objective, choice, model);
  if (model.diffusion && kind === "elbo" && statement.constraints[0]) {
    const { span } = statement.constraints[0];
    context.error({ code: "LVM5008", message: "the terms of a diffusion's bound cannot be bounded", span, label: "a bound on a term", related: [{ span: model.origin, text: `\`${model.name}\` is a diffusion: its terms are sums over steps of one network's errors` }], help: "remove the constraint", fixes: [withoutConstraints(statement)] });
  }
  if (kind === "elbo") checkCombination(context, objective, given, statement, model);
  else if (statement.constraints.length > 0) {
    context.error({
      code: "LVM5008",
      message: `\`subject to\` needs the terms of the ELBO`,
      span: statement.constraints[0]!.span,
      label: "a bound on a term",
      related: [{ span: choice.nameSpan, text: `\`${choice.name}\` has no such terms` }],
      help: "write `maximize elbo subject to …`, or remove the constraint",
      fixes: [withoutConstraints(statement)],
    });
  }
  return objective;
}

/** `total` or `path`. */
function readGradient(context: Context, expression: ast.Expression): "total" | "path" | undefined {
  const name = readChoice(expression)?.name;
  if (name === "total" || name === "path") return name;
  context.error({ code: "LVM5028", message: "this is no gradient of the bound", span: expression.span, label: "unknown", help: "write `gradient = total` (the default) or `gradient = path`: that of the draws alone, without variance where the guide is the posterior (Roeder et al. 2017)", fixes: oneOf(expression, ["total", "path"]) });
  return undefined;
}

/** `bound`, `simple`, `min_snr(5)`: how the steps of a diffusion are weighed. */
function readWeight(context: Context, expression: ast.Expression): TrainingObjective["weight"] {
  const choice = readChoice(expression);
  if (choice?.name === "bound" || choice?.name === "simple") return { kind: choice.name };
  if (choice?.name === "min_snr") {
    const gamma = assignOptions(context, choice, ["gamma"], 1).get("gamma");
    const value = gamma ? readNumber(context, "gamma", gamma.value, { above: 0 }) : 5;
    return { kind: "min_snr", gamma: value ?? 5 };
  }
  context.error({ code: "LVM5028", message: "this is no weight of a diffusion's steps", span: expression.span, label: "unknown", help: "write `weight = bound` (the default: the bound itself), `weight = simple` (Ho et al. 2020) or `weight = min_snr(5)` (Hang et al. 2023)", fixes: oneOf(expression, ["bound", "simple", "min_snr(5)"]) });
  return undefined;
}

/** The weight of the steps, and the share of the bound that trains a learnt variance beside it. */
function weighing(context: Context, given: ReadonlyMap<string, ast.Argument>, model: TrainedModel): Pick<TrainingObjective, "weight" | "hybrid"> {
  const [written, hybrid] = [given.get("weight"), given.get("hybrid")];
  const weight = written && readWeight(context, written.value);
  const read: Pick<TrainingObjective, "weight"> = written ? { weight } : {};
  const isBound = !weight || weight.kind === "bound";
  if (!hybrid) return model.diffusion?.learntVariance && !isBound ? { ...read, hybrid: defaultHybrid } : read;
  const share = readNumber(context, "hybrid", hybrid.value, { above: 0 });
  const refuse = (message: string, label: string, at: Span, text: string): Pick<TrainingObjective, "weight"> => {
    context.error({ code: "LVM4067", message, span: hybrid.span, label, related: [{ span: at, text }], help: "remove `hybrid`", fixes: [without(hybrid)] });
    return read;
  };
  if (!model.sound) return read;
  if (!model.diffusion?.learntVariance) return refuse("`hybrid` trains a learnt variance, and this one is fixed", "nothing to train", model.origin, `\`${model.name}\` has no \`variance = …\` that a network says`);
  if (written && !weight) return read;
  return isBound ? refuse("the bound itself is trained, which has the variance in it", "nothing to add", written?.span ?? model.origin, written ? "the bound" : "no `weight` is given: then it is the bound") : { ...read, hybrid: share ?? defaultHybrid };
}

/** λ of Nichol & Dhariwal 2021. */
const defaultHybrid = 0.001;

/** `uniform` or `importance`. */
function readTimesteps(context: Context, expression: ast.Expression): "uniform" | "importance" | undefined {
  const name = readChoice(expression)?.name;
  if (name === "uniform" || name === "importance") return name;
  context.error({ code: "LVM5028", message: "this is no way to draw the steps of a diffusion", span: expression.span, label: "unknown", help: "write `timesteps = uniform` (the default) or `timesteps = importance`: steps that count more are drawn more often, and weigh the less", fixes: oneOf(expression, ["uniform", "importance"]) });
  return undefined;
}

/** `1000`, or `cyclical(1000, 4)`: four cycles within 1000 steps, as T and M of Fu et al. 2019. */
function readAnneal(context: Context, expression: ast.Expression): TrainingObjective["anneal"] {
  const choice = readChoice(expression);
  if (choice?.name !== "cyclical") {
    return { steps: readNumber(context, "anneal", expression, { whole: true, atLeast: 0 }) ?? 0, cycles: 1 };
  }
  const given = assignOptions(context, choice, ["steps", "cycles"], 2);
  const read = (name: string, otherwise: number): number => {
    const argument = given.get(name);
    return argument ? (readNumber(context, name, argument.value, { whole: true, atLeast: 1 }) ?? otherwise) : otherwise;
  };
  if (!given.has("steps")) {
    context.error({
      code: "LVM5014",
      message: "`cyclical` needs `steps`",
      span: choice.span,
      label: "the length of the whole schedule is not given",
      help: "write for example `anneal = cyclical(1000, 4)`: four cycles of 250 steps each",
      fixes: choice.args.length === 0 ? [replacement(choice.span, "cyclical(1000, 4)")] : undefined,
    });
  }
  return { steps: read("steps", 0), cycles: read("cycles", 4) };
}

/** The objective against the latents of the model. */
function checkKind(context: Context, objective: TrainingObjective, choice: Choice, model: TrainedModel): void {
  if (!model.sound) return;
  if (objective.kind === "likelihood") {
    const latent = model.latents.find(({ guided }) => guided !== "marginalized");
    const missing = model.observed.find(({ partly, guided }) => partly && guided !== undefined && guided !== "marginalized");
    const hidden = latent ?? missing;
    if (!hidden) return;
    context.error({
      code: "LVM5006",
      message: `the likelihood of \`${model.name}\` is ${latent ? "an integral over" : "a sum over the missing values of"} \`${hidden.name}\``,
      span: choice.nameSpan,
      label: "this is exact only without latents",
      related: [{ span: hidden.origin, text: latent ? `\`${hidden.name}\` is a latent` : `\`${hidden.name}\` is missing in some rows` }],
      help: "write `maximize elbo`, a bound on it",
      fixes: [replacement(choice.nameSpan, "elbo", "Maximize the ELBO")],
    });
    return;
  }
  if (model.latents.length === 0 && !model.observed.some(({ partly }) => partly)) {
    context.error({
      code: "LVM5007",
      message: `\`${model.name}\` has no latent, so there is no ${objective.kind === "elbo" ? "bound to maximize" : "posterior to search"}`,
      span: choice.nameSpan,
      label: "this needs a latent",
      related: [{ span: model.origin, text: "the model draws only observed columns" }],
      help: "write `maximize likelihood`",
      fixes: [{ title: "Maximize the likelihood", edits: [{ span: choice.nameSpan, text: "likelihood" }] }],
    });
    return;
  }
  if (objective.kind !== "posterior") return;
  const latent = model.latents.find(({ guided }) => guided === "distribution");
  const wide = latent ?? model.observed.find(({ guided }) => guided === "distribution");
  if (!wide) return;
  context.error({
    code: "LVM5016",
    message: `\`maximize ${choice.name}\` looks for a point, and the guide of \`${wide.name}\` is a distribution`,
    span: choice.nameSpan,
    label: "the most probable latents",
    related: [{ span: wide.guideOrigin ?? wide.origin, text: `\`${wide.name}\` is drawn here` }],
    help: `${latent ? `guide \`${wide.name}\` with \`auto mean_field ${wide.name}\` or a \`Delta\`` : `write \`marginalize ${wide.name}\` in the guide`}, or write \`maximize elbo\``,
    fixes: [unasked(replacement(choice.nameSpan, "elbo", "Maximize the ELBO"))],
  });
}

/** `gradient = path` takes the densities at the draw: no option that acts on a closed KL goes with it, and no automatic guide, whose entropy is closed. */
function checkPath(context: Context, objective: TrainingObjective, given: ReadonlyMap<string, ast.Argument>, model: TrainedModel): void {
  const path = given.get("gradient");
  if (!path || objective.gradient !== "path" || objective.samples > 1) return;
  const other = (["free_bits", "balance", "overshooting"] as const).map((name) => given.get(name)).find((argument) => argument !== undefined);
  const auto = model.latents.find(({ guided }) => guided === "auto");
  if (!other && !(auto && model.sound)) return;
  context.error({
    code: "LVM5008",
    message: other ? `\`gradient = path\` leaves no closed KL for \`${other.name?.name ?? "this"}\` to act on` : `\`gradient = path\` needs the guide's density at the draw, and the entropy of \`auto\` is taken in closed form`,
    span: path.span,
    label: "both densities stand at the draw",
    related: other ? [{ span: other.span, text: "this acts on a KL in closed form" }] : [{ span: auto!.guideOrigin ?? auto!.origin, text: `\`${auto!.name}\` is in an automatic guide` }],
    help: other ? "remove one of the two" : `remove \`gradient\`, or guide \`${auto!.name}\` with a distribution`,
    fixes: [...(other ? [other] : []), path].map(without),
  });
}

function checkCombination(
  context: Context,
  objective: TrainingObjective,
  given: ReadonlyMap<string, ast.Argument>,
  statement: ast.MaximizeStatement,
  model: TrainedModel,
): void {
  const samples = given.get("samples");
  if (samples && objective.samples > 1) {
    const other = (["beta", "free_bits", "anneal", "balance", "overshooting", ...(objective.gradient === "path" ? (["gradient"] as const) : [])] as const).map((name) => given.get(name)).find((argument) => argument !== undefined);
    if (other) {
      context.error({
        code: "LVM5008",
        message: `\`samples = ${objective.samples}\` leaves no KL term for \`${other.name?.name ?? "this"}\` to act on`,
        span: other.span,
        label: "this weighs a KL term",
        related: [{ span: samples.span, text: "importance weighting makes the bound one logarithm" }],
        help: "remove one of the two",
        fixes: [other, samples].map(without),
      });
    } else if (statement.constraints.length > 0) {
      context.error({
        code: "LVM5008",
        message: `\`samples = ${objective.samples}\` leaves no term that could be bounded`,
        span: statement.constraints[0]!.span,
        label: "a bound on a term",
        related: [{ span: samples.span, text: "importance weighting makes the bound one logarithm" }],
        help: "remove one of the two",
        fixes: [without(samples)],
      });
    }
    const wide = model.latents.find(({ scope }) => scope === "global");
    if (wide && model.sound) {
      context.error({
        code: "LVM5008",
        message: `importance weighting is per row, and \`${wide.name}\` is shared by all rows`,
        span: samples.span,
        label: "several samples for each row",
        related: [{ span: wide.origin, text: `\`${wide.name}\` is global` }],
        help: "remove `samples`, or make the latent a parameter: `param`",
        fixes: [without(samples)],
      });
    }
  }
  checkPath(context, objective, given, model);
  const overshooting = given.get("overshooting");
  if (overshooting && objective.overshooting !== undefined && model.sound && !model.latents.some(({ chained }) => chained)) {
    context.error({
      code: "LVM5025",
      message: `\`overshooting\` predicts along a chain, and \`${model.name}\` has no latent chain`,
      span: overshooting.span,
      label: "nothing to predict",
      related: [{ span: model.origin, text: "no latent of it is drawn in a `chain`" }],
      help: "remove `overshooting`, or draw a latent in a chain: `chain t in 2..T { z[t] ~ …(z[t-1]) }`",
      fixes: [without(overshooting)],
    });
  }
  const supervision = given.get("supervision");
  const summed = model.observed.find(({ partly, guided }) => partly && guided === "marginalized");
  if (supervision && model.sound && summed && model.observed.every(({ partly, guided }) => !partly || guided === "marginalized")) {
    context.error({
      code: "LVM5009",
      message: `\`supervision\` weighs log q of \`${summed.name}\`, and the guide has no q for it`,
      span: supervision.span,
      label: "there is nothing to weigh",
      related: [{ span: summed.guideOrigin ?? summed.origin, text: "summed out here" }],
      help: `draw it in the guide: \`${summed.name} ~ …\`, or remove \`supervision\``,
      fixes: [without(supervision)],
    });
  } else if (supervision && model.sound && !model.observed.some(({ partly }) => partly)) {
    context.error({
      code: "LVM5009",
      message: `\`supervision\` needs a partly observed column, and \`${model.name}\` has none`,
      span: supervision.span,
      label: "this weighs log q of a column's known values",
      related: [{ span: model.origin, text: "every column is known in all rows" }],
      help: "mark the column with `?`: `y: index(10)?`, or remove `supervision`",
      fixes: [without(supervision)],
    });
  }
}

/** The value that was probably meant, or each of the few that there are. */
function oneOf(given: ast.Expression, values: readonly string[]): readonly Fix[] {
  return (given.kind === "name" ? correction(given.span, given.name, values) : undefined) ?? values.map((value) => unasked(replacement(given.span, value)));
}

function withoutConstraints({ objective, constraints }: ast.MaximizeStatement): Fix {
  return unasked({ title: "Remove `subject to …`", edits: [{ span: { ...objective.span, start: objective.span.end, end: constraints.at(-1)!.span.end }, text: "" }] });
}

/** An option of two that do not go together is left out. */
function without(option: ast.Argument): Fix {
  return unasked(removalFromList(option.span, `Remove \`${option.name?.name ?? "this"}\``));
}

/** `kl(z) <= 12`, `reconstruction(x) >= -80`, either way round. */
function readConstraint(context: Context, expression: ast.Expression, model: TrainedModel): Constraint | undefined {
  if (isMissing(expression)) return undefined;
  const malformed = (span: Span, label: string): undefined => {
    context.error({
      code: "LVM5011",
      message: "this is not a constraint on a term",
      span,
      label,
      help: "write for example `kl(z) <= 12` or `reconstruction(x) >= -80`, in nats per row",
    });
    return undefined;
  };
  if (expression.kind === "parenthesized") return readConstraint(context, expression.expression, model);
  if (expression.kind !== "binary") return malformed(expression.span, "a comparison is expected here");
  if (isMissing(expression.left) || isMissing(expression.right)) return undefined;
  const left = readTerm(expression.left);
  const right = readTerm(expression.right);
  const flipped = !left && right !== undefined;
  const term = left ?? right;
  if (!term) return malformed(expression.left.span, "`kl(…)` or `reconstruction(…)` is expected here");
  const operator = expression.operator;
  if (operator !== "<=" && operator !== ">=" && operator !== "<" && operator !== ">") return malformed(expression.span, "`<=` or `>=` is expected between the term and its bound");
  const atMost = operator.startsWith("<") !== flipped;
  const bound = readNumber(context, "the bound", flipped ? expression.left : expression.right, term.term === "kl" ? { above: 0 } : {});
  if (term.site === undefined) return malformed(term.span, `\`${term.term}\` takes one site by name`);
  const candidates = term.term === "kl" ? model.latents.filter(({ guided }) => guided !== "marginalized").map(({ name }) => name) : model.observed.map(({ name }) => name);
  const site = candidates.find((name) => name === term.site?.name);
  if (site === undefined) {
    if (!model.sound) return undefined;
    const marginalized = model.latents.find(({ name, guided }) => name === term.site?.name && guided === "marginalized");
    context.error({
      code: "LVM5012",
      message: term.term === "kl" ? `there is no KL term of \`${term.site.name}\`` : `there is no reconstruction term of \`${term.site.name}\``,
      span: term.site.span,
      label: marginalized ? "this latent is summed out" : term.term === "kl" ? "not a latent of the model" : "not an observed column",
      related: [{ span: marginalized?.guideOrigin ?? model.origin, text: marginalized ? "marginalized here" : `the model \`${model.name}\`` }],
      notes: [candidates.length > 0 ? `${term.term === "kl" ? "the latents are" : "the observed columns are"} ${list(candidates)}` : "there is none"],
      help: suggestion(term.site.name, candidates) ?? (candidates.length > 0 ? `write \`${term.term}(${candidates[0]})\`` : "remove the constraint"),
      fixes: correction(term.site.span, term.site.name, candidates) ?? (candidates.length === 1 ? [unasked(replacement(term.site.span, candidates[0]!))] : undefined),
    });
    return undefined;
  }
  if (bound === undefined) return undefined;
  return { term: term.term, site, relation: atMost ? "<=" : ">=", bound, origin: expression.span };
}

function readTerm(expression: ast.Expression): { readonly term: Constraint["term"]; readonly site?: ast.NameExpression; readonly span: Span } | undefined {
  const choice = expression.kind === "call" ? readChoice(expression) : undefined;
  if (!choice || (choice.name !== "kl" && choice.name !== "reconstruction")) return undefined;
  const only = choice.args.length === 1 ? choice.args[0] : undefined;
  return { term: choice.name, site: only && !only.name && only.value.kind === "name" ? only.value : undefined, span: choice.span };
}
