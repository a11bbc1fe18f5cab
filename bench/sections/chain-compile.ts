import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { compile } from "../../src/driver/compile.js";
import { compileStep } from "../../src/driver/kernel-programs.js";
import { hostVectorWidth } from "../../src/runtime/node/native/index.js";
import { withFolder } from "../support/data-file.js";
import { modelFile } from "../support/kernels.js";
import { rounds } from "../support/measure.js";
import { limitBar, rowsOf, type Section } from "../support/result.js";

const lengths = [10, 1000] as const;

/** What a chain's length costs the compiler: lvmc's own part for WebAssembly and for C, and the C compiler's. */
export async function chainCompile(): Promise<Section> {
  const source = modelFile("deep_markov_model", "bench/models");
  const lanes = await hostVectorWidth();
  return withFolder(async (folder) => {
    const times = new Map<string, number[]>();
    const sizes = new Map<number, number>();
    const timed = async <T>(name: string, work: () => T | Promise<T>): Promise<T> => {
      const start = performance.now();
      const value = await work();
      times.set(name, [...(times.get(name) ?? []), performance.now() - start]);
      return value;
    };
    // The first turn warms up.
    for (let round = 0; round <= rounds; round++) {
      if (round === 1) times.clear();
      for (const T of lengths) {
        const model = (): NonNullable<ReturnType<typeof compile>["value"]> => compile(source, { set: { T: String(T), UNITS: "100", LATENT: "20" } }).value!;
        await timed(`T = ${T}: model to WebAssembly`, () => compileStep(model().lowered, { batch: 20, slots: 1 }, { kind: "wasm", relaxed: true }));
        const { artifact } = await timed(`T = ${T}: model to C`, () => compileStep(model().lowered, { batch: 20, slots: 1 }, { kind: "c", lanes }));
        const file = join(folder, `${T}.c`);
        writeFileSync(file, artifact.c!);
        sizes.set(T, artifact.c!.length);
        await timed(`T = ${T}: C to a library`, () => spawnSync("cc", ["-O3", "-march=native", "-shared", "-fPIC", file, "-o", join(folder, `${T}.so`), "-lm"]));
      }
    }
    const rows = rowsOf(times);
    const ratio = (what: string): number => rows.find(({ name }) => name === `T = 1000: ${what}`)!.median / rows.find(({ name }) => name === `T = 10: ${what}`)!.median;
    return {
      title: "Compiling a chain",
      work: `${source.path} with a GRU of 100 and states of 20: the training step for chains of ${lengths.join(" and ")} steps.`,
      unit: "ms",
      rows,
      bars: [...["model to WebAssembly", "model to C", "C to a library"].map((what) => limitBar(`T = 1000 against T = 10: ${what}`, ratio(what), 1.2, "×")), limitBar("T = 1000 against T = 10: characters of C", sizes.get(1000)! / sizes.get(10)!, 1.05, "×")],
      skipped: [],
    };
  });
}
