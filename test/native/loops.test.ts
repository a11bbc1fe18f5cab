import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { renderC } from "../../src/codegen/c/index.js";
import { emitWasm } from "../../src/codegen/wasm/artifact.js";
import { gradientsOf } from "../../src/autodiff/gradients-of.js";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import type { TensorProgram } from "../../src/ir/tensor/nodes.js";
import { schedule, type Schedule } from "../../src/passes/schedule.js";
import { avx2Target, wasmTarget } from "../../src/passes/templates/template.js";
import type { KernelModule } from "../../src/runtime/kernel-engine.js";
import { createNativeModule } from "../../src/runtime/node/native/index.js";
import { createWasmModule } from "../../src/runtime/wasm/index.js";
import { numbers } from "../codegen/support/operation-cases.js";
import { differences, filledArena, outputsOf } from "../passes/support.js";
import { hasCompiler } from "./programs.js";

/** Guards a loop whose steps are worth threads: its values and gradients are the reference's, and have the same bits for any number of threads. */

const cacheFolder = mkdtempSync(join(tmpdir(), "lvmc-loops-"));
afterAll(() => rmSync(cacheFolder, { recursive: true, force: true }));

const [steps, batch, units] = [9, 12, 64];
const given = { inputs: { x: { values: numbers(steps * batch * units, -1, 1), shape: [steps, batch, units] }, u: { values: numbers(units * units, -0.1, 0.1, 2), shape: [units, units] }, v: { values: numbers(units * units, -0.1, 0.1, 3), shape: [units, units] } } };

/** Gates of two products, a carry that hands on another, and sums over the steps. */
function gated(): TensorProgram {
  const b = new TensorBuilder();
  const [x, u, v] = [b.input("column", "x", [steps, batch, units]), b.input("parameter", "u", [units, units]), b.input("parameter", "v", [units, units])];
  const made = b.loop({
    steps, reverse: true, carries: [b.full(0, [batch, units]), b.full(0.1, [batch, units])], invariants: [u, v], scans: [x],
    body: (k, { carries: [h, before], invariants: [p, q], scans: [each] }) => {
      const gate = k.sigmoid(k.add(k.dot(h!, p!), each!));
      const next = k.add(k.multiply(gate, k.tanh(k.dot(k.multiply(gate, h!), q!))), k.multiply(k.subtract(1, gate), before!));
      return { carries: [next, h!], stacks: [k.sum(next, [1])] };
    },
  });
  const [du, dv, dx] = gradientsOf(b, b.add(b.sum(b.square(made.carries[0]!)), b.sum(made.stacks[0]!)), [u, v, x]);
  return b.program("gated", { last: made.carries[0]!, sums: made.stacks[0]!, du: du!, dv: dv!, dx: dx! });
}

async function outputs(scheduled: Schedule, module: KernelModule): Promise<Record<string, number[]>> {
  const arena = filledArena(scheduled, given.inputs);
  module.arena.u32.set(new Uint32Array(arena));
  module.run(1);
  const result = outputsOf(scheduled, module.arena.u32.slice().buffer as ArrayBuffer);
  module.dispose();
  return result;
}

describe("a loop of launches", () => {
  it.skipIf(!hasCompiler)("in C", async () => {
    const program = gated();
    const scheduled = schedule(program, { target: avx2Target });
    expect(scheduled.kernels.launches).toBeDefined();
    const one = await outputs(scheduled, await createNativeModule(renderC(scheduled.kernels), { cacheFolder, threads: 1 }));
    expect(differences(program, given, one)).toEqual([]);
    for (const threads of [2, 3]) expect(await outputs(scheduled, await createNativeModule(renderC(scheduled.kernels), { cacheFolder, threads }))).toEqual(one);
  });

  it("in WebAssembly", async () => {
    const program = gated();
    const scheduled = schedule(program, { target: wasmTarget });
    const one = await outputs(scheduled, await createWasmModule(emitWasm(scheduled.kernels), { threads: 1 }));
    expect(differences(program, given, one)).toEqual([]);
    for (const threads of [2, 3]) expect(await outputs(scheduled, await createWasmModule(emitWasm(scheduled.kernels), { threads }))).toEqual(one);
  });
});
