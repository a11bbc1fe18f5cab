import type { ModelProgram, Site } from "../../ir/model/model.js";
import type { Objective } from "../../ir/objective/objective.js";
import type { TensorNode, TensorProgram } from "../../ir/tensor/nodes.js";
import { dims } from "../../types/type.js";
import { InternalError } from "../../util/internal-error.js";
import { bindingJob } from "../chains/bindings.js";
import { type ModelStates, stateName } from "../chains/states.js";
import { chainRunner, siteJob } from "../chains/sites.js";
import type { ChainVariable } from "../chains/variables.js";
import { type Frame, LoweringContext } from "../context.js";
import { draw, lowerDistribution, meanOf } from "../densities.js";
import { modelDistribution } from "../densities-of-sites.js";
import { lowerExpression } from "../expressions.js";
import { runGuide } from "../guide.js";
import { drawAxes } from "../latents.js";
import type { LoweredDistribution } from "../lowered-distribution.js";
import { expanded, ROWS, type Value } from "../value.js";

const modelFrame: Frame = { of: "model" };

/**
 * The model's future from given states: its chain from the second step on, under the inputs of the columns (actions). Step 1 is the present. Outputs are the means of the
 * observed columns, `mean.<column>` [rows, steps, …], or draws where there is no mean; with `scalars` of those alone that are a number at each step (rewards).
 */
export function lowerRollout(program: ModelProgram, objective: Objective, states: ModelStates, which: "rollout" | "imagine"): TensorProgram {
  const context = new LoweringContext(program, "evaluate", `${which}.`);
  const { b, space } = context;
  const counts = { row: 1, global: 1 };
  runGuide(context, objective, { counts, globalOnly: true, drawEnumerated: true });
  const wanted = (site: Site): boolean => site.role === "observed" && (which === "imagine" || site.type.shape.length === 0);
  const outputs: Record<string, TensorNode> = {};
  const finish = (site: Site, value: Value, distribution: LoweredDistribution): void => {
    context.sites.set(site.name, value);
    if (!wanted(site)) return;
    const mean = meanOf(context, distribution);
    outputs[mean ? `mean.${site.name}` : site.name] = expanded(b, space, mean ?? value, drawAxes(context, site, counts, []));
  };

  const lags = new Map(states.chained.map(({ variable, lags: back }) => [variable.key, back]));
  /** The state at a position before the chain's first step. */
  const given = (inside: LoweringContext, variable: Pick<ChainVariable, "key" | "name" | "step">, position: number): Value => inside.fromOutside((outer) => {
    const back = lags.get(variable.key) ?? 1;
    const shape = variable.step.kind === "binding" ? dims(variable.step.value.type) : dims((variable.step as Site).type);
    const isLabel = variable.step.kind === "site" && variable.step.type.support.kind === "index";
    const whole = outer.b.input("column", stateName(variable), [outer.space.size(ROWS), back, ...shape], isLabel ? "i32" : "f32");
    const at = position - (states.chain.from - back);
    if (at < 0 || at >= back) throw new InternalError(`${variable.key} has no state at ${position}`);
    const part = outer.b.sliceAxis(whole, 1, at, 1);
    return { node: outer.b.reshape(part, [part.shape[0]!, ...shape]), axes: [ROWS] };
  });
  const isState = (variable: Pick<ChainVariable, "key">): boolean => lags.has(variable.key);
  const bindings = bindingJob(modelFrame, lowerExpression);
  const job = siteJob(
    { ...bindings, starts: (inside, variable) => (isState(variable) ? (variable.step.sequence?.starts ?? []).map(({ position }) => ({ position, value: { value: given(inside, variable, position) } })) : bindings.starts(inside, variable)) },
    {
      draw: (inside, step, call, plates, position) => {
        const site = step as Site;
        const distribution = lowerDistribution(inside, modelFrame, call, site.type);
        const key = `site ${site.name}`;
        if (position !== undefined && isState({ key })) return { value: given(inside, { key, name: site.name, step: site }, position), distribution };
        return { value: draw(inside, distribution, site.name, drawAxes(inside, { scope: site.scope, plates }, counts, distribution.axes)), distribution };
      },
      zeros: (inside, variable) => (isState(variable) ? given(inside, variable, states.chain.from - 1) : undefined),
    },
  );
  const isUnknown = (name: string): boolean => program.model.some((step) => step.kind === "site" && step.name === name && step.scope === "row");
  context.chains.set("model", chainRunner(context, "model", isUnknown, job, (step, value, distribution) => finish(step as Site, value, distribution)));
  for (const site of states.still) context.sites.set(site.name, { node: b.input("column", stateName(site), [space.size(ROWS), ...dims(site.type)], site.type.support.kind === "index" ? "i32" : "f32"), axes: [ROWS] });
  for (const site of program.model) {
    if (site.kind !== "site" || site.scope === "global" || context.sites.get(site.name)) continue;
    b.at(site.origin, () => {
      if (context.chains.get("model")!.run(`site ${site.name}`)) return;
      const distribution = modelDistribution(context, site);
      finish(site, draw(context, distribution, site.name, drawAxes(context, site, counts, distribution.axes)), distribution);
    });
  }
  return b.program(which, outputs);
}
