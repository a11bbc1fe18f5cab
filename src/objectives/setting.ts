import type { LatentPlan, Objective } from "../ir/objective/objective.js";
import type { ModelProgram, TrainingObjective } from "../ir/model/model.js";
import { isDiscrete } from "../types/support.js";
import { reparameterizationOf } from "./families.js";
import { type FactorGraph, buildFactorGraph } from "./dependencies.js";

/** What every rule of the derivation looks at. */
export interface Setting {
  readonly program: ModelProgram;
  readonly graph: FactorGraph;
  readonly mode: Objective["mode"];
  readonly bound: Objective["bound"];
  /** Importance samples K; 1 for the plain bound and always in evaluation. */
  readonly samples: number;
  /** The user's objective; in evaluation without β, annealing, free bits, supervision and constraints. */
  readonly objective: TrainingObjective;
}

export function settingOf(program: ModelProgram, mode: Objective["mode"]): Setting {
  const asked = program.training.objective;
  const objective: TrainingObjective =
    mode === "training" ? asked : { ...asked, samples: 1, beta: 1, freeBits: 0, anneal: { steps: 0, cycles: 1 }, supervision: 0, constraints: [], balance: undefined, overshooting: 1, gradient: undefined };
  const samples = asked.kind === "elbo" ? Math.max(1, objective.samples) : 1;
  const bound = asked.kind === "elbo" ? (samples > 1 ? "importance-weighted" : "elbo") : asked.kind;
  return { program, graph: buildFactorGraph(program), mode, bound, samples, objective };
}

/** Whether a site's guide is differentiated through its draw alone: a reparameterized guide site under `gradient = path`. */
export function hasPathGradient({ objective, graph }: Setting, name: string): boolean {
  const entry = graph.entryOf(name);
  if (objective.gradient !== "path" || entry?.kind !== "guide-site" || (entry.by && entry.by.estimator !== "reparameterization")) return false;
  const kind = reparameterizationOf(entry.distribution.distribution);
  return !isDiscrete(graph.site(name).type.support) && kind !== "none" && kind !== "deterministic";
}

/** Plans by the sites they cover. */
export type Plans = ReadonlyMap<string, LatentPlan>;

/** Whether a site's draw stands inside the log-mean-exp of an importance-weighted bound: row latents do, global ones are drawn once outside. */
export function isWeighted(setting: Setting, site: string): boolean {
  return setting.bound === "importance-weighted" && setting.graph.site(site).scope === "row";
}
