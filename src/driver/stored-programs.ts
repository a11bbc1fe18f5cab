import { rowsProgram, type RowProgram } from "../codegen/kernels/rows-program.js";
import type { LoweredModel } from "../ir/lowered-model.js";
import { lowerTrainingStep, type StepSizes } from "../lowering/training-step.js";
import type { kernelPrograms, TargetOf } from "./kernel-programs.js";
import { programKey } from "./program-key.js";

/** Where compiled programs are kept from run to run. What it gives back is what was put there under the same key by the same build of lvmc, or nothing. */
export interface ProgramStore {
  readonly load: (key: string) => Promise<unknown>;
  readonly save: (key: string, artifact: unknown) => Promise<void>;
}

type Programs = ReturnType<typeof kernelPrograms>;
type StepProgram = Awaited<ReturnType<Programs["step"]>>;
type RowsProgram = Awaited<ReturnType<Programs["rows"]>>;

/**
 * Programs that are compiled once: tensor programs that are the same, for the same sizes and target (of a GPU the limits of workgroups that a choice depends on), are taken from the store. They are lowered each time,
 * so whatever a model's text, its imports and settings change is seen.
 */
export function storedPrograms(lowered: LoweredModel, programs: Programs, targetOf: TargetOf, store: ProgramStore): Programs {
  const stored = async <T>(parts: readonly unknown[], text: string, make: () => Promise<T>): Promise<T> => {
    const key = `${JSON.stringify(parts)}\n${text}`;
    const found = await store.load(key);
    if (found !== undefined) return found as T;
    const artifact = await make();
    void store.save(key, artifact);
    return artifact;
  };
  return {
    step: async (sizes: StepSizes, device, workgroup): Promise<StepProgram> => {
      const { program, aliases, slots, metrics } = lowerTrainingStep(lowered, sizes);
      return stored(["step", sizes, await targetOf(device, workgroup), aliases, slots, metrics], programKey(program), () => programs.step(sizes, device, workgroup));
    },
    rows: async (which: RowProgram, sizes, device, workgroup): Promise<RowsProgram> => {
      const made = rowsProgram(lowered, which, sizes.rows);
      if (!made) return programs.rows(which, sizes, device, workgroup);
      return stored(["rows", which, sizes, await targetOf(device, workgroup), made.rowsAxis], programKey(made.program), () => programs.rows(which, sizes, device, workgroup));
    },
    has: programs.has,
  };
}
