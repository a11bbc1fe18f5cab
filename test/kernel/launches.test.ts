import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { renderC } from "../../src/codegen/c/index.js";
import { emitWasm } from "../../src/codegen/wasm/artifact.js";
import { evaluateKernels } from "../../src/ir/kernel/evaluate.js";
import { eachRun, launchesOf, runsOf } from "../../src/ir/kernel/launches.js";
import { printKernels } from "../../src/ir/kernel/print.js";
import { verifyKernels } from "../../src/ir/kernel/verify.js";
import type { KernelProgram } from "../../src/ir/kernel/nodes.js";
import { createNativeModule } from "../../src/runtime/node/native/index.js";
import { createWasmModule } from "../../src/runtime/wasm/index.js";
import { hasCompiler } from "../native/programs.js";
import { loopRelay, relayByHand, relayRows, relayWords } from "./loop-relay.js";

/** Guards loops of launches on every device: order, indices, loops in loops, the counter of steps, and barriers, whoever shares groups among threads. */

const cacheFolder = mkdtempSync(join(tmpdir(), "lvmc-launches-"));
afterAll(() => rmSync(cacheFolder, { recursive: true, force: true }));

const costs = [[0], [1e9], [1, 1e9], [1e9, 1], [1, 1, 1e9]];

describe("launches", () => {
  it("the interpreter runs them in order, with the indices of the loops around", () => {
    const program = loopRelay([0]);
    verifyKernels(program);
    const arena = new ArrayBuffer(4 * relayWords);
    evaluateKernels(program, arena, { steps: 3, races: true, shuffle: 5 });
    expect(relayRows(new Int32Array(arena))).toEqual(relayByHand(3));
    const order: string[] = [];
    eachRun(launchesOf(program), (kernel, indices) => order.push([kernel, ...indices].join(".")));
    expect(order.slice(0, 7)).toEqual(["0", "1.0", "2.0.2", "2.0.1", "2.0.0", "3.0", "1.1"]);
    expect(order.slice(-5)).toEqual(["4", "5.3", "5.2", "5.1", "5.0"]);
    expect(program.kernels.map(runsOf)).toEqual([1, 5, 15, 5, 1, 4]);
  });

  it("WebAssembly, for any number of threads", async () => {
    for (const threads of [1, 2, 3]) {
      for (const each of costs) {
        const module = await createWasmModule(emitWasm(loopRelay(each)), { threads });
        module.run(1);
        module.run(6);
        expect(module.arena.u32[0]).toBe(7);
        expect(relayRows(module.arena.i32), `${threads} threads, ${each.join()}`).toEqual(relayByHand(7));
        // Alone it runs as often as in a step; the last turn of its loops leaves the same as that of a step.
        module.arena.u32[0] = 6;
        module.runKernel(5);
        expect(relayRows(module.arena.i32)[5]).toEqual(relayByHand(7)[5]);
        module.dispose();
      }
    }
  });

  it.skipIf(!hasCompiler)("C, for any number of threads", async () => {
    for (const each of costs) {
      for (const threads of [1, 2, 3, 5]) {
        const module = await createNativeModule(renderC(loopRelay(each)), { cacheFolder, threads });
        module.run(1);
        module.run(6);
        expect(module.arena.u32[0]).toBe(7);
        expect(relayRows(module.arena.i32), `${threads} threads, ${each.join()}`).toEqual(relayByHand(7));
        module.arena.u32[0] = 6;
        module.runKernel(5);
        expect(relayRows(module.arena.i32)[5]).toEqual(relayByHand(7)[5]);
        module.dispose();
      }
    }
  });

  it("are printed as they stand", () => {
    const lines = printKernels(loopRelay([0])).split("\n");
    expect(lines.filter((line) => /^ *(loop|kernel) /.test(line)).map((line) => line.replace(/ \{.*/, ""))).toEqual([
      "kernel relay_0", "loop 5 steps", "  kernel relay_1", "  loop 3 steps, backwards", "    kernel relay_2", "  kernel relay_3", "kernel relay_4", "loop 4 steps, backwards", "  kernel relay_5",
    ]);
    expect(lines.join("\n")).toContain("index.1 * 100");
  });

  const broken: readonly (readonly [string, (program: KernelProgram) => KernelProgram, RegExp])[] = [
    ["a kernel that is never launched", (p) => ({ ...p, launches: p.launches!.slice(1) }), /never launched/],
    ["a kernel in two places", (p) => ({ ...p, launches: [0, ...p.launches!] }), /two places/],
    ["a kernel that does not exist", (p) => ({ ...p, launches: [...p.launches!, 6] }), /kernel 6 is launched/],
    ["loops that a kernel does not know of", (p) => ({ ...p, launches: [{ steps: 2, reverse: false, body: [0] }, ...p.launches!.slice(1)] }), /stands in loops of 2 steps/],
    ["a loop of no steps", (p) => ({ ...p, kernels: [{ ...p.kernels[0]!, loops: [0] }, ...p.kernels.slice(1)], launches: [{ steps: 0, reverse: false, body: [0] }, ...p.launches!.slice(1)] }), /a loop of 0 steps/],
    ["the index of a loop that is not there", (p) => ({ ...p, kernels: p.kernels.map((kernel, at) => (at === 0 ? { ...kernel, body: p.kernels[2]!.body } : kernel)) }), /index of loop/],
  ];
  for (const [name, breaks, message] of broken) it(`verify refuses ${name}`, () => expect(() => verifyKernels(breaks(loopRelay([0])))).toThrow(message));
});
