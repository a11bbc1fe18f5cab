import { datumOf } from "../../ir/diffusion/coefficients.js";
import type { Diffusion, ModelProgram } from "../../ir/model/model.js";
import type { TensorNode, TensorProgram } from "../../ir/tensor/nodes.js";
import { LoweringContext } from "../context.js";
import { ROWS } from "../value.js";
import { capturedLoop } from "./captured-loop.js";
import { type Classifier, classifierGradient } from "./classifier-gradient.js";
import { toDatum, withinBytes } from "./datum.js";
import { guided } from "./guided.js";
import { knownPart } from "./known-part.js";
import { keptMoments } from "./kept-moments.js";
import { samplerChain } from "./sampler-chain.js";
import { type PlanOptions, samplerPlan, type SamplerStep } from "./sampler-plan.js";

export interface SamplerOptions extends PlanOptions {
  /** Of a model with conditions that may be left out: what the network says is without + guidance · (with − without). Default 1: with them. */
  readonly guidance?: number;
  /** States from noise to the datum, both of them among it, to give as `moments.<name>` [rows, moments, …]. */
  readonly moments?: number;
  /** Some elements of the datum are known: the program takes `known.<name>` and `mask.<name>` (1 where known). */
  readonly known?: boolean;
  /** Draws samples to the labels of a classifier, which are columns of the program. */
  readonly classifier?: Classifier;
}

