import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { writeNpy } from "../../src/cli/training/write-npy.js";
import { columnPictures } from "../../src/cli/training/image-shape.js";
import { decodePng, readNpy } from "../../src/runtime/index.js";
import { lowerText } from "../support/lowered.js";
import { folderWith, lvmc } from "./harness.js";

/** Guards sequences on the command line: rows of different lengths from files, films as strips and animations, and what `sample` writes reads back as data. */

const text = `const T = 4
network see(h: real[5], x: binary[64]) -> (next: real[5]) { next = gru(h, x) }
network head(h: real[5]) -> (mean: real[2], scale: positive[2]) { mean = h |> dense(2)  scale = h |> dense(2) |> softplus }
network draw(z: real[2]) -> (logits: real[64]) { logits = z |> dense(64) }
model film(x: binary[T, 64]) where length(x) <= T {
  z[1]: real[2] ~ Normal(0, 1)
  chain t in 2..T { z[t] ~ Normal(z[t - 1], 0.5) }
  each t in 1..T { x[t] ~ Bernoulli(logits = draw(z[t])) }
}
guide film {
  h[0] = zeros[5]
  chain t in 1..T { h[t] = see(h[t - 1], x[t]) }
  each t in 1..T { q = head(h[t])  z[t] ~ Normal(q.mean, q.scale) }
}
train film { maximize elbo  optimizer = adam(rate = 1e-2)  batch = 8  epochs = 2 }`;

const rows = 24;
const lengths = Int32Array.from({ length: rows }, (_, row) => 2 + (row % 3));
/** A bar that moves a pixel a frame. */
const frames = (padding: number): Int32Array => Int32Array.from({ length: rows * 256 }, (_, i) => {
  const [row, step, column] = [Math.floor(i / 256), Math.floor(i / 64) % 4, i % 8];
  return step < lengths[row]! ? Number(column === (row + step) % 8) : padding;
});

const cwd = folderWith({ "film.lvm": text });
writeFileSync(join(cwd, "padded.npy"), writeNpy(frames(-1), [rows, 4, 8, 8]));
writeFileSync(join(cwd, "filled.npy"), writeNpy(frames(1), [rows, 4, 8, 8]));
writeFileSync(join(cwd, "lengths.npy"), writeNpy(lengths, [rows]));

let run = "";
let notes: unknown;
beforeAll(async () => {
  const { code, lines, err } = await lvmc(["train", "film.lvm", "--data", "x=padded.npy", "--device", "wasm", "--json"], { cwd });
  expect(`${code} ${err}`).toBe("0 ");
  const start = lines.find(({ type }) => type === "start")!;
  run = String(start["run"]);
  notes = start["notes"];
}, 120_000);

const png = (path: string) => decodePng(readFileSync(path), path);

