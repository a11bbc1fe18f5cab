import { closedFormKl } from "../../distributions/kl.js";
import type { Plate, Site } from "../../ir/model/model.js";
import { InternalError } from "../../util/internal-error.js";
import type { Frame, Lower, LoweringContext } from "../context.js";
import { alignedArguments, draw, logDensity, lowerDistribution } from "../densities.js";
import { drawAxes, type Latent } from "../latents.js";
import { type LoweredDistribution, mapArguments } from "../lowered-distribution.js";
import { arrayOverPlates, declarePlate, stepInto } from "../plates.js";
import { addValues, aligned, plateAxis, type Value } from "../value.js";
import { lowerBinding } from "./bindings.js";
import { sequenceValue, type Start } from "./sequence.js";
import { StepContext } from "./step-context.js";
import { type ChainVariable, groupsOf, variablesOf } from "./variables.js";

const modelFrame: Frame = { of: "model" };

/**
 * Latent overshooting (PlaNet; Hafner et al. 2019, equation 7): −Σ_{d = 2..D} KL(q(z_t) ‖ p(z_t | z_{t−d})), where the prior has come d steps from the guide's draw by its own
 * draws. All steps of the chain are predicted at once, distance after distance; q gets no gradient. Zero where there is no step d before.
 */
export function overshootingValue(context: LoweringContext, latent: Latent, distance: number, lower: Lower): Value {
  const { b, space, program } = context;
  const { site, guide } = latent;
  const variables = predicted(context, site);
  const self = variables.find((variable) => variable.name === site.name && variable.step.kind === "site");
  const chain = self?.loops.at(-1);
  if (!guide || !self || !chain || self.loops.length !== 1) throw new InternalError(`${site.name} is no chain that can be predicted`);
  const stopped = (value: Value): Value => ({ node: b.stopGradient(value.node), axes: value.axes });
  const truth = new Map(variables.map((variable) => [variable, stopped(variable.step.kind === "binding" ? context.binding("model", variable.name, (binding) => lowerBinding(context, "model", binding, lower)) : context.sites.get(variable.name)!)]));
  const posterior = mapArguments(context, guide, (arg) => stopped(onChain(context, arg, self, chain)));
  const here = stopped(onChain(context, latent.value, self, chain));
  let before: ReadonlyMap<ChainVariable, Value> = truth;
  const parts: Value[] = [];
  for (let d = 1; d <= distance; d++) {
    const level = new StepContext(context, variables, chain, 0, b, {
      capture: (value) => value,
      carried: (variable, lag) => stepInto(context, arrayOverPlates(context, before.get(variable)!, variable.plates), chain, -lag - (variable.plates[0]!.from - 1)),
    });
    let prior: LoweredDistribution | undefined;
    const next = new Map<ChainVariable, Value>();
    for (const [variable] of groupsOf(variables, 1)) {
      const { step } = variable!;
      if (step.kind === "binding") level.put(variable!, lower(level, modelFrame, step.value));
      else if (step.kind === "site") {
        const distribution = lowerDistribution(level, modelFrame, step.distribution, step.type);
        if (variable === self) prior = distribution;
        if (d < distance || variable !== self) level.put(variable!, draw(context, distribution, `overshooting.${step.name}`, drawAxes(context, { scope: step.scope, plates: [chain] }, { row: 1, global: 1 }, distribution.axes)));
      }
      if (d < distance) next.set(variable!, wholeOf(context, variable!, chain, level.at(variable!), truth.get(variable!)!));
    }
    if (!prior) throw new InternalError(`${site.name} has no prediction`);
    if (d > 1) parts.push(fromPosition(context, chain, self.plates[0]!.from + d, divergenceOf(context, posterior, prior, here)));
    before = next;
  }
  const total = addValues(b, space, parts);
  return { node: b.negate(total.node), axes: total.axes };

  /** The model's variables along this chain that a step of the site reads, directly or through others. */
  function predicted(within: LoweringContext, of: Site): readonly ChainVariable[] {
    const loop = (of.sequence?.chain ?? of.plates.at(-1))?.name;
    return variablesOf(program, "model", (name) => program.model.some((step) => step.kind === "site" && step.name === name && step.role === "latent" && within.sites.get(name) !== undefined)).filter((variable) => variable.loops.at(-1)?.name === loop);
  }
}

/** A value of all positions at the steps of the chain. */
function onChain(context: LoweringContext, value: Value, { plates, step }: ChainVariable, chain: Plate): Value {
  const own = plates[0]!;
  return step.sequence && value.axes.includes(plateAxis(own.name)) ? stepInto(context, arrayOverPlates(context, value, [own]), chain, 1 - own.from) : value;
}

/** Predicted steps behind what the guide says of the positions before the chain. */
function wholeOf(context: LoweringContext, { step, plates }: ChainVariable, chain: Plate, steps: Value, truth: Value): Value {
  const own = plates[0]!;
  if (!step.sequence) return steps;
  const { b } = context;
  const array = arrayOverPlates(context, truth, [own]);
  const starts = step.sequence.starts.map(({ position }): Start<Value> => {
    const at = b.sliceAxis(array.node, array.axes.length, position - own.from, 1);
    return { position, value: { node: b.reshape(at, at.shape.filter((_, axis) => axis !== array.axes.length)), axes: array.axes } };
  });
  return sequenceValue(context, own, chain, steps, starts);
}

/** KL(q ‖ p), in closed form where there is one, else at the guide's draw. */
function divergenceOf(context: LoweringContext, q: LoweredDistribution, p: LoweredDistribution, at: Value): Value {
  const { b, space } = context;
  const kl = closedFormKl(q.distribution.name, p.distribution.name);
  if (!kl) {
    const [logQ, logP] = [logDensity(context, q, at), logDensity(context, p, at)];
    return addValues(b, space, [logQ, { node: b.negate(logP.node), axes: logP.axes }]);
  }
  const axes = space.sort([...q.axes, ...p.axes]);
  const shape = [...space.dims(axes), ...q.shape];
  const node = kl(b, alignedArguments(context, q, axes), alignedArguments(context, p, axes), shape);
  const each = b.broadcast(node, shape.slice(0, shape.length - Math.max(q.jointRank, p.jointRank)));
  return { node: b.sumLast(each, each.shape.length - axes.length), axes };
}

/** A value along a chain, zero at its steps before a position. */
function fromPosition(context: LoweringContext, chain: Plate, position: number, value: Value): Value {
  const { b, space } = context;
  const axis = declarePlate(context, chain);
  const has: Value = { node: b.constant(Array.from({ length: chain.size }, (_, at) => (chain.from + at >= position ? 1 : 0)), [chain.size], "f32"), axes: [axis] };
  const axes = space.sort([...value.axes, axis]);
  return { node: b.select(b.greater(aligned(b, has, axes, 0), 0), aligned(b, value, axes, 0), 0), axes };
}
