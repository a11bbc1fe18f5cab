import { LvmError } from "../error.js";
import type { RowProgram } from "../train/definition.js";
import type { KernelDevice, KernelPrograms, ProgramArtifact, RowsArtifact, StepArtifact } from "./artifact.js";

type Plan<A extends ProgramArtifact> = Readonly<Record<KernelDevice, Omit<A, "c" | "wasm">>>;

/** The programs of an emitted module, without their kernels. */
export type KernelPlans = { readonly step: Plan<StepArtifact> } & { readonly [P in RowProgram]?: Plan<RowsArtifact> };

/** Their kernels, as C and as WebAssembly. */
export type KernelCode = Readonly<Record<string, Pick<ProgramArtifact, "c" | "wasm">>>;

/**
 * The programs of an emitted module. They were compiled for one batch, and, where rows have parameters of their own, for one number of rows.
 * Other sizes throw LVM7109.
 */
export function fixedPrograms(model: string, plans: KernelPlans, code: KernelCode): KernelPrograms {
  return {
    step: ({ batch, dataset, refit }, device) => {
      const plan = plans.step[device];
      if (refit) throw otherSizes(`${model} was compiled without the program that fits parameters of new rows`, {});
      if (plan.batch !== batch) throw otherSizes(`${model} was compiled for minibatches of ${plan.batch} rows, not ${batch}`, { compiled: plan.batch, given: batch });
      if (plan.dataset !== undefined && plan.dataset !== dataset) throw otherSizes(`${model} was compiled for ${plan.dataset} rows of data, not ${dataset}`, { compiled: plan.dataset, given: dataset });
      return { ...plan, ...kernelsOf(code, "step", device) };
    },
    rows: (program, _, device) => {
      const plan = plans[program]?.[device];
      if (!plan) throw otherSizes(`${model} was compiled without its program ${program}`, {});
      return { ...plan, ...kernelsOf(code, program, device) };
    },
    has: (program) => plans[program] !== undefined,
  };
}

function kernelsOf(code: KernelCode, program: string, device: KernelDevice): Pick<ProgramArtifact, "c" | "wasm"> {
  const { c, wasm } = code[program] ?? {};
  return device === "native" ? { c } : { wasm };
}

function otherSizes(message: string, facts: Readonly<Record<string, number>>): LvmError {
  return new LvmError("LVM7109", message, { facts, help: "compile it for these sizes, or train with `lvmc train`, which compiles for the data at hand" });
}
