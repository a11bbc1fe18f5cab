import { valuesOverLoop } from "../affine.js";
import { suggest } from "../../diagnostics/suggest.js";
import { textOf, type Span } from "../../diagnostics/span.js";
import type { Fix } from "../../diagnostics/diagnostic.js";
import { choice, removalFromList, replacement } from "../../diagnostics/fix.js";
import type * as ast from "../../parser/ast.js";
import type { ArgumentFacts, Distribution, ParameterSpec } from "../../distributions/distribution.js";
import { distributionNames, type DistributionName } from "../../distributions/names.js";
import { distributions } from "../../distributions/registry.js";
import type { DistributionCall, Expr } from "../../ir/model/model.js";
import { exprsWithin } from "../../ir/model/walk.js";
import { printSupport, type Support } from "../../types/support.js";
import { printType, sizeOf, type Size, type Type } from "../../types/type.js";
import type { Context } from "../context.js";
import type { Scope } from "../scope.js";
import { mendSupport } from "../shape-messages.js";
import { accepts } from "./accepts.js";
import { requireNumber, unknownArgument } from "./arguments.js";
import { fitShapes } from "./distribution-shapes.js";
import { elaborate } from "./elaborate.js";
import { describeEntity, numberExpr, resolve } from "./names.js";

/** The site that a distribution is for, when its type is known. */
export interface DeclaredSite {
  readonly type: Type;
  readonly name: string;
  /** The declaration that fixed the type. */
  readonly declared: Span;
}

const habits: Readonly<Record<string, string>> = {
  n: "Normal", gaussian: "Normal", norm: "Normal", gauss: "Normal", ber: "Bernoulli", bern: "Bernoulli", cat: "Categorical", discrete: "Categorical", softmax: "Categorical",
  mvn: "MultivariateNormal", mvnormal: "MultivariateNormal", multinormal: "MultivariateNormal", multivariategaussian: "MultivariateNormal", multivariate_normal: "MultivariateNormal", exp: "Exponential", expon: "Exponential", unif: "Uniform",
  t: "StudentT", studentst: "StudentT", student: "StudentT", student_t: "StudentT", point: "Delta", pointmass: "Delta", dirac: "Delta", deterministic: "Delta", invgamma: "InverseGamma", inverse_gamma: "InverseGamma", bin: "Binomial", pois: "Poisson",
  negbinomial: "NegativeBinomial", nb: "NegativeBinomial", truncnormal: "TruncatedNormal", half_normal: "HalfNormal", half_cauchy: "HalfCauchy", lognorm: "LogNormal", dir: "Dirichlet", mixturesamefamily: "Mixture",
};

const hints: Readonly<Record<string, string>> = {
  multinomial: "for one draw use `Categorical`; counts of several draws are that many `Categorical` draws",
  wishart: "give the factor's entries priors of their own, and the type `cholesky[K]`",
  lkj: "give the factor's entries priors of their own, and the type `cholesky[K]`",
  flat: "use a wide prior: `Normal(0, 100)`",
};

const isDistribution = (name: string): name is DistributionName => (distributionNames as readonly string[]).includes(name);

/**
 * The distribution on the right of a `~`, with its parameterization chosen, every argument's support and shape checked, and the type of a draw
 * (before scalars broadcast over the declared type). Whether that type's *support* fits the site is the caller's question; shapes agree with `declared`.
 * Undefined (reported) where there is a mistake.
 */
export function elaborateDistribution(context: Context, scope: Scope, expression: ast.Expression, declared?: DeclaredSite): DistributionCall | undefined {
  return elaborateCall(context, scope, expression, declared, undefined);
}

