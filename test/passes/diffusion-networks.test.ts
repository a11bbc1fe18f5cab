import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { gradientsOf } from "../../src/autodiff/gradients-of.js";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import { seededRandom } from "../../src/ir/tensor/evaluate.js";
import { importProgram } from "../../src/ir/tensor/import-program.js";
import { timeEmbedding } from "../../src/lowering/time-embedding.js";
import * as definitions from "../support/layer-definitions.js";
import { bindings, lowerText, someParameters } from "../support/lowered.js";
import { differences, runKernels, simtTarget, testTarget } from "./support.js";

const targets = { "vectors of a CPU": testTarget, "workgroups of a GPU": simtTarget };

describe.each(Object.entries(targets))("networks of diffusion in float32, %s", (_, target) => {
  // Guards the promise of the language: within 1e-6, where sin(t · ω) in float32 would be off by 6e-5 at t = 1000. Times are numbers that float32 has.
  it("time_embedding stays within 1e-6 of its formula up to 4096", () => {
    const random = [...seededRandom(2).uniform("t", 60)].map((u) => Math.fround(4096 * u));
    const times = [0, 1, 2, 3, 499, 500, 997, 999, 1000, 4095, 0.25, 0.75, -3.5, ...random];
    const b = new TensorBuilder();
    const t = b.input("column", "t", [times.length]);
    const program = b.program("embedding", { e: timeEmbedding(b, t, 64, 10000) });
    const { outputs } = runKernels(program, { inputs: { t: { values: times, shape: [times.length] } } }, { target });
    const worst = Math.max(...times.flatMap((time, row) => definitions.timeEmbedding(time, 64).map((value, at) => Math.abs(value - outputs["e"]![row * 64 + at]!))));
    expect(worst).toBeLessThan(1e-6);
  });

  // Guards gradients through group norms, attention and skips in kernels: the loss and the gradient of every parameter.
  it("the gradients of the U-Net are those of the reference", () => {
    const text = readFileSync(new URL("../../bench/models/unet.lvm", import.meta.url), "utf8");
    const lowered = lowerText(text, "unet.lvm", { SIDE: "4", BASE: "4", GROUPS: "2", HEADS: "2" });
    const b = new TensorBuilder();
    const { train } = lowered.programs;
    const made = importProgram(b, train);
    const parameters = train.inputs.filter(({ op }) => op.kind === "input" && op.role === "parameter");
    const gradients = gradientsOf(b, made.get(train.outputs["loss"]!)!, parameters.map((each) => made.get(each)!));
    const program = b.program("step", Object.fromEntries([["loss", made.get(train.outputs["loss"]!)!], ...gradients.map((each, at) => [`gradient ${at}`, each] as const)]));
    expect(gradients.length).toBe(lowered.parameters.length);
    const draws = (name: string): number[] => [...seededRandom(3).normal(name, 32)].map(Math.fround);
    const inputs = { ...someParameters(lowered, 2), x: draws("x"), t: [3, 700], noise: draws("noise") };
    const given = bindings(program, inputs, { rows: 2 });
    const { outputs } = runKernels(program, given, { target });
    expect(differences(program, given, outputs)).toEqual([]);
  });
});
