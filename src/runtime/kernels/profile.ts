import { createSnapshots } from "./snapshot.js";
import type { KernelState } from "./state.js";
import type { Trainer } from "./trainer.js";

/** What one kernel of the training step costs. */
export interface KernelProfile {
  readonly title: string;
  readonly lines: readonly number[];
  readonly groups: number;
  readonly microseconds: number;
  /** 10⁹ floating-point operations and bytes a second; bytes are those that must be moved at least. */
  readonly gflops: number;
  readonly gigabytes: number;
}

/** Times each kernel by itself, the median of several runs; the state is afterwards what it was. */
export function profileKernels(state: KernelState, { artifact, module, zeroMetrics }: Trainer): readonly KernelProfile[] {
  const before = createSnapshots(state);
  before.take();
  const profiles = artifact.kernels.map(({ title, lines, groups, flops, bytes }, index): KernelProfile => {
    const times = Array.from({ length: rounds }, () => {
      const begin = performance.now();
      for (let at = 0; at < repeats; at++) module.runKernel(index);
      return ((performance.now() - begin) * 1000) / repeats;
    }).sort((a, b) => a - b);
    const microseconds = times[rounds >> 1] ?? NaN;
    return { title, lines, groups, microseconds, gflops: flops / microseconds / 1e3, gigabytes: bytes / microseconds / 1e3 };
  });
  before.restore();
  zeroMetrics();
  return profiles;
}

const rounds = 7;
const repeats = 5;
