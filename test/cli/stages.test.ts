import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { exitCodes } from "../../src/cli/exit-codes.js";
import { readCsv, readSafetensors } from "../../src/runtime/index.js";
import { diffusionPrior, gaussianPrior, linearText, pictureOf } from "../stages/support/linear.js";
import { classifierText, mixtureText } from "../stages/support/mixture.js";
import { folderWith, lvmc, type Ran } from "./harness.js";

const latest = (run: string): Buffer => readFileSync(join(run, "checkpoints", "latest.safetensors"));
const rows = Array.from({ length: 48 }, (_, i) => `${Math.sin(i)},${2 * Math.cos(3 * i)},${Math.sin(7 * i)}`);
const csv = `x_1,x_2,x_3\n${rows.join("\n")}\n`;
const runsOf = (ran: Ran): string[] => ran.lines.at(-1)?.["stages"] as string[];
const configOf = (run: string) => JSON.parse(readFileSync(join(run, "config.json"), "utf8")) as Record<string, unknown>;

async function ok(cwd: string, ...args: string[]): Promise<Ran> {
  const ran = await lvmc(args, { cwd });
  expect(ran.code, ran.out.slice(-2000)).toBe(exitCodes.ok);
  return ran;
}

async function refused(cwd: string, ...args: string[]): Promise<string> {
  const ran = await lvmc(args, { cwd });
  expect(ran.code, ran.out.slice(-2000)).not.toBe(exitCodes.ok);
  return ran.out + ran.err;
}

describe("two stages", () => {
  // Guards the one command, and that the second run needs nothing of the first: the same as two commands, to the bit.
  it("are trained in order by one command, and sampled from the second run alone", async () => {
    const cwd = folderWith({ "m.lvm": linearText + diffusionPrior, "x.csv": csv });
    const [first, second] = runsOf(await ok(cwd, "train", "m.lvm", "--data", "x.csv", "--json")) as [string, string];
    const { sha256, ...stage } = configOf(second)["stage"] as Record<string, unknown>;
    expect(String(sha256)).toMatch(/^[0-9a-f]{64}$/);
    expect(stage).toEqual({ model: "vae", run: first, step: 9, scale: expect.any(Number) as number });
    const own = readSafetensors(latest(second), "second").tensors;
    expect([...own.keys()].filter((name) => name.startsWith("vae."))).toEqual(["vae.A", "vae.q", "vae.z.scale"]);
    expect(own.get("vae.A")!.data).toEqual(readSafetensors(latest(first), "first").tensors.get("A")!.data);
    expect(own.get("vae.z.scale")!.data[0]).toBe(Math.fround(stage["scale"] as number));

    const ran = await ok(cwd, "train", "m.lvm", "--model", "prior", "--stage", first, "--data", "x.csv", "--json");
    expect(latest(String(ran.lines.at(-1)?.["run"])).equals(latest(second))).toBe(true);

    await ok(cwd, "sample", second, "-n", "20", "-o", "z.csv", "--column", "z");
    await ok(cwd, "sample", second, "-n", "20", "-o", "x-means.csv", "--means", "--sampler", "ddim", "--steps", "5");
    await ok(cwd, "sample", second, "-n", "20", "-o", "z-ddim.csv", "--column", "z", "--sampler", "ddim", "--steps", "5");
    const read = (name: string): readonly number[] => [...readCsv(readFileSync(join(cwd, name)), name)[0]!.values];
    const [z, means] = [read("z-ddim.csv"), read("x-means.csv")];
    expect(z.length).toBe(40);
    for (let row = 0; row < 20; row++) pictureOf(z.slice(2 * row, 2 * row + 2)).forEach((mean, i) => expect(Math.abs(means[3 * row + i]! - mean) / (1 + Math.abs(mean))).toBeLessThan(1e-5));
    expect(read("z.csv")).not.toEqual(z);

    const out = (await ok(cwd, "eval", second)).out;
    for (const term of ["reconstruction.x", "entropy.z", "rescaling.z", "denoising.z"]) expect(out).toContain(term);
    expect(await refused(cwd, "sample", second, "--strip", "4", "-o", "s.png")).toContain("the states of prior are latents of vae, not data");
  }, 120_000);

  it("go on bit for bit", async () => {
    const cwd = folderWith({ "m.lvm": linearText + diffusionPrior, "x.csv": csv });
    const [first, whole] = runsOf(await ok(cwd, "train", "m.lvm", "--data", "x.csv", "--json")) as [string, string];
    const half = String((await ok(cwd, "train", "m.lvm", "--model", "prior", "--stage", first, "--data", "x.csv", "--epochs", "1", "--json")).lines.at(-1)?.["run"]);
    await ok(cwd, "train", "--resume", half, "--epochs", "3");
    expect(latest(half).equals(latest(whole))).toBe(true);
    expect(configOf(half)["stage"]).toEqual(configOf(whole)["stage"]);
  }, 120_000);

  it("say what is missing", async () => {
    const cwd = folderWith({ "m.lvm": linearText + gaussianPrior, "x.csv": csv });
    expect(await refused(cwd, "train", "m.lvm", "--model", "prior", "--data", "x.csv")).toContain("prior is trained on vae.z: with which vae?");
    const [first, second] = runsOf(await ok(cwd, "train", "m.lvm", "--data", "x.csv", "--epochs", "1", "--json")) as [string, string];
    expect(await refused(cwd, "train", "m.lvm", "--model", "prior", "--stage", second, "--data", "x.csv")).toContain("it is of model prior");
    expect(await refused(cwd, "train", "m.lvm", "--model", "vae", "--stage", first, "--data", "x.csv")).toContain("vae is not trained on a latent of another model");
  }, 120_000);

  it("are explained one after the other", async () => {
    const cwd = folderWith({ "m.lvm": linearText + gaussianPrior });
    const out = (await ok(cwd, "explain", "objective", "m.lvm")).out;
    expect(out.indexOf("vae: evidence lower bound")).toBeGreaterThanOrEqual(0);
    expect(out.indexOf("prior: log likelihood")).toBeGreaterThan(out.indexOf("vae: evidence lower bound"));
    expect((await ok(cwd, "explain", "objective", "m.lvm", "--model", "vae")).out).not.toContain("prior:");
  });
});

