/** What page and worker tell each other. */

export interface Start {
  readonly kind: "start";
  readonly seed: number;
  /** `webgpu` or `wasm`; by default the module chooses. */
  readonly device?: string;
  /** Ends there instead of after the last epoch. */
  readonly steps?: number;
}

export type ToWorker = Start | { readonly kind: "pause" } | { readonly kind: "continue" };

/** Numbers of one step, in nats per digit. */
export interface Progress {
  readonly kind: "progress";
  readonly step: number;
  readonly epoch: number;
  readonly loss: number;
  readonly reconstruction: number;
  readonly kl: number;
}

/** What the model draws at a step. Pictures are grey levels, one after another, `side` × `side`. */
export interface Pictures {
  readonly kind: "pictures";
  readonly step: number;
  readonly samples: Uint8Array;
  /** Decoded latents, `mapSide` × `mapSide` cells, row by row from the top left. */
  readonly map: Uint8Array;
  /** Encoded digits: the two numbers of each. */
  readonly codes: Float32Array;
  /** Which digit each is. */
  readonly labels: Uint8Array;
}

export type FromWorker =
  /** `device`: its name; `note`: which was passed over, and why. */
  | { readonly kind: "opened"; readonly device: string; readonly note: string }
  | Progress
  | Pictures
  /** No step is taken until it is told to continue. */
  | { readonly kind: "paused" }
  | { readonly kind: "finished" }
  | { readonly kind: "failed"; readonly message: string; readonly help: string };

/** Pixels along a picture, pictures along the samples' grid, cells along the map. */
export const side = 28;
export const samplesSide = 6;
export const mapSide = 12;
