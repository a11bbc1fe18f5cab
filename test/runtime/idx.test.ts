import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { readIdx } from "../../src/runtime/index.js";
import { idx, packed } from "./files.js";
import { failure } from "./lvm-error.js";

const mnist = new URL("../../../shared/data/mnist/", import.meta.url);
const read = (bytes: Uint8Array): ReturnType<typeof readIdx> => readIdx(bytes, "f.idx", "x");

describe("IDX", () => {
  it("reads every element type, big-endian, rows first", () => {
    expect(read(idx(8, [2, 1, 2], [1, 2, 3, 255]))).toMatchObject({ rows: 2, shape: [1, 2], values: Uint8Array.of(1, 2, 3, 255), missing: "none" });
    expect(read(idx(9, [2], [1, 0xff])).values).toEqual(Int32Array.of(1, -1));
    expect(read(idx(0x0b, [2], [1, 0, 0xff, 0xfe])).values).toEqual(Int32Array.of(256, -2));
    expect(read(idx(0x0c, [1], [0, 1, 0, 0])).values).toEqual(Int32Array.of(65536));
    expect(read(idx(0x0d, [1, 2], packed(2, 4, (view, at, i) => view.setFloat32(at, i - 0.5)))).values).toEqual(Float32Array.of(-0.5, 0.5));
    expect(read(idx(0x0e, [1], packed(1, 8, (view, at) => view.setFloat64(at, Math.PI)))).values).toEqual(Float32Array.of(Math.PI));
    expect(read(idx(8, [0, 28, 28], []))).toMatchObject({ rows: 0, shape: [28, 28] });
  });

  it("reads gzipped files like plain ones", () => {
    const raw = idx(8, [1000, 10], Uint8Array.from({ length: 10_000 }, (_, i) => (i * i) % 251));
    expect(read(gzipSync(raw))).toEqual(read(raw));
    // As `cat a.gz b.gz` and block-wise compressors make them.
    expect(read(Buffer.concat([gzipSync(raw.subarray(0, 77)), gzipSync(raw.subarray(77))]))).toEqual(read(raw));
  });

  it("says what is wrong with truncated, oversized, lying and foreign files", () => {
    expect(failure("LVM7002", () => read(new TextEncoder().encode("hello world")))).toMatchInlineSnapshot(`"f.idx: not an IDX file: it begins with 68 65 6c 6c, where 00 00, an element type (08, 09, 0b, 0c, 0d, 0e) and a number of axes belong"`);
    expect(failure("LVM7003", () => read(idx(8, [10, 28, 28], new Uint8Array(100))))).toMatchInlineSnapshot(`"f.idx: ends too early: 116 bytes of the 7,856 that its header [10, 28, 28] declares"`);
    expect(failure("LVM7004", () => read(idx(8, [2], [1, 2, 3])))).toMatchInlineSnapshot(`"f.idx: has 1 bytes after the 10 that its header [2] declares"`);
    expect(failure("LVM7006", () => read(idx(8, [0xffffffff, 0xffffffff, 0xffffffff], [])))).toContain("the limit is 4,294,967,296");
    expect(failure("LVM7003", () => read(Uint8Array.of(0, 0, 8)))).toContain("ends inside its IDX header");
    expect(failure("LVM7007", () => read(idx(0x0e, [2, 1], packed(2, 8, (view, at, i) => view.setFloat64(at, i === 0 ? 1 : 1e300)))))).toBe("f.idx: row 1 holds 1e+300, which does not fit into float32");
  });

  it("stops inflating where the header's size is reached: a bomb costs no memory", () => {
    const bomb = gzipSync(idx(8, [10], new Uint8Array(200_000_000)));
    const before = process.memoryUsage().arrayBuffers;
    expect(failure("LVM7004", () => read(bomb))).toBe("f.idx: holds more than the 18 bytes that its header declares");
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50_000_000);
  });

  it("refuses a header that the compressed bytes cannot fill, before allocating", () => {
    expect(failure("LVM7004", () => read(gzipSync(idx(8, [4_000_000, 1000], [1, 2, 3]))))).toContain("more than");
  });

  it("finds every cut of a gzipped file, and every flipped byte of its data", () => {
    const whole = gzipSync(idx(8, [50, 4], Uint8Array.from({ length: 200 }, (_, i) => (i * 37) % 256)));
    for (let length = 0; length < whole.length; length++) expect(() => read(whole.subarray(0, length)), `cut at ${length}`).toThrow(/f\.idx: /);
    let refused = 0;
    // Bytes 0 to 9 are gzip's own header: name, time and system may be anything.
    for (let at = 10; at < whole.length; at++) {
      const flipped = Uint8Array.from(whole);
      flipped[at]! ^= 0x10;
      // Some bits of a deflate header are never looked at; what is read is then right all the same.
      let values: ArrayLike<number> | undefined;
      try {
        values = read(flipped).values;
      } catch (error) {
        expect(String(error), `flipped at ${at}`).toMatch(/LvmError: f\.idx: /);
        refused++;
      }
      if (values !== undefined) expect(values, `flipped at ${at}`).toEqual(read(whole).values);
    }
    expect(refused).toBeGreaterThan(whole.length - 20);
  });

  it.skipIf(!existsSync(mnist))("reads MNIST: sizes, label counts and pixels as zlib gives them", () => {
    const file = readFileSync(new URL("t10k-images-idx3-ubyte.gz", mnist));
    const images = readIdx(file, "images", "x");
    expect(images).toMatchObject({ rows: 10_000, shape: [28, 28] });
    expect(createHash("sha256").update(images.values as Uint8Array).digest("hex")).toBe(createHash("sha256").update(gunzipSync(file).subarray(16)).digest("hex"));
    const labels = readIdx(readFileSync(new URL("t10k-labels-idx1-ubyte.gz", mnist)), "labels", "y");
    const counts = new Array<number>(10).fill(0);
    for (const label of labels.values) counts[label]!++;
    expect(counts).toEqual([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
  });
});
