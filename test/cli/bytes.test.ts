import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import { exitCodes } from "../../src/cli/exit-codes.js";
import { readCsv } from "../../src/runtime/index.js";
import { folderWith, lvmc } from "./harness.js";

const device = ["--device", "wasm"];
const modelText = (name: string, options = ""): string => `const T = 20
const alpha = cosine_schedule(T)
network net(x: real[6, 6, 1], t: positive) -> (datum: real[6, 6, 1]) {
  datum = concat(reshape(x, 36), time_embedding(50 * t, 8)) |> dense(64) |> silu |> dense(36) |> tanh |> reshape(6, 6, 1)
}
model ${name}(x[0]: byte[6, 6, 1]) {
  x[T] ~ Normal(0, 1)
  chain t in T..1 { x[t-1] ~ guide(x[t-1] | x[t], x[0] = net(x[t], t)${options}) }
}
guide ${name} { chain t in 1..T { x[t] ~ Normal(sqrt(alpha[t]) * x[t-1], variance = 1 - alpha[t]) } }
train ${name} { maximize elbo  batch = 16  optimizer = adam(rate = cosine(1e-2, steps = 800)) }
`;
/** A light column on dark, at either side, with some grey. */
const rows = Array.from({ length: 128 }, (_, row) => Array.from({ length: 36 }, (_, at) => (at % 6 === (row % 2) * 5 ? 230 + ((row * 7 + at) % 20) : (row * 5 + at * 3) % 12)));
const header = rows[0]!.map((_, at) => `x_${at + 1}`).join(",");

describe("a diffusion of bytes on the command line", () => {
  const runs = new Map<string, string>();
  let cwd = "";
  beforeAll(async () => {
    cwd = folderWith({ "bytes.lvm": modelText("bytes"), "density.lvm": modelText("density", ", reconstruction = gaussian"), "data.csv": `${header}\n${rows.map((row) => row.join(",")).join("\n")}\n` });
    for (const [name, epochs] of [["bytes", "100"], ["density", "1"]] as const) {
      const trained = await lvmc(["train", `${name}.lvm`, "--data", "data.csv", ...device, "--no-samples", "--json", "--epochs", epochs], { cwd });
      expect(trained.code, trained.out.slice(-2000)).toBe(exitCodes.ok);
      runs.set(name, String(trained.lines.at(-1)?.["run"]));
    }
  }, 400_000);

  // Guards training and the unit. A byte of which nothing is known takes 8 bits. Of these, columns of two kinds and a few levels of grey, less; and more than 1, which is far from what a code could do.
  it("learns, and tells bits per dimension", async () => {
    const ran = await lvmc(["eval", runs.get("bytes")!, ...device, "--json"], { cwd });
    expect(ran.code, ran.err).toBe(exitCodes.ok);
    const { elbo, bitsPerDimension } = ran.lines.at(-1)?.["evaluation"] as { readonly elbo: number; readonly bitsPerDimension: number };
    expect(bitsPerDimension).toBeCloseTo(-elbo / (36 * 0.6931471805599453), 10);
    expect(bitsPerDimension).toBeGreaterThan(1);
    expect(bitsPerDimension).toBeLessThan(7);
  });

  it.each([["bytes", /bits per dimension\s+\d+\.\d{3} {2}what a code by the model takes at most/], ["density", /bits per dimension\s+\d+\.\d{3} {2}of a density of bytes/]] as const)("shows those of %s", async (name, shown) => {
    const ran = await lvmc(["eval", runs.get(name)!, ...device], { cwd });
    expect(ran.code, ran.err).toBe(exitCodes.ok);
    expect(ran.out).toMatch(shown);
  });

  // Guards the way back: draws are bytes, dark or light as the data are, and a picture has them for its grey levels.
  it("draws bytes, and pictures of them", async () => {
    const sampled = async (file: string): Promise<Buffer> => {
      const ran = await lvmc(["sample", runs.get("bytes")!, ...device, "-n", "64", "--seed", "5", "-o", file], { cwd });
      expect(ran.code, ran.err).toBe(exitCodes.ok);
      return readFileSync(join(cwd, file));
    };
    const [column] = readCsv(await sampled("x.csv"), "x.csv");
    const values = Array.from(column?.values ?? []);
    expect(values).toHaveLength(64 * 36);
    expect(values.every((value) => Number.isInteger(value) && value >= 0 && value <= 255)).toBe(true);
    expect(values.filter((value) => value < 60 || value > 180).length / values.length).toBeGreaterThan(0.8);
    const levels = levelsIn(await sampled("x.png"));
    for (const level of new Set(values)) expect(levels.has(level), `level ${level}`).toBe(true);
  });
});

/** The levels of the first channel in a PNG of 8 bits whose lines are not filtered. */
function levelsIn(png: Buffer): ReadonlySet<number> {
  const width = png.readUInt32BE(16);
  const channels = ({ 0: 1, 2: 3 } as Readonly<Record<number, number>>)[png[25]!] ?? expect.fail("another kind of picture");
  const parts: Buffer[] = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) if (png.toString("latin1", at + 4, at + 8) === "IDAT") parts.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  const raw = inflateSync(Buffer.concat(parts));
  const levels = new Set<number>();
  const line = width * channels + 1;
  for (let start = 0; start < raw.length; start += line) {
    if (raw[start] !== 0) expect.fail(`filter ${raw[start]}`);
    for (let at = 1; at < line; at += channels) levels.add(raw[start + at]!);
  }
  return levels;
}
