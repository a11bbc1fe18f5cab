import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { exitCodes } from "../../src/cli/exit-codes.js";
import { compile } from "../../src/driver/compile.js";
import { compileStep } from "../../src/driver/kernel-programs.js";
import { createHost, kernelDevices, readSafetensors, tfjsDevices } from "../../src/runtime/index.js";
import { folderWith, goodModel, lvmc, type Ran, tinyVae } from "./harness.js";

const runOf = (ran: Ran): string => String(ran.lines.at(-1)?.["run"]);
const deviceOf = (run: string): unknown => (JSON.parse(readFileSync(join(run, "config.json"), "utf8")) as Record<string, unknown>)["device"];
const latest = (run: string) => readSafetensors(readFileSync(join(run, "checkpoints", "latest.safetensors")), "latest");

async function train(cwd: string, ...args: string[]): Promise<Ran> {
  const ran = await lvmc(["train", ...args, "--no-samples", "--json"], { cwd });
  expect(ran.code, ran.out.slice(-2000)).toBe(exitCodes.ok);
  return ran;
}

describe("--device", () => {
  const compiler = process.env["CC"];
  afterEach(() => {
    if (compiler === undefined) delete process.env["CC"];
    else process.env["CC"] = compiler;
  });

  it.each([["wasm-kernels", "wasm"], ["tensorflow", "tfjs-node"], ["cuda", "webgpu"], ["natvie", "native"], ["tfjs-node-gup", "tfjs-node-gpu"]])("says what was meant by %s", async (given, meant) => {
    const cwd = folderWith({ "tiny.lvm": tinyVae });
    for (const command of [["train", "tiny.lvm"], ["eval", "no-run"], ["sample", "no-run"]]) {
      const { code, err } = await lvmc([...command, "--device", given], { cwd });
      expect(code).toBe(exitCodes.device);
      for (const part of ["LVM7150", `did you mean ${meant}?`, ...kernelDevices, ...tfjsDevices]) expect(err).toContain(part);
    }
  });

  it("without a C compiler goes on with WebAssembly and says why; asked for by name it ends, and says what to take", async () => {
    process.env["CC"] = "no-compiler-of-this-name";
    const cwd = folderWith({ "tiny.lvm": tinyVae });
    const ran = await train(cwd, "tiny.lvm", "--steps", "2");
    expect(ran.lines.find(({ type }) => type === "note")?.["message"]).toMatch(/no-compiler-of-this-name; going on with WebAssembly/);
    expect(ran.lines.find(({ type }) => type === "start")?.["device"]).toBe("wasm");
    expect(deviceOf(runOf(ran))).toBe("wasm");
    const named = await lvmc(["train", "tiny.lvm", "--steps", "2", "--device", "native"], { cwd });
    expect(named.code).toBe(exitCodes.device);
    expect(named.err).toMatch(/LVM7160[\s\S]*take the device wasm/);
  });

  it("a compiler that fails on the kernels is passed over: the run's configuration says what it ran on", async () => {
    const cwd = folderWith({ "tiny.lvm": tinyVae });
    // Answers what it is asked about itself, and compiles nothing. A model of its own: no kernels of it are in the cache.
    writeFileSync(join(cwd, "cc"), '#!/bin/sh\ncase "$*" in *-shared*) echo broken >&2; exit 1;; esac\nexec cc "$@"\n', { mode: 0o755 });
    process.env["CC"] = join(cwd, "cc");
    const ran = await train(cwd, "tiny.lvm", "--steps", "2", "--batch", "7");
    expect(ran.lines.find(({ type }) => type === "note")?.["message"]).toContain("going on with WebAssembly");
    expect(deviceOf(runOf(ran))).toBe("wasm");
  });

  // The state is the same on every device: one more step from it is the same step, to rounding.
  it("may change when a run is resumed: the same state goes on", async () => {
    const cwd = folderWith({ "tiny.lvm": tinyVae });
    const [from, to] = ["wasm", "tfjs-wasm"];
    const straight = runOf(await train(cwd, "tiny.lvm", "--steps", "4", "--device", to, "--out", "straight"));
    const run = runOf(await train(cwd, "tiny.lvm", "--steps", "3", "--device", from));
    const ran = await train(cwd, "--resume", run, "--steps", "4", "--device", to);
    expect(ran.lines.find(({ type }) => type === "start")).toMatchObject({ device: to, step: 3 });
    expect(deviceOf(run)).toBe(to);
    const [a, b] = [latest(straight), latest(run)];
    expect([...b.tensors.keys()].sort()).toEqual([...a.tensors.keys()].sort());
    const square = (values: Float32Array): number => values.reduce((sum, value) => sum + value * value, 0);
    for (const [name, { data }] of a.tensors) {
      const [expected, found] = [data as Float32Array, b.tensors.get(name)!.data as Float32Array];
      expect(Math.sqrt(square(expected.map((value, at) => value - found[at]!)) / square(expected)), name).toBeLessThan(1e-4);
    }
    // And back, on the device that the run has now, then on another.
    await train(cwd, "--resume", run, "--steps", "5");
    expect(deviceOf(run)).toBe(to);
    await train(cwd, "--resume", run, "--steps", "6", "--device", from);
    expect(latest(run).metadata).toMatchObject({ step: "6" });
    for (const device of [from, to]) expect((await lvmc(["eval", run, "--data", "digits(8)", "--device", device], { cwd })).code).toBe(exitCodes.ok);
  });
});