/** `components`: the number of components, when this is one of a mixture's. */
function elaborateCall(context: Context, scope: Scope, expression: ast.Expression, declared: DeclaredSite | undefined, components: Size | undefined): DistributionCall | undefined {
  if (expression.kind === "missing") return undefined;
  if (expression.kind === "parenthesized") return elaborateCall(context, scope, expression.expression, declared, components);
  const distribution = named(context, scope, expression);
  if (!distribution || expression.kind !== "call") return undefined;
  context.hover.set(expression.callee, { span: expression.callee.span, what: "distribution", name: distribution.name, doc: distribution.doc });
  const given = chooseParameters(context, distribution, expression);
  const elaborated = expression.args.map((argument) => ({ argument, spec: given?.find((entry) => entry.argument === argument)?.spec }));
  const exprs = new Map<string, Expr>();
  const spans = new Map<string, ast.Argument>();
  let fine = given !== undefined;
  let component: ast.Argument | undefined;
  for (const { argument, spec } of elaborated) {
    if (spec?.distribution) {
      component = argument;
      continue;
    }
    // Without a parameterization the arguments are still looked at: their own mistakes are others.
    if (!spec && isDistributionExpression(argument.value)) continue;
    const expr = elaborate(context, scope, argument.value);
    if (!expr) fine = false;
    else if (spec && !fitSupport(context, distribution, spec, expr, argument, given?.map((entry) => entry.spec) ?? [])) fine = false;
    else if (spec) {
      exprs.set(spec.name, expr);
      spans.set(spec.name, argument);
    }
  }
  if (!fine || !given) return undefined;
  for (const { spec, argument } of given) {
    if (!argument && spec.default !== undefined) exprs.set(spec.name, numberExpr(spec.default, expression.callee.span));
  }
  if (!boundsInOrder(context, distribution, exprs)) return undefined;
  const shapes = fitShapes(context, { distribution, exprs, declared, components, span: expression.span });
  if (!shapes) return undefined;
  const args: Record<string, Expr | DistributionCall> = Object.fromEntries(exprs);
  const supports: Record<string, Support> = Object.fromEntries([...exprs].map(([name, expr]) => [name, expr.type.support]));
  let { shape } = shapes;
  const spec = given.find((entry) => entry.spec.distribution)?.spec;
  if (component && spec) {
    const inner = elaborateComponent(context, scope, component.value, declared, shapes.vector);
    if (!inner) return undefined;
    args[spec.name] = inner;
    supports[spec.name] = inner.type.support;
    shape = inner.type.shape.slice(1);
  }
  const facts: ArgumentFacts = {
    constants: Object.fromEntries([...exprs].flatMap(([name, expr]) => (expr.kind === "number" ? [[name, expr.value]] : []))),
    lastSizes: lastSizes(distribution, exprs, shapes.vector, declared),
    supports,
  };
  const support = distribution.support(facts);
  if (!fitCategories(context, distribution, support, exprs, declared, components)) return undefined;
  const type: Type = { support, shape };
  context.hover.set(expression, { span: expression.span, what: "distribution", name: distribution.name, type, doc: distribution.doc });
  return { distribution: distribution.name, args, type, origin: expression.span };
}

