import { describe, expect, it } from "vitest";
import { emitWasm } from "../../src/codegen/wasm/artifact.js";
import { assembleWat } from "../../src/codegen/wasm/assemble.js";
import { renderWat } from "../../src/codegen/wasm/render.js";
import type { KernelProgram } from "../../src/ir/kernel/nodes.js";
import { withSharing } from "../../src/runtime/wasm/module-bytes.js";
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
      const { module, relaxed } = await emitWasm(program);
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

  it("says where text that does not assemble is wrong", async () => {
    await expect(assembleWat("(module (func (i32.add)))", { relaxed: false })).rejects.toThrow("kernels do not assemble");
  });
});
