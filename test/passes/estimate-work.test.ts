import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runsOf } from "../../src/ir/kernel/launches.js";
import { lowerTrainingStep } from "../../src/lowering/training-step.js";
import { estimateWork } from "../../src/passes/estimate-work.js";
import { schedule } from "../../src/passes/schedule.js";
import { webgpuTarget } from "../../src/passes/templates/template.js";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import { lowerText } from "../support/lowered.js";

const folder = join(import.meta.dirname, "..", "..", "models");

describe("estimates of a step's work", () => {
  // The choice of a device rests on them: what they say is what the scheduler will find, without its time.
  it.each(readdirSync(folder).filter((name) => name.endsWith(".lvm") && name !== "beta_vae.lvm"))("are those of the schedule, within a factor of two: %s", (name) => {
    const lowered = lowerText(readFileSync(join(folder, name), "utf8"), `models/${name}`);
    const step = lowerTrainingStep(lowered, { batch: 32, slots: 1, dataset: 256 });
    const estimate = estimateWork(step.program);
    const { kernels } = schedule(step.program, { target: webgpuTarget, aliases: step.aliases, use: "train", pinned: { step: 0 } }).kernels;
    const sum = (of: "flops" | "bytes"): number => kernels.reduce((total, kernel) => total + runsOf(kernel) * kernel[of], 0);
    // Steps of a microsecond are for no GPU, however long they take.
    const least = 1e6;
    for (const of of ["flops", "bytes"] as const) {
      const ratio = (estimate[of] + least) / (sum(of) + least);
      expect(ratio, `${of}: ${estimate[of]} for ${sum(of)}`).toBeGreaterThan(0.5);
      expect(ratio, `${of}: ${estimate[of]} for ${sum(of)}`).toBeLessThan(2);
    }
    const runs = kernels.reduce((total, kernel) => total + runsOf(kernel), 0);
    // Of a step that is nearly nothing most kernels are strung together.
    if (runs >= 8 && sum("flops") > least) expect(estimate.kernels / runs, `${estimate.kernels} for ${runs} runs of kernels`).toSatisfy((ratio: number) => ratio > 0.5 && ratio < 2);
  });

  it("are exact for a product: 2·m·n·k operations, and room for a kernel that adds its parts", () => {
    const b = new TensorBuilder();
    const dot = b.dot(b.input("parameter", "a", [30, 50]), b.input("parameter", "b", [50, 70]));
    expect(estimateWork(b.program("product", { y: dot }))).toMatchObject({ flops: 2 * 30 * 50 * 70, kernels: 2 });
  });
});