/** The distribution that an expression calls. */
function named(context: Context, scope: Scope, expression: ast.Expression): Distribution | undefined {
  if (expression.kind === "call" && expression.callee.kind === "missing") return undefined;
  const name = expression.kind === "call" && expression.callee.kind === "name" ? expression.callee.name : expression.kind === "name" ? expression.name : undefined;
  const span = expression.kind === "call" ? expression.callee.span : expression.span;
  if (name === undefined) {
    context.error({ code: "LVM3001", message: "a distribution is needed after `~`", span, label: "this is a value", help: `for a value without randomness write \`=\`, or draw around it: \`Normal(${shorten(textOf(span))}, 1)\``, fixes: drawnAround(span) });
    return undefined;
  }
  if (isDistribution(name)) {
    if (expression.kind === "call") return distributions[name];
    context.error({ code: "LVM3007", message: `\`${name}\` needs its parameters`, span, label: "not called", help: `write \`${usage(distributions[name])}\`` });
    return undefined;
  }
  const entity = resolve(context, scope, name);
  if (entity?.kind === "broken") return undefined;
  if (entity) {
    context.error({ code: "LVM3001", message: "a distribution is needed after `~`", span, label: `\`${name}\` is ${describeEntity(entity)}`, related: [{ span: entity.declared, text: "declared here" }], help: `for a value without randomness write \`=\`, or draw around it: \`Normal(${shorten(textOf(expression.span))}, 1)\``, fixes: drawnAround(expression.span) });
    return undefined;
  }
  const lower = name.toLowerCase();
  const hint = Object.hasOwn(hints, lower) ? hints[lower] : undefined;
  const sameLetters = distributionNames.find((each) => each.toLowerCase() === lower.replace(/_/g, ""));
  const similar = sameLetters ?? (Object.hasOwn(habits, lower) ? habits[lower] : undefined) ?? (hint ? undefined : suggest(name, distributionNames));
  context.error({
    code: "LVM2005",
    message: `unknown distribution \`${name}\``,
    span,
    label: "no distribution of this name",
    help: hint ?? (similar ? `did you mean \`${similar}\`?` : `distributions: ${distributionNames.slice(0, 6).map((each) => `\`${each}\``).join(", ")} …`),
    fixes: similar ? [{ title: `Change to \`${similar}\``, edits: [{ span, text: similar }] }] : undefined,
  });
  return undefined;
}

/** A Normal of width 1 around a value. */
function drawnAround(span: Span): readonly Fix[] {
  return [choice(replacement(span, `Normal(${textOf(span)}, 1)`))];
}

const shorten = (text: string): string => (text.length > 30 ? "…" : text.replace(/\s+/g, " "));

function usage(distribution: Distribution): string {
  return `${distribution.name}(${(distribution.parameterizations[0] ?? []).join(", ")})`;
}

function usages(distribution: Distribution): string {
  return distribution.parameterizations.map((names) => `\`${distribution.name}(${names.join(", ")})\``).join(", ");
}

function isDistributionExpression(expression: ast.Expression): boolean {
  return expression.kind === "call" && expression.callee.kind === "name" && isDistribution(expression.callee.name);
}

interface Given {
  readonly spec: ParameterSpec;
  readonly argument?: ast.Argument;
}

