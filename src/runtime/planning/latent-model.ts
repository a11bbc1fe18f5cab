/** What has been seen and done in an episode: step 1 to the present one. */
export interface History {
  /** How many steps have been seen: t, from 1. */
  readonly steps: number;
  /** By column, what was seen: [steps, numbers of a step], pictures from 0 to 1. Rewards stand under their column's name, [steps]. */
  readonly columns: Readonly<Record<string, Float32Array>>;
  /** [steps - 1, size of an action]: the action at place i acted between step i + 1 and step i + 2. */
  readonly actions: Float32Array;
}

/**
 * A trained model that imagines: its guide says where in latent space an episode stands, its transition and its likelihoods what actions would lead to.
 * Everything random follows from the model's seed and `draw`, a stream's number
 * (32 bits) that is another one at each call.
 */
export interface LatentModel<Belief = unknown> {
  /** The most steps that `filter` takes; an episode that is longer is shown by its last ones. */
  readonly window: number;
  /** The guide's belief about the latent of the present step. */
  filter(history: History, draw: number): Promise<Belief>;
  /**
   * Rewards that the model expects for sequences of actions from here on.
   * @param actions [samples, horizon, size of an action]
   * @returns [samples, horizon]: the reward seen after each action
   */
  rewards(belief: Belief, actions: Float32Array, samples: number, draw: number): Promise<Float32Array>;
  /**
   * What the model expects to see for one sequence of actions.
   * @param actions [horizon, size of an action]
   */
  imagine(belief: Belief, actions: Float32Array, draw: number): Promise<Imagined>;
}

export interface Imagined {
  /** By column, means of the likelihoods: [horizon + 1, numbers of a step]; first the present step, then the one after each action. */
  readonly columns: Readonly<Record<string, Float32Array>>;
}
