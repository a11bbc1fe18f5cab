import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { emitWasm } from "../../src/codegen/wasm/artifact.js";
import { renderWat } from "../../src/codegen/wasm/render.js";
import type { KernelProgram } from "../../src/ir/kernel/nodes.js";
import { withSharing } from "../../src/runtime/wasm/module-bytes.js";
import { compileStep } from "../../src/driver/kernel-programs.js";
import { assembleWat } from "../support/assemble-wat.js";
import { lowerText } from "../support/lowered.js";
import { programOf } from "./support.js";
import { matrixProduct, rowSums, scaledNoise } from "./programs.js";

const goldens: readonly (readonly [string, KernelProgram, boolean])[] = [
  ["row-sums", rowSums(6, 10), false],
  ["matrix-product", matrixProduct(4, 5, 8), true],
  ["scaled-noise", scaledNoise(7), false],
];

describe("renderWat", () => {
  for (const [name, program, relaxed] of goldens) {
    it(`writes ${name} as its golden file`, async () => {
      await expect(renderWat(program, { relaxed })).toMatchFileSnapshot(`golden/${name}.wat`);
    });
  }

  it("gives modules that validate, plain and relaxed, shared and not", async () => {
    for (const [, program] of goldens) {
      const { module, relaxed } = emitWasm(program);
      for (const shared of [true, false]) expect(WebAssembly.validate(withSharing(new Uint8Array(module), shared))).toBe(true);
      const [major] = process.versions.node.split(".");
      if (Number(major) >= 22) expect(WebAssembly.validate(new Uint8Array(relaxed))).toBe(true);
    }
  });

  // Guards "no text of a model file becomes code": titles and paths only reach comments, as printable ASCII on one line.
  it("keeps hostile titles inside their comments", async () => {
    const titles = ["\n(func (export \"evil\"))", ") ) (; ;) ;;", "\r\n)\u2028(unreachable)", "\u202e\u0000“π”", "x".repeat(10_000), "(;"];
    const program = programOf(8, titles.map((title) => ({ title, write: () => {} })));
    const evil = {
      ...program,
      name: "a\n(start 0)",
      kernels: program.kernels.map((kernel, i) => ({ ...kernel, name: `k"\n(${i}`, origins: [{ source: { path: "a\n)(memory 1).lvm", text: "x" }, start: 0, end: 1 }] })),
    };
    const text = renderWat(evil, { relaxed: false });
    expect(text).toMatch(/^[\x20-\x7e\n]*$/);
    expect(text.split("\n").filter((line) => /evil|unreachable|start|memory 1\)/.test(line)).every((line) => /^ *;;/.test(line))).toBe(true);
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThan(200);
    const exports = WebAssembly.Module.exports(new WebAssembly.Module(new Uint8Array(await assembleWat(text, { relaxed: false })))).map((each) => each.name);
    expect(exports).toEqual([...titles.map((_, i) => `kernel_${i}`), "run"]);
  });

  it("refuses another vector width, and arenas larger than 4 GiB", () => {
    expect(() => renderWat({ ...programOf(8, []), lanes: 16 }, { relaxed: false })).toThrow("4 lanes");
    expect(() => renderWat(programOf(2 ** 30 + 1, []), { relaxed: false })).toThrow("larger");
  });

  // Guards the encoder: the bytes are those that another assembler makes of the text.
  for (const model of ["vae.lvm", "mixture.lvm"]) {
    it(`writes the training step of ${model} as its assembled text`, async () => {
      const { schedule } = await compileStep(lowerText(readFileSync(`models/${model}`, "utf8"), `models/${model}`), { batch: 12, slots: 2, dataset: undefined }, { kind: "none" });
      await expectAssembled(schedule.kernels);
    });
  }

  it("writes goldens and constants at their limits as their assembled text", async () => {
    const values = [0, 1, -1, 63, 64, -64, -65, 127, 128, 2 ** 31 - 1, -(2 ** 31)];
    const floats = [0, -0, 1e-45, 3.4028234663852886e38, 0.1, Infinity, -Infinity, NaN];
    const constants = programOf(64, [{
      write: (k) => [
        ...values.map((value, at) => k.store(k.integer(at), k.constant(value, "i32"))),
        ...floats.map((value, at) => k.store(k.integer(20 + at), k.constant(value))),
      ],
    }]);
    for (const program of [...goldens.map(([, each]) => each), constants]) await expectAssembled(program);
  });
});

async function expectAssembled(program: KernelProgram): Promise<void> {
  const { module, relaxed } = emitWasm(program);
  expect(Buffer.from(module).equals(await assembleWat(renderWat(program, { relaxed: false }), { relaxed: false }))).toBe(true);
  expect(Buffer.from(relaxed).equals(await assembleWat(renderWat(program, { relaxed: true }), { relaxed: true }))).toBe(true);
}