/** Arguments by parameter, in the order of the parameterization that they name; positions are those of the first one. */
function chooseParameters(context: Context, distribution: Distribution, call: ast.CallExpression): readonly Given[] | undefined {
  const order = distribution.parameterizations[0] ?? [];
  const given = new Map<string, ast.Argument>();
  let at = 0;
  for (const argument of call.args) {
    if (!argument.name) while (given.has(order[at] ?? "")) at += 1;
    const name = argument.name?.name ?? order[at];
    if (name === undefined) {
      context.error({ code: "LVM3007", message: `too many arguments for \`${distribution.name}\``, span: argument.span, label: `it takes ${order.length}`, notes: [`ways to write it: ${usages(distribution)}`], help: `write \`${usage(distribution)}\``, fixes: [choice(removalFromList(argument.span, "Remove this argument"))] });
      return undefined;
    }
    const known = distribution.parameters.map((spec) => spec.name);
    if (argument.name && !known.includes(name)) {
      unknownParameter(context, distribution, argument.name, known);
      return undefined;
    }
    const earlier = given.get(name);
    if (earlier) {
      context.error({ code: "LVM3007", message: `\`${name}\` is given twice`, span: argument.span, label: "the second time", related: [{ span: earlier.span, text: "the first" }], help: "remove one of them", fixes: [choice(removalFromList(argument.span, "Remove the second")), choice(removalFromList(earlier.span, "Remove the first"))] });
      return undefined;
    }
    given.set(name, argument);
  }
  const specOf = (name: string): ParameterSpec | undefined => distribution.parameters.find((spec) => spec.name === name);
  const fitting = distribution.parameterizations.filter((names) => [...given.keys()].every((name) => names.includes(name)));
  const missing = (names: readonly string[]): readonly string[] => names.filter((name) => !given.has(name) && specOf(name)?.default === undefined);
  const whole = fitting.find((names) => missing(names).length === 0);
  if (whole) {
    return whole.flatMap((name) => {
      const spec = specOf(name);
      return spec ? [{ spec, argument: given.get(name) }] : [];
    });
  }
  const [closest] = [...fitting].sort((left, right) => missing(left).length - missing(right).length);
  if (closest) {
    const lacking = missing(closest);
    context.error({
      code: "LVM3007",
      message: `\`${distribution.name}\` needs ${lacking.map((name) => `\`${name}\``).join(" and ")}`,
      span: call.span,
      label: lacking.length > 1 ? "parameters are missing" : "a parameter is missing",
      notes: [`ways to write it: ${usages(distribution)}`],
      help: `add ${lacking.map((name) => `\`${name} = …\` (${specOf(name)?.doc ?? ""})`).join(", ")}`,
      fixes: addedParameters(call, lacking.map((name) => specOf(name))),
    });
    return undefined;
  }
  const names = [...given.keys()];
  const clashing = names.find((name, place) => place > 0 && !distribution.parameterizations.some((set) => names.slice(0, place + 1).every((each) => set.includes(each)))) ?? names[names.length - 1] ?? "";
  const against = names.find((name) => name !== clashing && !distribution.parameterizations.some((set) => set.includes(name) && set.includes(clashing))) ?? names[0] ?? "";
  const culprit = given.get(clashing);
  const other = given.get(against);
  context.error({
    code: "LVM3009",
    message: `\`${against}\` and \`${clashing}\` do not go together`,
    span: culprit?.span ?? call.span,
    label: `\`${clashing}\` here`,
    related: other ? [{ span: other.span, text: `\`${against}\` here` }] : [],
    notes: [`ways to write it: ${usages(distribution)}`],
    help: "use the parameters of one of these",
  });
  return undefined;
}

/** Middling values for the parameters that are missing, by name: 1 where they are positive, 0 where they are real. */
function addedParameters(call: ast.CallExpression, lacking: readonly (ParameterSpec | undefined)[]): readonly Fix[] | undefined {
  const written = lacking.map((spec) => {
    const value = spec && spec.eventRank === 0 ? { real: "0", positive: "1", nonnegative: "1", unit: "0.5" }[spec.support.kind as string] : undefined;
    return value === undefined ? undefined : `${spec!.name} = ${value}`;
  });
  if (written.length === 0 || written.some((each) => each === undefined)) return undefined;
  const last = call.args.at(-1);
  const text = written.join(", ");
  const at = last ? last.span.end : call.span.end - 1;
  return [choice({ title: `Add \`${text}\``, edits: [{ span: { ...call.span, start: at, end: at }, text: last ? `, ${text}` : text }] })];
}

const parameterHabits: Readonly<Record<string, readonly string[]>> = {
  mu: ["mean", "location"], loc: ["mean", "location"], location: ["mean"], center: ["mean"], sigma: ["scale"], sd: ["scale"], std: ["scale"], stddev: ["scale"], stdev: ["scale"], var: ["variance"], p: ["probs"], prob: ["probs"], probability: ["probs"],
  probabilities: ["probs"], logit: ["logits"], alpha: ["concentration", "shape"], lambda: ["rate"], lam: ["rate"], n: ["total"], df: ["degrees"], nu: ["degrees"], cov: ["covariance"], a: ["low"], b: ["high"], min: ["low"], max: ["high"], logsigma: ["log_scale"],
};

function unknownParameter(context: Context, distribution: Distribution, name: ast.Identifier, known: readonly string[]): void {
  const habit = (Object.hasOwn(parameterHabits, name.name) ? parameterHabits[name.name] : undefined)?.find((each) => known.includes(each));
  if (!habit) {
    unknownArgument(context, distribution.name, name, known, `write ${usages(distribution)}`);
    return;
  }
  context.error({
    code: "LVM2011",
    message: `\`${distribution.name}\` has no parameter \`${name.name}\``,
    span: name.span,
    label: "not one of its parameters",
    notes: [`ways to write it: ${usages(distribution)}`],
    help: `did you mean \`${habit}\`?`,
    fixes: [{ title: `Change to \`${habit}\``, edits: [{ span: name.span, text: habit }] }],
  });
}

