/** The optimizer of the model's `train` block. */
export interface OptimizerPlan {
  readonly kind: "adam" | "adamw" | "sgd";
  readonly rate: SchedulePlan;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Decoupled weight decay (Loshchilov & Hutter 2019). */
  readonly decay: number;
  readonly momentum: number;
}

export type SchedulePlan =
  | { readonly kind: "constant"; readonly value: number }
  /** Linear warm-up over `warmup` steps, then cosine to `end` at `steps`. */
  | { readonly kind: "cosine"; readonly value: number; readonly end: number; readonly steps: number; readonly warmup: number }
  | { readonly kind: "exponential"; readonly value: number; readonly factor: number; readonly every: number }
  | { readonly kind: "linear"; readonly value: number; readonly end: number; readonly steps: number; readonly warmup: number };
