import type { ModelProgram, Site } from "../../ir/model/model.js";
import type { Objective } from "../../ir/objective/objective.js";
import type { TensorNode, TensorProgram } from "../../ir/tensor/nodes.js";
import { dims } from "../../types/type.js";
import { bindingJob } from "../chains/bindings.js";
import { chainRunner, siteJob } from "../chains/sites.js";
import { type Frame, LoweringContext } from "../context.js";
import { draw, lowerDistribution, meanOf } from "../densities.js";
import { modelDistribution } from "../densities-of-sites.js";
import { lowerExpression } from "../expressions.js";
import { runGuide } from "../guide.js";
import { drawAxes, siteOf } from "../latents.js";
import type { LoweredDistribution } from "../lowered-distribution.js";
import { declarePlate } from "../plates.js";
import { expanded, ROWS, type Value } from "../value.js";

const modelFrame: Frame = { of: "model" };

/**
 * Ancestral sampling: global latents from the guide, then every site of the model in order, chains step by step. Inputs to condition on are columns, and so are the latents of rows that are
 * `given`, with their plates as axes.
 */
export function lowerSample(program: ModelProgram, objective: Objective, given: readonly string[] = [], prefix = "sample."): TensorProgram {
  const context = new LoweringContext(program, "evaluate", prefix);
  const { b, space } = context;
  for (const name of given) {
    const { plates, type } = siteOf(program, name);
    const axes = space.sort([ROWS, ...plates.map((plate) => declarePlate(context, plate))]);
    context.sites.set(name, { node: b.input("column", name, [...space.dims(axes), ...dims(type)], type.support.kind === "index" ? "i32" : "f32"), axes });
  }
  const counts = { row: 1, global: 1 };
  runGuide(context, objective, { counts, globalOnly: true, drawEnumerated: true });
  const outputs: Record<string, TensorNode> = {};
  const finish = (site: Site, value: Value, distribution: LoweredDistribution): void => {
    context.sites.set(site.name, value);
    const mean = site.role === "observed" ? meanOf(context, distribution) : undefined;
    if (mean) outputs[`mean.${site.name}`] = expanded(b, space, mean, drawAxes(context, site, counts, []));
    outputs[site.name] = value.node;
  };
  const job = siteJob(bindingJob(modelFrame, lowerExpression), {
    draw: (inside, step, call, plates) => {
      const site = step as Site;
      const distribution = lowerDistribution(inside, modelFrame, call, site.type);
      return { value: draw(inside, distribution, site.name, drawAxes(inside, { scope: site.scope, plates }, counts, distribution.axes)), distribution };
    },
    // Before the first step a column of the data reads as zeros.
    zeros: (inside, { step }) => (step.kind === "site" && step.role === "observed" ? { node: inside.b.full(0, dims(step.type), step.type.support.kind === "index" ? "i32" : "f32"), axes: [] } : undefined),
  });
  const isUnknown = (name: string): boolean => !given.includes(name) && program.model.some((step) => step.kind === "site" && step.name === name && step.scope === "row");
  context.chains.set("model", chainRunner(context, "model", isUnknown, job, (step, value, distribution) => finish(step as Site, value, distribution)));
  for (const site of program.model) {
    if (site.kind !== "site") continue;
    b.at(site.origin, () => {
      if (site.scope === "global") outputs[site.name] = context.sites.get(site.name)!.node;
      else if (!context.sites.get(site.name) && !context.chains.get("model")!.run(`site ${site.name}`)) {
        const distribution = modelDistribution(context, site);
        finish(site, draw(context, distribution, site.name, drawAxes(context, site, counts, distribution.axes)), distribution);
      }
    });
  }
  return b.program("sample", outputs);
}
