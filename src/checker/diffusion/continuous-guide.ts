import type * as ast from "../../parser/ast.js";
import { visit } from "../../parser/visit.js";
import type { Span } from "../../diagnostics/span.js";
import { scheduleTimes } from "../../ir/diffusion/coefficients.js";
import type { FunctionName } from "../../ir/model/functions.js";
import type { ContinuousTime, Expr, Plate } from "../../ir/model/model.js";
import { exprsWithin } from "../../ir/model/walk.js";
import { affineOf } from "../affine.js";
import { type Body, isFree } from "../body.js";
import type { Context } from "../context.js";
import { elaborateDistribution } from "../expressions/distribution-calls.js";
import { elaborateValue } from "../expressions/elaborate.js";
import { resolve } from "../expressions/names.js";
import { createScope, declare, type Scope } from "../scope.js";
import { apply, datumFactor } from "./datum-factor.js";
import { declareStates, type States } from "./states.js";

/** Whether the range of a chain is that of continuous time, `0..1` or `1..0`. A diffusion's steps count from 1, so no chain of steps has it. */
export function isContinuousRange({ chain, from, size }: Plate): boolean {
  return chain !== undefined && from === 0 && size === 2;
}

/** The frame of a chain in continuous time, with its variable. */
export function continuousScope(scope: Scope, loop: ast.LoopStatement, plate: Plate): Scope {
  const continuous: Plate = { ...plate, continuous: true };
  const inner = createScope(scope, { plate: continuous });
  declare(inner, { kind: "loop-variable", name: loop.variable.name, declared: loop.variable.span, plate: continuous });
  return inner;
}

/** `x[t] ~ Normal(signal * x[0], variance = …)` behind bindings: q(x_t | x_0) at each t of [0, 1], as two expressions of t. Undefined (reported) where it is anything else. */
export function checkContinuousGuide(body: Body, loop: ast.LoopStatement, plate: Plate, states: States): (Omit<ContinuousTime, "plate"> & { readonly origin: Span }) | undefined {
  const { context } = body;
  const { name } = states;
  const scope = continuousScope(body.scope, loop, plate);
  declareStates(body, scope, states, plate);
  const t = loop.variable.name;
  const form = `write \`${name}[${t}] ~ Normal(s * ${name}[0], variance = v)\` with expressions s and v of \`${t}\``;
  const wrong = (code: "LVM4061" | "LVM4062" | "LVM4063" | "LVM4066", message: string, span: Span, label: string, help = form): undefined => void context.error({ code, message, span, label, help });
  const step = loop.body.at(-1);
  const odd = loop.body.slice(0, -1).find(({ kind }) => kind !== "let");
  const draws = step?.kind === "sample" && step.name.name === name && step.indices.length === 1 && step.indices[0]?.kind === "name" && step.indices[0].name === t;
  if (odd || !step || step.kind !== "sample" || !draws) return wrong("LVM4066", `the guide draws \`${name}[${t}]\` last, behind bindings`, (odd ?? step ?? loop).span, "not that");
  const other = stateReads(loop, name).find(({ indices: [index] }) => !(index?.kind === "number" && index.value === 0));
  if (other) return wrong("LVM4066", "in continuous time there is no step before", other.span, `the guide says what \`${name}[${t}]\` is given the datum`, form);
  const learnt = namesIn(loop).find((each) => ["parameter", "network"].includes(resolve(context, scope, each.name)?.kind ?? ""));
  if (learnt) return wrong("LVM4061", "the schedule has parameters", learnt.span, "learnt", "the marginals of the guide are known as numbers while the model is compiled: fix the schedule");
  for (const statement of loop.body) if (statement.kind === "let" && !declareValue(body, scope, statement)) return undefined;
  const call = elaborateDistribution(context, scope, step.distribution, { type: states.type, name, declared: step.name.span });
  if (!call) return undefined;
  if (call.distribution !== "Normal") return wrong("LVM4062", `the guide draws ${call.distribution}`, call.origin, "closed forms are known for Normal");
  const mean = call.args["mean"];
  const spread = spreads.find(([role]) => call.args[role] !== undefined);
  const scale = spread && call.args[spread[0]];
  if (!spread || mean === undefined || !("kind" in mean) || scale === undefined || !("kind" in scale)) return wrong("LVM4062", "the guide is not a Normal with a mean and a variance", call.origin, "not known");
  for (const part of [...exprsWithin(mean), ...exprsWithin(scale)]) {
    if (part.kind === "apply" && jumps.has(part.function)) return wrong("LVM4063", "the schedule jumps", part.origin, "not continuous", "the bound is an integral over a signal-to-noise ratio that falls smoothly: write it without steps and comparisons");
    if (part.kind === "reference" && part.to.kind === "column") return wrong("LVM4062", "the schedule reads the data", part.origin, "not a number of the time");
  }
  const found = datumFactor(mean, name);
  if ("problem" in found) return wrong("LVM4062", found.problem, found.at.origin, "this part");
  if (scale.type.shape.length > 0 || [...exprsWithin(scale)].some((part) => part.kind === "reference")) return wrong("LVM4062", "the noise is one number at each time", scale.origin, "not that");
  const variance = spread[1](scale);
  const numbers = [found.factor, variance].map((expr) => affineOf(expr, plate, scheduleTimes));
  const unknown = numbers.find((each) => "problem" in each);
  if (unknown && "problem" in unknown) return wrong("LVM4062", "this is no number of the time", unknown.at.origin, "not known while the model is compiled");
  const [signal, noise] = numbers.map((each) => ("affine" in each ? each.affine.offset : [])) as [readonly number[], readonly number[]];
  const marginals = { signal, deviation: noise.map(Math.sqrt), snr: signal.map((each, at) => each ** 2 / noise[at]!) };
  return checkFall(context, loop, call.origin, marginals, noise) ? { kind: "continuous", signal: found.factor, variance, marginals, origin: step.span } : undefined;
}

