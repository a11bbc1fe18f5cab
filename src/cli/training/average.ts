import type { Metrics } from "../../runtime/model.js";

/** The mean of the metrics since it was last taken: one minibatch alone is off by nats. */
export interface Average {
  add(metrics: Metrics): void;
  /** The means; everything else is the last's. At least one must have been added before. */
  take(): Metrics;
}

export function createAverage(): Average {
  let last: Metrics = { loss: NaN, elbo: NaN, terms: {}, learningRate: NaN };
  let sums = new Map<string, number>();
  let count = 0;
  let elbo = 0;
  return {
    add(metrics) {
      last = metrics;
      count += 1;
      elbo += metrics.elbo;
      for (const [name, value] of Object.entries(metrics.terms)) sums.set(name, (sums.get(name) ?? 0) + value);
    },
    take() {
      const mean: Metrics = count === 0 ? last : { ...last, elbo: elbo / count, terms: Object.fromEntries([...sums].map(([name, sum]) => [name, sum / count])) };
      sums = new Map();
      count = 0;
      elbo = 0;
      return mean;
    },
  };
}
