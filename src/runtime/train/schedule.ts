import type { SchedulePlan } from "./optimizer-plan.js";

/** The learning rate for a step, counted from 0. `peak` replaces the schedule's value and scales its end alike. */
export function learningRate(schedule: SchedulePlan, step: number, peak = schedule.value): number {
  const scale = schedule.value === 0 ? 1 : peak / schedule.value;
  switch (schedule.kind) {
    case "constant":
      return peak;
    case "exponential":
      return peak * schedule.factor ** (step / schedule.every);
    case "cosine":
    case "linear": {
      if (step < schedule.warmup) return (peak * (step + 1)) / schedule.warmup;
      const span = Math.max(1, schedule.steps - schedule.warmup);
      const share = Math.min(1, (step - schedule.warmup) / span);
      const left = schedule.kind === "linear" ? 1 - share : 0.5 * (1 + Math.cos(Math.PI * share));
      return schedule.end * scale + (peak - schedule.end * scale) * left;
    }
  }
}

/**
 * The weight of annealed terms at a step: it rises from 0 to 1 over `steps`. `steps` is the length of the whole schedule: with several
 * cycles each takes steps / cycles of them, rises in its first half and stays at 1 in the second (Fu et al. 2019, equation 6: T = steps, M = cycles, R = 1/2).
 */
export function annealing(plan: { readonly steps: number; readonly cycles: number }, step: number): number {
  if (plan.steps <= 0 || step >= plan.steps) return 1;
  if (plan.cycles <= 1) return step / plan.steps;
  const length = plan.steps / plan.cycles;
  return Math.min(1, (2 * (step % length)) / length);
}
