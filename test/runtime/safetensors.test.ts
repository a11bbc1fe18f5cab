import { describe, expect, it } from "vitest";
import { readSafetensors, writeSafetensors, type SafeTensor } from "../../src/runtime/index.js";
import { failure } from "./lvm-error.js";

const read = (bytes: Uint8Array): ReturnType<typeof readSafetensors> => readSafetensors(bytes, "c.safetensors");

/** A file as the format's description builds it: length, JSON, data. */
function file(header: unknown, dataLength: number, headerLength?: bigint): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const out = new Uint8Array(8 + json.length + dataLength);
  new DataView(out.buffer).setBigUint64(0, headerLength ?? BigInt(json.length), true);
  out.set(json, 8);
  return out;
}

const f32 = (shape: readonly number[], begin: number, end: number): unknown => ({ dtype: "F32", shape, data_offsets: [begin, end] });

describe("a Buffer", () => {
  // Guards `model.load(await readFile(path))`: a Buffer's `slice` is a view, and small files lie somewhere in a pool that they share.
  it("is read as the same bytes in an array of their own", () => {
    const written = writeSafetensors(new Map([["a", { dtype: "F32", shape: [3], data: Float32Array.of(1, 2, 3) }], ["b", { dtype: "F32", shape: [1], data: Float32Array.of(4) }]]), { k: "v" });
    for (const shift of [0, 1, 3]) {
      const pool = Buffer.alloc(4096, 255);
      pool.set(written, shift);
      const { tensors } = readSafetensors(pool.subarray(shift, shift + written.length), "b");
      expect([...(tensors.get("a")?.data ?? [])]).toEqual([1, 2, 3]);
      expect([...(tensors.get("b")?.data ?? [])]).toEqual([4]);
    }
  });
});

