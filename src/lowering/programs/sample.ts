import type { ModelProgram } from "../../ir/model/model.js";
import type { Objective } from "../../ir/objective/objective.js";
import type { TensorNode, TensorProgram } from "../../ir/tensor/nodes.js";
import { LoweringContext } from "../context.js";
import { draw, meanOf } from "../densities.js";
import { modelDistribution } from "../densities-of-sites.js";
import { runGuide } from "../guide.js";
import { drawAxes } from "../latents.js";
import { expanded } from "../value.js";

/** Ancestral sampling: global latents from the guide, then every site of the model in order. Inputs to condition on are columns. */
export function lowerSample(program: ModelProgram, objective: Objective): TensorProgram {
  const context = new LoweringContext(program, "evaluate", "sample.");
  const { b, space } = context;
  const counts = { row: 1, global: 1 };
  runGuide(context, objective, { counts, globalOnly: true, drawEnumerated: true });
  const outputs: Record<string, TensorNode> = {};
  for (const site of program.model) {
    if (site.kind !== "site") continue;
    b.at(site.origin, () => {
      if (site.scope === "row") {
        const distribution = modelDistribution(context, site);
        const axes = drawAxes(context, site, counts, distribution.axes);
        const value = draw(context, distribution, site.name, axes);
        context.sites.set(site.name, value);
        const mean = site.role === "observed" ? meanOf(context, distribution) : undefined;
        if (mean) outputs[`mean.${site.name}`] = expanded(b, space, mean, drawAxes(context, site, counts, []));
      }
      outputs[site.name] = context.sites.get(site.name)!.node;
    });
  }
  return b.program("sample", outputs);
}
