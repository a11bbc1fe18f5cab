import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { shellQuote } from "../../src/cli/shell-quote.js";
import { saveCheckpoint } from "../../src/cli/training/checkpoints.js";
import { imageShape } from "../../src/cli/training/image-shape.js";
import { createClock, createProgressLine, duration } from "../../src/cli/training/progress.js";
import { writeCsv } from "../../src/cli/training/write-csv.js";
import { writeNpy } from "../../src/cli/training/write-npy.js";
import { readCsv, readNpy } from "../../src/runtime/index.js";
import { folderWith } from "./harness.js";

describe("shellQuote", () => {
  it.skipIf(process.platform === "win32")("gives a POSIX shell back what it was given", () => {
    const hard = ["plain/path-1.lvm", "two words", "it's", "$HOME", "`id`", "a;b", "--x=*", "", "\\", '"', "new\nline", "-n", "~", "é", "!!"];
    const printed = execFileSync("sh", ["-c", `printf '%s\\0' ${hard.map(shellQuote).join(" ")}`], { encoding: "utf8" });
    expect(printed.split("\0").slice(0, -1)).toEqual(hard);
  });
});

describe("imageShape", () => {
  const spec = (kind: "binary" | "real" | "unit" | "positive", shape: readonly number[]): Parameters<typeof imageShape>[0] => ({ support: { kind }, shape });
  it("takes images for images and nothing else", () => {
    expect(imageShape(spec("binary", [784]))).toEqual([28, 28, 1]);
    expect(imageShape(spec("binary", [28, 20]))).toEqual([28, 20, 1]);
    expect(imageShape(spec("real", [32, 32, 3]))).toEqual([32, 32, 3]);
    expect(imageShape(spec("real", [784]), [28, 28])).toEqual([28, 28, 1]);
    expect(imageShape(spec("real", [784]))).toBeUndefined();
    expect(imageShape(spec("real", [3, 3]))).toBeUndefined();
    expect(imageShape(spec("unit", [10]))).toBeUndefined();
    expect(imageShape(spec("binary", []))).toBeUndefined();
    expect(imageShape(spec("positive", [28, 28]))).toBeUndefined();
    expect(imageShape(spec("real", [28, 28, 7]))).toBeUndefined();
  });
});

describe("progress", () => {
  it("never writes a line that wraps, and at most ten a second", () => {
    let written = "";
    let time = 0;
    const line = createProgressLine({ write: (text) => void (written += text), isTTY: true, columns: 30 }, true, () => time);
    line.update(() => "x".repeat(100));
    line.update(() => "too soon");
    expect(written).toBe(`\r\u001b[2K${"x".repeat(28)}…`);
    time = 150;
    line.update(() => "later");
    line.settle("done");
    expect(written.endsWith("\r\u001b[2Klater\r\u001b[2Kdone\n")).toBe(true);
  });

  it("elsewhere speaks up only after half a minute of silence", () => {
    let written = "";
    let time = 0;
    const line = createProgressLine({ write: (text) => void (written += text), isTTY: false, columns: undefined }, true, () => time);
    for (time = 0; time < 70_000; time += 1000) line.update(() => `at ${time / 1000} s`);
    expect(written).toBe("at 30 s\nat 60 s\n");
  });

  it("measures speed over the last ten seconds", () => {
    let time = 0;
    const clock = createClock(() => time);
    expect(clock.speed()).toBeUndefined();
    for (let step = 1; step <= 2000; step++) {
      time += step <= 100 ? 1000 : 10;
      clock.tick(step);
    }
    expect(clock.speed()).toBeCloseTo(100, 6);
  });

  it("prints durations", () => {
    expect([0, 25.4, 60, 3849].map(duration)).toEqual(["0:00", "0:25", "1:00", "1:04:09"]);
  });
});

describe("written tables and arrays", () => {
  it("read back as the same float32", () => {
    const values = Float32Array.from([0.1, -1 / 3, 1e-20, 12345.678, 0, 3, 1e10, NaN]);
    const [x, k] = readCsv(new TextEncoder().encode(writeCsv([{ name: "x", rows: 4, shape: [2], values }, { name: "k", rows: 4, shape: [], values: Int32Array.from([0, 1, 2, 3]) }])), "t.csv");
    expect([...(x?.values ?? [])]).toEqual([...values]);
    expect([...(k?.values ?? [])]).toEqual([0, 1, 2, 3]);
    for (const shape of [[8], [4, 2], [2, 2, 2]]) expect([...readNpy(writeNpy(values, shape), "t.npy", "x").values]).toEqual([...values]);
    expect(writeNpy(values, [8]).length % 64).toBe(32);
  });
});

describe("checkpoints", () => {
  it("keep the newest, and latest is the newest", async () => {
    const folder = join(folderWith(), "checkpoints");
    mkdirSync(folder);
    for (const step of [0, 9, 10, 100, 1000]) await saveCheckpoint(folder, step, Uint8Array.of(step & 255), 2);
    expect(readdirSync(folder).sort()).toEqual(["latest.safetensors", "step-100.safetensors", "step-1000.safetensors"]);
    expect([...readFileSync(join(folder, "latest.safetensors"))]).toEqual([1000 & 255]);
    // Going back to an earlier step: it is the latest then, whatever its number.
    await saveCheckpoint(folder, 50, Uint8Array.of(50), 2);
    expect([...readFileSync(join(folder, "latest.safetensors"))]).toEqual([50]);
    expect(readdirSync(folder)).toContain("step-50.safetensors");
  });
});
