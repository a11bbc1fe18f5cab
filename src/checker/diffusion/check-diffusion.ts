import type * as ast from "../../parser/ast.js";
import type { Span } from "../../diagnostics/span.js";
import type { ForwardChain, Prediction } from "../../ir/diffusion/coefficients.js";
import type { Binding, Column, Diffusion, DiscreteDiffusion, Plate } from "../../ir/model/model.js";
import { printType, sameShape, type Type } from "../../types/type.js";
import { type Body, createBody, elaborateLet, enterLoop, statementScope } from "../body.js";
import { evaluateConstant } from "../constants.js";
import type { Context } from "../context.js";
import { elaborateDistribution } from "../expressions/distribution-calls.js";
import { elaborate } from "../expressions/elaborate.js";
import { uniqueName } from "../unique-name.js";
import { reportShapeMismatch } from "../shape-messages.js";
import { createScope, declare, type Scope } from "../scope.js";
import { elaborateType } from "../type-expressions.js";
import { type Affine, affineOf } from "../affine.js";
import { checkConditions } from "./conditions.js";
import { checkDatum, readReconstruction, stateOf } from "./datum.js";

/** What is known of a diffusion once model and guide have been checked. */
export interface CheckedDiffusion {
  readonly columns: readonly Column[];
  readonly diffusion: Diffusion;
}

/** Whether a model is written as the reverse of a noising chain: a column at a step, `x[0]`. */
export function isDiffusion(model: ast.ModelItem): boolean {
  return model.columns.some(({ indices }) => indices.length > 0);
}

const form = "write `model m(x[0]: real[2]) { x[T] ~ Normal(0, 1)  chain t in T..1 { x[t-1] ~ guide(x[t-1] | x[t], noise = net(x[t], t)) } }` and `guide m { chain t in 1..T { x[t] ~ Normal(sqrt(alpha[t]) * x[t-1], variance = 1 - alpha[t]) } }`";

/**
 * A model whose reverse chain is that of its guide with what a network says in place of the datum. The guide must be a chain without parameters, linear in the step before with
 * Gaussian noise: then its coefficients, as numbers, say everything. Undefined (reported) otherwise.
 */
