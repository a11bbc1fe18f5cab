import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { exitCodes } from "../../src/cli/exit-codes.js";
import { readCsv } from "../../src/runtime/index.js";
import { centersText } from "../diffusion/support/labelled.js";
import { folderWith, goodModel, lvmc, type Ran } from "./harness.js";

/** Points at three places, by label: what a network that knows the label alone must learn. */
const places = [[-2, 1], [0.5, 0.5], [3, -1]];
const labels = Array.from({ length: 60 }, (_, row) => (row * 7) % 3);

const device = ["--device", "wasm"];

describe("lvmc sample of a diffusion", () => {
  let cwd = "";
  let run = "";
  beforeAll(async () => {
    cwd = folderWith({ "labelled.lvm": centersText, "data.csv": `x_1,x_2,label\n${labels.map((label) => [...places[label]!, label].join(",")).join("\n")}\n`, "labels.csv": `label\n${[0, 1, 2, 2, 1].join("\n")}\n`, "m.lvm": goodModel, "plain.csv": "x_1,x_2\n1,2\n0,1\n" });
    const trained = await lvmc(["train", "labelled.lvm", "--data", "data.csv", ...device, "--no-samples", "--json"], { cwd });
    expect(trained.code, trained.out.slice(-2000)).toBe(exitCodes.ok);
    run = String(trained.lines.at(-1)?.["run"]);
  }, 60_000);

  const sample = (...args: string[]): Promise<Ran> => lvmc(["sample", run, ...device, ...args], { cwd });
  const drawn = async (...args: string[]): Promise<readonly number[]> => {
    const ran = await sample("-o", "x.csv", ...args);
    expect(ran.code, ran.err).toBe(exitCodes.ok);
    const columns = readCsv(readFileSync(join(cwd, "x.csv")), "x.csv");
    expect(columns.map(({ name }) => name)).toEqual(["x"]);
    return [...columns[0]!.values];
  };

  // Guards sampling by label from end to end: training, checkpoint, labels from a file, the last step at x̂_0. 300 steps of Adam at rate 0.1 leave less than 0.05.
  it.each([[], ["--sampler", "ddim", "--eta", "0.5"], ["--sampler", "dpm_solver", "--steps", "3"], ["--sampler", "heun", "--steps", "2"], ["--steps", "4"]])("draws what the label says: %s %s %s %s", async (...args) => {
    const values = await drawn("-n", "5", "--data", "labels.csv", ...args);
    [0, 1, 2, 2, 1].forEach((label, row) => places[label]!.forEach((place, element) => expect(Math.abs(values[2 * row + element]! - place)).toBeLessThan(0.05)));
  });

  it("takes the labels of the run's own data where none are given", async () => {
    const values = await drawn("-n", "4");
    const xs = labels.slice(0, 4).map((label) => places[label]![0]!);
    expect(values).toHaveLength(8);
    expect(values.filter((_, at) => at % 2 === 0).map((x) => places.findIndex(([place]) => Math.abs(x - place!) < 0.1))).toEqual(xs.map((x) => places.findIndex(([place]) => place === x)));
  });

  // Guards that what has no meaning is said so, before anything is compiled for a device.
  it.each([
    [["--sampler", "euler"], /Allowed choices are ancestral, ddim, dpm_solver, heun/],
    [["--steps", "7"], /--steps 7: the chain of labelled has 6 steps/],
    [["--steps", "0"], /whole number of at least 1/],
    [["--eta", "0.5"], /--eta 0\.5: only ddim/],
    [["--sampler", "heun", "--eta", "0.5"], /only ddim/],
    [["--sampler", "ddim", "--eta", "1.5"], /number from 0 to 1/],
  ] as const)("%j is refused", async (args, why) => {
    const ran = await sample(...args, "-o", "x.csv");
    expect(ran.code).toBe(exitCodes.usage);
    expect(ran.err).toMatch(why);
  });

  it("other models have no sampler", async () => {
    const trained = await lvmc(["train", "m.lvm", "--data", "plain.csv", "--steps", "1", ...device, "--no-samples", "--json"], { cwd });
    const ran = await lvmc(["sample", String(trained.lines.at(-1)?.["run"]), ...device, "--sampler", "ddim", "--steps", "3", "-o", "x.csv"], { cwd });
    expect(ran.code).toBe(exitCodes.usage);
    expect(ran.err).toMatch(/--sampler, --steps: m is no diffusion/);
  });

  it("eval says the bound and its terms", async () => {
    const { code, lines } = await lvmc(["eval", run, "--data", "data.csv", ...device, "--json"], { cwd });
    expect(code).toBe(exitCodes.ok);
    const { elbo, terms } = lines.at(-1)?.["evaluation"] as { elbo: number; terms: Record<string, number> };
    expect(Object.keys(terms)).toEqual(["prior-matching.x", "denoising.x", "reconstruction.x"]);
    expect(elbo).toBeCloseTo(Object.values(terms).reduce((sum, each) => sum + each, 0), 4);
  });
});
