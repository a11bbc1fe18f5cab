/** What this host can do. Nothing here imports Node: its modules are asked for by name where there is a `process`. */

/** (func (param v128 v128 v128) (result v128) (f32x4.relaxed_madd …)) */
// prettier-ignore
const relaxedProbe = new Uint8Array([
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x01, 0x60, 0x03, 0x7b, 0x7b, 0x7b, 0x01, 0x7b, 0x03, 0x02, 0x01, 0x00,
  0x0a, 0x0d, 0x01, 0x0b, 0x00, 0x20, 0x00, 0x20, 0x01, 0x20, 0x02, 0xfd, 0x85, 0x02, 0x0b,
]);

/** Relaxed SIMD: Node from 22 on, Chrome from 114 on. */
export function hasRelaxedSimd(): boolean {
  return WebAssembly.validate(relaxedProbe);
}

/** Shared memory: browsers have it only on pages that are isolated (headers COOP `same-origin` and COEP `require-corp`). */
export function hasSharedMemory(): boolean {
  return typeof SharedArrayBuffer === "function" && (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated !== false;
}

/** True where this thread may sleep: not the main thread of a browser. */
export function maySleep(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0);
    return true;
  } catch {
    return false;
  }
}

interface NodeWorker {
  on(event: "message" | "error", listener: (value: unknown) => void): void;
  postMessage(value: unknown): void;
  unref(): void;
  terminate(): Promise<number>;
}
interface NodeModules {
  "node:worker_threads": { readonly Worker: new (source: string, options: { eval: true; execArgv: string[]; name: string; stdin: boolean }) => NodeWorker };
  "node:os": { availableParallelism(): number };
}

/** A module of Node, without an import that bundlers would follow; undefined in browsers. Node has had this function since 20.16. */
function nodeModule<Name extends keyof NodeModules>(name: Name): NodeModules[Name] | undefined {
  const { process } = globalThis as { process?: { versions?: { node?: string }; getBuiltinModule?: (name: string) => unknown } };
  return process?.versions?.node === undefined ? undefined : (process.getBuiltinModule?.(name) as NodeModules[Name] | undefined);
}

/** Cores that this process may use. */
export function coreCount(): number {
  return nodeModule("node:os")?.availableParallelism() ?? (globalThis as { navigator?: { hardwareConcurrency?: number } }).navigator?.hardwareConcurrency ?? 1;
}

/** A worker thread that runs the text of a script, in Node or in a browser. */
export interface Thread {
  /** Resolves when the script has posted something; rejects when it cannot start. */
  readonly ready: Promise<void>;
  /** From now on it does not keep the process alive. */
  unref(): void;
  terminate(): void;
}

/** Starts a thread and sends it one message. Throws, or is never ready, where threads are not allowed. */
export function startThread(script: string, message: unknown): Thread {
  const node = nodeModule("node:worker_threads");
  if (node !== undefined) {
    // No flags of this process: a loader for TypeScript or tests has no business in there.
    const worker = new node.Worker(script, { eval: true, execArgv: [], name: "lvmc kernels", stdin: false });
    const ready = new Promise<void>((resolve, reject) => {
      worker.on("message", () => resolve());
      worker.on("error", reject);
    });
    worker.postMessage(message);
    return { ready, unref: () => worker.unref(), terminate: () => void worker.terminate() };
  }
  return startInBrowser(script, message);
}

/** From the file beside this one; from the text itself where the page has no such file, or has it from another origin. */
function startInBrowser(script: string, message: unknown): Thread {
  let worker: Worker | undefined;
  const start = (create: () => Worker): Promise<void> =>
    new Promise((resolve, reject) => {
      const made = create();
      worker = made;
      made.onmessage = () => resolve();
      made.onerror = (event) => {
        made.terminate();
        reject(new Error(event.message));
      };
      made.postMessage(message);
    });
  // In these words bundlers know a worker's file.
  const ready = start(() => new Worker(new URL("./kernel-worker.js", import.meta.url), { name: "lvmc kernels" })).catch(() => {
    const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    return start(() => new Worker(address, { name: "lvmc kernels" })).finally(() => URL.revokeObjectURL(address));
  });
  return { ready, unref: () => {}, terminate: () => worker?.terminate() };
}