describe("a classifier of the datum with noise", () => {
  it("draws a diffusion's samples to the label that is given", async () => {
    const points = Array.from({ length: 40 }, (_, i) => `${Math.sin(i)},${Math.cos(i)},${i % 2}`);
    // Without a parameter there is nothing to train: a factor of the odds that begins at 1.
    const text = `param sharp: real = 1\n${mixtureText(30, false)}train points {\n  maximize elbo\n  epochs = 1\n}\n${classifierText.replace("reshape(odds, 1)", "reshape(sharp * odds, 1)").replace("maximize likelihood", "maximize likelihood\n  epochs = 1\n  optimizer = sgd(rate = 1e-6)")}`;
    const cwd = folderWith({ "m.lvm": text, "x.csv": `x_1,x_2,y\n${points.join("\n")}\n` });
    const [diffusion, side] = runsOf(await ok(cwd, "train", "m.lvm", "--data", "x.csv", "--json")) as [string, string];
    await ok(cwd, "sample", diffusion, "--classifier", side, "--given", "y=1", "-n", "60", "-o", "one.csv", "--device", "wasm");
    await ok(cwd, "sample", diffusion, "--classifier", side, "--given", "y=0", "--guidance", "2", "-n", "60", "-o", "zero.csv", "--device", "wasm");
    // The centers are at x_1 − x_2 = 2 and −2, with the deviation 0.77: one in 200 is on the other side.
    const sides = (name: string): number => {
      const { values } = readCsv(readFileSync(join(cwd, name)), name)[0]!;
      return Array.from({ length: 60 }, (_, row) => values[2 * row]! - values[2 * row + 1]!).filter((difference) => difference > 0).length;
    };
    expect(sides("one.csv")).toBeLessThan(3);
    expect(sides("zero.csv")).toBeGreaterThan(57);
    expect(await refused(cwd, "sample", diffusion, "--classifier", diffusion, "-o", "s.csv")).toContain("points was not trained on the noised datum of a diffusion");
    expect(await refused(cwd, "sample", diffusion, "--classifier", side, "--given", "y=2", "-o", "s.csv")).toContain("y");
  }, 180_000);
});
