import { arenaWords, type KernelModule } from "../kernel-engine.js";
import type { Model } from "../model.js";
import type { KernelPlan, StepArtifact } from "./artifact.js";

/** What one kernel of the training step takes, by itself. */
export interface KernelTime extends Pick<KernelPlan, "name" | "title" | "lines" | "groups" | "flops" | "bytes"> {
  /** Median over the rounds. */
  readonly microseconds: number;
  /** Of the sum over all kernels: 0 to 1. */
  readonly share: number;
  /** 10⁹ floating-point operations a second. */
  readonly gflops: number;
  /** 10⁹ bytes a second, read and written. */
  readonly gbytes: number;
}

export interface StepProfile {
  readonly kernels: readonly KernelTime[];
  /** Median of a step as it runs in training: without the calls that time kernels one by one. */
  readonly stepMicroseconds: number;
  readonly rounds: number;
  readonly threads: number;
  readonly batch: number;
}

/** A model whose training step can be timed kernel by kernel. */
export interface Profiled {
  /** Times the step of the last `train`; its state stays as it is, bit for bit. Undefined where nothing was trained yet. */
  profile(options?: ProfileOptions): StepProfile | undefined;
}

export interface ProfileOptions {
  /** About how long it may take; default 1000. */
  readonly milliseconds?: number;
  /** Microseconds since any moment; tests replace it. */
  readonly now?: () => number;
}

/** Whether a model runs on kernels, whatever copy of the run time made it. */
export function isProfiled(model: Model): model is Model & Profiled {
  return "profile" in model && typeof model.profile === "function";
}

const leastRounds = 5;
const mostRounds = 1000;

/** Runs the kernels in order, one call each, again and again on the minibatches that lie in the arena; then whole steps. Puts every word back. */
export function profileStep({ batch, kernels }: StepArtifact, module: KernelModule, { milliseconds = 1000, now = microseconds }: ProfileOptions = {}): StepProfile {
  const { u32 } = module.arena;
  const before = u32.slice();
  // The rows of the last step; those after it may not be laid out yet.
  const last = Math.max(0, (before[arenaWords.step] ?? 0) - 1);
  const times = kernels.map((): number[] => []);
  const steps: number[] = [];
  try {
    const until = now() + milliseconds * 1000;
    // The first round wakes threads and warms caches.
    for (let round = 0; round <= leastRounds || (round <= mostRounds && now() < until); round++) {
      u32[arenaWords.step] = last;
      let at = now();
      for (let index = 0; index < kernels.length; index++) {
        module.runKernel(index);
        const end = now();
        if (round > 0) times[index]?.push(end - at);
        at = end;
      }
      u32[arenaWords.step] = last;
      at = now();
      module.run(1);
      if (round > 0) steps.push(now() - at);
    }
  } finally {
    u32.set(before);
  }
  const medians = times.map(median);
  const sum = medians.reduce((total, each) => total + each, 0);
  const rate = (amount: number, time: number): number => (time > 0 ? amount / time / 1000 : 0);
  return {
    kernels: kernels.map(({ name, title, lines, groups, flops, bytes }, at) => {
      const time = medians[at] ?? 0;
      return { name, title, lines, groups, flops, bytes, microseconds: time, share: sum > 0 ? time / sum : 0, gflops: rate(flops, time), gbytes: rate(bytes, time) };
    }),
    stepMicroseconds: median(steps),
    rounds: steps.length,
    threads: module.threads,
    batch,
  };
}

function microseconds(): number {
  return performance.now() * 1000;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const [low = 0, high = 0] = [sorted[sorted.length % 2 === 0 ? half - 1 : half], sorted[half]];
  return (low + high) / 2;
}
