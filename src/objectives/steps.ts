import type { DerivationStep, Objective } from "../ir/objective/objective.js";
import type { Setting } from "./setting.js";

/** From log p(x) to the sum of terms, in the user's names. */
export function derivationSteps(_setting: Setting, _derived: Omit<Objective, "steps">): readonly DerivationStep[] {
  return [];
}
