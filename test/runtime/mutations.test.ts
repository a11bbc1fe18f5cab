import { gzipSync } from "node:zlib";
import { zipSync } from "fflate";
import { encode } from "fast-png";
import { describe, expect, it } from "vitest";
import { createRandom, createStream, decodePng, LvmError, readCsv, readIdx, readNpy, readNpz, readSafetensors, writeSafetensors } from "../../src/runtime/index.js";
import { crc32 } from "../../src/runtime/data/crc32.js";
import { idx, npy, text } from "./files.js";

/** Makes a PNG's checksums right again, so that mutations reach what stands behind them. */
function mendChecksums(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer);
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    if (at + 12 + length > bytes.length) break;
    view.setUint32(at + 8 + length, crc32(bytes, at + 4, at + 8 + length));
    at += 12 + length;
  }
  return bytes;
}

const data = Uint8Array.from({ length: 96 }, (_, i) => (i * 29) % 256);
const limits = { bytes: 1_000_000, pixels: 100_000, axes: 8 };
const readers: [string, Uint8Array, (bytes: Uint8Array) => unknown][] = [
  ["IDX", idx(8, [2, 6, 8], data), (bytes) => readIdx(bytes, "f", "x", limits)],
  ["IDX.gz", gzipSync(idx(8, [2, 6, 8], data)), (bytes) => readIdx(bytes, "f", "x", limits)],
  ["NPY", npy("<f4", "(2, 12)", data), (bytes) => readNpy(bytes, "f", "x", limits)],
  ["NPZ", zipSync({ "x.npy": npy("<f4", "(2, 12)", data), "y.npy": npy("|u1", "(96,)", data) }), (bytes) => readNpz(bytes, "f", undefined, limits)],
  ["PNG", encode({ width: 8, height: 4, data, channels: 3, depth: 8 }), (bytes) => decodePng(bytes, "f", limits)],
  ["PNG with mended checksums", encode({ width: 8, height: 4, data, channels: 3, depth: 8 }), (bytes) => decodePng(mendChecksums(bytes), "f", limits)],
  ["CSV", text('a,"b",c\n1,2.5,\n"3",4e2,5\n'), (bytes) => readCsv(bytes, "f", limits)],
  ["safetensors", writeSafetensors(new Map([["a", { dtype: "F32", shape: [2, 2], data: new Float32Array(4) }], ["b", { dtype: "U8", shape: [96], data }]]), { k: "v" }), (bytes) => readSafetensors(bytes, "f")],
];

describe("3000 random mutations of each kind of file", () => {
  it.each(readers)("%s: columns or an LvmError, nothing else", (_name, whole, read) => {
    const random = createStream(createRandom(17).key(0));
    const extremes = [0, 1, 0x7f, 0x80, 0xfe, 0xff];
    for (let round = 0; round < 3000; round++) {
      const bytes = Uint8Array.from(whole);
      for (let edits = 1 + random.integer(4); edits > 0; edits--) {
        const at = random.integer(bytes.length);
        const run = 1 + random.integer(8);
        const value = random.uniform() < 0.5 ? extremes[random.integer(extremes.length)]! : random.integer(256);
        bytes.fill(value, at, at + run);
      }
      const cut = random.uniform() < 0.2 ? bytes.slice(0, random.integer(bytes.length)) : bytes;
      try {
        read(cut);
      } catch (error) {
        if (!(error instanceof LvmError)) throw error;
        expect(error.message.startsWith("f")).toBe(true);
        expect(error.exitCode).toBe(3);
      }
    }
  });
});