/** Draws of the datum: a loop over the sampler's steps, whole on the device, from x_T to x_0; in continuous time from x at t = 1 to t = 0, and its mean of the datum. */
export function lowerDiffusionSample(program: ModelProgram, diffusion: Diffusion, options: SamplerOptions): TensorProgram {
  const context = new LoweringContext(program, "evaluate", "sample.");
  const { b, space } = context;
  const { name, type, prediction, prior } = diffusion;
  const full = [space.size(ROWS), ...type.shape.map(({ value }) => value)];
  const chain = samplerChain(program, diffusion, options.steps);
  const { marginals, times } = chain;
  const plan = samplerPlan(chain, diffusion.variance, options);
  const { steps } = plan;
  const { ofState, ofOutput } = datumOf(prediction, marginals);
  const known = options.known ? knownPart(context, diffusion) : undefined;
  const moments = options.moments === undefined ? undefined : keptMoments(b, steps, options.moments);
  const noise = b.add(b.multiply(b.normal(context.stream(name), full), prior.scale), prior.mean);
  const start = known ? known.at(b, { signal: marginals.signal.at(-1)!, deviation: marginals.deviation.at(-1)! }, noise, "start") : noise;

  // What is read at each step: tables, by the role of their numbers.
  const factors: readonly ("ofDatum" | "ofState" | "ofBefore" | "noise")[] = ["ofDatum", "ofState", ...(plan.multistep ? ["ofBefore" as const] : []), ...(plan.stochastic ? ["noise" as const] : [])];
  const tables: Record<string, TensorNode> = {};
  const table = (role: string, of: (step: SamplerStep) => number, dtype: "f32" | "i32" = "f32"): void => void (tables[role] = b.constant(steps.map(of), [steps.length], dtype));
  const looks = (which: string, at: (step: SamplerStep) => number): void => {
    if (times) table(`${which}.at`, (step) => times[at(step)]!);
    else table(`${which}.at`, (step) => Math.max(0, at(step) - 1), "i32");
    table(`${which}.ofState`, (step) => ofState[at(step)]!);
    table(`${which}.ofOutput`, (step) => ofOutput[at(step)]!);
    // ε̂ ← ε̂ − g σ ∇ log p(label | x_t) is x̂_0 ← x̂_0 + g σ² / s ∇ log p(label | x_t); where no signal is left the label says nothing of the state.
    if (options.classifier) table(`${which}.pull`, (step) => (marginals.signal[at(step)]! === 0 ? 0 : (options.classifier!.strength * marginals.deviation[at(step)]! ** 2) / marginals.signal[at(step)]!));
  };
  looks("from", ({ from }) => from);
  for (const role of factors) table(role, (step) => step[role]);
  if (plan.learnt) table("spread", (step) => step.spread ?? 0);
  if (plan.secondOrder) {
    // The step to the datum keeps its first result: it has no second look, and what is asked there counts nothing.
    looks("to", ({ to }) => to);
    for (const role of secondRoles) table(`second.${role}`, ({ second }) => second?.[role] ?? (role === "ofNext" ? 1 : 0));
  }
  if (known) for (const role of ["signal", "deviation"] as const) table(`to.${role}`, ({ to }) => marginals[role][to]!);
  if (plan.repeated) for (const role of ["ofState", "noise"] as const) table(`back.${role}`, ({ back }) => back?.[role] ?? (role === "ofState" ? 1 : 0));
  if (moments) tables["moment"] = moments.table;

  const roles = Object.keys(tables);
  const carried = [start, ...(plan.multistep ? [b.full(0, full)] : []), ...(moments ? [moments.before(full)] : [])];
  const results = capturedLoop(context, steps.length, carried, Object.values(tables), (step) => {
    const { b: inner, capture, carries, scans } = step;
    const now = (role: string): TensorNode => scans[roles.indexOf(role)]!;
    const [state, before] = carries as [TensorNode, TensorNode];
    const network = guided(context, diffusion, options.guidance ?? 1, step);
    const gradient = options.classifier && classifierGradient(context, options.classifier, step);
    /** The datum as it looks from a state. */
    const seen = (from: TensorNode, which: string): { readonly datum: TensorNode; readonly mix?: TensorNode } => {
      const { output, mix } = network(from, now(`${which}.at`));
      const datum = inner.addAll([
        inner.multiply(from, now(`${which}.ofState`)), inner.multiply(output, now(`${which}.ofOutput`)),
        ...(gradient ? [inner.multiply(gradient(from, now(`${which}.at`)), now(`${which}.pull`))] : []),
      ]);
      return { datum: withinBytes(inner, diffusion, datum), mix };
    };
    const held = (next: TensorNode): TensorNode => known ? known.at(inner, { signal: now("to.signal"), deviation: now("to.deviation") }, next, "steps", capture) : next;
    const { datum, mix } = seen(state, "from");
    /** Of a learnt variance: its deviation over the small one. */
    const spread = (drawn: TensorNode): TensorNode => (plan.learnt && mix ? inner.multiply(drawn, inner.exp(inner.multiply(mix, now("spread")))) : drawn);
    const parts = { ofDatum: () => datum, ofState: () => state, ofBefore: () => before, noise: () => spread(inner.normal(context.stream(`${name}.noise`), full)) };
    let next = held(inner.addAll(factors.map((role) => inner.multiply(parts[role](), now(role)))));
    if (plan.secondOrder) {
      // Heun: the datum as it looks from where the step would lead.
      const seconds = { ofState: state, ofDatum: datum, ofNext: next, ofThere: seen(next, "to").datum };
      next = held(inner.addAll(secondRoles.map((role) => inner.multiply(seconds[role], now(`second.${role}`)))));
    }
    const kept = moments && moments.after(inner, carries.at(-1)!, next, now("moment"));
    if (plan.repeated) next = inner.add(inner.multiply(next, now("back.ofState")), inner.multiply(inner.normal(context.stream(`${name}.back`), full), now("back.noise")));
    return [next, ...(plan.multistep ? [datum] : []), ...(kept ? [kept] : [])];
  });
  const ended = b.multiply(results[0]!, chain.toDatum);
  const result = known && times ? known.at(b, { signal: 1, deviation: 0 }, ended, "end") : ended;
  const outputs: Record<string, TensorNode> = { [name]: b.named(toDatum(b, diffusion, result), name) };
  if (moments) outputs[`moments.${name}`] = toDatum(b, diffusion, moments.all(start, results.at(-1)!, result));
  return b.program("sample", outputs);
}

const secondRoles = ["ofState", "ofDatum", "ofNext", "ofThere"] as const;
