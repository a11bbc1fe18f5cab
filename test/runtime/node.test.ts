import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encode } from "fast-png";
import { zipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRunFolder, loadData, openRunFolder, parseDataSource, readFileBytes, readImageFolder, sanitizeName, writeFileAtomic } from "../../src/runtime/node/index.js";
import { idx, npy } from "./files.js";
import { asyncFailure, failure } from "./lvm-error.js";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lvmc-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const put = (name: string, content: Uint8Array | string): string => {
  const path = join(folder, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, content);
  return path;
};
const image = (value: number, width = 2, height = 2): Uint8Array => encode({ width, height, data: new Uint8Array(width * height).fill(value), channels: 1, depth: 8 });
const load = (...args: string[]): ReturnType<typeof loadData> => loadData(args, { folder });

describe("--data", () => {
  it("is a built-in call, or names, path and member", () => {
    expect(parseDataSource("digits(10)")).toMatchObject({ kind: "builtin", name: "digits", args: [10] });
    expect(parseDataSource("x=a/b.npz:images")).toMatchObject({ kind: "path", names: ["x"], path: "a/b.npz", member: "images" });
    expect(parseDataSource("x=C:\\a.idx")).toMatchObject({ path: "C:\\a.idx", member: undefined });
    expect(parseDataSource("x, y = digits/")).toMatchObject({ names: ["x", "y"], path: "digits/" });
    expect(parseDataSource("a=b=c.csv")).toMatchObject({ names: ["a"], path: "b=c.csv" });
    expect(failure("LVM7013", () => parseDataSource("x="))).toContain("names no file");
    expect(failure("LVM7013", () => parseDataSource("x=digits(3)"))).toContain("brings its own column names");
  });

  it("loads each kind of file, known by its first bytes", async () => {
    put("images.bin", idx(8, [2, 1], [7, 8]));
    put("a.npy", npy("|u1", "(2,)", Uint8Array.of(1, 2)));
    put("m.npz", zipSync({ "x.npy": npy("|u1", "(2,)", Uint8Array.of(1, 2)), "y.npy": npy("|u1", "(2,)", Uint8Array.of(3, 4)) }));
    put("t.csv", "u,v\n1,2\n");
    put("one.png", image(9));
    expect(await load("x=images.bin")).toMatchObject([{ name: "x", named: true, origin: "images.bin", values: Uint8Array.of(7, 8) }]);
    expect(await load("a.npy")).toMatchObject([{ name: "a" }]);
    expect((await load("m.npz")).map((column) => [column.name, column.named])).toEqual([["x", undefined], ["y", undefined]]);
    expect(await load("z=m.npz:y")).toMatchObject([{ name: "z", named: true, values: Uint8Array.of(3, 4) }]);
    expect(await load("y=m.npz")).toMatchObject([{ name: "y", values: Uint8Array.of(3, 4) }]);
    expect(await load("w=t.csv:v")).toMatchObject([{ name: "w", values: Int32Array.of(2) }]);
    expect(await load("x=one.png")).toMatchObject([{ name: "x", rows: 1, shape: [2, 2] }]);
    // A column that was named takes the place of a file's own.
    expect((await load("m.npz", "y=images.bin")).map((column) => [column.name, column.origin])).toEqual([["x", "m.npz:x"], ["y", "images.bin"]]);
    expect((await loadData(["moons(5)"], { seed: 1 }))[0]).toMatchObject({ rows: 5 });
  });

  it("says what is not there, with what is near", async () => {
    expect(await asyncFailure("LVM7001", load("x=imagse.bin"))).toBe("imagse.bin: there is no such file or folder\nhelp: did you mean images.bin?");
    expect(await asyncFailure("LVM7001", load("x=nowhere/a.bin"))).toContain("help: the folder");
    expect(await asyncFailure("LVM7010", load("q=m.npz"))).toBe("m.npz: has no column q; it has x, y");
    expect(await asyncFailure("LVM7013", load("p,q=a.npy"))).toContain("holds one column, not 2");
    put("what.bin", "hello");
    expect(await asyncFailure("LVM7002", load("x=what.bin"))).toContain("neither IDX, NPY, NPZ, PNG nor CSV");
  });

  it("does not read devices, nor files beyond the limit", async () => {
    expect(await asyncFailure("LVM7001", readFileBytes("/dev/zero"))).toContain("not a regular file");
    expect(await asyncFailure("LVM7006", readFileBytes(put("big", new Uint8Array(100)), 99))).toContain("100 bytes; the limit is 99");
  });
});