export function checkDiffusion(context: Context, model: ast.ModelItem, guide: ast.GuideItem | undefined, fileScope: Scope): CheckedDiffusion | undefined {
  const refuse = (message: string, span: Span, label: string, help = form, code: "LVM4060" | "LVM4061" | "LVM4062" | "LVM4063" = "LVM4060"): undefined => {
    context.error({ code, message, span, label, related: span === model.name.span ? [] : [{ span: model.name.span, text: "the model" }], help });
    return undefined;
  };
  const stepped = model.columns.filter(({ indices }) => indices.length > 0);
  const [datum, second] = stepped;
  if (!datum) return undefined;
  if (second) return refuse("two columns at a step of a chain", second.name.span, "one datum is turned to noise");
  if (model.where) return refuse("the rows of a diffusion have no lengths of their own", model.where.span, "one datum of one shape", "remove `where …`");
  const missing = model.columns.find((column) => column.type.optional);
  if (missing) return refuse(`\`${missing.name.name}\` may be missing, and a diffusion has no guess for it`, missing.type.span, "with `?`", "remove the `?`, and leave such rows out");
  const at = datum.indices.length === 1 ? evaluateConstant(context, datum.indices[0]!) : undefined;
  if (at !== 0) return at === undefined ? undefined : refuse(`the data stands at step ${at}`, datum.indices[0]!.span, "data is step 0");
  const name = datum.name.name;
  const type = elaborateType(context, datum.type, { subject: name, span: datum.span });
  if (!type) return undefined;
  if (!checkDatum(context, type, datum, model)) return undefined;
  const state = stateOf(type);
  const outer = createScope(fileScope);
  const columns: Column[] = [{ name, type, role: "observed", partlyObserved: false, origin: datum.span }];
  const conditions = checkConditions(context, model, datum, outer);
  if (!conditions) return undefined;
  columns.push(...conditions);
  if (!guide) return refuse(`\`${model.name.name}\` has no guide that turns \`${name}\` to noise`, model.name.span, "its guide is the forward chain");

  // The guide: q(x_t | x_{t−1}) for t = 1 … T.
  const plates = new Set<string>();
  const given = (each: string): boolean => each === name;
  const forwardBody = createBody(context, "guide", outer, guide.body, plates, { given });
  const [loop, extra] = guide.body;
  if (!loop || loop.kind !== "loop" || loop.loop !== "chain" || extra) return refuse("the guide of a diffusion is one chain", guide.name.span, "other statements stand in it");
  const inner = enterLoop(forwardBody, forwardBody.scope, loop);
  const plate = inner?.plates.at(-1);
  if (!inner || !plate) return undefined;
  if (plate.chain !== "up" || plate.from !== 1) return refuse(`the chain of the guide runs ${plate.chain === "up" ? `from ${plate.from}` : "downwards"}`, loop.range.span, "the steps after the data", `write \`chain ${loop.variable.name} in 1..T\``);
  declareStates(forwardBody, inner, name, state, plate, datum.span);
  const [step, more] = loop.body;
  const readsAhead = step?.kind === "sample" && step.name.name === name && step.indices.length === 1 && step.indices[0]?.kind === "name" && step.indices[0].name === loop.variable.name;
  if (!step || step.kind !== "sample" || more || !readsAhead) return refuse(`a step of the guide draws \`${name}[${loop.variable.name}]\`, and nothing else`, step?.span ?? loop.span, "not that");
  const forward = forwardChain(context, statementScope(forwardBody, inner, step), step, name, state, plate);
  if (!forward) return undefined;

  // The model: p(x_T), then x_{t−1} given x_t for t = T … 1.
  const reverseBody = createBody(context, "model", outer, model.body, plates, { given });
  const start = model.body.find((statement): statement is ast.SampleStatement => statement.kind === "sample");
  const chain = model.body.find((statement): statement is ast.LoopStatement => statement.kind === "loop");
  const odd = model.body.find((statement) => statement !== start && statement !== chain);
  if (!start || !chain || odd || start.name.name !== name || start.indices.length !== 1) return refuse(`a diffusion draws \`${name}[T]\`, then a chain down to \`${name}[0]\``, (odd ?? start ?? model.name).span, odd ? "something else" : "missing here");
  const T = evaluateConstant(context, start.indices[0]!);
  if (T === undefined) return undefined;
  if (T !== plate.size) return refuse(`the model begins at step ${T}, and the guide ends at ${plate.size}`, start.indices[0]!.span, `step ${T}`, `write \`${name}[${plate.size}]\` or let the guide run to ${T}`);
  const prior = elaborateDistribution(context, statementScope(reverseBody, reverseBody.scope, start), start.distribution, { type: state, name, declared: datum.span });
  if (!prior) return undefined;
  const priorMean = prior.args["mean"];
  const priorScale = prior.args["scale"];
  if (prior.distribution !== "Normal" || priorMean === undefined || !("kind" in priorMean) || priorMean.kind !== "number" || priorScale === undefined || !("kind" in priorScale) || priorScale.kind !== "number")
    return refuse(`\`${name}[${T}]\` is noise`, start.distribution.span, "not a Normal with numbers", "write `Normal(0, 1)`");
  const down = enterLoop(reverseBody, reverseBody.scope, chain);
  const reverse = down?.plates.at(-1);
  if (!down || !reverse) return undefined;
  if (reverse.chain !== "down" || reverse.from !== 1 || reverse.size !== plate.size) return refuse("the model's chain is not the guide's backwards", chain.range.span, `the guide runs over 1..${plate.size}`, `write \`chain ${chain.variable.name} in ${plate.size}..1\``);
  declareStates(reverseBody, down, name, state, reverse, datum.span);
  const bindings: Binding[] = [];
  let draw: ast.SampleStatement | undefined;
  for (const statement of chain.body) {
    if (statement.kind === "let" && !draw) bindings.push(...elaborateLet(reverseBody, down, statement));
    else if (statement.kind === "sample" && !draw) draw = statement;
    else return refuse(`a step of the model draws \`${name}[${chain.variable.name}-1]\` last`, statement.span, "something else");
  }
  if (!draw || draw.name.name !== name) return refuse(`a step of the model draws \`${name}[${chain.variable.name}-1]\``, chain.span, "it does not");
  const said = readReverse(context, statementScope(reverseBody, down, draw), draw, name, type, chain.variable.name, datum.span);
  if (!said) return undefined;
  const diffusion: DiscreteDiffusion = {
    name, type: state, bytes: type.support.kind === "byte", time: { kind: "discrete", plate: reverse, forward }, ...said, prior: { mean: priorMean.value, scale: priorScale.value, origin: start.span }, bindings, origin: draw.span, guideOrigin: step.span,
  };
  return checkTerminal(context, diffusion, draw) ? { columns, diffusion } : undefined;
}

