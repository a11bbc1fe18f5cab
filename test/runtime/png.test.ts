import { existsSync, readdirSync, readFileSync } from "node:fs";
import { deflateSync } from "node:zlib";
import { decode, encode } from "fast-png";
import { describe, expect, it } from "vitest";
import { crc32 } from "../../src/runtime/data/crc32.js";
import { decodePng, encodePng, imageGrid } from "../../src/runtime/index.js";
import { failure } from "./lvm-error.js";

const suite = new URL("../../../shared/data/hostile/png/", import.meta.url);

function chunk(type: string, data: Uint8Array): Uint8Array {
  const out = new Uint8Array(12 + data.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) out[4 + i] = type.charCodeAt(i);
  out.set(data, 8);
  view.setUint32(8 + data.length, crc32(out, 4, 8 + data.length));
  return out;
}

function png(width: number, height: number, bits: number, color: number, ...chunks: Uint8Array[]): Uint8Array {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([bits, color, 0, 0, 0], 8);
  return Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, ...[chunk("IHDR", header), ...chunks, chunk("IEND", new Uint8Array(0))].flatMap((part) => [...part])]);
}

describe("PNG", () => {
  it("has the CRC-32 of the published check value", () => {
    // "123456789" gives 0xCBF43926 (the catalogue of CRC algorithms, CRC-32/ISO-HDLC).
    expect(crc32(new TextEncoder().encode("123456789")).toString(16)).toBe("cbf43926");
  });

  it("reads grey, grey with alpha, RGB and RGBA of 8 and 16 bits as fast-png wrote them", () => {
    for (const channels of [1, 2, 3, 4]) {
      const bytes = Uint8Array.from({ length: 5 * 3 * channels }, (_, i) => (i * 47) % 256);
      expect(decodePng(encode({ width: 5, height: 3, data: bytes, channels, depth: 8 }), "f.png")).toEqual({ width: 5, height: 3, channels, values: bytes });
      const wide = Uint16Array.from(bytes, (value, i) => value * 257 - (i % 3 === 0 && value > 0 ? 1 : 0));
      expect(decodePng(encode({ width: 5, height: 3, data: wide, channels, depth: 16 }), "f.png").values).toEqual(Float32Array.from(wide, (value) => value / 65535));
    }
  });

  it("stretches 1, 2 and 4 bits to bytes, looks palettes up", () => {
    const lines = (...data: number[]): Uint8Array => chunk("IDAT", new Uint8Array(deflateSync(Uint8Array.from(data))));
    expect(decodePng(png(3, 1, 1, 0, lines(0, 0b10100000)), "f").values).toEqual(Uint8Array.of(255, 0, 255));
    expect(decodePng(png(3, 1, 2, 0, lines(0, 0b00011100)), "f").values).toEqual(Uint8Array.of(0, 85, 255));
    expect(decodePng(png(3, 1, 4, 0, lines(0, 0x0f, 0x10)), "f").values).toEqual(Uint8Array.of(0, 255, 17));
    const palette = chunk("PLTE", Uint8Array.of(1, 2, 3, 4, 5, 6));
    expect(decodePng(png(2, 1, 1, 3, palette, lines(0, 0b01000000)), "f")).toMatchObject({ channels: 3, values: Uint8Array.of(1, 2, 3, 4, 5, 6) });
    expect(failure("LVM7011", () => decodePng(png(2, 1, 2, 3, palette, lines(0, 0b00110000)), "f"))).toContain("pixel 1 has colour 3 of a palette of 2");
  });

  it("undoes Adam7 at every depth and size", () => {
    // The pattern as the standard prints it (W3C PNG, section 8.2): the pass of each pixel of an 8 by 8 tile.
    const pattern = ["16462646", "77777777", "56565656", "77777777", "36463646", "77777777", "56565656", "77777777"];
    for (const bits of [1, 2, 4, 8, 16]) {
      for (let width = 1; width <= 9; width++) {
        for (const height of [1, 5, 9]) {
          const sample = (x: number, y: number): number => (x * 7 + y * 13 + x * y) % 2 ** bits;
          const lines: number[] = [];
          for (let pass = 1; pass <= 7; pass++) {
            for (let y = 0; y < height; y++) {
              const row = Array.from({ length: width }, (_, x) => x).filter((x) => pattern[y % 8]![x % 8] === String(pass));
              const written = row.map((x) => sample(x, y).toString(2).padStart(bits, "0")).join("");
              if (row.length > 0) lines.push(0, ...(written.match(/.{1,8}/g) ?? []).map((part) => Number.parseInt(part.padEnd(8, "0"), 2)));
            }
          }
          const file = png(width, height, bits, 0, chunk("IDAT", new Uint8Array(deflateSync(Uint8Array.from(lines)))));
          file[28] = 1;
          new DataView(file.buffer).setUint32(29, crc32(file, 12, 29));
          const scale = bits === 16 ? 1 / 65535 : 255 / (2 ** bits - 1);
          const expected = Array.from({ length: width * height }, (_, i) => sample(i % width, Math.floor(i / width)));
          const { values } = decodePng(file, `${width}×${height}, ${bits} bits`);
          expect([...values]).toEqual(expected.map((value) => (bits === 16 ? Math.fround(value / 65535) : value * scale)));
        }
      }
    }
  });

  it("refuses bombs, lies and unknown chunks before it inflates", () => {
    const bomb = chunk("IDAT", new Uint8Array(deflateSync(new Uint8Array(20_000_000))));
    expect(failure("LVM7011", () => decodePng(png(4, 4, 8, 0, bomb), "f"))).toContain("more image data than the 20 bytes");
    expect(failure("LVM7006", () => decodePng(png(0x7fffffff, 0x7fffffff, 8, 0, bomb), "f"))).toContain("the limit is");
    expect(failure("LVM7011", () => decodePng(png(8000, 8000, 8, 6, chunk("IDAT", Uint8Array.of(1, 2))), "f"))).toContain("cannot hold");
    expect(failure("LVM7011", () => decodePng(png(1, 1, 8, 0, chunk("ABCD", Uint8Array.of(1))), "f"))).toContain("unknown critical chunk ABCD");
    // A compressed text chunk is passed over, not inflated.
    expect(decodePng(png(1, 1, 8, 0, chunk("zTXt", bomb), chunk("IDAT", new Uint8Array(deflateSync(Uint8Array.of(0, 9))))), "f").values).toEqual(Uint8Array.of(9));
  });

  it("finds every cut and every flipped byte", () => {
    const whole = encode({ width: 6, height: 6, data: Uint8Array.from({ length: 36 }, (_, i) => i * 7), channels: 1, depth: 8 });
    for (let length = 0; length < whole.length; length++) expect(() => decodePng(whole.subarray(0, length), "f.png"), `cut at ${length}`).toThrow(/^f\.png/);
    for (let at = 0; at < whole.length; at++) {
      const flipped = Uint8Array.from(whole);
      flipped[at]! ^= 0x10;
      expect(() => decodePng(flipped, "f.png"), `flipped at ${at}`).toThrow(/^f\.png/);
    }
  });

  describe.skipIf(!existsSync(suite))("PngSuite", () => {
    const names = existsSync(suite) ? readdirSync(suite).filter((name) => name.endsWith(".png")) : [];
    const bytes = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, suite)));

    it("refuses each of the corrupt files, whose names begin with x", () => {
      const corrupt = names.filter((name) => name.startsWith("x"));
      expect(corrupt.length).toBeGreaterThanOrEqual(5);
      for (const name of corrupt) expect(() => decodePng(bytes(name), name), name).toThrow(/not a sound PNG|ends too early/);
    });

    it("reads every sound file; not interlaced 8 and 16-bit ones as fast-png does", () => {
      for (const name of names.filter((file) => !file.startsWith("x"))) {
        const image = decodePng(bytes(name), name);
        expect(image.values.length, name).toBe(image.width * image.height * image.channels);
        // fast-png reads interlaced images of fewer than 8 bits wrongly; those are tested above.
        if (bytes(name)[28] === 1 && bytes(name)[24]! < 8) continue;
        const other = decode(bytes(name));
        expect([image.width, image.height], name).toEqual([other.width, other.height]);
        if (other.depth === 8 && other.palette === undefined) expect(image.values, name).toEqual(new Uint8Array(other.data));
        if (other.depth === 16) expect(image.values, name).toEqual(Float32Array.from(other.data, (value) => value / 65535));
      }
    });
  });
});

