import { existsSync, readdirSync, readFileSync } from "node:fs";
import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { readNpy, readNpz } from "../../src/runtime/index.js";
import { npy, packed } from "./files.js";
import { failure } from "./lvm-error.js";

const numpy = new URL("../../../shared/data/known-answers/numpy/", import.meta.url);
const read = (bytes: Uint8Array): ReturnType<typeof readNpy> => readNpy(bytes, "f.npy", "x");

describe("NPY", () => {
  it("reads every element type in both byte orders", () => {
    for (const [order, little] of [["<", true], [">", false]] as const) {
      expect(read(npy(`${order}f4`, "(3,)", packed(3, 4, (v, at, i) => v.setFloat32(at, i - 1.5, little)))).values).toEqual(Float32Array.of(-1.5, -0.5, 0.5));
      expect(read(npy(`${order}f8`, "(2,)", packed(2, 8, (v, at, i) => v.setFloat64(at, i / 3, little)))).values).toEqual(Float32Array.of(0, 1 / 3));
      expect(read(npy(`${order}f2`, "(5,)", packed(5, 2, (v, at, i) => v.setUint16(at, [0x3c00, 0xc000, 0x7bff, 0x0001, 0x3555][i]!, little)))).values).toEqual(Float32Array.of(1, -2, 65504, 2 ** -24, 0.333251953125));
      expect(read(npy(`${order}i2`, "(2,)", packed(2, 2, (v, at, i) => v.setInt16(at, -i * 300, little)))).values).toEqual(Int32Array.of(0, -300));
      expect(read(npy(`${order}i4`, "(2,)", packed(2, 4, (v, at, i) => v.setInt32(at, -i * 70000, little)))).values).toEqual(Int32Array.of(0, -70000));
      expect(read(npy(`${order}i8`, "(3,)", packed(3, 8, (v, at, i) => v.setBigInt64(at, [7n, -7n, -(2n ** 31n)][i]!, little)))).values).toEqual(Int32Array.of(7, -7, -(2 ** 31)));
      expect(read(npy(`${order}u2`, "(1,)", packed(1, 2, (v, at) => v.setUint16(at, 65535, little)))).values).toEqual(Int32Array.of(65535));
      expect(read(npy(`${order}u4`, "(1,)", packed(1, 4, (v, at) => v.setUint32(at, 9, little)))).values).toEqual(Int32Array.of(9));
      expect(read(npy(`${order}u8`, "(1,)", packed(1, 8, (v, at) => v.setBigUint64(at, 9n, little)))).values).toEqual(Int32Array.of(9));
    }
    expect(read(npy("|i1", "(2,)", Uint8Array.of(1, 255))).values).toEqual(Int32Array.of(1, -1));
    expect(read(npy("|u1", "(2,)", Uint8Array.of(1, 255))).values).toEqual(Uint8Array.of(1, 255));
    // Truth values are the numbers 0 and 1, not grey levels.
    expect(read(npy("|b1", "(2,)", Uint8Array.of(1, 0))).values).toEqual(Int32Array.of(1, 0));
  });

  it("reads versions 2 and 3, a scalar, an empty array, and Fortran's order", () => {
    expect(read(npy("|u1", "(2, 1)", Uint8Array.of(1, 2), { version: 2 }))).toMatchObject({ rows: 2, shape: [1] });
    expect(read(npy("|u1", "(2, 1)", Uint8Array.of(1, 2), { version: 3 }))).toMatchObject({ rows: 2, shape: [1] });
    expect(read(npy("|u1", "()", Uint8Array.of(5)))).toMatchObject({ rows: 1, shape: [], values: Uint8Array.of(5) });
    expect(read(npy("<f4", "(0, 3)", new Uint8Array(0)))).toMatchObject({ rows: 0, shape: [3] });
    // numpy: np.asfortranarray(np.arange(24).reshape(2, 3, 4)) is stored with element (i, j, k) at i + 2 j + 6 k.
    const stored = new Uint8Array(24);
    for (let i = 0; i < 2; i++) for (let j = 0; j < 3; j++) for (let k = 0; k < 4; k++) stored[i + 2 * j + 6 * k] = 12 * i + 4 * j + k;
    expect([...read(npy("|u1", "(2, 3, 4)", stored, { fortran: true })).values]).toEqual(Array.from({ length: 24 }, (_, i) => i));
  });

  it("refuses what it cannot read, by name", () => {
    expect(failure("LVM7008", () => read(npy("|O", "(2,)", new Uint8Array(16))))).toMatchInlineSnapshot(`
      "f.npy: an object array (dtype=object), which holds pickled Python objects; only numbers can be read (f2 f4 f8, i1 i2 i4 i8, u1 u2 u4 u8, b1)
      help: convert it first: np.save(file, np.asarray(a, dtype=np.float32))"
    `);
    for (const type of ["<U5", "|S3", "<c8", "<M8[ns]", "|V4", "<f16"]) expect(failure("LVM7008", () => read(npy(type, "(1,)", new Uint8Array(64))))).toContain(type);
    expect(failure("LVM7008", () => read(npy("[('a', '<f4'), ('b', '<i4')]", "(1,)", new Uint8Array(8))))).toContain("structured");
    expect(failure("LVM7007", () => read(npy("<i8", "(2, 3)", packed(6, 8, (v, at, i) => v.setBigInt64(at, i === 4 ? 2n ** 40n : 1n, true)))))).toBe("f.npy: row 1 holds 1099511627776, which does not fit into 32 bits");
  });

  it("checks sizes against the bytes that are there", () => {
    expect(failure("LVM7003", () => read(npy("<f8", "(1000,)", new Uint8Array(80))))).toBe("f.npy: ends too early: 80 bytes of data, and the shape [1000] of <f8 needs 8,000");
    expect(failure("LVM7004", () => read(npy("<f8", "(1,)", new Uint8Array(9))))).toContain("1 bytes after the array");
    expect(failure("LVM7006", () => read(npy("<f8", "(99999999999, 99999999999)", new Uint8Array(8))))).toContain("the limit is");
    expect(failure("LVM7006", () => read(npy("<f8", "(0, 99999999999999)", new Uint8Array(0))))).toContain("the limit is");
    for (const shape of ["(-1,)", "(1.5,)", "('a',)", "(1,,2)"]) expect(failure("LVM7002", () => read(npy("<f8", shape, new Uint8Array(8))))).toContain("shape");
    expect(failure("LVM7002", () => read(npy("", "", new Uint8Array(0), { header: "import os; os.system('rm')" })))).toContain("lacks");
    const whole = npy("<f4", "(3,)", new Uint8Array(12));
    for (let length = 0; length < whole.length; length++) expect(() => read(whole.subarray(0, length)), `cut at ${length}`).toThrow(/f\.npy: /);
  });

  it.skipIf(!existsSync(numpy))("refuses numpy's own object arrays", () => {
    const names = readdirSync(numpy).filter((name) => /objarr\.np[yz]$/.test(name));
    expect(names.length).toBeGreaterThanOrEqual(5);
    for (const name of names) {
      const bytes = new Uint8Array(readFileSync(new URL(name, numpy)));
      expect(failure("LVM7008", () => (name.endsWith("z") ? readNpz(bytes, name) : readNpy(bytes, name, "x")))).toContain("object array");
    }
  });
});

