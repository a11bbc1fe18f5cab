import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { exitCodes } from "../../src/cli/exit-codes.js";
import { expectGolden } from "../support/golden.js";
import { folderWith, goodModel, lvmc, repository } from "./harness.js";

const columnsOf = (line: string): string[] => line.trim().split(/ {2,}/);

/** The rows of the plan's table. */
function planOf(out: string): string[][] {
  const lines = out.split("\n");
  const head = lines.findIndex((line) => line.trim().startsWith("#"));
  const end = lines.findIndex((line) => /^\d+ kernels?, /.test(line));
  return lines.slice(head + 1, end).map(columnsOf);
}

describe("compile --emit kernels", () => {
  // Pins the form that people read; the meaning of kernels is guarded by test/passes and test/engine.
  it("prints plan, arena and kernels of the regression", async () => {
    const { code, out } = await lvmc(["compile", "models/regression.lvm", "--emit", "kernels"]);
    expect(code).toBe(exitCodes.ok);
    expectGolden(join(repository, "test/cli/golden/regression.kernels.txt"), out);
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

  it.each([["--batch", "5"], ["--device", "wasm"]])("refuses %s where nothing is made for a size or a device", async (...option) => {
    const { code, err } = await lvmc(["compile", "models/vae.lvm", ...option]);
    expect(code).toBe(exitCodes.usage);
    expect(err).toContain("--emit kernels");
  });
});
