import { describe, expect, it } from "vitest";
import { LvmError } from "../../src/runtime/error.js";
import type { KernelModule } from "../../src/runtime/kernel-engine.js";
import { createPacer } from "../../src/runtime/kernels/pacer.js";
import type { TrainStep } from "../../src/runtime/model.js";
import { lowerText } from "../support/lowered.js";
import { patterns, tinyVae, trainAll } from "../training/support.js";
import { kernelModel } from "./support/kernel-model.js";

const data = patterns(48, 12);
const lowered = lowerText(tinyVae);
const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
};

describe("a device that computes by itself", () => {
  // Guards that metrics are those of the step that is told: they come back when later ones are on their way.
  it("tells of each step what another device tells, however many steps later it is read", async () => {
    const told = async (device: "apart" | "interpreter"): Promise<unknown[]> => {
      const model = await kernelModel(lowered, device, { seed: 3 });
      const { steps } = await trainAll(model, patterns(480, 12), { steps: 40, epochs: 10, metricsEvery: 2, yieldEvery: 2 });
      return steps.filter(({ fresh }) => fresh).map(({ step, epoch, metrics }) => [step, epoch, metrics]);
    };
    expect(await told("apart")).toEqual(await told("interpreter"));
  });

  // Guards against stalls: nothing is answered here before further steps are under way, unless the host has waited for many turns of its loop.
  it("has its next steps before the metrics of the last, and copies of the state, are waited for", async () => {
    let stalls = 0;
    let asked = 0;
    const wrap = (module: KernelModule): KernelModule => {
      const held: (() => void)[] = [];
      const hold = async (): Promise<void> => {
        let released = false;
        held.push(() => (released = true));
        for (let turn = 0; turn < 30 && !released; turn++) await turns(1);
        if (!released) stalls++;
      };
      return {
        ...module,
        run: (steps) => {
          module.run(steps);
          held.splice(0).forEach((release) => release());
        },
        async fetch(ranges, seen) {
          asked++;
          const brought = module.fetch(ranges, seen);
          await hold();
          await brought;
        },
        finished: hold,
      };
    };
    const model = await kernelModel(lowered, "apart", { seed: 3, wrap });
    const { steps } = await trainAll(model, patterns(16 * 300, 12), { steps: 281, epochs: 1, metricsEvery: 10, yieldEvery: 10 });
    expect(steps.filter(({ fresh }) => fresh)).toHaveLength(30);
    expect(asked).toBeGreaterThan(30);
    // The first step and the last are waited for.
    expect(stalls).toBe(2);
  });

  it("is never more than two windows of steps behind, where nobody looks", async () => {
    let [ran, done, furthest] = [0, 0, 0];
    const answers: (() => void)[] = [];
    const module = { finished: () => new Promise<void>((resolve) => {
      const until = ran;
      answers.push(() => {
        done = until;
        resolve();
      });
    }) } as unknown as KernelModule;
    const run = (steps: number): void => {
      ran += steps;
      furthest = Math.max(furthest, ran - done);
    };
    let time = 0;
    const take = createPacer({ run, window: 64, module }, () => time++);
    let over = false;
    void take(10_000).then(() => (over = true));
    for (let turn = 0; turn < 1000 && !over; turn++) {
      answers.shift()?.();
      await turns(1);
    }
    expect([over, ran]).toEqual([true, 10_000]);
    expect(furthest).toBeLessThanOrEqual(2 * 64);
    // A slow device has fewer.
    const slow = createPacer({ run, window: 64, module }, () => (time += 1000));
    [ran, done, furthest, over] = [0, 0, 0, false];
    answers.length = 0;
    void slow(100).then(() => (over = true));
    for (let turn = 0; turn < 1000 && !over; turn++) {
      answers.shift()?.();
      await turns(1);
    }
    expect([over, ran]).toEqual([true, 100]);
    expect(furthest).toBeLessThanOrEqual(16);
  });

  // Guards what a run has when its GPU is gone: the state of the last copy, which can be saved, and which goes on as if nothing had been.
  it("leaves the state of its last copy when it is lost", async () => {
    let left = 20;
    const lost = new LvmError("LVM7162", "gone", { exitCode: 5 });
    const wrap = (module: KernelModule): KernelModule => ({
      ...module,
      run(steps) {
        left -= steps;
        if (left < 0) throw lost;
        module.run(steps);
      },
      fetch: (ranges, seen) => (left < 0 ? Promise.reject(lost) : module.fetch(ranges, seen)),
    });
    const model = await kernelModel(lowered, "apart", { seed: 3, wrap });
    const whole = await kernelModel(lowered, "interpreter", { seed: 3 });
    await trainAll(model, data, { steps: 5, epochs: 100 });
    await expect(trainAll(model, data, { epochs: 100, metricsEvery: 4 })).rejects.toBe(lost);
    expect(model.step).toBe(5);
    const bytes = await model.save();
    const other = await kernelModel(lowered, "interpreter", { seed: 9 });
    await other.load(bytes);
    const ends = await Promise.all([other, whole].map(async (each): Promise<TrainStep | undefined> => (await trainAll(each, data, { steps: 12, epochs: 100 })).steps.at(-1)));
    expect(ends[0]).toEqual(ends[1]);
    for (const each of [model, whole, other]) each.dispose();
  });
});
