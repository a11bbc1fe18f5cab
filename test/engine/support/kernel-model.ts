import { evaluateKernels } from "../../../src/ir/kernel/evaluate.js";
import type { KernelProgram } from "../../../src/ir/kernel/nodes.js";
import type { LoweredModel } from "../../../src/ir/lowered-model.js";
import { modelTables } from "../../../src/codegen/kernels/tables.js";
import { compileRows, compileStep, kernelPrograms, type KernelTarget } from "../../../src/driver/kernel-programs.js";
import { directMemory, type KernelModule } from "../../../src/runtime/kernel-engine.js";
import { createKernelModel, fillConstants, type KernelDefinition, type KernelHost, type KernelOptions, type ProgramArtifact } from "../../../src/runtime/kernels/index.js";
import type { Model } from "../../../src/runtime/model.js";
import { hostVectorWidth } from "../../../src/runtime/node/native/index.js";

export type TestDevice = "interpreter" | "apart" | "native" | "wasm" | "webgpu";

/** A model on kernels, from its tensor programs. `wrap`: what a test puts around the interpreter's modules. */
export async function kernelModel(lowered: LoweredModel, device: TestDevice, { wrap, ...options }: KernelOptions & { readonly wrap?: (module: KernelModule) => KernelModule } = {}): Promise<Model> {
  const tables = modelTables(lowered, { path: "test.lvm", text: lowered.program.name });
  if (device === "interpreter" || device === "apart") return createKernelModel({ ...tables, programs: interpreted(lowered) }, { ...options, host: interpreterHost(device === "apart", options.residentWords ?? 2 ** 20, wrap) });
  const programs = kernelPrograms(lowered, async (wanted): Promise<KernelTarget> => (wanted === "native" ? { kind: "c", lanes: await hostVectorWidth() } : { kind: wanted === "webgpu" ? "wgsl" : "wasm" }));
  return createKernelModel({ ...tables, programs }, { ...options, device });
}

/** Kernels are found again by their artifact. */
const programsOf = new WeakMap<ProgramArtifact, KernelProgram>();

function interpreted(lowered: LoweredModel): KernelDefinition["programs"] {
  const known = <A extends ProgramArtifact>({ artifact, schedule }: { artifact: A; schedule: { kernels: KernelProgram } }): A => {
    programsOf.set(artifact, schedule.kernels);
    return artifact;
  };
  return {
    step: async (sizes) => known(await compileStep(lowered, sizes, { kind: "none" })),
    rows: async (which, sizes) => known(await compileRows(lowered, which, sizes, { kind: "none" })),
    has: (which) => lowered.programs[which] !== undefined,
  };
}

/** `apart`: kernels run in a memory of their own, as on a GPU, and what the host forgets to send or to fetch is missing. */
const interpreterHost = (apart: boolean, residentWords: number, wrap = (module: KernelModule) => module): KernelHost => ({
  device: "interpreter",
  residentWords,
  prepare: () => Promise.resolve(),
  async open(make) {
    const artifact = await make("wasm");
    const program = programsOf.get(artifact);
    if (!program) throw new Error("no kernels of this artifact");
    const module = wrap(interpret(program, apart));
    fillConstants(artifact, module);
    for (const { offset, values } of artifact.constants) module.send(offset, values.length);
    return { artifact, module };
  },
});

function interpret(program: KernelProgram, apart: boolean): KernelModule {
  const memory = new Uint32Array(program.words);
  const mirror = apart ? new Uint32Array(program.words) : memory;
  const arena = { f32: new Float32Array(mirror.buffer), i32: new Int32Array(mirror.buffer), u32: mirror };
  const underWay: { readonly arrive: () => void; readonly resolve: () => void }[] = [];
  const copy = (from: Uint32Array, to: Uint32Array, offset: number, words: number): void => to.set(from.subarray(offset, offset + words), offset);
  return {
    ...directMemory,
    ...(apart && {
      send: (offset, words) => copy(mirror, memory, offset, words),
      // As it is now, however late it comes. What was asked for in the meantime comes at once, in order, before anyone who waits has his turn.
      fetch: (ranges, seen) => {
        const then = memory.slice();
        return new Promise((resolve) => {
          underWay.push({ resolve, arrive: () => (ranges.forEach(({ offset, words }) => copy(then, mirror, offset, words)), seen?.()) });
          if (underWay.length === 1) setTimeout(() => {
            const arrived = underWay.splice(0);
            arrived.forEach((each) => each.arrive());
            arrived.forEach((each) => each.resolve());
          }, 1);
        });
      },
      finished: () => new Promise((resolve) => setTimeout(resolve, 0)),
    }),
    words: program.words,
    kernels: program.kernels.length,
    threads: 1,
    arena,
    run(steps) {
      for (let step = 0; step < steps; step++) {
        memory[0] = mirror[0]!;
        evaluateKernels(program, memory.buffer);
        mirror[0]!++;
      }
    },
    runKernel: (index) => evaluateKernels(program, memory.buffer, { kernels: [index] }),
    dispose: () => undefined,
  };
}