describe("NPZ", () => {
  const arrays = { "x.npy": npy("<f4", "(2, 2)", packed(4, 4, (v, at, i) => v.setFloat32(at, i, true))), "y.npy": npy("<i8", "(2,)", packed(2, 8, (v, at, i) => v.setBigInt64(at, BigInt(i), true))) };

  it("reads stored and deflated members, all or one", () => {
    for (const level of [0, 9] as const) {
      const file = zipSync(arrays, { level });
      expect(readNpz(file, "f.npz").map((column) => [column.name, column.rows, column.shape])).toEqual([["x", 2, [2]], ["y", 2, []]]);
      expect(readNpz(file, "f.npz", "y")[0]).toMatchObject({ name: "y", values: Int32Array.of(0, 1), origin: "f.npz:y" });
    }
    expect(failure("LVM7010", () => readNpz(zipSync(arrays), "f.npz", "z"))).toBe("f.npz: has no array z; it has x, y");
    expect(failure("LVM7002", () => readNpz(zipSync({ "a.txt": Uint8Array.of(1) }), "f.npz"))).toContain("without a .npy");
  });

  it("finds every cut, and every flipped byte of the data", () => {
    const file = zipSync(arrays, { level: 9 });
    for (let length = 0; length < file.length; length++) expect(() => readNpz(file.subarray(0, length), "f.npz"), `cut at ${length}`).toThrow(/^f\.npz/);
    for (let at = 0; at < file.length; at++) {
      const flipped = Uint8Array.from(file);
      flipped[at]! ^= 0x21;
      // A flip may hit a date or a name, which change nothing or the name; never a number and never a crash of another kind.
      let columns: ReturnType<typeof readNpz> = [];
      try {
        columns = readNpz(flipped, "f.npz");
      } catch (error) {
        expect(String(error), `flipped at ${at}`).toMatch(/LvmError: f\.npz/);
        continue;
      }
      for (const column of columns) expect([...column.values]).toEqual(column.values.length === 4 ? [0, 1, 2, 3] : [0, 1]);
    }
  });

  it("does not inflate a member beyond the size that the directory states, and refuses impossible sizes", () => {
    const bomb = zipSync({ "x.npy": new Uint8Array(50_000_000) }, { level: 9 });
    const directory = bomb.length - 22 - 46 - 5;
    const lying = Uint8Array.from(bomb);
    new DataView(lying.buffer).setUint32(directory + 24, 100, true);
    expect(failure("LVM7004", () => readNpz(lying, "f.npz"))).toContain("holds more than the 100 bytes");
    new DataView(lying.buffer).setUint32(directory + 24, 0xfffffff0, true);
    expect(failure("LVM7004", () => readNpz(lying, "f.npz"))).toContain("cannot hold");
    expect(failure("LVM7006", () => readNpz(bomb, "f.npz", undefined, { bytes: 1_000_000, pixels: 1, axes: 4 }))).toContain("the limit is 1,000,000");
  });
});