function fitSupport(context: Context, distribution: Distribution, spec: ParameterSpec, expr: Expr, argument: ast.Argument, chosen: readonly ParameterSpec[]): boolean {
  if (distribution.name === "Delta") return true;
  if (!requireNumber(context, expr, distribution.name)) return false;
  if (spec.constant && expr.kind !== "number") {
    context.error({ code: "LVM3002", message: `\`${spec.name}\` of \`${distribution.name}\` must be a constant`, span: argument.value.span, label: "this is computed", help: `write a number or a \`const\`: \`${spec.name} = 256\`` });
    return false;
  }
  if (accepts(spec.support, expr) || (spec.support.kind === "positive" && isPositiveEverywhere(spec, expr))) return true;
  const steps = spec.support.kind === "positive" && expr.type.shape.length === 0 ? valuesOverLoop(expr) : undefined;
  const bad = steps?.findIndex((value) => !(value > 0)) ?? -1;
  const mend = bad >= 0 ? { help: `choose numbers that are ${printSupport(spec.support)} at every step` } : mendArgument(distribution, spec, expr, argument, chosen);
  context.error({
    code: "LVM3014",
    message: `\`${spec.name}\` of \`${distribution.name}\` must be ${spec.support.kind === "simplex" ? "on the simplex" : printSupport(spec.support)}`,
    span: argument.value.span,
    label: expr.kind === "number" ? `this is ${expr.value}` : bad >= 0 ? `this is ${steps![bad]!} at step ${bad + 1} of the loop` : `this is ${printType(expr.type)}`,
    notes: [`\`${spec.name}\`: ${spec.doc}`],
    help: mend.help,
    fixes: mend.fixes,
  });
  return false;
}

/** A constant array that is positive, or a scalar that constants make positive at every step of its loop, `1 - alpha[t]`. A schedule in continuous time has a check of its own. */
function isPositiveEverywhere(spec: ParameterSpec, expr: Expr): boolean {
  if (spec.eventRank === 1) return expr.kind === "constant" && expr.values.every((value) => value > 0);
  if ([...exprsWithin(expr)].some((part) => part.kind === "loop-variable" && part.plate.continuous)) return true;
  return valuesOverLoop(expr)?.every((value) => value > 0) ?? false;
}

/** A real value where a probability belongs is a logit more often than not; else the function that brings it into the support. */
function mendArgument(distribution: Distribution, spec: ParameterSpec, expr: Expr, argument: ast.Argument, chosen: readonly ParameterSpec[]): { readonly help: string; readonly fixes?: readonly Fix[] } {
  if (expr.kind === "number") return { help: `choose a value that is ${printSupport(spec.support)}` };
  const rest = chosen.filter((each) => each !== spec).map((each) => each.name);
  const onReals = distribution.parameterizations
    .filter((names) => rest.every((name) => names.includes(name)) && names.length === rest.length + 1)
    .flatMap((names) => names.filter((name) => !rest.includes(name)))
    .find((name) => name !== spec.name && distribution.parameters.find((each) => each.name === name)?.support.kind === "real");
  const mend = mendSupport(spec.support, argument.value.span);
  if (onReals && /^log/.test(onReals)) {
    const text = `${onReals} = ${textOf(argument.value.span)}`;
    return { help: `write \`${onReals} = ${shorten(textOf(argument.value.span))}\`${mend.help ? `, or ${mend.help}` : ""}`, fixes: [{ title: `Give it as \`${onReals}\``, edits: [{ span: argument.span, text }] }, ...(mend.fixes ?? [])] };
  }
  if (mend.help) return { help: mend.help, fixes: mend.fixes };
  const square = spec.support.kind === "cholesky" || spec.support.kind === "covariance";
  return { help: square ? `declare it as \`${spec.support.kind}[K]\`: a \`param\` of that type is kept there` : `declare it as \`${printSupport(spec.support)}\`` };
}