describe("a model of films of different lengths", () => {
  it("says how long they are, and draws strips of samples and reconstructions", () => {
    expect(notes).toEqual(["length(x): rows have 2 to 4, on average 3.0 of 4 steps"]);
    const pictures = readdirSync(run).filter((name) => name.endsWith(".png")).sort();
    expect(pictures).toEqual(["reconstructions-epoch-0001.png", "reconstructions-epoch-0002.png", "samples-epoch-0001.png", "samples-epoch-0002.png"]);
    // 8 films of 4 frames of 8×8 pixels, enlarged twice, a pixel between them; each above its reconstruction.
    expect(png(join(run, pictures[2]!))).toMatchObject({ width: 4 * 17 - 1, height: 8 * 17 - 1 });
    const rebuilt = png(join(run, pictures[0]!));
    expect(rebuilt).toMatchObject({ width: 4 * 17 - 1, height: 16 * 17 - 1 });
    // The first film ends after two frames: its bar is at 0, then at 1, then there is nothing.
    const bright = (frame: number): number[] => Array.from({ length: 8 }, (_, x) => x).filter((x) => rebuilt.values[frame * 17 + 2 * x] === 255);
    expect([0, 1, 2, 3].map(bright)).toEqual([[0], [1], [], []]);
  });

  it("evaluates to the same bound where the lengths are given and anything stands beyond", async () => {
    const bound = async (...args: string[]): Promise<unknown> => {
      const { lines, code } = await lvmc(["eval", run, "--device", "wasm", "--json", ...args], { cwd });
      expect(code).toBe(0);
      return (lines.find(({ type }) => type === "evaluation") as { elbo: number }).elbo;
    };
    const padded = await bound("--data", "x=padded.npy");
    expect(padded).toBeLessThan(0);
    expect(await bound("--data", "x=filled.npy", "--data", "length(x)=lengths.npy")).toBe(padded);
    expect(await bound("--data", "x=filled.npy")).not.toBe(padded);
  });

  it("refuses impossible lengths with the row", async () => {
    writeFileSync(join(cwd, "wrong.npy"), writeNpy(lengths.map((each, row) => (row === 7 ? 9 : each)), [rows]));
    const { code, err } = await lvmc(["eval", run, "--device", "wasm", "--data", "x=filled.npy", "--data", "length(x)=wrong.npy"], { cwd });
    expect(code).toBe(3);
    expect(err).toContain("column length(x): row 7 (wrong.npy) is 9; a length is a whole number from 1 to 4");
  });

  it("samples a strip, an animation and arrays, the lengths of --data among them, which read back as data", async () => {
    mkdirSync(join(cwd, "out"), { recursive: true });
    const sample = async (...args: string[]) => {
      const ran = await lvmc(["sample", run, "--device", "wasm", ...args], { cwd });
      expect(`${ran.code} ${ran.err}`).toBe("0 ");
    };
    await sample("-n", "3", "-o", "out/films.png");
    expect(png(join(cwd, "out/films.png"))).toMatchObject({ width: 4 * 17 - 1, height: 3 * 17 - 1 });
    await sample("-n", "3", "-o", "out/films.gif");
    const gif = readFileSync(join(cwd, "out/films.gif"));
    // Three films side by side are two rows of two; four frames, each behind an extension that holds its delay of 100 ms.
    expect([gif.toString("latin1", 0, 6), gif.readUInt16LE(6), gif.readUInt16LE(8)]).toEqual(["GIF89a", 2 * 17 - 1, 2 * 17 - 1]);
    expect(gif.toString("latin1").split("\x21\xf9\x04\x04\x0a\x00").length - 1).toBe(4);

    await sample("-n", "24", "-o", "out/whole.npy");
    const whole = readNpy(readFileSync(join(cwd, "out/whole.npy")), "whole.npy", "x");
    expect([whole.shape, [...whole.values].every((each) => each === 0 || each === 1)]).toEqual([[4, 64], true]);
    await sample("-n", "24", "-o", "out/short.npy", "--data", "x=padded.npy");
    const short = readNpy(readFileSync(join(cwd, "out/short.npy")), "short.npy", "x");
    expect(Array.from(short.values, (each) => each === -1)).toEqual(Array.from(frames(-1), (each) => each === -1));
    const { code, out } = await lvmc(["eval", run, "--device", "wasm", "--data", "x=out/short.npy"], { cwd });
    expect(code).toBe(0);
    expect(out).toContain("length(x): rows have 2 to 4, on average 3.0 of 4 steps");
  });

  it("goes on from a checkpoint bit for bit", async () => {
    const latest = (folder: string): Buffer => readFileSync(join(folder, "checkpoints", "latest.safetensors"));
    const trained = async (...args: string[]): Promise<string> => {
      const { code, lines } = await lvmc(["train", ...args, "--device", "wasm", "--no-samples", "--json"], { cwd });
      expect(code).toBe(0);
      return String(lines.find(({ type }) => type === "start")!["run"]);
    };
    const half = await trained("film.lvm", "--data", "x=padded.npy", "--epochs", "1", "--out", "halves");
    await trained("--resume", half, "--epochs", "2");
    expect(latest(half).equals(latest(run))).toBe(true);
  });

  it("stops early by validation rows, whose lengths are their own, and does so where it was interrupted before", async () => {
    const folder = folderWith({ "film.lvm": text.replace("epochs = 2", "epochs = 40\n  early_stopping = patience(2)").replace("rate = 1e-2", "rate = 0.5") });
    for (const [name, array] of [["x.npy", writeNpy(frames(-1), [rows, 4, 64])], ["held.npy", writeNpy(frames(-1).slice(256 * 7, 256 * 12), [5, 4, 64])]] as const) writeFileSync(join(folder, name), array);
    const trained = async (...args: string[]) => {
      const { lines } = await lvmc(["train", ...args, "--device", "wasm", "--no-samples", "--json"], { cwd: folder });
      return { run: String(lines.find(({ type }) => type === "start")!["run"]), end: lines.at(-1) as { reason: string; step: number } };
    };
    const given = ["film.lvm", "--data", "x=x.npy", "--validation-data", "x=held.npy"];
    const whole = await trained(...given);
    expect(whole.end.reason).toBe("early-stopping");
    const part = await trained(...given, "--steps", String(whole.end.step - 4));
    const rest = await trained("--resume", part.run, "--steps", "1000");
    expect(rest.end).toMatchObject({ reason: "early-stopping", step: whole.end.step });
    const latest = (of: string): Buffer => readFileSync(join(of, "checkpoints", "latest.safetensors"));
    expect(latest(part.run).equals(latest(whole.run))).toBe(true);
  }, 120_000);
});

it("a model of single images has no film to show", async () => {
  const folder = folderWith({ "still.lvm": "model still(x: binary[64]) { z: real ~ Normal(0, 1)  x ~ Bernoulli(logits = z) }\nguide still { z ~ Normal(0, 1) }\ntrain still { maximize elbo  batch = 4  epochs = 1 }" });
  writeFileSync(join(folder, "x.npy"), writeNpy(frames(0).slice(0, 512), [8, 64]));
  const { lines } = await lvmc(["train", "still.lvm", "--data", "x=x.npy", "--device", "wasm", "--no-samples", "--json"], { cwd: folder });
  const { code, err } = await lvmc(["sample", String(lines.find(({ type }) => type === "start")!["run"]), "--device", "wasm", "-o", "x.gif"], { cwd: folder });
  expect(code).toBe(2);
  expect(err).toContain("x: one image for each row does not move");
}, 60_000);

describe("columnPictures", () => {
  const { program } = lowerText(`model m(x: binary[5, 64], y: binary[20, 20], k: binary[2, 3, 6, 7]) {
  each t in 1..5 { x[t] ~ Bernoulli(probs = 0.5) }
  y ~ Bernoulli(probs = 0.5)
  each i in 1..2 { each j in 1..3 { k[i, j] ~ Bernoulli(probs = 0.5) } }
}`);
  const of = (name: string, dataShape?: readonly number[]) => {
    const column = program.columns.find((each) => each.name === name)!;
    return columnPictures(program, { name, support: column.type.support, shape: column.type.shape.map(({ value }) => value) }, dataShape);
  };
  it("are of one step of the loops that a column stands in", () => {
    expect(of("x")).toEqual({ shape: [8, 8, 1], frames: 5 });
    expect(of("y")).toEqual({ shape: [20, 20, 1], frames: undefined });
    expect(of("k")).toEqual({ shape: [6, 7, 1], frames: 6 });
    // The data's own shape says how wide a frame is, where it has the same steps.
    expect(of("x", [5, 4, 16])).toEqual({ shape: [8, 8, 1], frames: 5 });
  });
});