/** x[0], …, x[T] can be read in a chain. */
function declareStates(body: Body, scope: Scope, name: string, type: Type, plate: Plate, declared: Span): void {
  const own: Plate = { name: uniqueName(`${plate.name}`, body.plates), from: 0, size: plate.size + 1, origin: plate.origin };
  body.plates.add(own.name);
  declare(scope, { kind: "site", name, declared, type, plates: [own], indexed: true, chained: plate.chain ?? "up" });
}

/** The numbers a_t and b_t of `x[t] ~ Normal(a_t x[t−1], b_t)`. */
function forwardChain(context: Context, scope: Scope, step: ast.SampleStatement, name: string, type: Type, plate: Plate): ForwardChain | undefined {
  const call = elaborateDistribution(context, scope, step.distribution, { type, name, declared: step.name.span });
  if (!call) return undefined;
  const wrong = (code: "LVM4061" | "LVM4062" | "LVM4063", message: string, span: Span, label: string, help: string): undefined => void context.error({ code, message, span, label, help });
  if (call.distribution !== "Normal") return wrong("LVM4062", `the forward chain draws ${call.distribution}`, call.origin, "closed forms are known for Normal", "draw `Normal(a[t] * x[t-1], scale = b[t])`; for another family write the reverse steps out, as an ordinary chain with a guide");
  const spread = ["scale", "variance", "log_scale", "precision"].find((each) => call.args[each] !== undefined);
  const parts: { readonly role: string; readonly affine: Affine }[] = [];
  for (const role of ["mean", spread ?? "scale"]) {
    const arg = call.args[role];
    if (arg === undefined || !("kind" in arg)) return wrong("LVM4062", "the forward chain is not a Normal with a mean and a scale", call.origin, "not known", "write `Normal(a[t] * x[t-1], scale = b[t])`");
    // Offset of x[t−1] in an array that counts from 0.
    const found = affineOf(arg, plate, undefined, { name, before: 0 });
    if ("affine" in found) {
      parts.push({ role, affine: found.affine });
      continue;
    }
    if (found.problem === "parameters") return wrong("LVM4061", "the forward chain has parameters", found.at.origin, "learnt", "a forward chain that is learnt has no closed-form posterior: fix it, or write the reverse steps out, as an ordinary chain with a guide");
    return wrong("LVM4062", found.problem === "other-step" ? "the forward chain reads another step than the one before" : "the forward chain is not linear in the step before", found.at.origin, found.problem === "data" ? "not a number of the step" : "this part", "write `a[t] * x[t-1]` with numbers a[t]; for another chain write the reverse steps out");
  }
  const [mean, scale] = parts as [(typeof parts)[number], (typeof parts)[number]];
  if (mean.affine.offset.some((each) => each !== 0)) return wrong("LVM4062", "the forward chain moves the mean by a constant", call.origin, "the mean is not a multiple of the step before", "write `Normal(a[t] * x[t-1], …)`");
  if (scale.affine.factor.some((each) => each !== 0)) return wrong("LVM4062", "the noise of the forward chain depends on the step before", call.origin, "its scale is no number of the step", "write `scale = b[t]`");
  const deviation = scale.affine.offset.map((each) => ({ scale: each, variance: Math.sqrt(each), log_scale: Math.exp(each), precision: 1 / Math.sqrt(each) })[scale.role as "scale"]);
  const bad = deviation.findIndex((each) => !(each > 0) || !Number.isFinite(each));
  if (bad >= 0) return wrong("LVM4063", `step ${bad + 1} of the forward chain adds no noise`, call.origin, `its ${scale.role} is ${Number(scale.affine.offset[bad]!.toPrecision(6))}`, "every step needs noise: the schedule must go down, from below 1 at step 1");
  const growing = mean.affine.factor.findIndex((each) => !Number.isFinite(each) || Math.abs(each) > 1 + 1e-12);
  if (growing >= 0) return wrong("LVM4063", `step ${growing + 1} of the forward chain makes the signal grow`, call.origin, `its factor is ${Number(mean.affine.factor[growing]!.toPrecision(6))}`, "a factor of at most 1 takes signal away: `sqrt(alpha[t])` of a schedule has such factors");
  return { step: [1, ...mean.affine.factor], noise: [0, ...deviation] };
}

