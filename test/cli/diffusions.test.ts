import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { exitCodes } from "../../src/cli/exit-codes.js";
import { readCsv, readNpy } from "../../src/runtime/index.js";
import { centersText } from "../diffusion/support/labelled.js";
import { decodePng } from "../../src/runtime/data/index.js";
import { writeNpy } from "../../src/cli/training/write-npy.js";
import { loadEmitted } from "../codegen/support/load-emitted.js";
import { loadModule } from "../emitted/support.js";
import { folderWith, goodModel, lvmc, type Ran } from "./harness.js";

/** Points at three places, by label: what a network that knows the label alone must learn. */
const places = [[-2, 1], [0.5, 0.5], [3, -1]];
const labels = Array.from({ length: 60 }, (_, row) => (row * 7) % 3);

const device = ["--device", "wasm"];
/** The same whose network says the middle of all places, zero, where its label is left out. */
const droppedText = centersText.replace("label: index(3)", "label: index(3) dropout 0.2");

describe("lvmc sample of a diffusion", () => {
  let cwd = "";
  let run = "";
  beforeAll(async () => {
    cwd = folderWith({ "labelled.lvm": centersText, "dropped.lvm": droppedText, "known.csv": "x_1,x_2\n0.25,\n,-0.5\n", "data.csv": `x_1,x_2,label\n${labels.map((label) => [...places[label]!, label].join(",")).join("\n")}\n`, "labels.csv": `label\n${[0, 1, 2, 2, 1].join("\n")}\n`, "m.lvm": goodModel, "plain.csv": "x_1,x_2\n1,2\n0,1\n" });
    writeFileSync(join(cwd, "mask.npy"), writeNpy(Float32Array.of(0, 1), [1, 2]));
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

  it("takes the labels that are given, in turn", async () => {
    const values = await drawn("-n", "5", "--given", "label=2,0..1");
    [2, 0, 1, 2, 0].forEach((label, row) => places[label]!.forEach((place, element) => expect(Math.abs(values[2 * row + element]! - place)).toBeLessThan(0.05)));
  });

  // Guards what is known: it comes out as it was given, and the rest is drawn; here at the label's place. Rows of both files are taken in turn.
  it.each([[["--known", "known.csv"]], [["--known", "known.csv", "--sampler", "dpm_solver", "--steps", "4", "--resample", "3"]]])("fills in what is not known: %j", async (args) => {
    const values = await drawn("-n", "4", "--given", "label=2", ...args);
    [[0.25, places[2]![1]!], [places[2]![0]!, -0.5], [0.25, places[2]![1]!], [places[2]![0]!, -0.5]].flat().forEach((wanted, at) => expect(Math.abs(values[at]! - wanted)).toBeLessThan(wanted === 0.25 || wanted === -0.5 ? 1e-6 : 0.05));
  });

  it("takes a file for the mask", async () => {
    const values = await drawn("-n", "2", "--given", "label=0", "--known", "data.csv", "--mask", "mask.npy");
    labels.slice(0, 2).forEach((label, row) => {
      expect(Math.abs(values[2 * row + 1]! - places[label]![1]!)).toBeLessThan(1e-6);
      expect(Math.abs(values[2 * row]! - places[0]![0]!)).toBeLessThan(0.05);
    });
  });

  it("shows points of the plane, and their way from noise side by side or as an animation", async () => {
    for (const args of [["-o", "one.png"], ["--strip", "4", "-o", "strip.png"], ["--strip", "7", "-o", "way.gif"]]) expect((await sample("-n", "40", ...args)).code).toBe(exitCodes.ok);
    const [one, strip] = ["one.png", "strip.png"].map((file) => decodePng(readFileSync(join(cwd, file)), file));
    expect([one!.width, strip!.width]).toEqual([256, 4 * 260 - 4]);
    // All end in three places.
    const lit = (from: number): number => Array.from({ length: 256 * 256 }, (_, at) => strip!.values[((at >> 8) * strip!.width + from + (at & 255)) * 3]!).filter((value) => value > 0).length;
    expect(lit(0)).toBeGreaterThan(25);
    expect(lit(3 * 260)).toBeLessThanOrEqual(12);
    expect(readFileSync(join(cwd, "way.gif")).subarray(0, 6).toString("latin1")).toBe("GIF89a");
  });

  // Guards guidance from end to end: without its label the network says 0, so at 3 the datum is three times the label's place.
  it("guides a model that was trained without its label now and then", async () => {
    const trained = await lvmc(["train", "dropped.lvm", "--data", "data.csv", ...device, "--no-samples", "--json"], { cwd });
    const folder = String(trained.lines.at(-1)?.["run"]);
    for (const guidance of [0, 1, 3]) {
      const ran = await lvmc(["sample", folder, ...device, "-n", "3", "--given", "label=0,1,2", "--guidance", String(guidance), "-o", "x.npy"], { cwd });
      expect(ran.code, ran.err).toBe(exitCodes.ok);
      const { values } = readNpy(readFileSync(join(cwd, "x.npy")), "x.npy", "x");
      places.flat().forEach((place, at) => expect(Math.abs(values[at]! - guidance * place)).toBeLessThan(0.05 * Math.max(1, guidance)));
    }
  });

  // Guards samplers in emitted modules of both targets: without a label the network says 0, so with centers as they are stored the datum is twice the center at guidance 2, after three steps.
  it.each([["tfjs"], ["kernels"]] as const)("compiles a module of %s that samples as it is told", async (target) => {
    const compiled = await lvmc(["compile", "dropped.lvm", "--target", target, "--sampler", "ddim", "--steps", "3", "--guidance", "2", "-o", "module.ts"], { cwd });
    expect(compiled.code, compiled.err).toBe(exitCodes.ok);
    const text = readFileSync(join(cwd, "module.ts"), "utf8");
    const model = target === "tfjs" ? await loadEmitted(text)({ device: "tfjs-cpu", seed: 3 }) : await loadModule(text)({ device: "wasm", seed: 3 });
    const centers = [...(await model.parameters())["centers"]!.values];
    const { values } = (await model.sample(3, { inputs: { label: { rows: 3, shape: [], values: Int32Array.of(0, 1, 2) } } }))["x"]!;
    centers.forEach((center, at) => expect(Math.abs(values[at]! - 2 * center)).toBeLessThan(1e-4));
    model.dispose();
  });

  it.each([
    [["--guidance", "2"], /--guidance 2: labelled has never been without/],
    [["--emit", "tensor", "--sampler", "ddim"], /--sampler is how a module samples/],
    [["--steps", "9"], /the chain of labelled has 6 steps/],
  ] as const)("a module with %j is refused", async (args, why) => {
    const ran = await lvmc(["compile", "labelled.lvm", ...args], { cwd });
    expect(ran.code).toBe(exitCodes.usage);
    expect(ran.err).toMatch(why);
  });

  // Guards that what has no meaning is said so, before anything is compiled for a device.
  it.each([
    [["--sampler", "euler"], /Allowed choices are ancestral, ddim, dpm_solver, heun/],
    [["--steps", "7"], /--steps 7: the chain of labelled has 6 steps/],
    [["--steps", "0"], /whole number of at least 1/],
    [["--eta", "0.5"], /--eta 0\.5: only ddim/],
    [["--sampler", "heun", "--eta", "0.5"], /only ddim/],
    [["--sampler", "ddim", "--eta", "1.5"], /number from 0 to 1/],
    [["--guidance", "3"], /--guidance 3: labelled has never been without its conditions[^]*dropout 0\.1/],
    [["--guidance", "-1"], /at least 0/],
    [["--given", "label=3"], /label.*is 3; the model takes index\(3\): a whole number from 0 to 2/],
    [["--given", "label=one"], /one is no number/],
    [["--given", "labl=1"], /did you mean --given label/],
    [["--given", "x=1"], /the model draws x/],
    [["--given", "label"], /not COLUMN=VALUE/],
    [["--given", "label=1", "--data", "labels.csv"], /no use here/],
    [["--strip", "4"], /\.csv shows no moments/],
    [["--strip", "9", "-o", "x.png"], /--strip 9: 6 steps have 7 moments/],
    [["--known", "data.csv"], /every element is known/],
    [["--known", "data.csv", "--mask", "rows 1..2"], /no image with rows and columns/],
    [["--mask", "mask.npy"], /add --known FILE/],
    [["--resample", "3"], /add --known FILE/],
  ] as const)("%j is refused", async (args, why) => {
    const ran = await sample("-o", "x.csv", ...args);
    // What a column does not hold is a mistake of the data.
    expect(ran.code).toBe(args[1] === "label=3" ? exitCodes.data : exitCodes.usage);
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
