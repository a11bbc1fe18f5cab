import type { ModelProgram, Site } from "../../ir/model/model.js";
import type { Objective } from "../../ir/objective/objective.js";
import type { TensorNode, TensorProgram } from "../../ir/tensor/nodes.js";
import { contextWithDraws } from "../chains/exact/drawn-context.js";
import { LoweringContext } from "../context.js";
import { draw, logDensity, meanOf } from "../densities.js";
import { modelDistribution } from "../densities-of-sites.js";
import { runGuide } from "../guide.js";
import { drawAxes } from "../latents.js";
import { expectation } from "../terms.js";
import { enumAxis, expanded, isEnumAxis, type Value } from "../value.js";

/**
 * What the model says of each observed column given the guide's draw of the latents: the mean, the probabilities of labels, or a draw
 * where neither exists. A chain that is summed out is drawn from its posterior, an enumerated site averaged over.
 */
export function lowerReconstruct(program: ModelProgram, objective: Objective): TensorProgram {
  const given = new LoweringContext(program, "evaluate", "reconstruct.");
  const { b, space } = given;
  const counts = { row: 1, global: 1 };
  const latents = runGuide(given, objective, { counts });
  const context = contextWithDraws(given, objective, latents);
  const outputs: Record<string, TensorNode> = {};
  for (const step of program.model) {
    if (step.kind !== "site" || step.role !== "observed") continue;
    b.at(step.origin, () => {
      const distribution = modelDistribution(context, step);
      const lead = drawAxes(context, step, counts, []);
      const put = (name: string, value: Value): boolean => {
        const expected = expectation(context, value, latents);
        if (expected.axes.some(isEnumAxis)) return false;
        outputs[name] = expanded(b, space, expected, lead);
        return true;
      };
      const probs = labelProbabilities(context, step);
      if (probs && put(`probs.${step.name}`, probs)) return;
      const mean = meanOf(context, distribution);
      if (mean && put(`mean.${step.name}`, mean)) return;
      if (!distribution.axes.some(isEnumAxis)) outputs[step.name] = draw(context, distribution, step.name, drawAxes(context, step, counts, distribution.axes)).node;
    });
  }
  return b.program("reconstruct", outputs);
}

/** p(label) at every label, as the last axis: [...axes, K]. */
function labelProbabilities(context: LoweringContext, site: Site): Value | undefined {
  if (site.type.support.kind !== "index" || site.type.shape.length > 0) return undefined;
  const { b, space } = context;
  const axis = space.declare(enumAxis(`${site.name} label`), site.type.support.size);
  const scores = logDensity(context, modelDistribution(context, site), { node: b.iota(site.type.support.size), axes: [axis] });
  const at = scores.axes.indexOf(axis);
  const order = [...scores.axes.map((_, i) => i).filter((i) => i !== at), at];
  return { node: b.transpose(b.exp(scores.node), order), axes: scores.axes.filter((name) => name !== axis) };
}

