import { exitCodes } from "./exit-codes.js";
import type { Io } from "./io.js";

/** Ctrl-C: the first asks the work to end in order, the second ends the process at once. */
export interface Interrupt {
  readonly signal: AbortSignal;
  readonly interrupted: () => boolean;
  stop(): void;
}

export function watchInterrupts(io: Io, onFirst: () => void): Interrupt {
  const controller = new AbortController();
  const stop = io.onInterrupt(() => {
    if (controller.signal.aborted) return io.exitNow(exitCodes.interrupted);
    controller.abort();
    onFirst();
  });
  return { signal: controller.signal, interrupted: () => controller.signal.aborted, stop };
}

/** On a terminal a line is open when Ctrl-C is pressed: that of the progress, with the terminal's own `^C` behind it. */
export function lineEnd(io: Io): string {
  return io.stdout.isTTY ? "\n" : "";
}
