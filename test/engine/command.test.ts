import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { lvmc } from "../cli/harness.js";
import { tinyVae } from "../training/support.js";

/** Guards that the command trains, resumes, evaluates and samples by kernels, and that a run may change its engine. */
describe("lvmc with kernels", () => {
  const folder = mkdtempSync(join(tmpdir(), "lvmc-kernels-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("trains, resumes, evaluates and samples", async () => {
    writeFileSync(join(folder, "tiny.lvm"), tinyVae);
    writeFileSync(join(folder, "x.csv"), ["x_" + Array.from({ length: 12 }, (_, at) => at + 1).join(",x_"), ...Array.from({ length: 40 }, (_, row) => Array.from({ length: 12 }, (_, at) => (row + at) % 2).join(","))].join("\n"));
    const run = async (...args: string[]) => {
      const { code, out, err } = await lvmc(args, { cwd: folder });
      expect(code, err + out).toBe(0);
      return out;
    };
    await run("train", "tiny.lvm", "--data", "x.csv", "--device", "wasm", "--epochs", "3");
    const [name = ""] = readdirSync(join(folder, "runs"));
    expect(await run("train", "--resume", `runs/${name}`, "--epochs", "5")).toContain("step 10");
    expect(await run("eval", `runs/${name}`, "--device", "wasm")).toContain("ELBO");
    expect(await run("eval", `runs/${name}`, "--device", "tfjs-cpu")).toContain("ELBO");
    expect(await run("train", "tiny.lvm", "--data", "x.csv", "--device", "wasm", "--steps", "2", "--profile")).toContain("GFLOP/s");
    await run("sample", `runs/${name}`, "--device", "wasm", "-o", "samples.csv");
  }, 60_000);
});
