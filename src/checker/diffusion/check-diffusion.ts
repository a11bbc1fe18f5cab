import type * as ast from "../../parser/ast.js";
import type { Span } from "../../diagnostics/span.js";
import { leastRatio, type Prediction } from "../../ir/diffusion/coefficients.js";
import type { Binding, Column, Diffusion } from "../../ir/model/model.js";
import { printType, sameShape, type Type } from "../../types/type.js";
import { createBody, elaborateLet, enterLoop, statementScope } from "../body.js";
import { evaluateConstant } from "../constants.js";
import type { Context } from "../context.js";
import { elaborateDistribution } from "../expressions/distribution-calls.js";
import { elaborate } from "../expressions/elaborate.js";
import { reportShapeMismatch } from "../shape-messages.js";
import { createScope, type Scope } from "../scope.js";
import { elaborateType } from "../type-expressions.js";
import { checkConditions } from "./conditions.js";
import { checkContinuousGuide, continuousScope, isContinuousRange } from "./continuous-guide.js";
import { checkContinuousStep } from "./continuous-step.js";
import { checkDatum, readReconstruction, stateOf } from "./datum.js";
import { checkForwardChain } from "./forward-chain.js";
import { checkStateReads } from "./state-reads.js";
import { declareStates } from "./states.js";
import { readVariance } from "./variance.js";

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

  // The guide: q(x_t | x_{t−1}) for t = 1 … T, or q(x_t | x_0) for t in [0, 1].
  const plates = new Set<string>();
  const given = (each: string): boolean => each === name;
  const forwardBody = createBody(context, "guide", outer, guide.body, plates, { given });
  const [loop, extra] = guide.body;
  if (!loop || loop.kind !== "loop" || loop.loop !== "chain" || extra) return refuse("the guide of a diffusion is one chain", guide.name.span, "other statements stand in it");
  const inner = enterLoop(forwardBody, forwardBody.scope, loop);
  const plate = inner?.plates.at(-1);
  if (!inner || !plate) return undefined;
  const forward = isContinuousRange(plate) ? checkContinuousGuide(forwardBody, loop, plate, { name, type: state, declared: datum.span }) : checkForwardChain(forwardBody, inner, loop, { name, type: state, declared: datum.span }, refuse);
  if (!forward) return undefined;
  const isContinuous = forward.kind === "continuous";
  const before = (variable: string): string => `${name}[${variable}-${isContinuous ? "dt" : "1"}]`;

  // The model: p(x_T), then x_{t−1} given x_t for t = T … 1.
  const reverseBody = createBody(context, "model", outer, model.body, plates, { given });
  const start = model.body.find((statement): statement is ast.SampleStatement => statement.kind === "sample");
  const chain = model.body.find((statement): statement is ast.LoopStatement => statement.kind === "loop");
  const odd = model.body.find((statement) => statement !== start && statement !== chain);
  if (!start || !chain || odd || start.name.name !== name || start.indices.length !== 1) return refuse(`a diffusion draws \`${name}[T]\`, then a chain down to \`${name}[0]\``, (odd ?? start ?? model.name).span, odd ? "something else" : "missing here");
  const T = evaluateConstant(context, start.indices[0]!);
  if (T === undefined) return undefined;
  const end = plate.from + plate.size - 1;
  if (T !== end) return refuse(`the model begins at step ${T}, and the guide ends at ${end}`, start.indices[0]!.span, `step ${T}`, `write \`${name}[${end}]\`${isContinuous ? "" : ` or let the guide run to ${T}`}`);
  const prior = elaborateDistribution(context, statementScope(reverseBody, reverseBody.scope, start), start.distribution, { type: state, name, declared: datum.span });
  if (!prior) return undefined;
  const priorMean = prior.args["mean"];
  const priorScale = prior.args["scale"];
  if (prior.distribution !== "Normal" || priorMean === undefined || !("kind" in priorMean) || priorMean.kind !== "number" || priorScale === undefined || !("kind" in priorScale) || priorScale.kind !== "number")
    return refuse(`\`${name}[${T}]\` is noise`, start.distribution.span, "not a Normal with numbers", "write `Normal(0, 1)`");
  const loopDown = enterLoop(reverseBody, reverseBody.scope, chain);
  const backwards = loopDown?.plates.at(-1);
  if (!loopDown || !backwards) return undefined;
  if (backwards.chain !== "down" || backwards.from !== plate.from || backwards.size !== plate.size) return refuse("the model's chain is not the guide's backwards", chain.range.span, `the guide runs over ${plate.from}..${end}`, `write \`chain ${chain.variable.name} in ${end}..${plate.from}\``);
  const down = isContinuous ? continuousScope(reverseBody.scope, chain, backwards) : loopDown;
  const reverse = down.plates.at(-1)!;
  declareStates(reverseBody, down, { name, type: state, declared: datum.span }, reverse);
  const bindings: Binding[] = [];
  let draw: ast.SampleStatement | undefined;
  for (const statement of chain.body) {
    if (statement.kind === "let" && !draw) bindings.push(...elaborateLet(reverseBody, down, statement));
    else if (statement.kind === "sample" && !draw) draw = statement;
    else return refuse(`a step of the model draws \`${before(chain.variable.name)}\` last`, statement.span, "something else");
  }
  if (!draw || draw.name.name !== name) return refuse(`a step of the model draws \`${before(chain.variable.name)}\``, chain.span, "it does not");
  if (isContinuous && !checkContinuousStep(context, draw, name, chain.variable.name)) return undefined;
  const said = readReverse(context, statementScope(reverseBody, down, draw), draw, name, type, chain.variable.name, datum.span, isContinuous);
  if (!said || !checkStateReads(context, name, chain.variable.name, [...bindings.map(({ value }) => value), said.network, ...(said.mix ? [said.mix] : [])])) return undefined;
  const { origin: guideOrigin, ...numbers } = forward;
  const rest = { name, type: state, bytes: type.support.kind === "byte", ...said, prior: { mean: priorMean.value, scale: priorScale.value, origin: start.span }, bindings, origin: draw.span, guideOrigin };
  const diffusion: Diffusion = numbers.kind === "continuous" ? { ...rest, time: { ...numbers, plate: reverse } } : { ...rest, time: { ...numbers, plate: reverse } };
  return checkTerminal(context, diffusion, draw) ? { columns, diffusion } : undefined;
}

