import { checkFamily, isKernelDevice, kernelDevices, type KernelDevice } from "../devices.js";
import { LvmError } from "../error.js";
import { arenaWords, directMemory, type KernelModule } from "../kernel-engine.js";
import type { CreateOptions } from "../model.js";
import { createWasmModule } from "../wasm/index.js";
import type { WebGpu } from "../webgpu/index.js";
import type { ProgramArtifact, WorkgroupLimits } from "./artifact.js";

export interface HostOptions extends CreateOptions {
  /** How many threads share a kernel's groups; the machine's cores by default. Results do not depend on it. */
  readonly threads?: number;
  /** Of the native device: where compiled libraries are kept. */
  readonly cacheFolder?: string;
  /** Data sets of at most so many numbers are held where the kernels are, and training steps gather their minibatches; by default what the device has room for. */
  readonly residentWords?: number;
  /** Told when a device was passed over and why. */
  readonly onNote?: (message: string) => void;
  /** Without a device named: the one that a rule chose (`chooseDevice`). The others take over where it fails. */
  readonly first?: KernelDevice;
  /** Instead of opening the machine's GPU: one that is open, or is opened otherwise. The host disposes of it. */
  readonly openGpu?: () => Promise<WebGpu>;
  /** Told what was compiled and started, for those who want to know where the time goes. */
  readonly onOpened?: (opened: OpenedProgram) => void;
}

/** A program that was made ready to run. */
export interface OpenedProgram {
  readonly device: KernelDevice;
  readonly kernels: number;
  /** From the model to the kernels' text. */
  readonly compileMilliseconds: number;
  /** From that to running: the C compiler, WebAssembly's, the driver's. */
  readonly startMilliseconds: number;
  /** Of the native device: whether the library was found in the cache. */
  readonly cached?: boolean;
}

export interface Opened<A extends ProgramArtifact> {
  readonly artifact: A;
  readonly module: KernelModule;
}

/** Compiles for a device; for a GPU that is open, within the limits of its workgroups. */
export type Make<A extends ProgramArtifact> = (device: KernelDevice, workgroup?: WorkgroupLimits) => A | Promise<A>;

/** Makes programs run on a device. Tests put an interpreter in its place. */
export interface KernelHost {
  /** `native`, `wasm`, `webgpu`. */
  readonly device: string;
  /** Data sets of at most so many words lie in the arena whole. */
  readonly residentWords: number;
  /** Settles the device before there is anything to run, as far as that can be told. */
  prepare(): Promise<void>;
  /** Gives back what modules shared; they are disposed of before. */
  dispose?(): void;
  /** Compiles with `make`, starts what it gives, and fills in its constants. `smaller` makes the same in less memory, where the device has no room for the first. */
  open<A extends ProgramArtifact>(make: Make<A>, smaller?: Make<A>): Promise<Opened<A>>;
}

/**
 * The device asked for, else the first of the default order (`devicesInOrder`) that works: those before it are passed over with a note.
 * @param compiled devices that the programs are for; any if absent
 * @throws LvmError LVM7150 for a device that is not there; `prepare` and `open` throw LVM7160, LVM7161 where the last device that was left is `native` or `webgpu` and cannot be had
 */