describe("safetensors", () => {
  const tensors = new Map<string, SafeTensor>([
    ["encoder.0.weight", { dtype: "F32", shape: [2, 3], data: Float32Array.of(1, -2, NaN, Infinity, 1e-45, 0) }],
    ["mask", { dtype: "U8", shape: [3], data: Uint8Array.of(1, 2, 255) }],
    ["step", { dtype: "I64", shape: [], data: BigInt64Array.of(-(2n ** 60n)) }],
    ["count", { dtype: "I32", shape: [1], data: Int32Array.of(-7) }],
    ["words", { dtype: "U32", shape: [2], data: Uint32Array.of(0, 0xffffffff) }],
    ["exact", { dtype: "F64", shape: [1], data: Float64Array.of(Math.PI) }],
    ["empty", { dtype: "F32", shape: [0, 4], data: new Float32Array(0) }],
    ["__proto__", { dtype: "F32", shape: [1], data: Float32Array.of(5) }],
  ]);

  it("reads back what it wrote, bit for bit and in order, and writes the same bytes again", () => {
    const bytes = writeSafetensors(tensors, { model: "vae", note: "größer" });
    const back = read(bytes);
    expect([...back.tensors.entries()]).toEqual([...tensors.entries()]);
    expect(back.metadata).toEqual({ model: "vae", note: "größer" });
    expect(writeSafetensors(back.tensors, back.metadata)).toEqual(bytes);
    // The data begins at a multiple of 8.
    expect(new DataView(bytes.buffer).getBigUint64(0, true) % 8n).toBe(0n);
  });

  it("reads a file that lies at an odd offset of a larger buffer", () => {
    const bytes = writeSafetensors(tensors);
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    expect([...read(shifted.subarray(3)).tensors.keys()]).toEqual([...tensors.keys()]);
  });

  it("reads a file written by hand", () => {
    const bytes = file({ b: f32([1], 4, 8), a: f32([1], 0, 4), __metadata__: { format: "pt" } }, 8);
    new DataView(bytes.buffer).setFloat32(bytes.length - 4, 2.5, true);
    const { tensors: found, metadata } = read(bytes);
    expect([...found.keys()]).toEqual(["a", "b"]);
    expect(found.get("b")?.data).toEqual(Float32Array.of(2.5));
    expect(metadata).toEqual({ format: "pt" });
  });

  it.each<[string, Uint8Array, RegExp]>([
    ["nothing", new Uint8Array(0), /ends inside the length/],
    ["a header longer than the file", file({}, 0, 1000n), /header has 1000 bytes, the file only 2 more/],
    ["a header of 2^64 - 1 bytes", file({}, 0, 2n ** 64n - 1n), /header has 18446744073709551615 bytes/],
    ["not JSON", file("{nope}", 0), /not JSON/],
    ["not UTF-8", (() => { const bytes = file("\"xx\"", 0); bytes[9] = 0xff; return bytes; })(), /not JSON/],
    ["an array", file([], 0), /not a JSON object/],
    ["100,000 brackets", file("[".repeat(100_000), 0), /not JSON/],
    ["an end beyond the file", file({ a: f32([2], 0, 8) }, 4), /tensor a ends at byte 8 of 4/],
    ["bytes after the last", file({ a: f32([1], 0, 4) }, 5), /1 bytes after the last tensor/],
    ["a hole", file({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12), /4 bytes that belong to no tensor before b/],
    ["a hole at the beginning", file({ a: f32([1], 4, 8) }, 8), /belong to no tensor/],
    ["an overlap", file({ a: f32([2], 0, 8), b: f32([1], 4, 8) }, 8), /tensor b overlaps/],
    ["the same place twice", file({ a: f32([1], 0, 4), b: f32([1], 0, 4) }, 4), /overlaps/],
    ["another size than the shape's", file({ a: f32([3], 0, 8) }, 8), /shape \[3\] needs 12 bytes; its offsets give 8/],
    ["a shape that overflows", file({ a: f32([2 ** 32, 2 ** 32], 0, 0) }, 0), /needs 7378697629\d+ bytes/],
    ["a shape whose product wraps to 8 in 64 bits", file({ a: f32([2 ** 33 + 1, 2 ** 31], 0, 8) }, 8), /its offsets give 8/],
    ["a negative size", file({ a: f32([-1], 0, 4) }, 4), /no list of sizes/],
    ["a fraction", file({ a: f32([0.5], 0, 2) }, 2), /no list of sizes/],
    ["offsets backwards", file({ a: f32([1], 4, 0) }, 4), /pair of offsets/],
    ["one offset", file({ a: { dtype: "F32", shape: [], data_offsets: [0] } }, 4), /pair of offsets/],
    ["an unknown type", file({ a: { dtype: "F8_E4M3", shape: [1], data_offsets: [0, 1] } }, 1), /element type "F8_E4M3"/],
    ["a type named like a method", file({ a: { dtype: "toString", shape: [1], data_offsets: [0, 1] } }, 1), /element type "toString"/],
    ["no object", file({ a: null }, 0), /not described by an object/],
    ["a name twice", file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4), /names a twice/],
    ["a name twice, once escaped", file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\\u0061":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4), /names a twice/],
    ["metadata that is not strings", file({ __metadata__: { a: 1 } }, 0), /__metadata__ is not a map/],
  ])("refuses %s", (_name, bytes, message) => {
    expect(failure("LVM7030", () => read(bytes))).toMatch(message);
  });

  it("refuses every cut, and answers every flipped byte of the header with tensors or a message", () => {
    const bytes = writeSafetensors(new Map([["a", { dtype: "F32", shape: [2], data: Float32Array.of(1, 2) }]]));
    for (let length = 0; length < bytes.length; length++) failure("LVM7030", () => read(bytes.subarray(0, length)));
    for (let at = 0; at < bytes.length - 8; at++) {
      for (const bit of [1, 4, 32, 128]) {
        const flipped = Uint8Array.from(bytes);
        flipped[at]! ^= bit;
        try {
          expect(read(flipped).tensors.size).toBeLessThanOrEqual(1);
        } catch (error) {
          expect(String(error), `byte ${at}`).toMatch(/LvmError: c\.safetensors: /);
        }
      }
    }
  });

  it("refuses to write what could not be read", () => {
    expect(() => writeSafetensors(new Map([["a", { dtype: "F32", shape: [3], data: new Float32Array(2) }]]))).toThrow(RangeError);
    expect(() => writeSafetensors(new Map([["__metadata__", { dtype: "F32", shape: [0], data: new Float32Array(0) }]]))).toThrow(RangeError);
  });
});