const predictions: Readonly<Record<string, Prediction>> = { noise: "noise", velocity: "velocity" };

/** `guide(x[t-1] | x[t], noise = net(x[t], t), variance = large)`. */
function readReverse(context: Context, scope: Scope, draw: ast.SampleStatement, name: string, type: Type, variable: string, declared: Span, isContinuous: boolean): Pick<Diffusion, "prediction" | "network" | "variance" | "mix" | "reconstruction"> | undefined {
  const call = draw.distribution;
  const wrong = (message: string, span: Span, label: string, help = `write \`${name}[${variable}-1] ~ guide(${name}[${variable}-1] | ${name}[${variable}], noise = net(${name}[${variable}], ${variable}))\``): undefined => void context.error({ code: "LVM4060", message, span, label, related: [{ span: declared, text: "the datum" }], help });
  if (call.kind !== "call" || call.callee.kind !== "name" || call.callee.name !== "guide") return wrong("the reverse step is not the guide's", call.span, "written out", `write \`guide(${name}[${variable}-1] | ${name}[${variable}], …)\`; a reverse chain of another form is an ordinary chain`);
  const [condition, ...named] = call.args;
  if (condition?.value.kind !== "condition" || condition.value.given.length !== 1) return wrong("the guide's step is named by what it gives and what is given", condition?.span ?? call.span, "no condition");
  let prediction: Prediction | undefined;
  let network: ast.Argument | undefined;
  let spread: ast.Argument | undefined;
  let written: ast.Argument | undefined;
  for (const argument of named) {
    const role = argument.name?.name ?? "";
    if (role === "variance") {
      spread = argument;
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
  const variance = readVariance(context, scope, spread, { name, type, span: declared }, isContinuous);
  return reconstruction && variance && { prediction, network: value, ...variance, reconstruction };
}

/** Whether the network's prediction has a meaning at every step. */
function checkTerminal(context: Context, { time, prediction }: Diffusion, draw: ast.SampleStatement): boolean {
  const zero = time.kind === "continuous" ? ((time.marginals.snr.at(-1) ?? 0) < leastRatio ? 1 : -1) : time.forward.step.findIndex((each) => each === 0);
  if (zero < 0 || prediction !== "noise") return true;
  context.error({
    code: "LVM4063",
    message: `nothing of the datum is left at ${time.kind === "continuous" ? "t =" : "step"} ${zero}, so its noise says nothing of it`,
    span: draw.distribution.span,
    label: "predicts the noise",
    help: "predict `velocity = …` or the datum itself: these have a meaning at zero signal (Lin et al. 2024)",
  });
  return false;
}
