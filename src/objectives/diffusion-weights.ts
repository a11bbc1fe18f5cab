import type { TrainingObjective } from "../ir/model/model.js";

/** What `weight` does to a diffusion's squared errors in training; empty for the bound. */
export function weighedText(weight: TrainingObjective["weight"]): string {
  switch (weight?.kind) {
    case "simple":
      return "in training the squared errors of all steps weigh the same, which makes their mean (simple, Ho et al. 2020)";
    case "min_snr":
      return `in training the squared error of the datum weighs min(snr, ${weight.gamma}), and steps are averaged (Hang et al. 2023)`;
    default:
      return "";
  }
}
