/** Places of the control words: what one thread writes does not slow another's spinning down. */
export const line = 32;
export const words = { sequence: 0, kernel: 1, indices: 2, sleepers: line, callerSleeps: 2 * line, failed: 3 * line, done: 4 * line } as const;

/** Turns of a spin loop before a thread sleeps: some 100 µs, longer than the kernels in between take. */
export const spins = { worker: 20_000, caller: 20_000 } as const;

/**
 * What a worker runs; text, because bundlers and test tools rewrite functions. It gets one message, then it never returns to its event loop. The build
 * also writes it as a file of its own, `kernel-worker.js`, for pages whose content security policy allows no other scripts.
 */
export const workerScript = `"use strict";
const node = typeof process === "object" && process.versions && process.versions.node;
const port = node ? process.getBuiltinModule("node:worker_threads").parentPort : self;
const begin = ({ module, memory, control, worker, ranges }) => {
  const { exports } = new WebAssembly.Instance(module, { lvmc: { memory } });
  const kernels = ranges.map((_, index) => exports["kernel_" + index]);
  const done = ${words.done} + ${line} * worker;
  let seen = 0;
  port.postMessage("ready");
  for (;;) {
    for (let turn = 0; Atomics.load(control, ${words.sequence}) === seen; turn++) {
      if (turn < ${spins.worker}) continue;
      Atomics.add(control, ${words.sleepers}, 1);
      Atomics.wait(control, ${words.sequence}, seen);
      Atomics.sub(control, ${words.sleepers}, 1);
    }
    seen = (seen + 1) | 0;
    const kernel = control[${words.kernel}];
    if (kernel < 0) return;
    try {
      kernels[kernel](ranges[kernel][0], ranges[kernel][1], control[${words.indices}], control[${words.indices + 1}], control[${words.indices + 2}], control[${words.indices + 3}]);
    } catch {
      Atomics.store(control, ${words.failed}, 1);
    }
    Atomics.store(control, done, seen);
    if (Atomics.load(control, ${words.callerSleeps}) !== 0) Atomics.notify(control, done);
  }
};
if (node) port.once("message", begin);
else self.onmessage = (event) => begin(event.data);
`;
