import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { exitCodes } from "../../src/cli/exit-codes.js";
import { decodePng, readCsv, readNpy, readSafetensors, writeSafetensors } from "../../src/runtime/index.js";
import { folderWith, goodModel, lvmc, type Ran, tinyVae } from "./harness.js";

const runOf = (ran: Ran): string => String(ran.lines.at(-1)?.["run"]);
const latest = (run: string): Buffer => readFileSync(join(run, "checkpoints", "latest.safetensors"));
const metricsOf = (run: string): string => readFileSync(join(run, "metrics.jsonl"), "utf8");

/** Trains in JSON mode and insists on the exit code. */
async function train(cwd: string, args: readonly string[], code: number = exitCodes.ok): Promise<Ran> {
  const ran = await lvmc(["train", ...args, "--json"], { cwd });
  expect(ran.code, ran.out.slice(-2000)).toBe(code);
  return ran;
}

describe("train", () => {
  it("keeps config, model, metrics, checkpoints and pictures in the run's folder", async () => {
    const cwd = folderWith({ "tiny.lvm": tinyVae });
    const ran = await train(cwd, ["tiny.lvm", "--test-data", "digits(16)"]);
    const run = runOf(ran);
    expect(run.startsWith(join(cwd, "runs", "tiny-"))).toBe(true);
    expect(readdirSync(run).sort()).toEqual(["checkpoints", "config.json", "metrics.jsonl", "reconstructions-epoch-0001.png", "reconstructions-epoch-0002.png", "samples-epoch-0001.png", "samples-epoch-0002.png", "tiny.lvm"]);
    expect(readdirSync(join(run, "checkpoints")).sort()).toEqual(["latest.safetensors", "step-0.safetensors", "step-12.safetensors", "step-24.safetensors"]);
    expect(readFileSync(join(run, "tiny.lvm"), "utf8")).toBe(tinyVae);
    const config = JSON.parse(readFileSync(join(run, "config.json"), "utf8")) as Record<string, unknown>;
    expect(config).toMatchObject({ format: 1, model: "tiny", data: ["digits(96)"], testData: ["digits(16)"], seed: 0 });
    expect(String(config["hash"])).toMatch(/^[0-9a-f]{16}/);
    const lines = metricsOf(run).trimEnd().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map((line) => `${String(line["type"])} ${String(line["step"])}`)).toEqual(["step 10", "step 12", "step 20", "step 24", "evaluation 24"]);
    const { metadata, tensors } = readSafetensors(latest(run), "latest");
    expect(metadata).toMatchObject({ model: "tiny", step: "24", epoch: "2" });
    expect([...tensors.keys()]).toContain("decoder.dense_1.kernel");
    // 8 × 8 images of 28 pixels, drawn twice as large, with a pixel between.
    expect(decodePng(readFileSync(join(run, "samples-epoch-0002.png")), "samples")).toMatchObject({ width: 8 * 57 - 1, height: 8 * 57 - 1 });
  });

  it("says how grey levels become 0 or 1, and what is hidden", async () => {
    const cwd = folderWith({ "tiny.lvm": tinyVae });
    const ran = await train(cwd, ["tiny.lvm", "--steps", "1"]);
    expect(String(ran.lines[0]?.["notes"])).toContain("drawn afresh at each visit");
    const threshold = folderWith({ "tiny.lvm": tinyVae.replace("  batch = 8", "  binarize = threshold(0.5)\n  batch = 8") });
    expect((await lvmc(["train", "tiny.lvm", "--steps", "1"], { cwd: threshold })).out).toContain("x: grey levels are made 0 or 1: 1 from 0.5 on");
  });

  it("goes on bit for bit: two epochs are one epoch and one more", async () => {
    const cwd = folderWith({ "tiny.lvm": tinyVae });
    const whole = runOf(await train(cwd, ["tiny.lvm", "--epochs", "2", "--no-samples", "--seed", "7"]));
    const half = runOf(await train(cwd, ["tiny.lvm", "--epochs", "1", "--no-samples", "--seed", "7", "--out", "halves"]));
    await train(cwd, ["--resume", half, "--epochs", "2"]);
    expect(latest(half).equals(latest(whole))).toBe(true);
    expect(metricsOf(half)).toBe(metricsOf(whole));
  });

  it("goes on bit for bit from the middle of an epoch, with parameters of each row", async () => {
    const rows = Array.from({ length: 40 }, (_, i) => `${Math.sin(i)},${Math.cos(3 * i)}`);
    const cwd = folderWith({ "m.lvm": goodModel, "data.csv": `x_1,x_2\n${rows.join("\n")}\n` });
    const whole = runOf(await train(cwd, ["m.lvm", "--data", "data.csv", "--epochs", "5"]));
    const part = runOf(await train(cwd, ["m.lvm", "--data", "data.csv", "--epochs", "5", "--steps", "7"]));
    await train(cwd, ["--resume", part, "--steps", "25"]);
    expect(latest(part).equals(latest(whole))).toBe(true);
    const steps = (text: string): string[] => text.split("\n").filter((line) => line.includes('"type":"step"'));
    expect(steps(metricsOf(part))).toEqual(steps(metricsOf(whole)));
  });

  it("takes back metrics that are later than the checkpoint, and a line that a crash cut off", async () => {
    const cwd = folderWith({ "tiny.lvm": tinyVae });
    const whole = runOf(await train(cwd, ["tiny.lvm", "--no-samples"]));
    const crashed = runOf(await train(cwd, ["tiny.lvm", "--no-samples", "--out", "crashed"]));
    writeFileSync(join(crashed, "metrics.jsonl"), `${metricsOf(crashed)}{"type":"step","st`);
    await train(cwd, ["--resume", join(crashed, "checkpoints", "step-12.safetensors")]);
    expect(metricsOf(crashed)).toBe(metricsOf(whole));
    expect(latest(crashed).equals(latest(whole))).toBe(true);
  });

  it("the same seed gives the same run, another seed another", async () => {
    const cwd = folderWith({ "tiny.lvm": tinyVae });
    const [a, b, c] = [await train(cwd, ["tiny.lvm", "--steps", "3"]), await train(cwd, ["tiny.lvm", "--steps", "3"]), await train(cwd, ["tiny.lvm", "--steps", "3", "--seed", "1"])];
    expect(runOf(a)).not.toBe(runOf(b));
    expect(latest(runOf(a)).equals(latest(runOf(b)))).toBe(true);
    expect(latest(runOf(a)).equals(latest(runOf(c)))).toBe(false);
  });

  it("refuses a checkpoint of another model, and names what differs", async () => {
    const cwd = folderWith({ "tiny.lvm": tinyVae, "m.lvm": goodModel, "data.csv": "x_1,x_2\n1,2\n3,4\n" });
    const run = runOf(await train(cwd, ["tiny.lvm", "--steps", "1"]));
    const before = latest(run);
    const wider = await lvmc(["train", "tiny.lvm", "--set", "LATENT=3", "--resume", run], { cwd });
    expect(wider.code).toBe(exitCodes.data);
    expect(wider.err).toMatch(/encoder\.dense_2\.kernel has shape \[16, 2\], the model's has \[16, 3\]/);
    const other = await lvmc(["train", "m.lvm", "--model", "m", "--data", "data.csv", "--resume", run], { cwd });
    expect(other.code).not.toBe(exitCodes.ok);
    expect(latest(run).equals(before)).toBe(true);
  });

  it("refuses to change the seed or the batch of a run", async () => {
    const cwd = folderWith({ "tiny.lvm": tinyVae });
    const run = runOf(await train(cwd, ["tiny.lvm", "--steps", "1"]));
    expect((await lvmc(["train", "--resume", run, "--seed", "3"], { cwd })).code).toBe(exitCodes.usage);
    expect((await lvmc(["train", "--resume", run, "--batch", "3"], { cwd })).code).toBe(exitCodes.usage);
  });

  it("refuses a folder that is no run, and a config that is none", async () => {
    const cwd = folderWith();
    expect((await lvmc(["train", "--resume", "."], { cwd })).code).toBe(exitCodes.usage);
    for (const text of ["{", "[]", "{}", '{"format":1,"sources":[{"path":"a","file":"../../etc/passwd"}]}']) {
      mkdirSync(join(cwd, "run", "checkpoints"), { recursive: true });
      writeFileSync(join(cwd, "run", "config.json"), text);
      expect((await lvmc(["train", "--resume", "run"], { cwd })).code, text).toBe(exitCodes.usage);
    }
  });

  it("stops at Ctrl-C with the step's checkpoint, and the printed command finishes the same run", async () => {
    const cwd = folderWith({ "tiny.lvm": tinyVae });
    mkdirSync(join(cwd, "it's here"));
    const whole = runOf(await train(cwd, ["tiny.lvm", "--no-samples"]));
    let pressed = false;
    const stopped = await lvmc(["train", "tiny.lvm", "--no-samples", "--out", "it's here", "--json"], {
      cwd,
      onOutput(text, interrupt) {
        if (!pressed && text.includes('"type":"step"')) {
          pressed = true;
          interrupt();
        }
      },
    });
    expect(stopped.code).toBe(exitCodes.interrupted);
    const result = stopped.lines.at(-1);
    expect(result).toMatchObject({ type: "result", exit: 130, step: 10 });
    const command = String(result?.["resume"]);
    expect(command).toMatch(/^lvmc train --resume 'it'\\''s here\/tiny-/);
    // What a POSIX shell makes of the quoted path.
    const path = command.slice("lvmc train --resume ".length).replace(/^'|'$/g, "").replaceAll("'\\''", "'");
    await train(cwd, ["--resume", path]);
    expect(latest(join(cwd, path)).equals(latest(whole))).toBe(true);
    expect(metricsOf(join(cwd, path))).toBe(metricsOf(whole));
  });

  it("writes one updating line on a terminal, and plain lines elsewhere", async () => {
    const cwd = folderWith({ "tiny.lvm": tinyVae });
    const terminal = await lvmc(["train", "tiny.lvm", "--no-samples"], { cwd, tty: true, env: { NO_COLOR: "1" } });
    expect(terminal.out).toMatch(/\r\u001b\[2Kepoch 1\/2 {2}step \d+\/24 {2}ELBO -/);
    const plain = await lvmc(["train", "tiny.lvm", "--no-samples"], { cwd });
    expect(plain.out).not.toMatch(/[\r\u001b]/);
    expect(plain.out).toMatch(/epoch 2\/2 {2}step 24 {2}ELBO -\d+\.\d\d {2}reconstruction -\d+\.\d\d {2}KL z \d/);
  });

  it("ends the progress line at Ctrl-C before it says anything", async () => {
    const cwd = folderWith({ "tiny.lvm": tinyVae });
    let pressed = false;
    const { code, out } = await lvmc(["train", "tiny.lvm", "--no-samples"], {
      cwd, tty: true, env: { NO_COLOR: "1" },
      onOutput(text, interrupt) {
        if (pressed || !text.includes("epoch 1/2")) return;
        pressed = true;
        interrupt();
      },
    });
    expect(code).toBe(exitCodes.interrupted);
    expect(out).toMatch(/epoch 1\/2[^\n]*\nfinishing the step and saving; Ctrl-C again ends at once\n/);
  });

  it("evaluates validation data after each epoch", async () => {
    const cwd = folderWith({ "tiny.lvm": tinyVae });
    const ran = await train(cwd, ["tiny.lvm", "--validation-data", "digits(16)", "--no-samples"]);
    expect(ran.lines.filter((line) => line["type"] === "evaluation").map((line) => [line["on"], line["epoch"]])).toEqual([["validation", 1], ["validation", 2]]);
  });

  it("forgets the best bound where it is resumed with other validation data", async () => {
    const cwd = folderWith({ "tiny.lvm": tinyVae });
    const best = (ran: Ran): { step: number; elbo: number } => ran.lines.at(-1)?.["best"] as { step: number; elbo: number };
    const notes = (ran: Ran): unknown[] => ran.lines.flatMap(({ type, message }) => (type === "note" ? [message] : []));
    const run = runOf(await train(cwd, ["tiny.lvm", "--validation-data", "digits(8)", "--no-samples"]));
    // A bound that no rows reach any more.
    const path = join(run, "checkpoints", "latest.safetensors");
    const { tensors, metadata } = readSafetensors(readFileSync(path), "latest");
    writeFileSync(path, writeSafetensors(tensors, { ...metadata, best_elbo: "-1" }));
    const same = await train(cwd, ["--resume", run, "--epochs", "3"]);
    expect(best(same).elbo).toBe(-1);
    expect(notes(same)).toEqual([]);
    const other = await train(cwd, ["--resume", run, "--epochs", "4", "--validation-data", "digits(16)"]);
    expect(best(other).elbo).toBeLessThan(-1);
    expect(best(other).step).toBe(48);
    expect(notes(other)).toEqual([expect.stringMatching(/other validation data than before: the best bound so far \(-1\.00 at step \d+\)/)]);
  });

  it("keeps the best state by validation beside the latest, and stops where an unbroken run stops", async () => {
    const cwd = folderWith({ "tiny.lvm": tinyVae.replace("epochs = 2", "epochs = 30\n  early_stopping = patience(2)").replace("rate = 1e-2", "rate = 0.3") });
    const args = ["tiny.lvm", "--no-samples", "--validation-data", "digits(16)"];
    const whole = await train(cwd, args);
    const result = whole.lines.at(-1) as { reason: string; step: number; best: { step: number; elbo: number } };
    expect(result.reason).toBe("early-stopping");
    const bounds = whole.lines.flatMap((line) => (line["on"] === "validation" ? [{ step: Number(line["step"]), elbo: Number(line["elbo"]) }] : []));
    expect(result.best).toEqual(bounds.reduce((high, each) => (each.elbo > high.elbo ? each : high)));
    const best = readFileSync(join(runOf(whole), "checkpoints", "best.safetensors"));
    expect(Number(readSafetensors(best, "best").metadata["step"])).toBe(result.best.step);
    expect(best.equals(latest(runOf(whole)))).toBe(false);
    // Cut two evaluations before the end, where the count of evaluations without progress is not zero any more.
    const part = await train(cwd, [...args, "--steps", String(result.step - 5)]);
    await train(cwd, ["--resume", runOf(part), "--steps", "1000"]);
    expect(latest(runOf(part)).equals(latest(runOf(whole)))).toBe(true);
    expect(readFileSync(join(runOf(part), "checkpoints", "best.safetensors")).equals(best)).toBe(true);
    expect((await lvmc(["eval", join(runOf(part), "checkpoints", "best.safetensors"), "--json"], { cwd })).lines.at(-1)).toMatchObject({ step: result.best.step });
  });

  it("fits the parameters of validation and test rows, where rows have their own", async () => {
    const table = (rows: number, shift: number): string => `x_1,x_2\n${Array.from({ length: rows }, (_, i) => `${shift + Math.sin(i)},${shift - Math.cos(i)}`).join("\n")}\n`;
    const cwd = folderWith({ "m.lvm": goodModel, "a.csv": table(24, 0), "b.csv": table(24, 1), "c.csv": table(10, 1) });
    for (const held of ["b.csv", "c.csv"]) {
      const ran = await train(cwd, ["m.lvm", "--data", "a.csv", "--validation-data", held, "--test-data", held]);
      expect(ran.lines.filter((line) => line["type"] === "evaluation").map((line) => line["on"])).toEqual(["validation", "validation", "test"]);
      const other = await lvmc(["eval", runOf(ran), "--data", held, "--json"], { cwd });
      expect(other.code, other.out).toBe(exitCodes.ok);
      expect(other.lines.at(-1)).toMatchObject({ split: "test", notes: ["parameters of these rows are fitted for 200 steps, everything else frozen (--refit-steps)"] });
      // The training rows have theirs.
      expect((await lvmc(["eval", runOf(ran), "--data", "a.csv", "--json"], { cwd })).lines.at(-1)).toMatchObject({ split: "train", notes: [] });
    }
  });

  it("says when the model's text, or an import's, has changed though its parameters fit", async () => {
    const cwd = folderWith({ "tiny.lvm": tinyVae.replace("network encoder", 'import half from "half.lvm"\nnetwork encoder').replace("|> tanh\n", "|> tanh |> half\n"), "half.lvm": "network half(x: real[16]) -> (y: real[16]) {\n  y = x / 2\n}\n" });
    const run = runOf(await train(cwd, ["tiny.lvm", "--steps", "2", "--no-samples"]));
    expect((await lvmc(["eval", "tiny.lvm", "--run", run, "--json"], { cwd })).lines.at(-1)).toMatchObject({ sameSource: true });
    for (const file of ["half.lvm", "tiny.lvm"]) {
      writeFileSync(join(cwd, file), `// again\n${readFileSync(join(cwd, file), "utf8")}`);
      const evaluated = await lvmc(["eval", "tiny.lvm", "--run", run, "--json"], { cwd });
      expect(evaluated.lines.find((line) => line["type"] === "note")).toMatchObject({ sameSource: false, changed: file === "half.lvm" ? ["half.lvm"] : ["tiny.lvm", "half.lvm"] });
      expect(evaluated.lines.at(-1)).toMatchObject({ sameSource: false });
      expect((await lvmc(["eval", "tiny.lvm", "--run", run], { cwd })).out).toMatch(/half\.lvm (has|have) changed since the run; the checkpoint's parameters fit/);
    }
    expect((await lvmc(["eval", run, "--json"], { cwd })).lines.at(-1)).toMatchObject({ sameSource: true });
    const resumed = await lvmc(["train", "tiny.lvm", "--resume", run, "--steps", "3", "--json"], { cwd });
    expect(resumed.lines.find((line) => line["type"] === "start")).toMatchObject({ sameSource: false, step: 2 });
  });
});

describe("eval and sample", () => {
  it("evaluate in nats per row, with log evidence above the bound", async () => {
    const cwd = folderWith({ "tiny.lvm": tinyVae });
    const run = runOf(await train(cwd, ["tiny.lvm", "--no-samples"]));
    const { code, lines } = await lvmc(["eval", run, "--evidence-samples", "200", "--data", "digits(64)", "--json"], { cwd });
    expect(code).toBe(exitCodes.ok);
    const evaluation = lines.at(-1)?.["evaluation"] as { elbo: number; logEvidence: number; terms: Record<string, number>; coordinates: { z: number[] }; rows: number };
    expect(evaluation.rows).toBe(64);
    expect(evaluation.elbo).toBeCloseTo((evaluation.terms["reconstruction.x"] ?? NaN) + (evaluation.terms["kl.z"] ?? NaN), 2);
    expect(evaluation.coordinates.z).toHaveLength(2);
    expect(evaluation.coordinates.z.reduce((sum, each) => sum + each, 0)).toBeCloseTo(-(evaluation.terms["kl.z"] ?? NaN), 3);
    // log p(x) ≥ E ELBO; with 200 samples the estimate is below log p(x) and far above the bound's noise (a nat or so here).
    expect(evaluation.logEvidence).toBeGreaterThan(evaluation.elbo - 1);
    // The model file with --run is the same model.
    const same = await lvmc(["eval", "tiny.lvm", "--run", run, "--evidence-samples", "200", "--data", "digits(64)", "--json"], { cwd });
    expect(same.lines.at(-1)?.["evaluation"]).toEqual(evaluation);
    // Held-out rows of the built-in data by default.
    const held = await lvmc(["eval", run, "--json"], { cwd });
    expect(held.lines.at(-1)).toMatchObject({ data: ["digits(96)"], split: "test" });
  });

  it("sample writes pictures, arrays and tables that other readers take, and repeats itself", async () => {
    const cwd = folderWith({ "tiny.lvm": tinyVae });
    const run = runOf(await train(cwd, ["tiny.lvm", "--no-samples"]));
    const sample = async (...args: string[]): Promise<void> => {
      const ran = await lvmc(["sample", run, ...args], { cwd });
      expect(ran.code, ran.err).toBe(exitCodes.ok);
    };
    await sample("-n", "9", "-o", "nine.png");
    expect(decodePng(readFileSync(join(cwd, "nine.png")), "nine.png")).toMatchObject({ width: 3 * 57 - 1, height: 3 * 57 - 1, channels: 1 });
    await sample("-n", "5", "-o", "x.npy", "--means");
    const x = readNpy(readFileSync(join(cwd, "x.npy")), "x.npy", "x");
    expect([x.rows, ...x.shape]).toEqual([5, 784]);
    expect(x.values.every((value) => value > 0 && value < 1)).toBe(true);
    await sample("-n", "5", "-o", "draws.npy");
    expect(readNpy(readFileSync(join(cwd, "draws.npy")), "draws.npy", "x").values.every((value) => value === 0 || value === 1)).toBe(true);
    await sample("-n", "5", "-o", "z.csv", "--column", "z");
    const [z] = readCsv(readFileSync(join(cwd, "z.csv")), "z.csv");
    expect([z?.name, z?.rows, z?.shape]).toEqual(["z", 5, [2]]);
    await sample("-n", "5", "-o", "again.csv", "--column", "z");
    await sample("-n", "5", "-o", "other.csv", "--column", "z", "--seed", "1");
    expect(readFileSync(join(cwd, "again.csv"), "utf8")).toBe(readFileSync(join(cwd, "z.csv"), "utf8"));
    expect(readFileSync(join(cwd, "other.csv"), "utf8")).not.toBe(readFileSync(join(cwd, "z.csv"), "utf8"));
    expect((await lvmc(["sample", run, "-o", "z.png", "--column", "z"], { cwd })).code).toBe(exitCodes.usage);
    expect((await lvmc(["sample", run, "-o", "z.npy", "--column", "zz"], { cwd })).code).toBe(exitCodes.usage);
  });

  it("label accuracy where labels are partly observed: hidden, inferred, compared", async () => {
    const labelled = `const CENTERS = [-3, 3]
model m(x: real[1], y: index(2)?) {
  y ~ Categorical(logits = 0)
  x ~ Normal(CENTERS[y], 1)
}
network classify(x: real[1]) -> (logits: real[2]) {
  logits = x |> dense(2)
}
guide m { y ~ Categorical(logits = classify(x)) by enumeration }
train m {
  maximize elbo
  optimizer = adam(rate = 0.1)
  observe y = 0.5
  batch = 16
  epochs = 20
}
`;
    // Far apart: any rule that has learnt at all is right everywhere.
    const rows = Array.from({ length: 64 }, (_, i) => `${(i % 2) * 6 - 3 + Math.sin(i)},${i % 2}`);
    const cwd = folderWith({ "m.lvm": labelled, "data.csv": `x,y\n${rows.join("\n")}\n` });
    const run = runOf(await train(cwd, ["m.lvm", "--data", "data.csv"]));
    const { lines } = await lvmc(["eval", run, "--data", "data.csv", "--json"], { cwd });
    expect(lines.at(-1)?.["evaluation"]).toMatchObject({ rows: 64, accuracy: { y: 1 } });
  });

  it("a run can be moved, and reads its own model", async () => {
    const cwd = folderWith({ "tiny.lvm": tinyVae });
    const run = runOf(await train(cwd, ["tiny.lvm", "--steps", "2", "--no-samples", "--set", "LATENT=3"]));
    const elsewhere = folderWith();
    cpSync(run, join(elsewhere, "moved"), { recursive: true });
    writeFileSync(join(cwd, "tiny.lvm"), "gone");
    expect((await lvmc(["eval", "moved", "--data", "digits(8)"], { cwd: elsewhere })).code).toBe(exitCodes.ok);
    expect((await lvmc(["compile", "moved", "--target", "tfjs", "-o", "tiny.ts"], { cwd: elsewhere })).code).toBe(exitCodes.ok);
    expect(readFileSync(join(elsewhere, "tiny.ts"), "utf8")).toContain("export async function create(");
  });
});