describe("image grids", () => {
  it("enlarges small images twice, leaves a pixel between, clips, survives a PNG round trip", () => {
    const grid = imageGrid(Float32Array.of(0, 1, 2, NaN, -1, 0.5), 3, [1, 2, 1], 2);
    expect([grid.width, grid.height, grid.channels]).toEqual([9, 5, 1]);
    const g = 96;
    expect([...grid.data]).toEqual([0, 0, 255, 255, g, 255, 255, 0, 0, 0, 0, 255, 255, g, 255, 255, 0, 0, g, g, g, g, g, g, g, g, g, 0, 0, 128, 128, g, g, g, g, g, 0, 0, 128, 128, g, g, g, g, g]);
    expect(decodePng(encodePng(grid), "grid.png").values).toEqual(grid.data);
    // Another program's reader agrees.
    expect([...decode(encodePng(grid)).data]).toEqual([...grid.data]);
  });

  it("keeps colours, averages other channel counts, refuses too few values", () => {
    expect(imageGrid(Float32Array.of(1, 0, 0), 1, [1, 1, 3], 5)).toMatchObject({ width: 2, height: 2, channels: 3 });
    expect(imageGrid(Float32Array.of(1, 0), 1, [1, 1, 2], 5).data[0]).toBe(128);
    expect(() => imageGrid(new Float32Array(3), 1, [2, 2, 1], 1)).toThrow(/4 values/);
  });
});