describe("folders of images", () => {
  it("are read in natural order", async () => {
    for (const n of [10, 2, 1]) put(`flat/${n}.png`, image(n));
    put("flat/notes.txt", "x");
    const { images, labels } = await readImageFolder(join(folder, "flat"));
    expect(images).toMatchObject({ rows: 3, shape: [2, 2], values: Uint8Array.of(1, 1, 1, 1, 2, 2, 2, 2, 10, 10, 10, 10) });
    expect(labels).toBeUndefined();
    expect(await asyncFailure("LVM7013", load("x,y=flat"))).toContain("no subfolders");
  });

  it("take labels from subfolders: their numbers, or their places", async () => {
    put("numbered/3/a.png", image(1));
    put("numbered/10/a.png", image(2));
    put("words/dog/a.png", image(1));
    put("words/cat/a.png", image(2));
    expect((await load("numbered")).map((column) => [column.name, [...column.values]])).toEqual([["x", [1, 1, 1, 1, 2, 2, 2, 2]], ["y", [3, 10]]]);
    expect((await load("img,kind=words"))[1]).toMatchObject({ name: "kind", named: true, values: Int32Array.of(0, 1), origin: "words, subfolders cat to dog" });
  });

  it("name the file that differs, is corrupt, or is nowhere", async () => {
    put("sizes/1.png", image(1));
    put("sizes/2.png", image(1, 3, 2));
    expect(await asyncFailure("LVM7012", load("sizes"))).toMatch(/2\.png: is 3×2 with 1 channel of 8 bits; .*1\.png is 2×2/);
    put("bad/1.png", image(1).subarray(0, 40));
    expect(await asyncFailure("LVM7003", load("bad"))).toContain("1.png: ends too early");
    mkdirSync(join(folder, "empty"));
    expect(await asyncFailure("LVM7012", load("empty"))).toContain("without PNG files");
    put("both/1.png", image(1));
    put("both/a/1.png", image(1));
    expect(await asyncFailure("LVM7012", load("both"))).toContain("both in itself");
  });
});

describe("files of a run", () => {
  it("are written whole, over old ones, with nothing left beside them", async () => {
    const path = join(folder, "atomic/model.safetensors");
    mkdirSync(join(folder, "atomic"));
    await writeFileAtomic(path, "first");
    await writeFileAtomic(path, Uint8Array.of(1, 2, 3));
    expect(readFileSync(path)).toEqual(Buffer.of(1, 2, 3));
    expect(readdirSync(join(folder, "atomic"))).toEqual(["model.safetensors"]);
    // A rename that cannot succeed leaves the old state.
    mkdirSync(join(folder, "atomic/taken/inner"), { recursive: true });
    await expect(writeFileAtomic(join(folder, "atomic/taken"), "x")).rejects.toThrow();
    expect(readdirSync(join(folder, "atomic")).sort()).toEqual(["model.safetensors", "taken"]);
  });

  it("stand in a folder of their own, which is never another's", async () => {
    const options = { output: join(folder, "runs"), model: "vae", time: new Date("2026-01-02T03:04:05.678Z"), config: { seed: 1n, rate: NaN }, sources: [{ path: "models/vae.lvm", text: "model" }, { path: "other/vae.lvm", text: "import" }, { path: "config.json", text: "sly" }] };
    const [a, b] = await Promise.all([createRunFolder(options), createRunFolder(options)]);
    expect([a.path, b.path].map((path) => path.slice(options.output.length + 1)).sort()).toEqual(["vae-2026-01-02T03-04-05", "vae-2026-01-02T03-04-05-2"]);
    expect(readdirSync(a.path).sort()).toEqual(["checkpoints", "config-2.json", "config.json", "vae-2.lvm", "vae.lvm"]);
    expect(JSON.parse(readFileSync(join(a.path, "config.json"), "utf8"))).toEqual({ seed: "1", rate: "NaN" });
    a.appendMetrics({ step: 1, loss: Infinity });
    a.close();
    const again = openRunFolder(a.path);
    again.appendMetrics({ step: 2, loss: 0.5 });
    again.close();
    expect(readFileSync(join(a.path, "metrics.jsonl"), "utf8")).toBe('{"step":1,"loss":"Infinity"}\n{"step":2,"loss":0.5}\n');
  });

  it("never leave the output folder", async () => {
    for (const name of ["../../etc", "/etc/passwd", "..", "a/b\\c", ".hidden", "", "con", "x".repeat(500), "é\0"]) {
      const safe = sanitizeName(name);
      expect(safe).toMatch(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,100}$/);
      expect(safe).not.toMatch(/^(con|\.\.?)$/);
    }
    const run = await createRunFolder({ output: join(folder, "runs"), model: "../../escape", time: new Date(0), config: {}, sources: [] });
    expect(run.path.startsWith(join(folder, "runs") + "/")).toBe(true);
    expect(await run.writeFile("../../out.txt", "x")).toBe(join(run.path, "_.._out.txt"));
  });

  it("say when they cannot be made", async () => {
    symlinkSync("/nonexistent", join(folder, "dangling"));
    expect(await asyncFailure("LVM7045", createRunFolder({ output: put("plain", "x"), model: "m", time: new Date(0), config: {}, sources: [] }))).toContain("cannot make a folder");
  });
});
