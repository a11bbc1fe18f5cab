import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it, vi } from "vitest";
import { emitWasm } from "../../src/codegen/wasm/artifact.js";
import type { KernelProgram } from "../../src/ir/kernel/nodes.js";
import { createWasmModule } from "../../src/runtime/wasm/index.js";
import { canonical, programOf, runReference, runWasm, type Fill } from "./support.js";

afterEach(() => vi.unstubAllGlobals());

const n = 64;
/** Kernels that read what other groups, and so other threads, wrote in the kernel before; one of them has no groups to share. */
const stencil: KernelProgram = programOf(8 + 2 * n, [
  {
    groups: 16,
    write: (b) => {
      const at = b.multiply(b.group(), 4);
      b.loop(0, 4, 1, (i) => {
        const left = b.remainder(b.add(b.add(at, i), n - 1), n);
        b.store(b.add(b.add(at, i), 8 + n), b.multiplyAdd(b.load(b.add(left, 8)), 0.6, b.multiply(b.load(b.add(b.add(at, i), 8)), 0.39)));
      });
    },
  },
  { write: (b) => b.store(b.integer(4), b.convert(b.load(b.integer(0), "u32"), "f32")) },
  {
    groups: 5,
    write: (b) => b.loop(0, 13, 1, (i) => {
      const at = b.bind(b.add(b.multiply(b.group(), 13), i));
      b.when(b.compare("less", at, n), () => b.store(b.add(at, 8), b.add(b.load(b.add(b.subtract(n - 1, at), 8 + n)), b.multiply(b.load(b.integer(4)), 0.01))));
    }),
  },
]);
const fill: Fill = ({ f32 }) => f32.set(Array.from({ length: n }, (_, i) => Math.sin(i)), 8);

describe("threads", () => {
  it("give the bits of one thread, and of the interpreter, over 40 steps", async () => {
    const expected = canonical(runReference(stencil, fill, 40));
    for (const threads of [1, 2, 3]) expect(canonical(await runWasm(stencil, fill, { threads, steps: 40 })), `${threads} threads`).toEqual(expected);
  });

  it("run again after sleeping, count steps, and run single kernels", async () => {
    const module = await createWasmModule(await emitWasm(stencil), { threads: 2, relaxed: false });
    expect([module.threads, module.kernels, module.words]).toEqual([2, 3, 8 + 2 * n]);
    fill(module.arena);
    module.run(2);
    await new Promise((resolve) => setTimeout(resolve, 50));
    module.run(1);
    expect(module.arena.u32[0]).toBe(3);
    expect(canonical(module.arena.u32)).toEqual(canonical(runReference(stencil, fill, 3)));
    module.arena.f32.fill(1, 8, 8 + n);
    module.runKernel(0);
    expect(module.arena.f32[8 + n]).toBeCloseTo(0.99, 6);
    expect(module.arena.u32[0]).toBe(3);
    expect(() => module.runKernel(3)).toThrow(RangeError);
    module.run(0);
    expect(module.arena.u32[0]).toBe(3);
    module.dispose();
    module.dispose();
    expect(() => module.run(1)).toThrow("disposed");
  });

  it("are not started for kernels that take less time than handing them over, nor more than there are groups", async () => {
    const small = { ...stencil, kernels: stencil.kernels.map((kernel) => ({ ...kernel, flops: 100, bytes: 100 })) };
    const [one, five] = [await createWasmModule(await emitWasm(small), { threads: 4 }), await createWasmModule(await emitWasm(programOf(8, [{ groups: 2, write: () => {} }])), { threads: 4 })];
    expect([one.threads, five.threads]).toEqual([1, 2]);
    one.dispose();
    five.dispose();
  });

  it("are done without where memory cannot be shared", async () => {
    vi.stubGlobal("SharedArrayBuffer", undefined);
    const module = await createWasmModule(await emitWasm(stencil), { threads: 3, relaxed: false });
    expect([module.threads, module.arena.f32.buffer instanceof ArrayBuffer]).toEqual([1, true]);
    fill(module.arena);
    module.run(7);
    expect(canonical(module.arena.u32)).toEqual(canonical(runReference(stencil, fill, 7)));
    module.dispose();
  });

  it("are done without on a page that is not isolated, and where workers may not start", async () => {
    vi.stubGlobal("crossOriginIsolated", false);
    const page = await createWasmModule(await emitWasm(stencil), { threads: 2 });
    vi.unstubAllGlobals();
    vi.stubGlobal("process", { ...process, getBuiltinModule: () => ({ availableParallelism: () => 2, Worker: class { constructor() { throw new Error("no threads here"); } } }), versions: process.versions });
    const refused = await createWasmModule(await emitWasm(stencil), { threads: 2, relaxed: false });
    vi.unstubAllGlobals();
    expect([page.threads, refused.threads]).toEqual([1, 1]);
    fill(refused.arena);
    refused.run(2);
    expect(canonical(refused.arena.u32)).toEqual(canonical(runReference(stencil, fill, 2)));
  });

  it("report a trap on whichever thread it happens", async () => {
    for (const bad of [0, 3]) {
      const program = programOf(8, [{ groups: 4, write: (b) => b.when(b.compare("equal", b.group(), bad), () => b.store(b.integer(10_000_000), b.constant(1))) }]);
      const module = await createWasmModule(await emitWasm(program), { threads: 2 });
      expect(() => module.run(1)).toThrow();
      module.dispose();
    }
  });

  it("take modules as base64", async () => {
    const artifact = await emitWasm(stencil);
    const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
    const module = await createWasmModule({ ...artifact, module: text(artifact.module), relaxed: text(artifact.relaxed) }, { threads: 2, relaxed: false });
    fill(module.arena);
    module.run(3);
    expect(canonical(module.arena.u32)).toEqual(canonical(runReference(stencil, fill, 3)));
    module.dispose();
  });
});

const built = fileURLToPath(new URL("../../dist/runtime/wasm/index.js", import.meta.url));

// Guards scripts: a model that nobody disposed does not keep the process, neither spinning nor asleep.
describe.skipIf(!existsSync(built))("workers", () => {
  it("do not keep the process alive", async () => {
    const { words, kernels, module } = await emitWasm(stencil);
    const artifact = JSON.stringify({ words, kernels, module: Buffer.from(module).toString("base64") });
    for (const pause of [0, 200]) {
      const script = `import { createWasmModule } from ${JSON.stringify(built)};
        const m = await createWasmModule(${artifact}, { threads: 2 }); m.run(10); console.log(m.threads, m.arena.u32[0]);
        if (${pause}) await new Promise((resolve) => setTimeout(resolve, ${pause}));`;
      const { stdout, status, signal } = spawnSync(process.execPath, ["--input-type=module", "--eval", script], { encoding: "utf8", timeout: 60_000 });
      expect({ stdout, status, signal }).toEqual({ stdout: "2 10\n", status: 0, signal: null });
    }
  });
});