export function createHost(options: HostOptions, compiled: readonly KernelDevice[] = kernelDevices): KernelHost {
  const { device: named, onNote } = options;
  checkFamily(named, "kernels");
  const [first, ...others] = devicesInOrder(named, compiled, options.first);
  let device = first;
  /** The next device, if there is one and this error is a reason to take it. */
  const passOver = (error: unknown): void => {
    if (!(error instanceof LvmError && error.code === unavailable[device])) throw error;
    const [next] = others;
    if (next === undefined) throw named !== undefined && device === "native" && compiled.includes("wasm") ? withHelp(error, "take the device wasm, which needs nothing") : error;
    others.shift();
    device = next;
    onNote?.(`${error.message.split("\n")[0] ?? ""}; going on with ${deviceNames[next]}`);
  };
  /** Words of the largest arena that the adapter allows. */
  let room: number | undefined;
  let opened: Promise<WebGpu> | undefined;
  const gpu = (): Promise<WebGpu> => (opened ??= options.openGpu?.() ?? import("../webgpu/index.js").then(({ openWebGpu }) => openWebGpu()));
  const closeGpu = (): void => {
    opened?.then((open) => open.dispose(), () => undefined);
    opened = undefined;
  };
  return {
    get device() {
      return device;
    },
    get residentWords() {
      return options.residentWords ?? (device === "webgpu" ? room : undefined) ?? mostResident[device];
    },
    dispose: closeGpu,
    async prepare() {
      for (;;) {
        try {
          if (device === "native") await (await loadNative()).checkNative();
          if (device === "webgpu") {
            const { adapter } = await gpu();
            room = Math.floor(Math.min(adapter.limits.maxStorageBufferBindingSize, adapter.limits.maxBufferSize) / 4);
            // Where there is another device, the processor need not play a GPU.
            if (adapter.software && others.length > 0) throw new LvmError("LVM7161", `the page's WebGPU has no GPU behind it (${adapter.description || adapter.architecture})`, { exitCode: 5, facts: { reason: "no-adapter" } });
          }
          return;
        } catch (error) {
          if (device === "webgpu") closeGpu();
          passOver(error);
        }
      }
    },
    async open(make, smaller) {
      let roomy = smaller !== undefined;
      for (;;) {
        try {
          const from = performance.now();
          const workgroup = device === "webgpu" ? (await gpu()).workgroup : undefined;
          const artifact = await (roomy || !smaller ? make : smaller)(device, workgroup);
          const made = performance.now();
          let cached: boolean | undefined;
          const module = await start(artifact, device, options, gpu, (found) => (cached = found));
          options.onOpened?.({ device, kernels: artifact.kernels.length, compileMilliseconds: made - from, startMilliseconds: performance.now() - made, cached });
          fillConstants(artifact, module);
          for (const { offset, values } of artifact.constants) module.send(offset, values.length);
          return { artifact, module };
        } catch (error) {
          if (roomy && error instanceof LvmError && error.facts["reason"] === "memory") roomy = false;
          else passOver(error);
        }
      }
    },
  };
}

const inNode = typeof process !== "undefined" && process.versions?.node !== undefined;

/** Devices by default: in Node a C compiler's kernels come first, in pages the GPU; both have WebAssembly. */
const defaultOrder: readonly KernelDevice[] = inNode ? ["native", "wasm", "webgpu"] : ["webgpu", "wasm"];

/** Errors that say a device is not to be had, so that the next one can take over. WebAssembly is always there. */
const unavailable: Readonly<Record<KernelDevice, string | undefined>> = { native: "LVM7160", wasm: undefined, webgpu: "LVM7161" };

const deviceNames: Readonly<Record<KernelDevice, string>> = { native: "native kernels", wasm: "WebAssembly", webgpu: "WebGPU" };

/** The device asked for alone, or those that are tried one after another. @throws LvmError LVM7150 where the programs are not compiled for it, or for none that this place has */
function devicesInOrder(named: string | undefined, compiled: readonly KernelDevice[], chosen?: KernelDevice): readonly [KernelDevice, ...KernelDevice[]] {
  const order = chosen === undefined ? defaultOrder : [chosen, ...defaultOrder.filter((device) => device !== chosen)];
  const [first, ...others] = isKernelDevice(named) ? [named] : order.filter((device) => compiled.includes(device));
  if (first !== undefined && compiled.includes(first)) return [first, ...others];
  const wanted = first ?? "wasm";
  throw new LvmError("LVM7150", `this module is compiled for ${compiled.join(", ")}, ${first === undefined ? "which pages do not have" : `not for the device ${first}`}`, {
    exitCode: 5,
    facts: { device: wanted, available: compiled },
    help: `compile it for that as well: lvmc compile FILE --device ${kernelDevices.filter((device) => device === wanted || compiled.includes(device)).join(",")}`,
  });
}

