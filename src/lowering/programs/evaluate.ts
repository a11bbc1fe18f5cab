import type { ModelProgram, Site } from "../../ir/model/model.js";
import type { Objective } from "../../ir/objective/objective.js";
import type { TensorNode, TensorProgram } from "../../ir/tensor/nodes.js";
import { LoweringContext } from "../context.js";
import { logDensity } from "../densities.js";
import { modelDistribution, siteValue } from "../densities-of-sites.js";
import { runGuide } from "../guide.js";
import { meanOver } from "../score-function.js";
import { expectation, lowerTerms } from "../terms.js";
import { ROWS, SAMPLES, addValues, enumAxis, eventShape, expanded, isPlateAxis, sumAxes, type Value } from "../value.js";

/** The evaluation objective row by row: terms, KL of each latent coordinate, accuracy of labels. */
export function lowerEvaluate(program: ModelProgram, objective: Objective): TensorProgram {
  const context = new LoweringContext(program, "evaluate", "evaluate.");
  const { b, space } = context;
  const latents = runGuide(context, objective, { counts: { row: 1, global: 1 } });
  const outputs: Record<string, TensorNode> = {};
  const perRow = (value: Value): TensorNode => expanded(b, space, value, [ROWS]);

  const parts: Value[] = [];
  for (const { term, value, coordinates } of lowerTerms(context, objective, latents)) {
    const total = sumAxes(b, meanOver(context, expectation(context, value, latents), SAMPLES), isPlateAxis);
    if (term.weight.perDataset) {
      const scalar = meanOver(context, total, ROWS);
      outputs[`global.${term.name}`] = scalar.node;
      parts.push({ node: b.divide(scalar.node, b.size("dataset")), axes: [] });
    } else {
      outputs[`row.${term.name}`] = perRow(total);
      parts.push(total);
      if (coordinates) {
        const expected = meanOver(context, expectation(context, coordinates, latents), SAMPLES);
        // Plates stand before the latent's own shape and are coordinates too.
        outputs[`coordinates.${term.sites[0]!}`] = expected.axes.includes(ROWS) ? expected.node : b.broadcast(expected.node, [space.size(ROWS), ...expected.node.shape]);
      }
    }
  }
  outputs["elbo"] = perRow(addValues(b, space, parts));
  for (const step of program.model) {
    if (step.kind !== "site" || !isLabel(step)) continue;
    const accuracy = labelAccuracy(context, step);
    if (accuracy) outputs[`accuracy.${step.name}`] = perRow(expectation(context, accuracy, latents));
  }
  return b.program("evaluate", outputs);
}

function isLabel(site: Site): boolean {
  return site.role === "observed" && site.type.support.kind === "index" && site.type.shape.length === 0 && site.plates.length === 0 && !site.partlyObserved;
}

/** 1 where the most probable label is the observed one: the density at every label, along an axis of its own. */
function labelAccuracy(context: LoweringContext, site: Site): Value | undefined {
  const { b, space } = context;
  if (site.type.support.kind !== "index") return undefined;
  const axis = space.declare(enumAxis(`${site.name} label`), site.type.support.size);
  const labels: Value = { node: b.iota(site.type.support.size), axes: [axis] };
  const scores = logDensity(context, modelDistribution(context, site), labels);
  const axes = scores.axes.filter((candidate) => candidate !== axis);
  const best = b.argMax(scores.node, scores.axes.indexOf(axis));
  const truth = siteValue(context, site);
  if (eventShape(truth).length > 0) return undefined;
  const all = space.sort([...axes, ...truth.axes]);
  return { node: b.cast(b.equal(expanded(b, space, { node: best, axes }, all), expanded(b, space, truth, all)), "f32"), axes: all };
}
