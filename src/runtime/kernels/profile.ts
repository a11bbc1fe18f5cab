import { arenaWords, type KernelModule, type WordRange } from "../kernel-engine.js";
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
  /** Times the step of the last `train`; its state stays as it is, bit for bit. Undefined where nothing was trained yet. @throws LvmError LVM7162 where the device fails */
  profile(options?: ProfileOptions): Promise<StepProfile | undefined>;
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

/** Steps follow each other while a GPU is timed, so that waiting for it does not count: so many, or as take so many microseconds. */
const stepsTogether = 16;
const togetherMicroseconds = 20_000;

/**
 * Runs the kernels in order, each timed by itself, again and again on the minibatches that lie in the arena; then whole steps. Puts back every word that a
 * step reads. A GPU times kernels by its own clock; where it has none, what waiting costs is counted as well.
 */
export async function profileStep(artifact: StepArtifact, module: KernelModule, { milliseconds = 1000, now = microseconds }: ProfileOptions = {}): Promise<StepProfile> {
  const { batch, kernels } = artifact;
  const { u32 } = module.arena;
  const kept = keptRanges(artifact);
  if (module.timeKernels) await module.fetch(kept);
  const before = kept.map(({ offset, words }) => u32.slice(offset, offset + words));
  // The rows of the last step; those after it may not be laid out yet.
  const last = Math.max(0, (u32[arenaWords.step] ?? 0) - 1);
  const times = kernels.map((): number[] => []);
  const steps: number[] = [];
  const timeAlone = async (): Promise<number[]> => {
    const taken: number[] = [];
    let at = now();
    for (let index = 0; index < kernels.length; index++) {
      module.runKernel(index);
      if (module.timeKernels) await module.finished();
      const end = now();
      taken.push(end - at);
      at = end;
    }
    return taken;
  };
  let together = 1;
  try {
    const until = now() + milliseconds * 1000;
    // The first round wakes threads and warms caches.
    for (let round = 0; round <= leastRounds || (round <= mostRounds && now() < until); round++) {
      u32[arenaWords.step] = last;
      const taken = (await module.timeKernels?.())?.map((nanoseconds) => nanoseconds / 1000) ?? (await timeAlone());
      if (round > 0) taken.forEach((time, index) => times[index]?.push(time));
      const at = now();
      for (let i = 0; i < together; i++) {
        u32[arenaWords.step] = last;
        module.run(1);
      }
      if (module.timeKernels) await module.finished();
      const took = (now() - at) / together;
      if (round > 0) steps.push(took);
      else if (module.timeKernels) together = Math.max(1, Math.min(stepsTogether, Math.floor(togetherMicroseconds / took)));
    }
  } finally {
    kept.forEach(({ offset, words }, at) => {
      u32.set(before[at] as Uint32Array, offset);
      module.send(offset, words);
    });
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

/** What lives from step to step, and what the last one left to be read: the data sets and minibatches that are only read stay as they are. */
function keptRanges({ inputs, outputs }: StepArtifact): WordRange[] {
  const own = [...Object.entries(inputs).filter(([name]) => !name.startsWith("data.")), ...Object.entries(outputs)].map(([, { offset, words }]) => ({ offset, words }));
  return [{ offset: 0, words: arenaWords.first }, ...own];
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
