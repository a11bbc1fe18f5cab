export interface Watchdog {
  /** Something is waited for, or something has happened: the time begins again. */
  watch(): void;
  /** Nothing is waited for. */
  rest(): void;
}

/** Calls `bark` where nothing happened for `patience` milliseconds while it watched. Watching costs a look at the clock, not a timer each time. */
export function createWatchdog(patience: number, bark: () => void): Watchdog {
  let since = 0;
  let watching = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const sleep = (milliseconds: number): void => {
    timer = setTimeout(() => {
      timer = undefined;
      if (!watching) return;
      const left = since + patience - performance.now();
      if (left > 0) sleep(left);
      else bark();
    }, Math.ceil(milliseconds));
  };
  const hold = (held: boolean): void => {
    // Node: a process waits for its GPU, and does not wait for a timer that has nothing to watch.
    if (typeof timer !== "object") return;
    if (held) timer.ref();
    else timer.unref();
  };
  return {
    watch() {
      since = performance.now();
      if (timer === undefined) sleep(patience);
      if (!watching) hold(true);
      watching = true;
    },
    rest() {
      watching = false;
      hold(false);
    },
  };
}
