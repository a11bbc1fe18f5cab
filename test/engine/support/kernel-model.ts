import { evaluateKernels } from "../../../src/ir/kernel/evaluate.js";
import type { KernelProgram } from "../../../src/ir/kernel/nodes.js";
import type { LoweredModel } from "../../../src/ir/lowered-model.js";
import { modelTables } from "../../../src/codegen/kernels/tables.js";
import { compileRows, compileStep, kernelPrograms, type KernelTarget } from "../../../src/driver/kernel-programs.js";
import { directMemory, type KernelModule } from "../../../src/runtime/kernel-engine.js";
import { createKernelModel, fillConstants, type KernelDefinition, type KernelHost, type KernelOptions, type ProgramArtifact } from "../../../src/runtime/kernels/index.js";
import type { Model } from "../../../src/runtime/model.js";
import { hostVectorWidth } from "../../../src/runtime/node/native/index.js";

export type TestDevice = "interpreter" | "native" | "wasm";

/** A model on kernels, from its tensor programs. */
export async function kernelModel(lowered: LoweredModel, device: TestDevice, options: KernelOptions = {}): Promise<Model> {
  const tables = modelTables(lowered, { path: "test.lvm", text: lowered.program.name });
  if (device === "interpreter") return createKernelModel({ ...tables, programs: interpreted(lowered) }, { ...options, host: interpreterHost });
  const programs = kernelPrograms(lowered, async (wanted): Promise<KernelTarget> => (wanted === "native" ? { kind: "c", lanes: await hostVectorWidth() } : { kind: "wasm" }));
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

export const interpreterHost: KernelHost = {
  device: "interpreter",
  prepare: () => Promise.resolve(),
  async open(make) {
    const artifact = await make("wasm");
    const program = programsOf.get(artifact);
    if (!program) throw new Error("no kernels of this artifact");
    const module = interpret(program);
    fillConstants(artifact, module);
    return { artifact, module };
  },
};

function interpret(program: KernelProgram): KernelModule {
  const buffer = new ArrayBuffer(program.words * 4);
  const arena = { f32: new Float32Array(buffer), i32: new Int32Array(buffer), u32: new Uint32Array(buffer) };
  return {
    ...directMemory,
    words: program.words,
    kernels: program.kernels.length,
    threads: 1,
    arena,
    run(steps) {
      for (let step = 0; step < steps; step++) {
        evaluateKernels(program, buffer);
        arena.u32[0]!++;
      }
    },
    runKernel: (index) => evaluateKernels(program, buffer, { kernels: [index] }),
    dispose: () => undefined,
  };
}
