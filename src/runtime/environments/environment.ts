import type { ColumnSupport } from "../data/spec.js";
import type { ImageBytes } from "../image/image-grid.js";

/**
 * A world that acts back: it shows something, takes an action, and pays a reward. Time counts from 1: `reset` shows step 1, and the action given at step t
 * leads to step t + 1. A model for it has its columns by name, with time as first axis: `x: binary[T, 1024], r: real[T], a: real[T, 2]`.
 */
export interface Environment {
  readonly name: string;
  /** One paragraph: what is seen, what actions do, what is paid. */
  readonly doc: string;
  /** What is seen at each step, and the reward, as columns of a model. */
  readonly observations: readonly ObservationColumn[];
  /** The column of the reward; one number a step. */
  readonly reward: string;
  readonly actions: ActionSpace;
  /** Pixels of `frame`. */
  readonly frameSize: { readonly width: number; readonly height: number };
  /** Begins an episode; the seed decides everything that is random in it. */
  reset(seed: number | bigint): Seen;
  /**
   * Acts once. Numbers outside the bounds are taken for the bounds.
   * @throws RangeError for another number of numbers, or one that is not finite
   */
  step(action: ArrayLike<number>): Seen;
  /** What is hidden from a model: for tests, and for planning with the true dynamics. */
  state(): Float64Array;
  /** The present as people see it, RGB. */
  frame(): ImageBytes;
}

export interface ObservationColumn {
  readonly name: string;
  readonly support: ColumnSupport;
  /** Of one step. */
  readonly shape: readonly number[];
  /** [height, width, channels], where the numbers are a picture. */
  readonly image?: readonly [height: number, width: number, channels: number];
}

export interface ActionSpace {
  /** The column of the actions. */
  readonly name: string;
  readonly size: number;
  /** Bounds of each number. */
  readonly low: number;
  readonly high: number;
}

/** What one step shows. */
export interface Seen {
  /** By column, one step's numbers; those of pictures are from 0 to 1. */
  readonly observations: Readonly<Record<string, Float32Array>>;
  readonly reward: number;
  /** The aim is reached. The environment can be stepped on all the same. */
  readonly done: boolean;
}
