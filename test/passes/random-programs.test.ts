import { describe, expect, it } from "vitest";
import { printKernels } from "../../src/ir/kernel/print.js";
import { verifyKernels } from "../../src/ir/kernel/verify.js";
import { print } from "../../src/ir/tensor/print.js";
import { verify } from "../../src/ir/tensor/verify.js";
import { checkMemoryPlan } from "../../src/passes/memory-plan.js";
import { optimize, passes, type PassName } from "../../src/passes/pipeline.js";
import type { ScheduleOptions } from "../../src/passes/schedule.js";
import { randomCase } from "./random-programs.js";
import { avx2Target, avx512Target } from "../../src/passes/templates/template.js";
import { differences, runKernels, simtTarget, testTarget } from "./support.js";

const count = Number(process.env["LVMC_PROGRAMS"] ?? 300);
const first = Number(process.env["LVMC_FIRST"] ?? 0);
const ways: readonly (Partial<ScheduleOptions> & { readonly name: string })[] = [
  { name: "all passes" },
  { name: "no fusion, no merging", fusion: "none", merge: false },
  { name: "fusion, no merging", merge: false },
  { name: "loops as launches", loops: "launches" },
  { name: "loops as launches, no fusion, no merging", loops: "launches", fusion: "none", merge: false },
  { name: "loops as launches, workgroups of 4 lanes", loops: "launches", target: simtTarget },
  { name: "workgroups of 16 lanes", target: { ...simtTarget, lanes: 16 } },
  { name: "workgroups of 4 lanes, no fusion, no merging", fusion: "none", merge: false, target: simtTarget },
  ...passes.map(({ name }) => ({ name: `without ${name}`, without: [name] as readonly PassName[] })),
];

const targets = [testTarget, avx512Target, testTarget, avx2Target];

describe("random programs", () => {
  // Guards every kind of operation in every surrounding: kernels on a poisoned arena, groups in random order, against the float64 reference.
  for (const way of ways) {
    const programs = way.name === "all passes" ? count : Math.ceil(count / 3);
    it(`kernels give what the programs mean: ${way.name} (${programs} programs)`, { timeout: 600_000 }, () => {
      for (let seed = first; seed < first + programs; seed++) {
        const { program, inputs, aliases } = randomCase(seed);
        const bindings = { inputs };
        const where = `program ${seed}, ${way.name}\n`;
        let made: ReturnType<typeof runKernels>;
        try {
          made = runKernels(program, bindings, { target: targets[seed % targets.length]!, ...way, aliases });
          verifyKernels(made.scheduled.kernels);
        } catch (cause) {
          throw new Error(`${where}${String(cause)}\n${print(program)}`, { cause });
        }
        checkMemoryPlan(made.scheduled.memory.blocks, made.scheduled.memory.plan);
        const wrong = differences(program, bindings, made.outputs);
        if (wrong.length > 0) expect.fail(`${where}${wrong.slice(0, 4).join("\n")}\n${print(program)}${printKernels(made.scheduled.kernels).slice(0, 3000)}`);
      }
    });
  }

  it("each pass leaves a well-formed program", () => {
    for (let seed = 0; seed < count; seed++) optimize(randomCase(seed).program, { after: (_, program) => verify(program) });
  });
});