/** Functions that are not continuous. */
const jumps: ReadonlySet<FunctionName> = new Set(["floor", "sign", "less", "less_equal", "greater", "greater_equal", "equal", "not_equal", "where"]);

/** The variance of each way to write the spread of a Normal. */
const spreads: readonly (readonly [role: string, variance: (spread: Expr) => Expr])[] = [
  ["variance", (spread) => spread],
  ["scale", (spread) => apply("square", [spread])],
  ["log_scale", (spread) => apply("exp", [apply("add", [spread, spread])])],
  ["precision", (spread) => apply("divide", [{ kind: "number", value: 1, type: { support: { kind: "positive" }, shape: [] }, origin: spread.origin }, spread])],
];

/** Every name that the loop's expressions read. */
function namesIn(loop: ast.LoopStatement): readonly ast.NameExpression[] {
  const found: ast.NameExpression[] = [];
  for (const statement of loop.body) visit(statement, { enter: (node) => { if (node.kind === "name") found.push(node); } });
  return found;
}

/** `x[…]` wherever they read it. */
function stateReads(loop: ast.LoopStatement, name: string): readonly ast.IndexExpression[] {
  const found: ast.IndexExpression[] = [];
  for (const statement of loop.body) visit(statement, { enter: (node) => { if (node.kind === "index" && node.target.kind === "name" && node.target.name === name) found.push(node); } });
  return found;
}

/** `g = 10 - 18 * t`: read in its place, so that the schedule is one expression of t. */
function declareValue(body: Body, scope: Scope, statement: ast.LetStatement): boolean {
  const { context } = body;
  const { name } = statement;
  const value = elaborateValue(context, scope, statement.value);
  if (!isFree(body, scope, name, "binding") || value?.kind !== "expr") return false;
  context.hover.set(name, { span: name.span, what: "value", name: name.name, type: value.expr.type, declared: name.span });
  declare(scope, { kind: "value", name: name.name, declared: name.span, expr: value.expr });
  return true;
}

/** Whether the schedule has noise everywhere and a signal-to-noise ratio that falls, at `scheduleTimes`. */
function checkFall(context: Context, loop: ast.LoopStatement, span: Span, { signal, snr }: ContinuousTime["marginals"], variance: readonly number[]): boolean {
  const t = loop.variable.name;
  const wrong = (message: string, label: string, help: string): false => {
    context.error({ code: "LVM4063", message, span, label, help });
    return false;
  };
  const silent = variance.findIndex((each) => !(each > 0) || !Number.isFinite(each));
  if (silent >= 0) return wrong(`there is no noise at ${t} = ${shown(scheduleTimes[silent]!)}`, `its variance is ${shown(variance[silent]!)}`, silent === 0 ? `the bound needs a finite signal-to-noise ratio at ${t} = 0 as well: begin with a variance above 0, as \`sigmoid(-g)\` with \`g = 10 - 18 * ${t}\` does` : "the variance must lie above 0 everywhere");
  const wild = signal.findIndex((each) => !Number.isFinite(each));
  if (wild >= 0) return wrong(`the signal at ${t} = ${shown(scheduleTimes[wild]!)} is no number`, `it is ${signal[wild]!}`, "choose a schedule that is finite everywhere from 0 to 1");
  const rising = snr.findIndex((each, at) => at > 0 && !(each < snr[at - 1]!));
  if (rising < 0) return true;
  const [before, after] = [scheduleTimes[rising - 1]!, scheduleTimes[rising]!];
  return wrong("the signal-to-noise ratio does not fall", `it is ${shown(snr[rising - 1]!)} at ${t} = ${shown(before)} and ${shown(snr[rising]!)} at ${t} = ${shown(after)}`, "noise comes and signal goes, all the way from 0 to 1: the ratio of squared signal to variance must fall strictly");
}

function shown(value: number): string {
  return String(Number(value.toPrecision(7)));
}
