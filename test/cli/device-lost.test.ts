import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { exitCodes } from "../../src/cli/exit-codes.js";
import { readSafetensors } from "../../src/runtime/index.js";
import * as opening from "../../src/runtime/webgpu/open-web-gpu.js";
import { missing } from "../webgpu/support.js";
import { folderWith, lvmc, tinyVae } from "./harness.js";

const opened: opening.WebGpu[] = [];
vi.mock("../../src/runtime/webgpu/open-web-gpu.js", async (original) => {
  const real = await original<typeof opening>();
  return {
    ...real,
    openWebGpu: async (...parts: Parameters<typeof real.openWebGpu>) => {
      const gpu = await real.openWebGpu(...parts);
      opened.push(gpu);
      return gpu;
    },
  };
});
afterEach(() => void opened.splice(0));

describe.skipIf(missing !== undefined)("a GPU that is lost while a model trains", () => {
  // A laptop that sleeps, a driver that is updated: hours of training must not be gone, and nothing may hang.
  it("leaves the last state in a checkpoint, and the command that goes on with it", async () => {
    const cwd = folderWith({ "tiny.lvm": tinyVae });
    let epochs = 0;
    const { code, out, err } = await lvmc(["train", "tiny.lvm", "--device", "webgpu", "--epochs", "500", "--no-samples"], {
      cwd,
      onOutput(text) {
        if (text.startsWith("epoch ") && ++epochs === 2) opened[0]?.device.destroy();
      },
    });
    expect(code, out + err).toBe(exitCodes.device);
    expect(err).toContain("LVM7162");
    // Whichever is later: the loop's own copy of the state, or the checkpoint of an epoch.
    const { step = "" } = /(?:\(step |checkpoint of step )(?<step>\d+)/.exec(out)?.groups ?? {};
    expect(Number(step)).toBeGreaterThanOrEqual(12);
    const run = /train --resume (\S+)\n/.exec(out)?.[1] ?? "";
    expect(out).toContain(`train --resume ${run} --device native`);
    expect(readSafetensors(readFileSync(join(cwd, run, "checkpoints", "latest.safetensors")), "latest").metadata).toMatchObject({ step });
    const resumed = await lvmc(["train", "--resume", run, "--steps", String(Number(step) + 3), "--device", "wasm", "--no-samples", "--json"], { cwd });
    expect(resumed.code, resumed.out).toBe(exitCodes.ok);
    expect(resumed.lines.find(({ type }) => type === "start")).toMatchObject({ step: Number(step), device: "wasm" });
  });
});
