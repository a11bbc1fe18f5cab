import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { TensorProgram } from "../../src/ir/tensor/nodes.js";
import { print } from "../../src/ir/tensor/print.js";
import { printPlan } from "../../src/passes/print-plan.js";
import { seededRandom } from "../../src/ir/tensor/evaluate.js";
import { lowerText, someParameters } from "../support/lowered.js";
import { differences, runKernels } from "./support.js";

const folder = new URL("../../models/", import.meta.url);
const models = readdirSync(folder).filter((name) => name.endsWith(".lvm"));

describe("shipped models", () => {
  for (const file of models) {
    it(`${file}: kernels give what the programs mean`, () => {
      const path = new URL(file, folder).pathname;
      const lowered = lowerText(readFileSync(path, "utf8"), path);
      const [rows, dataset] = [5, 8];
      const parameters = someParameters(lowered, dataset);
      for (const [name, program] of Object.entries(lowered.programs as unknown as Record<string, TensorProgram | number | undefined>)) {
        if (typeof program !== "object") continue;
        const random = seededRandom(11);
        const inputs = Object.fromEntries(program.inputs.map(({ op, shape, dtype }) => {
          if (op.kind !== "input") throw new Error("no input");
          const sizes = shape.map((dim) => (dim === "rows" ? rows : dim === "dataset" ? dataset : dim));
          const count = sizes.reduce((n, dim) => n * dim, 1);
          const values = parameters[op.name] ?? (op.role === "row-index" ? Array.from({ length: rows }, (_, i) => (3 * i) % dataset) : dtype !== "f32" ? Array.from({ length: count }, (_, i) => i % 2) : [...random.uniform(op.name, count)]);
          return [op.name, { values, shape: sizes }];
        }));
        const bindings = { inputs, rows, dataset };
        const { outputs, scheduled } = runKernels(program, bindings);
        const wrong = differences(program, bindings, outputs);
        expect(wrong.slice(0, 5), `${name}\n${wrong.length > 0 ? print(program) + printPlan(scheduled.plan) : ""}`).toEqual([]);
        if (process.env["PLAN"]) console.log(file, name, printPlan(scheduled.plan));
      }
    });
  }
});
