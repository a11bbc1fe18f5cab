import type { KernelFunction } from "./create-module.js";
import { maySleep, startThread, type Thread } from "./host.js";
import { line, spins, words, workerScript } from "./worker-script.js";

/** First group of a thread; groups are split evenly into contiguous ranges. */
const firstGroup = (groups: number, thread: number, threads: number): number => Math.floor((groups * thread) / threads);

/**
 * Threads that share the groups of a kernel with the calling one, which is thread 0. To begin a kernel the caller writes its number and the loops' indices and counts
 * `sequence` up; each worker runs its groups and writes the sequence number to its own `done`; the caller does its own groups and waits
 * for all of them. So there is one hand-over for each shared kernel and none for the others, which the caller runs alone.
 *
 * Both sides spin for a while (about half a microsecond to notice) before they sleep (`Atomics.wait`, some 50 µs to wake), so idle
 * workers cost nothing between runs. Control words lie 128 bytes apart: what one thread writes does not slow another's spinning down.
 */
export interface Team {
  /** Worker threads and the caller. */
  readonly threads: number;
  /** Runs all groups of a kernel; `own` is this thread's instance of it, `indices` those of the loops around. Throws if it fails on any thread. */
  run(kernel: number, own: KernelFunction, indices: readonly number[]): void;
  dispose(): void;
}

/**
 * Starts `threads` − 1 workers on a shared memory. `groups`: of each kernel. Resolves to undefined where workers cannot start (a page's
 * content security policy, a limit on threads): everything then runs on one thread.
 */
export async function startTeam(module: WebAssembly.Module, memory: WebAssembly.Memory, groups: readonly number[], threads: number): Promise<Team | undefined> {
  const control = new Int32Array(new SharedArrayBuffer(4 * (words.done + line * threads)));
  const workers: Thread[] = [];
  try {
    for (let thread = 1; thread < threads; thread++) {
      const ranges = groups.map((count) => [firstGroup(count, thread, threads), firstGroup(count, thread + 1, threads)]);
      workers.push(startThread(workerScript, { module, memory, control, worker: thread, ranges }));
    }
    await Promise.all(workers.map((worker) => worker.ready));
  } catch {
    workers.forEach((worker) => worker.terminate());
    return undefined;
  }
  workers.forEach((worker) => worker.unref());

  const sleeps = maySleep();
  const ends = groups.map((count) => firstGroup(count, 1, threads));
  let sequence = 0;

  const begin = (kernel: number, indices: readonly number[]): void => {
    control[words.kernel] = kernel;
    for (let depth = 0; depth < indices.length; depth++) control[words.indices + depth] = indices[depth] as number;
    sequence = (sequence + 1) | 0;
    Atomics.store(control, words.sequence, sequence);
    if (Atomics.load(control, words.sleepers) > 0) Atomics.notify(control, words.sequence);
  };

  const finish = (): void => {
    for (let thread = 1; thread < threads; thread++) {
      const done = words.done + line * thread;
      for (let turn = 0; Atomics.load(control, done) !== sequence; turn++) {
        if (turn < spins.caller || !sleeps) continue;
        Atomics.store(control, words.callerSleeps, 1);
        const seen = Atomics.load(control, done);
        if (seen !== sequence) Atomics.wait(control, done, seen);
        Atomics.store(control, words.callerSleeps, 0);
      }
    }
  };

  return {
    threads,
    run(kernel, own, indices) {
      begin(kernel, indices);
      try {
        const end = ends[kernel] as number;
        if (end > 0) own(0, end, indices[0], indices[1], indices[2], indices[3]);
      } finally {
        finish();
      }
      if (control[words.failed] !== 0) throw new Error("a kernel trapped on a worker thread");
    },
    dispose() {
      begin(-1, []);
      workers.forEach((worker) => worker.terminate());
    },
  };
}
