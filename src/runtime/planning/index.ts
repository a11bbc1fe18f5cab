export { crossEntropy, crossEntropyDefaults, type ActionBounds, type ActionPlan, type CrossEntropyOptions, type Evaluate } from "./cross-entropy.js";
export type { History, Imagined, LatentModel } from "./latent-model.js";
export { latentRows, type PlanningColumns } from "./latent-rows.js";
export { planHistory } from "./plan-history.js";
export { createPlanner, planActions, episodeKey, type Planned, type Planner } from "./planner.js";
export { runEpisode, runRandomEpisode, type Episode, type EpisodeOptions } from "./run-episode.js";
