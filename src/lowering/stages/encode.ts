import { withoutStage } from "../../ir/model/stages.js";
import type { ModelProgram, Stage } from "../../ir/model/model.js";
import type { Objective, Term } from "../../ir/objective/objective.js";
import type { TensorNode, TensorProgram } from "../../ir/tensor/nodes.js";
import { LoweringContext } from "../context.js";
import { siteValue } from "../densities-of-sites.js";
import { runGuide } from "../guide.js";
import { siteOf } from "../latents.js";
import { declarePlate } from "../plates.js";
import { lowerTerms } from "../terms.js";
import { ROWS, expanded, isPlateAxis, sumAxes } from "../value.js";

/** A draw of the latent of each row from the guide, `<site>`, with plates as axes; and of each of `terms`, those of the model's objective at this draw, `row.<term>`. */
export function lowerEncode(stage: Stage, objective: Objective, terms: readonly Term[], prefix: string): TensorProgram {
  const model: ModelProgram = withoutStage(stage.model);
  const context = new LoweringContext(model, "evaluate", prefix);
  const { b, space } = context;
  const latents = runGuide(context, objective, { counts: { row: 1, global: 1 }, drawEnumerated: terms.length === 0 });
  const site = siteOf(model, stage.site);
  const outputs: Record<string, TensorNode> = { [stage.site]: expanded(b, space, siteValue(context, site), [ROWS, ...site.plates.map((plate) => declarePlate(context, plate))]) };
  for (const { term, value } of lowerTerms(context, { ...objective, terms }, latents)) outputs[`row.${term.name}`] = expanded(b, space, sumAxes(b, value, isPlateAxis), [ROWS]);
  return b.program("encode", outputs);
}
