import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { buildRuntime } from "../native/built-runtime.js";
import { missing, programOf, webGpuProgram } from "./support.js";

const folder = mkdtempSync(join(tmpdir(), "lvmc-webgpu-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const program = webGpuProgram(programOf(4 + 64 * 16, [{ groups: 64, write: (b) => b.store(b.add(b.multiply(b.group(), 16), 4), b.convert(b.laneNumbers(), "f32")) }]));

/** Runs `body` in a process of its own, with `gpu` and `module`. */
function run(body: string) {
  const index = buildRuntime(mkdtempSync(join(folder, "run-")), "webgpu");
  const script = join(dirname(index), "main.mjs");
  writeFileSync(
    script,
    `import koffi from "koffi";
import { dirname, join } from "node:path";
let loader;
try { loader = koffi.load("libvulkan.so.1"); } catch { loader = koffi.load(join(dirname(process.env.VK_ICD_FILENAMES), "libvulkan.so.1")); }
const { openWebGpu, createWebGpuModule } = await import(${JSON.stringify(index)});
const gpu = await openWebGpu();
const module = await createWebGpuModule(gpu, ${JSON.stringify(program)});
module.run(10);
${body}
console.log("last line");
`,
  );
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: "utf8", timeout: 60_000 });
  return { status, signal, stdout, stderr };
}

// Dawn works in threads of its own: a process must neither be kept alive by them nor crash in them at its end.
describe.skipIf(missing !== undefined)("a process with WebGPU", () => {
  const ends = { status: 0, signal: null, stdout: "last line\n", stderr: "" };
  it("ends when its work is done and the device disposed", () => {
    expect(run("await module.fetch([{ offset: 0, words: 8 }]); module.dispose(); gpu.dispose();")).toEqual(ends);
  });
  it("ends where it disposes of nothing", () => {
    expect(run("await module.fetch([{ offset: 0, words: 8 }]);")).toEqual(ends);
  });
  it("ends in the middle of its work", () => {
    expect(run("module.run(1000); void module.fetch([{ offset: 0, words: 8 }]); console.log('last line'); process.exit(0);")).toEqual(ends);
  });
  it("ends by disposal in the middle of its work", () => {
    expect(run("module.run(1000); module.fetch([{ offset: 0, words: 8 }]).catch(() => {}); module.dispose(); gpu.dispose();")).toEqual(ends);
  });
});
