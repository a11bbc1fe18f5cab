import type { Trainer } from "./trainer.js";

/** A window of steps that takes less than so many milliseconds may be twice as long, and one that takes four times as many half. */
const briefly = 100;
const firstWindow = 8;

/**
 * Takes a trainer's steps. A device that computes by itself has at most two windows of them before it: one that it computes, and one whose rows the host has
 * sent meanwhile. So neither its queue nor what waits in it grows, Ctrl-C is heard, and a device that stands still is seen. How long windows are depends on
 * the device's speed, and no result on them.
 * @throws LvmError LVM7162 where the device failed
 */
export function createPacer(trainer: Pick<Trainer, "run" | "window" | "module">, clock: () => number = () => performance.now()): (steps: number) => Promise<void> {
  let size = Math.min(firstWindow, trainer.window);
  /** Steps of the window that is being filled. */
  let filled = 0;
  let before: Promise<void> | undefined;
  let last = clock();
  return async (steps) => {
    for (let left = steps; left > 0; ) {
      const now = Math.min(left, size - filled);
      trainer.run(now);
      left -= now;
      filled += now;
      if (filled < size) return;
      filled = 0;
      const done = trainer.module.finished();
      if (!done) {
        // Whatever ran is done.
        if (left > 0) trainer.run(left);
        return;
      }
      // Awaited when the next window is under way, or not at all where the run ends before.
      done.catch(() => undefined);
      await before;
      before = done;
      const took = clock() - last;
      last += took;
      if (took < briefly) size = Math.min(2 * size, trainer.window);
      else if (took > 4 * briefly) size = Math.max(1, size >> 1);
    }
  };
}
