import { KernelBuilder } from "../../src/ir/kernel/builder.js";
import type { Kernel, KernelProgram, Launch } from "../../src/ir/kernel/nodes.js";

/** Groups of the kernels, and the steps of the loops around them. */
const kernels = [
  { groups: 40, loops: [] }, { groups: 13, loops: [5] }, { groups: 64, loops: [5, 3] }, { groups: 7, loops: [5] }, { groups: 33, loops: [] }, { groups: 9, loops: [4] },
] as const satisfies readonly { readonly groups: number; readonly loops: readonly number[] }[];

const launches: readonly Launch[] = [0, { steps: 5, reverse: false, body: [1, { steps: 3, reverse: true, body: [2] }, 3] }, 4, { steps: 4, reverse: true, body: [5] }];

const width = 64;
const first = 8;
export const relayWords = first + kernels.length * width;

/**
 * Kernels in loops within loops, each of which reads, mirrored, what the one before it in the list wrote, the step and the indices of the loops around it. `costs`: FLOP of each,
 * which decide who shares groups among threads.
 */
export function loopRelay(costs: readonly number[], target: Partial<Pick<KernelProgram, "lanes" | "simt">> = {}): KernelProgram {
  const lanes = target.lanes ?? 4;
  return {
    name: "relay", lanes, ...(target.simt ? { simt: true } : {}), words: relayWords, launches, functions: [],
    kernels: kernels.map(({ groups, loops }, at): Kernel => {
      const k = new KernelBuilder(lanes, target.simt === true);
      const from = (at + kernels.length - 1) % kernels.length;
      const count = kernels[from]!.groups;
      const mirrored = k.remainder(k.subtract(count * 20, k.add(k.group(), 1)), count);
      const before = k.load(k.add(mirrored, first + from * width), "i32");
      const own = loops.reduce((sum, _, depth) => k.add(sum, k.multiply(k.loopIndex(depth), depth === 0 ? 10 : 100)), k.group());
      k.store(k.add(k.group(), first + at * width), k.add(k.multiply(before, 3), k.add(own, k.load(k.integer(0), "i32"))));
      return { name: `relay_${at}`, title: `relay ${at}`, origins: [], groups, ...(loops.length > 0 ? { loops } : {}), body: k.body(), flops: costs[at % costs.length]!, bytes: 0 };
    }),
  };
}

/** The rows after so many steps, by hand. */
export function relayByHand(steps: number): number[][] {
  const rows = kernels.map(({ groups }) => new Int32Array(groups));
  for (let step = 0; step < steps; step++) {
    const run = (at: number, ...indices: number[]): void => {
      const [from, own] = [rows[(at + rows.length - 1) % rows.length]!, rows[at]!];
      // A kernel may read what it writes nowhere: rows differ.
      for (let g = 0; g < own.length; g++) own[g] = Math.imul(from[(from.length * 20 - g - 1) % from.length]!, 3) + g + step + (indices[0] ?? 0) * 10 + (indices[1] ?? 0) * 100;
    };
    run(0);
    for (let i = 0; i < 5; i++) {
      run(1, i);
      for (const j of [2, 1, 0]) run(2, i, j);
      run(3, i);
    }
    run(4);
    for (const i of [3, 2, 1, 0]) run(5, i);
  }
  return rows.map((row) => [...row]);
}

export const relayRows = (words: Int32Array): number[][] => kernels.map(({ groups }, at) => [...words.subarray(first + at * width, first + at * width + groups)]);
