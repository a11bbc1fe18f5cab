import type { ModelProgram } from "../../ir/model/model.js";
import type { Objective } from "../../ir/objective/objective.js";
import type { TensorNode, TensorProgram } from "../../ir/tensor/nodes.js";
import { LoweringContext } from "../context.js";
import { runGuide } from "../guide.js";
import { importanceLogWeights } from "../importance-weights.js";
import { ROWS, SAMPLES, expanded } from "../value.js";

/** Importance weights of independent draws: their log-mean-exp estimates the evidence from below, ever tighter (Burda et al. 2015). */
export function lowerImportance(program: ModelProgram, objective: Objective, samples: number): TensorProgram {
  const context = new LoweringContext(program, "evaluate", "importance.");
  const { b, space } = context;
  const latents = runGuide(context, objective, { counts: { row: samples, global: samples } });
  space.declare(SAMPLES, samples);
  const outputs: Record<string, TensorNode> = { log_weight: expanded(b, space, importanceLogWeights(context, objective, latents, "row"), [SAMPLES, ROWS]) };
  if (latents.some(({ site }) => site.scope === "global")) {
    outputs["log_weight_global"] = expanded(b, space, importanceLogWeights(context, objective, latents, "global"), [SAMPLES]);
  }
  return b.program("importance", outputs);
}
