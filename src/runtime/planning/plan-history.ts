import type { PlanOptions } from "../model.js";
import type { ModelTables } from "../train/definition.js";
import { checkCrossEntropyOptions, crossEntropyDefaults } from "./cross-entropy.js";
import type { History, LatentModel } from "./latent-model.js";
import { episodeKey, planActions, type Planned } from "./planner.js";

/** `model.plan`: one plan, with what the options leave out at its defaults; no further than the model's sequences reach. @throws RangeError for impossible options */
export async function planHistory({ columns }: ModelTables, model: LatentModel, history: History, { low, high, seed = 0, before, reward: _, actions, ...given }: PlanOptions): Promise<Planned> {
  const [window = 2, ...shape] = columns.find(({ name }) => name === actions)?.shape ?? [];
  const options = { ...crossEntropyDefaults, horizon: Math.min(crossEntropyDefaults.horizon, window - 1), ...given };
  checkCrossEntropyOptions(options);
  return planActions(model, { size: shape.reduce((total, dim) => total * dim, 1), low, high }, options, history, { key: episodeKey(seed), before });
}
