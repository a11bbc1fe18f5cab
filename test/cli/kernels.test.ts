import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { exitCodes } from "../../src/cli/exit-codes.js";
import { directMemory } from "../../src/runtime/kernel-engine.js";
import { profileStep } from "../../src/runtime/kernels/profile.js";
import { expectGolden } from "../support/golden.js";
import { folderWith, goodModel, lvmc, repository, tinyVae } from "./harness.js";

const columnsOf = (line: string): string[] => line.trim().split(/ {2,}/);

/** The rows of the plan's table. */
function planOf(out: string): string[][] {
  const lines = out.split("\n");
  const head = lines.findIndex((line) => line.trim().startsWith("#"));
  const end = lines.findIndex((line) => /^\d+ kernels?, /.test(line));
  return lines.slice(head + 1, end).map(columnsOf);
}

describe("compile --emit kernels", () => {
  // Pins the form that people read, with the beginning of a kernel; the meaning of kernels is guarded by test/passes and test/engine.
  it("prints plan, arena and kernels of the regression", async () => {
    const { code, out } = await lvmc(["compile", "models/regression.lvm", "--emit", "kernels"]);
    expect(code).toBe(exitCodes.ok);
    expect(out).toMatch(/\n\}\n$/);
    expectGolden(join(repository, "test/cli/golden/regression.kernels.txt"), `${out.split("\n").slice(0, 32).join("\n")}\n`);
  });

  it("prints at most 16 kernels for the VAE, each with a title, its lines, and its text", async () => {
    for (const device of ["wasm", "native"]) {
      const { code, out } = await lvmc(["compile", "models/vae.lvm", "--emit", "kernels", "--device", device]);
      expect(code).toBe(exitCodes.ok);
      const plan = planOf(out);
      expect(plan.length).toBeGreaterThan(0);
      expect(plan.length).toBeLessThanOrEqual(16);
      plan.forEach(([number, title, lines], at) => {
        expect(number).toBe(String(at));
        expect(title).not.toBe("");
        expect(lines).toMatch(/^\d+(–\d+)?(, \d+(–\d+)?)*$/);
      });
      expect([...out.matchAll(/^kernel \w+ \{ {2}\/\/ .*vae\.lvm:\d/gm)]).toHaveLength(plan.length);
      expect(out).toContain("batch 128");
    }
  });

  // Adam holds two numbers for each parameter; the VAE has 784·400 + 400 + 2·(400·20 + 20) + 20·400 + 400 + 400·784 + 784.
  it("divides the arena by purpose, with nothing left over", async () => {
    const { out } = await lvmc(["compile", "models/vae.lvm", "--emit", "kernels"]);
    const words = new Map([...out.matchAll(/^([a-z ]+?) +([\d,]+) words/gm)].map(([, name = "", count = ""]) => [name, Number(count.replaceAll(",", ""))]));
    const parameters = 784 * 400 + 400 + 2 * (400 * 20 + 20) + 20 * 400 + 400 + 400 * 784 + 784;
    expect(words.get("parameters")).toBe(parameters);
    expect(words.get("optimizer state")).toBe(2 * parameters);
    const arena = words.get("arena") ?? NaN;
    expect([...words].reduce((sum, [name, count]) => (name === "arena" ? sum : sum + count), 0)).toBe(arena);
  });

  it("takes sizes from the command line, and insists on the rows where they have parameters of their own", async () => {
    const cwd = folderWith({ "m.lvm": goodModel });
    const unsaid = await lvmc(["compile", "m.lvm", "--emit", "kernels"], { cwd });
    expect(unsaid.code).toBe(exitCodes.usage);
    expect(unsaid.err).toContain("--rows 10000");
    const said = await lvmc(["compile", "m.lvm", "--emit", "kernels", "--rows", "30", "--batch", "5"], { cwd });
    expect(said.code).toBe(exitCodes.ok);
    expect(said.out).toContain("batch 5");
  });

  it.each([
    [["--batch", "5", "--emit", "tensor"], "--emit kernels"],
    [["--rows", "5", "--target", "tfjs"], "--target tfjs"],
    [["--device", "wasm", "--emit", "tensor"], "--emit kernels"],
  ])("refuses %s where nothing is made for a size or a device", async (options, said) => {
    const { code, err } = await lvmc(["compile", "models/vae.lvm", ...options]);
    expect(code).toBe(exitCodes.usage);
    expect(err).toContain(said);
  });
});

