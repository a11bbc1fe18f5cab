import type { Metrics } from "../model.js";
import type { ModelTables } from "./definition.js";
import { learningRate } from "./schedule.js";

/** A step's numbers, by the names of the training program's outputs. `step` counts from 0; `peak` replaces the schedule's rate. */
export function metricsOf({ training, terms, constraints }: ModelTables, numbers: ReadonlyMap<string, number>, step: number, peak: number | undefined): Metrics {
  const norm = numbers.get("gradient_norm");
  return {
    loss: numbers.get("loss") ?? NaN,
    elbo: numbers.get("elbo") ?? NaN,
    terms: Object.fromEntries(terms.flatMap(({ name }) => (numbers.has(`term.${name}`) ? [[name, numbers.get(`term.${name}`) ?? NaN]] : []))),
    learningRate: learningRate(training.optimizer.rate, step, peak),
    ...(norm === undefined ? {} : { gradientNorm: norm }),
    ...(constraints.length === 0
      ? {}
      : { constraints: Object.fromEntries(constraints.map(({ name }) => [name, { value: numbers.get(`constraint.${name}`) ?? NaN, multiplier: numbers.get(`multiplier.${name}`) ?? NaN }])) }),
  };
}