function withHelp(error: LvmError, other: string): LvmError {
  return new LvmError(error.code, error.message, { exitCode: error.exitCode, facts: error.facts, help: `${error.help === undefined ? "" : `${error.help}; or `}${other}`, cause: error });
}

/** Larger data sets stay where they are, and minibatches are copied: 512 MiB, 128 MiB, and what every WebGPU device has until its adapter says more. */
const mostResident: Readonly<Record<KernelDevice, number>> = { native: 2 ** 27, wasm: 2 ** 25, webgpu: 2 ** 25 };

/** Words that a device can have at most: the pages of a WebAssembly memory, indices that are i32, and memory that Node can look at (of 4 GiB and more koffi ends the process). The compiler makes no kernels for more. */
const mostWords: Readonly<Record<KernelDevice, number>> = { native: 2 ** 30 - 1, wasm: 2 ** 30, webgpu: 2 ** 31 - 1 };

async function start(artifact: ProgramArtifact, device: KernelDevice, { threads, cacheFolder }: HostOptions, gpu: () => Promise<WebGpu>, onCompiled: (cached: boolean) => void): Promise<KernelModule> {
  if (artifact.words > mostWords[device]) {
    const [needed, most] = [artifact.words, mostWords[device]].map((words) => `${(words / 2 ** 28).toFixed(1)} GiB`);
    throw new LvmError("LVM7150", `the kernels need ${needed} of memory; the device ${device} has ${most} at most`, { exitCode: 5, facts: { device, words: artifact.words, most: mostWords[device] }, help: "a smaller minibatch needs less: --batch" });
  }
  if (artifact.kernels.length === 0) return idleModule(artifact.words);
  if (device === "webgpu") {
    if (artifact.wgsl === undefined) throw new LvmError("LVM7150", "the module was compiled without shaders for WebGPU", { exitCode: 5, facts: { device } });
    const [{ createWebGpuModule }, open] = await Promise.all([import("../webgpu/index.js"), gpu()]);
    return createWebGpuModule(open, { words: artifact.words, kernels: artifact.kernels, launches: artifact.launches, wgsl: artifact.wgsl });
  }
  if (device === "native") {
    if (artifact.c === undefined) throw new LvmError("LVM7160", "no native kernels: the module was compiled without them", { exitCode: 5, facts: { device } });
    const { createNativeModule } = await loadNative();
    return createNativeModule(artifact.c, { threads, cacheFolder, onCompiled });
  }
  if (artifact.wasm === undefined) throw new LvmError("LVM7150", "the module was compiled without WebAssembly kernels", { exitCode: 5, facts: { device } });
  return createWasmModule({ words: artifact.words, kernels: artifact.kernels, launches: artifact.launches, ...artifact.wasm }, { threads });
}

/** A program that computes nothing: memory, and a step counter. */
function idleModule(words: number): KernelModule {
  const buffer = new ArrayBuffer(words * 4);
  const arena = { f32: new Float32Array(buffer), i32: new Int32Array(buffer), u32: new Uint32Array(buffer) };
  return { ...directMemory, words, kernels: 0, threads: 1, arena, run: (steps) => void (arena.u32[arenaWords.step] = (arena.u32[arenaWords.step] ?? 0) + steps), runKernel: () => undefined, dispose: () => undefined };
}

/** Node only: bundlers for browsers must not follow. */
function loadNative(): Promise<typeof import("../node/native/index.js")> {
  return import(/* @vite-ignore */ /* webpackIgnore: true */ "../node/native/index.js");
}

/** Puts a program's constants into its fresh arena. */
export function fillConstants({ constants }: ProgramArtifact, { arena }: KernelModule): void {
  for (const { offset, type, values } of constants) (type === "f32" ? arena.f32 : type === "u32" ? arena.u32 : arena.i32).set(values, offset);
}
