import type { Output } from "../io.js";

/** Speed and time left over the last while, from a clock that tests replace. */
export interface Clock {
  readonly speed: () => number | undefined;
  tick(step: number): void;
}

/** Steps per second over the last 10 s or so: the first steps, which compile kernels, do not spoil the estimate for long. */
export function createClock(now: () => number = () => performance.now()): Clock {
  const marks: { readonly step: number; readonly time: number }[] = [];
  return {
    tick(step) {
      const time = now();
      marks.push({ step, time });
      while (marks.length > 2 && time - (marks[0]?.time ?? time) > 10_000) marks.shift();
      // Fast steps would fill the list.
      if (marks.length > 512) marks.splice(1, 256);
    },
    speed() {
      const first = marks[0];
      const last = marks.at(-1);
      if (!first || !last || last.time <= first.time) return undefined;
      return ((last.step - first.step) * 1000) / (last.time - first.time);
    },
  };
}

/** `0:25`, `1:04:09`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number): string => String(n).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** Nats with two decimals, more for small numbers. */
export function nats(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  return Math.abs(value) >= 1 || value === 0 ? value.toFixed(2) : value.toPrecision(3);
}

/** One line that is written over itself on a terminal, and lines of their own elsewhere. */
export interface ProgressLine {
  /** A passing state: shown on a terminal at most ten times a second, elsewhere as a line where nothing else was said for half a minute. */
  update(text: () => string): void;
  /** A line that stays. */
  settle(text: string): void;
  /** Takes the passing line away. */
  clear(): void;
}

export function createProgressLine(out: Output, enabled: boolean, now: () => number = () => performance.now()): ProgressLine {
  let shown = false;
  let last = out.isTTY ? -Infinity : now();
  const clear = (): void => {
    if (shown) out.write("\r\u001b[2K");
    shown = false;
  };
  return {
    update(text) {
      if (!enabled || now() - last < (out.isTTY ? 100 : 30_000)) return;
      last = now();
      if (!out.isTTY) return out.write(`${text()}\n`);
      // A line that wraps could not be written over. Some terminals say that they are 0 columns wide.
      const width = Math.max(20, (out.columns || 80) - 1);
      const line = text();
      out.write(`\r\u001b[2K${line.length > width ? `${line.slice(0, width - 1)}…` : line}`);
      shown = true;
    },
    settle(text) {
      clear();
      last = now();
      if (enabled) out.write(`${text}\n`);
    },
    clear,
  };
}
