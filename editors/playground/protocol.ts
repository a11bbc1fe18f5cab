/** What the page and the training worker tell each other. */

export interface Start {
  readonly kind: "start";
  readonly text: string;
  readonly model?: string;
  readonly device?: string;
}

export type ToTrainer = Start | { readonly kind: "pause" } | { readonly kind: "continue" };

export interface Progress {
  readonly kind: "progress";
  readonly step: number;
  readonly epoch: number;
  readonly loss: number;
  /** In nats per row. */
  readonly terms: Readonly<Record<string, number>>;
}

/** What the model draws: pictures, points of the plane, or numbers. */
export type Drawn =
  | { readonly kind: "pictures"; readonly column: string; readonly count: number; readonly shape: readonly [number, number, number]; readonly bytes: Uint8Array }
  | { readonly kind: "points"; readonly column: string; readonly drawn: Float32Array; readonly data: Float32Array }
  | { readonly kind: "numbers"; readonly text: string };

export type FromTrainer =
  | { readonly kind: "opened"; readonly model: string; readonly device: string; readonly note: string; readonly parameters: number; readonly rows: number }
  | Progress
  | { readonly kind: "drawn"; readonly step: number; readonly drawn: Drawn }
  | { readonly kind: "paused" }
  | { readonly kind: "finished" }
  | { readonly kind: "failed"; readonly message: string; readonly help: string };