const predictions: Readonly<Record<string, Prediction>> = { noise: "noise", velocity: "velocity" };

/** `guide(x[t-1] | x[t], noise = net(x[t], t), variance = large)`. */
function readReverse(context: Context, scope: Scope, draw: ast.SampleStatement, name: string, type: Type, variable: string, declared: Span): Pick<Diffusion, "prediction" | "network" | "variance" | "reconstruction"> | undefined {
  const call = draw.distribution;
  const wrong = (message: string, span: Span, label: string, help = `write \`${name}[${variable}-1] ~ guide(${name}[${variable}-1] | ${name}[${variable}], noise = net(${name}[${variable}], ${variable}))\``): undefined => void context.error({ code: "LVM4060", message, span, label, related: [{ span: declared, text: "the datum" }], help });
  if (call.kind !== "call" || call.callee.kind !== "name" || call.callee.name !== "guide") return wrong("the reverse step is not the guide's", call.span, "written out", `write \`guide(${name}[${variable}-1] | ${name}[${variable}], …)\`; a reverse chain of another form is an ordinary chain`);
  const [condition, ...named] = call.args;
  if (condition?.value.kind !== "condition" || condition.value.given.length !== 1) return wrong("the guide's step is named by what it gives and what is given", condition?.span ?? call.span, "no condition");
  let prediction: Prediction | undefined;
  let network: ast.Argument | undefined;
  let variance: Diffusion["variance"] = "small";
  let written: ast.Argument | undefined;
  for (const argument of named) {
    const role = argument.name?.name ?? "";
    if (role === "variance") {
      const word = argument.value.kind === "name" ? argument.value.name : "";
      if (word !== "small" && word !== "large") return wrong("the variance of the reverse step is `small` or `large`", argument.value.span, "another word", "`small` is that of the posterior given the datum, `large` that of the forward step (Ho et al. 2020)");
      variance = word;
      continue;
    }
    if (role === "reconstruction") {
      written = argument;
      continue;
    }
    const kind = role === name && argument.indices?.length === 1 ? "data" : predictions[role];
    if (!kind || network) return wrong(network ? "two predictions" : `\`${role}\` is nothing that a network says of a step`, argument.span, network ? "the second" : "unknown", `one of \`noise = …\`, \`velocity = …\`, \`${name}[0] = …\``);
    prediction = kind;
    network = argument;
  }
  if (!network || !prediction) return wrong("nothing says what the datum is", call.span, "no prediction", `add \`noise = net(${name}[${variable}], ${variable})\`, \`velocity = …\` or \`${name}[0] = …\``);
  const value = elaborate(context, scope, network.value);
  if (!value) return undefined;
  if (!sameShape(value.type, type)) {
    reportShapeMismatch(context, { span: value.origin, actual: value.type, expected: type, message: "the network's shape is not that of the datum", wanted: { span: declared, text: `\`${name}\` is ${printType(type)}` } });
    return undefined;
  }
  const reconstruction = readReconstruction(context, written, type, { name, span: declared });
  return reconstruction && { prediction, network: value, variance, reconstruction };
}

/** Whether the network's prediction has a meaning at every step. */
function checkTerminal(context: Context, { time: { forward }, prediction }: DiscreteDiffusion, draw: ast.SampleStatement): boolean {
  const zero = forward.step.findIndex((each) => each === 0);
  if (zero < 0 || prediction !== "noise") return true;
  context.error({
    code: "LVM4063",
    message: `nothing of the datum is left at step ${zero}, so its noise says nothing of it`,
    span: draw.distribution.span,
    label: "predicts the noise",
    help: "predict `velocity = …` or the datum itself: these have a meaning at zero signal (Lin et al. 2024)",
  });
  return false;
}