describe("memory", () => {
  // Sizes alone: no such data is made.
  it("a minibatch that no memory of the device holds is refused with its size and what to try", async () => {
    const { value } = compile({ path: "tiny.lvm", text: tinyVae });
    for (const [target, device] of [[{ kind: "wasm" }, "wasm"], [{ kind: "c", lanes: 8 }, "native"]] as const) {
      const { artifact } = await compileStep(value!.lowered, { batch: 2 ** 22, slots: 1, dataset: undefined }, target);
      const refused = createHost({ device }).open(() => artifact);
      await expect(refused).rejects.toMatchObject({ code: "LVM7150", exitCode: 5, message: expect.stringMatching(/kernels need \d+\.\d GiB of memory/), help: expect.stringContaining("--batch") });
    }
  });
});

describe("compile of kernels", () => {
  const perRow = goodModel.replaceAll("WIDTH", "COUNT").replace("const COUNT = 2", "const COUNT = 8").replace("  batch = 8", "  data = factors(40, 8, 2)\n  batch = 16");

  it("takes the rows of the built-in data that the file names", async () => {
    const cwd = folderWith({ "m.lvm": perRow, "unsaid.lvm": goodModel });
    expect((await lvmc(["compile", "m.lvm"], { cwd })).out).toContain("dataset: 40");
    expect((await lvmc(["compile", "m.lvm", "--rows", "50"], { cwd })).out).toContain("dataset: 50");
    const { code, err } = await lvmc(["compile", "unsaid.lvm"], { cwd });
    expect(code).toBe(exitCodes.usage);
    expect(err).toMatch(/--rows 10000.*--target tfjs/);
    expect((await lvmc(["compile", "unsaid.lvm", "--target", "tfjs"], { cwd })).code).toBe(exitCodes.ok);
  });

  it("takes model, settings and sizes of a run", async () => {
    const cwd = folderWith({ "m.lvm": goodModel, "data.csv": `x_1,x_2,x_3\n${Array.from({ length: 12 }, (_, at) => `${at},1,2`).join("\n")}\n` });
    const run = runOf(await train(cwd, "m.lvm", "--data", "data.csv", "--set", "WIDTH=3", "--batch", "4"));
    writeFileSync(join(cwd, "m.lvm"), "gone");
    const { code, out } = await lvmc(["compile", run], { cwd });
    expect(code).toBe(exitCodes.ok);
    for (const part of ["dataset: 12", "batch: 4", "real [3]"]) expect(out).toContain(part);
    expect((await lvmc(["compile", run, "--set", "WIDTH=2"], { cwd })).code).toBe(exitCodes.usage);
  });
});
