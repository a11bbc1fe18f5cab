import type { KernelProgram, Launch } from "./nodes.js";

/** In what order the kernels of a program run. */
export const launchesOf = ({ kernels, launches }: Pick<KernelProgram, "kernels" | "launches">): readonly Launch[] => launches ?? kernels.map((_, at) => at);

/** Calls `run` for each run of a kernel, in order; `indices` of the loops around it, outermost first, change afterwards. */
export function eachRun(launches: readonly Launch[], run: (kernel: number, indices: readonly number[]) => void, indices: number[] = []): void {
  for (const launch of launches) {
    if (typeof launch === "number") run(launch, indices);
    else {
      const depth = indices.length;
      for (let turn = 0; turn < launch.steps; turn++) {
        indices[depth] = launch.reverse ? launch.steps - 1 - turn : turn;
        eachRun(launch.body, run, indices);
      }
      indices.length = depth;
    }
  }
}

/** How often a kernel runs in one step of its program. */
export const runsOf = ({ loops = [] }: { readonly loops?: readonly number[] }): number => loops.reduce((product, steps) => product * steps, 1);