describe("train --profile", () => {
  it("prints a line for each kernel with its lines of the file, then the step", async () => {
    const cwd = folderWith({ "tiny.lvm": tinyVae });
    const { code, out } = await lvmc(["train", "tiny.lvm", "--steps", "3", "--no-samples", "--device", "wasm", "--profile"], { cwd });
    expect(code).toBe(exitCodes.ok);
    expect(out).toMatch(/# +kernel +tiny\.lvm +µs +share +GFLOP\/s +GB\/s\n/);
    const rows = [...out.matchAll(/^ *\d+ {2}(.*?) {2,}(\d+(?:–\d+)?(?:, \d+(?:–\d+)?)*) +([\d.]+) +([\d.]+) % +[\d.]+ +[\d.]+$/gm)];
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.reduce((sum, row) => sum + Number(row[4]), 0)).toBeCloseTo(100, 0);
    expect(out).toMatch(new RegExp(`^${rows.length} kernels?, [\\d.]+ µs one by one .*; a step as in training [\\d.]+ µs$`, "m"));
  });

  // Guards the run: what is timed are steps of training, none of which may be seen afterwards.
  it.each(["wasm", "native"])("changes nothing of a run on %s: the run goes on as if it had not been timed", async (device) => {
    const cwd = folderWith({ "tiny.lvm": tinyVae });
    const run = async (...args: string[]): Promise<string> => {
      const ran = await lvmc(["train", ...args, "--device", device, "--json"], { cwd });
      expect(ran.code, ran.out.slice(-2000)).toBe(exitCodes.ok);
      return String(ran.lines.at(-1)?.["run"]);
    };
    const latest = (folder: string): Buffer => readFileSync(join(folder, "checkpoints", "latest.safetensors"));
    const plain = await run("tiny.lvm", "--steps", "5", "--no-samples");
    const timed = await run("tiny.lvm", "--steps", "3", "--no-samples", "--profile");
    await run("--resume", timed, "--steps", "5", "--profile");
    expect(latest(timed).equals(latest(plain))).toBe(true);
  });

  it("leaves every word that steps read as it was, and keeps to the last step's rows", async () => {
    const arena = new Uint32Array([7, 1, 2, 3, 0x7fc00001, 5]);
    const seen: number[] = [];
    const module = {
      words: arena.length, kernels: 2, threads: 1,
      arena: { u32: arena, i32: new Int32Array(arena.buffer), f32: new Float32Array(arena.buffer) },
      ...directMemory,
      run: (steps: number) => void (arena[0]! += steps),
      runKernel(index: number) {
        seen.push(arena[0]!);
        arena[4 + index]! += 1;
      },
      dispose: () => {},
    };
    const kernel = { title: "", lines: [], groups: 1, flops: 8000, bytes: 4000 };
    const artifact = { words: 6, inputs: { w: { offset: 4, words: 2, shape: [2], type: "f32" as const } }, outputs: {}, constants: [], kernels: [{ ...kernel, name: "a" }, { ...kernel, name: "b" }], batch: 4, slots: 2, state: [], metrics: [] };
    // A clock by which everything takes 2 µs.
    let time = 0;
    const profile = await profileStep(artifact, module, { milliseconds: 0.1, now: () => (time += 2) });
    expect([...arena]).toEqual([7, 1, 2, 3, 0x7fc00001, 5]);
    expect(new Set(seen)).toEqual(new Set([6]));
    // 8,000 operations in 2 µs are 4 · 10⁹ in a second.
    expect(profile.kernels).toMatchObject([{ name: "a", microseconds: 2, share: 0.5, gflops: 4, gbytes: 2 }, { name: "b", microseconds: 2 }]);
    expect(profile).toMatchObject({ stepMicroseconds: 2, threads: 1, batch: 4 });
  });

  it("gives a JSON line for each kernel", async () => {
    const cwd = folderWith({ "tiny.lvm": tinyVae });
    const { lines } = await lvmc(["train", "tiny.lvm", "--steps", "2", "--no-samples", "--device", "wasm", "--profile", "--json"], { cwd });
    const kernels = lines.filter(({ type }) => type === "kernel");
    expect(kernels.map(({ index }) => index)).toEqual(kernels.map((_, at) => at));
    for (const kernel of kernels) expect((kernel["lines"] as number[]).length, String(kernel["title"])).toBeGreaterThan(0);
    expect(lines.at(-1)).toMatchObject({ type: "result", exit: 0, profile: { kernels: kernels.length, batch: 8 } });
  });

  it("is refused on devices without kernels, with those that have them", async () => {
    const cwd = folderWith({ "tiny.lvm": tinyVae });
    const { code, err } = await lvmc(["train", "tiny.lvm", "--device", "tfjs-cpu", "--profile"], { cwd });
    expect(code).toBe(exitCodes.usage);
    expect(err).toContain("--device native");
    expect(existsSync(join(cwd, "runs"))).toBe(false);
  });
});
