import type { Term } from "../ir/objective/objective.js";
import { type Setting, isWeighted } from "./setting.js";

/**
 * Importance-weighted bound (Burda, Grosse & Salakhutdinov 2015): E[log 1/K Σ_k Π_terms exp(term at draw k)]. Inside the log-mean-exp
 * stand all terms of row scope but supervision; the terms of global latents stand outside, as one draw of those is shared by all rows.
 */
export function isInsideLogMeanExp(setting: Setting, term: Term): boolean {
  if (setting.bound !== "importance-weighted" || term.kind === "supervision") return false;
  return term.kind === "reconstruction" || term.kind === "evidence" || term.sites.some((site) => isWeighted(setting, site));
}