/** Lower bounds below upper ones, where both are numbers. */
function boundsInOrder(context: Context, distribution: Distribution, exprs: ReadonlyMap<string, Expr>): boolean {
  const [low, high] = [exprs.get("low"), exprs.get("high")];
  if (low?.kind !== "number" || high?.kind !== "number" || low.value < high.value) return true;
  context.error({ code: "LVM3014", message: `\`low\` of \`${distribution.name}\` must be below \`high\``, span: low.origin, label: `this is ${low.value}`, related: [{ span: high.origin, text: `this is ${high.value}` }], help: "put the lower bound first", fixes: [{ title: "Exchange the bounds", edits: [{ span: low.origin, text: textOf(high.origin) }, { span: high.origin, text: textOf(low.origin) }] }] });
  return false;
}

/** The component distribution of a mixture; a draw of it is [K, ...event]. */
function elaborateComponent(context: Context, scope: Scope, expression: ast.Expression, declared: DeclaredSite | undefined, vector: Size | undefined): DistributionCall | undefined {
  if (!isDistributionExpression(expression) && expression.kind !== "parenthesized") {
    if (expression.kind === "missing") return undefined;
    context.error({ code: "LVM3001", message: "the components of a `Mixture` are a distribution", span: expression.span, label: "not a distribution", help: "write `Mixture(weights, Normal(centers, 0.5))`" });
    return undefined;
  }
  if (!vector) return undefined;
  const inner = elaborateCall(context, scope, expression, declared, vector);
  if (!inner) return undefined;
  const { shape } = inner.type;
  return { ...inner, type: { support: inner.type.support, shape: shape.length === 0 ? [vector] : shape } };
}

function lastSizes(distribution: Distribution, exprs: ReadonlyMap<string, Expr>, vector: Size | undefined, declared: DeclaredSite | undefined): Record<string, number> {
  const sizes: Record<string, number> = {};
  for (const spec of distribution.parameters) {
    const expr = exprs.get(spec.name);
    if (!expr || spec.eventRank === 0) continue;
    const last = expr.type.shape[expr.type.shape.length - 1] ?? vector;
    const categories = declared?.type.support.kind === "index" ? declared.type.support.size : undefined;
    const size = expr.type.shape.length === 0 && distribution.eventRank === 0 ? (categories ?? last?.value) : last?.value;
    if (size !== undefined) sizes[spec.name] = size;
  }
  return sizes;
}

/** The number of categories against that of the declared type. */
function fitCategories(context: Context, distribution: Distribution, support: Support, exprs: ReadonlyMap<string, Expr>, declared: DeclaredSite | undefined, components: Size | undefined): boolean {
  const [entry] = exprs;
  if (support.kind !== "index" || components || !entry) return true;
  const [name, expr] = entry;
  const wanted = declared?.type.support;
  if (!declared || wanted?.kind !== "index" || distribution.parameters.find((spec) => spec.name === name)?.eventRank !== 1) {
    if (declared || expr.type.shape.length > 0) return true;
    context.error({ code: "LVM3004", message: `how many categories does this \`${distribution.name}\` have?`, span: expr.origin, label: "a single number does not say", help: "declare the type of the draw: `k: index(K) ~ …`" });
    return false;
  }
  if (wanted.size === support.size) return true;
  context.error({
    code: "LVM3004",
    message: "shape mismatch",
    span: expr.origin,
    label: `this has ${support.size} categories`,
    related: [{ span: declared.declared, text: `\`${declared.name}\` has ${wanted.size} labels` }],
    help: `make both the same constant, or declare \`${declared.name}\` as \`index(${sizeOf(support.size).value})\``,
  });
  return false;
}
