import type { LoweredModel } from "../ir/lowered-model.js";
import { lowerTrainingStep, type StepSizes } from "../lowering/training-step.js";
import { estimateWork, type Work } from "../passes/estimate-work.js";

/** What a training step will cost, in a few hundredths of a second: nothing is scheduled. */
export function estimateStep(lowered: LoweredModel, { batch, dataset }: Pick<StepSizes, "batch" | "dataset">): Work {
  return estimateWork(lowerTrainingStep(lowered, { batch, slots: 1, dataset }).program);
}
