/** What early stopping remembers between evaluations: part of checkpoints, so that a resumed run stops where an unbroken one does. */
export interface BestSoFar {
  /** The highest validation bound, in nats per row; −∞ before the first evaluation. */
  readonly elbo: number;
  /** The step after which it was reached. */
  readonly step: number;
  /** Evaluations since then. */
  readonly since: number;
}

export const noneSoFar: BestSoFar = { elbo: -Infinity, step: 0, since: 0 };

/** The memory after one more evaluation. A bound that is not a number is no better than any other. */
export function afterEvaluation(before: BestSoFar, elbo: number, step: number): BestSoFar {
  return elbo > before.elbo ? { elbo, step, since: 0 } : { ...before, since: before.since + 1 };
}

/** True once the bound has not risen for `patience` evaluations; never without a patience. */
export function isOutOfPatience(best: BestSoFar, patience: number | undefined): boolean {
  return patience !== undefined && best.since >= patience;
}
