import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import * as measuring from "../../src/cli/devices/measure.js";
import { exitCodes } from "../../src/cli/exit-codes.js";
import { readMeasurement, writeMeasurement } from "../../src/runtime/node/measurement-cache.js";
import { folderWith, lvmc, tinyVae } from "./harness.js";

vi.mock("../../src/cli/devices/measure.js", async (original) => {
  const real = await original<typeof measuring>();
  return { measure: vi.fn(real.measure) };
});
const measure = vi.mocked(measuring.measure);
const rates = { native: { gflops: 100, gbytes: 50, dispatchMicroseconds: 1.5 }, wasm: { gflops: 20, gbytes: 30, dispatchMicroseconds: 3 }, webgpu: { gflops: 1, gbytes: 1, dispatchMicroseconds: 500 } };

const before = { CC: process.env["CC"], XDG_CACHE_HOME: process.env["XDG_CACHE_HOME"] };
beforeEach(() => {
  process.env["XDG_CACHE_HOME"] = folderWith();
  measure.mockReset().mockImplementation(async (device) => ({ ...rates[device], cached: false }));
});
afterEach(() => {
  for (const [name, value] of Object.entries(before)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
});

describe("doctor", () => {
  it("says what there is, what was measured, and which device the VAE would get", async () => {
    const { code, out } = await lvmc(["doctor"]);
    expect(code).toBe(exitCodes.ok);
    for (const part of [`Node ${process.version.slice(1)}`, "wasm    SIMD", "TensorFlow.js", "measured  matrix product", "20.0 GFLOP/s", "a training step of vae, 128 rows", "MFLOP"]) expect(out).toContain(part);
    expect(out).toMatch(/^→ (native|wasm): no hardware GPU$/m);
    // Columns of numbers end at the same place.
    const table = out.split("\n").filter((line) => / FLOP\/s|GFLOP\/s|a kernel$/.test(line));
    expect(new Set(table.map(({ length }) => length)).size).toBe(1);
  });

  it("answers for a model file, and prints the same as JSON lines", async () => {
    const cwd = folderWith({ "tiny.lvm": tinyVae });
    const { code, lines } = await lvmc(["doctor", "tiny.lvm", "--batch", "16", "--json"], { cwd });
    expect(code).toBe(exitCodes.ok);
    const checks = lines.filter(({ type }) => type === "check");
    expect(checks.map(({ name }) => name)).toEqual(["system", "native", "wasm", "webgpu", "tfjs"]);
    expect(lines.find(({ type }) => type === "choice")).toMatchObject({ model: "tiny", reason: "no hardware GPU", work: { flops: expect.any(Number) } });
    expect(lines.filter(({ type }) => type === "measurement").map(({ device }) => device)).toContain("wasm");
  });

  it("names what is missing and how to get it, and goes on", async () => {
    process.env["CC"] = "no-compiler-of-this-name";
    const { code, out } = await lvmc(["doctor"]);
    expect(code).toBe(exitCodes.ok);
    expect(out).toMatch(/– native +there is no C compiler no-compiler-of-this-name\n +→ (apt-get install gcc libc6-dev|xcode-select --install)/);
    expect(out).toMatch(/^→ wasm:/m);
  });

  it("ends with 5 where no device works, and says of each why", async () => {
    measure.mockReset().mockRejectedValue(new Error("it broke\nat once"));
    const { code, out, err } = await lvmc(["doctor"]);
    expect(code).toBe(exitCodes.device);
    expect(out).toContain("– wasm    it broke\n");
    expect(out).toContain("no device works on this machine");
    expect(err).toBe("");
  });

  it("a file that has mistakes or is not there is said as by the other commands", async () => {
    const cwd = folderWith({ "bad.lvm": "model m(x: real) { x ~ Normal(y, 1) }\n" });
    expect((await lvmc(["doctor", "bad.lvm"], { cwd })).code).toBe(exitCodes.model);
    expect((await lvmc(["doctor", "absent.lvm"], { cwd })).code).toBe(exitCodes.usage);
    expect(measure).not.toHaveBeenCalled();
  });

  // The real thing, on the device that every machine has.
  it("measures a device once, and knows it afterwards", async () => {
    const { measure: real } = await vi.importActual<typeof measuring>("../../src/cli/devices/measure.js");
    const first = await real("wasm", undefined);
    expect(first).toMatchObject({ cached: false });
    for (const rate of [first.gflops, first.gbytes, first.dispatchMicroseconds]) expect(rate).toBeGreaterThan(0);
    expect(await real("wasm", undefined)).toEqual({ ...first, cached: true });
    expect((await real("wasm", undefined, { again: true })).cached).toBe(false);
  });
});

describe("the cache of measurements", () => {
  const measurement = { gflops: 1, gbytes: 2, dispatchMicroseconds: 3 };

  it("is another for another key, and nothing where it was damaged or cannot be written", async () => {
    const folder = join(folderWith(), "devices");
    expect(await writeMeasurement({ device: "webgpu", driver: "1" }, measurement, folder)).toBe(true);
    expect(await readMeasurement({ driver: "1", device: "webgpu" }, folder)).toEqual(measurement);
    expect(await readMeasurement({ device: "webgpu", driver: "2" }, folder)).toBeUndefined();
    for (const text of ["{", "null", '{"gflops": 0, "gbytes": 1, "dispatchMicroseconds": 1}', '{"gflops": "1", "gbytes": 1, "dispatchMicroseconds": 1}']) {
      writeFileSync(join(folder, readdirSync(folder)[0]!), text);
      expect(await readMeasurement({ device: "webgpu", driver: "1" }, folder), text).toBeUndefined();
    }
    const file = join(folderWith({ file: "" }), "file");
    expect(await writeMeasurement({ device: "webgpu" }, measurement, join(file, "devices"))).toBe(false);
  });
});

describe("train --verbose", () => {
  it("says which device was taken and why, and what was compiled", async () => {
    const cwd = folderWith({ "tiny.lvm": tinyVae });
    const { out } = await lvmc(["train", "tiny.lvm", "--steps", "2", "--no-samples", "--verbose"], { cwd });
    expect(out).toMatch(/^device: no GPU: |^device: a step of .* too small for a GPU/m);
    expect(out).toMatch(/^(native|wasm): \d+ kernels?, compiled in \d+ ms, started in \d+ ms/m);
    const named = await lvmc(["train", "tiny.lvm", "--steps", "2", "--no-samples", "--verbose", "--device", "wasm", "--json"], { cwd });
    expect(named.lines.find(({ type }) => type === "choice")).toMatchObject({ reason: "wasm was asked for" });
    expect(named.lines.find(({ type }) => type === "program")).toMatchObject({ device: "wasm", kernels: expect.any(Number) });
  });
});
