import { describe, expect, it } from "vitest";
import { encodeGif, tileImages, type ImageBytes } from "../../src/runtime/index.js";
import { randomGenerator } from "../../src/util/random-generator.js";

/** A reader written from the specification (GIF89a) alone, strict about everything that the encoder has no reason to do otherwise. */
function readGif(bytes: Uint8Array): { readonly width: number; readonly height: number; readonly repeats: number | undefined; readonly frames: { readonly delay: number; readonly rgb: Uint8Array }[] } {
  let at = 0;
  const byte = (): number => {
    if (at >= bytes.length) throw new Error("the file ends too early");
    return bytes[at++]!;
  };
  const word = (): number => byte() + 256 * byte();
  const text = (length: number): string => String.fromCharCode(...Array.from({ length }, byte));
  const blocks = (): number[] => {
    const out: number[] = [];
    for (let length = byte(); length > 0; length = byte()) for (let i = 0; i < length; i++) out.push(byte());
    return out;
  };
  if (text(6) !== "GIF89a") throw new Error("not a GIF");
  const [width, height, flags] = [word(), word(), byte()];
  if ((flags & 0x80) === 0) throw new Error("no global colours");
  word();
  const colors = Array.from({ length: 2 ** ((flags & 7) + 1) }, () => [byte(), byte(), byte()]);
  const frames: { delay: number; rgb: Uint8Array }[] = [];
  let repeats: number | undefined;
  let delay = 0;
  for (;;) {
    const kind = byte();
    if (kind === 0x3b) break;
    if (kind === 0x21) {
      const label = byte();
      const data = blocks();
      if (label === 0xf9) delay = 10 * (data[1]! + 256 * data[2]!);
      else if (label === 0xff && String.fromCharCode(...data.slice(0, 11)) === "NETSCAPE2.0") repeats = data[12]! + 256 * data[13]!;
      else throw new Error(`extension ${label}`);
    } else if (kind === 0x2c) {
      if (word() !== 0 || word() !== 0 || word() !== width || word() !== height || byte() !== 0) throw new Error("a frame that does not fill the picture");
      const least = byte();
      const pixels = readLzw(blocks(), least);
      if (pixels.length !== width * height) throw new Error(`${pixels.length} pixels instead of ${width * height}`);
      frames.push({ delay, rgb: Uint8Array.from(pixels.flatMap((pixel) => colors[pixel]!)) });
    } else throw new Error(`block ${kind}`);
  }
  if (at !== bytes.length) throw new Error("bytes follow after the end");
  return { width, height, repeats, frames };
}

function readLzw(bytes: readonly number[], least: number): number[] {
  const clear = 2 ** least;
  let table: number[][] = [];
  let width = 0;
  let before: number[] | undefined;
  const reset = (): void => {
    table = [...Array.from({ length: clear }, (_, i) => [i]), [], []];
    width = least + 1;
    before = undefined;
  };
  const out: number[] = [];
  let bit = 0;
  reset();
  for (;;) {
    let code = 0;
    for (let i = 0; i < width; i++, bit++) {
      if (bit >> 3 >= bytes.length) throw new Error("the codes do not end");
      code |= ((bytes[bit >> 3]! >> (bit & 7)) & 1) << i;
    }
    if (code === clear) {
      reset();
      continue;
    }
    if (code === clear + 1) break;
    if (code > table.length || (code === table.length && before === undefined)) throw new Error(`code ${code} of ${table.length}`);
    const text: number[] = code < table.length ? table[code]! : [...before!, before![0]!];
    out.push(...text);
    if (before !== undefined && table.length < 4096) table.push([...before, text[0]!]);
    if (table.length === 2 ** width && width < 12) width++;
    before = text;
  }
  if (Math.ceil(bit / 8) !== bytes.length) throw new Error("bytes follow after the end code");
  return out;
}

const random = randomGenerator("gif");

/** Grey noise of so many levels. */
function noise(width: number, height: number, levels: number): ImageBytes {
  return { width, height, channels: 1, data: Uint8Array.from({ length: width * height }, () => Math.floor(random() * levels) * Math.floor(255 / Math.max(1, levels - 1))) };
}

const rgbOf = ({ channels, data }: ImageBytes): Uint8Array => (channels === 1 ? Uint8Array.from([...data].flatMap((grey) => [grey, grey, grey])) : data);

describe("encodeGif, read by a decoder of the specification", () => {
  it.each([1, 2, 3, 5, 17, 128, 200, 256])("gives back noise of %i levels, through several resets of the codes", (levels) => {
    const frames = [noise(150, 90, levels), noise(150, 90, levels)];
    const { width, height, frames: read } = readGif(encodeGif(frames, [50, 120]));
    expect([width, height]).toEqual([150, 90]);
    expect(read.map(({ delay }) => delay)).toEqual([50, 120]);
    frames.forEach((frame, i) => expect(Buffer.compare(read[i]!.rgb, rgbOf(frame))).toBe(0));
  });

  // Where the end code is the first of a wider code, or the last pixel fills a block, only few lengths go wrong.
  it("gives back every length of line from 1 to 700 pixels, of noise and of one colour", () => {
    for (let length = 1; length <= 700; length++) for (const levels of [1, 2, 7]) {
      const frame = noise(length, 1, levels);
      expect(Buffer.compare(readGif(encodeGif([frame], [100])).frames[0]!.rgb, rgbOf(frame)), `${length} pixels of ${levels} levels`).toBe(0);
    }
  });

  // With 256 levels almost every pixel is a code of its own: the 4096 codes are used up after some 3840 pixels.
  it("gives back lines that end where the codes are used up", () => {
    for (let length = 3800; length <= 3900; length++) {
      const frame = noise(length, 1, 256);
      expect(Buffer.compare(readGif(encodeGif([frame], [100])).frames[0]!.rgb, rgbOf(frame)), `${length} pixels`).toBe(0);
    }
  });

  it("gives back a large picture of one colour, whose codes stand for ever longer lines", () => {
    const frame: ImageBytes = { width: 800, height: 700, channels: 1, data: new Uint8Array(560_000).fill(7) };
    expect(readGif(encodeGif([frame], [100])).frames[0]!.rgb.every((value) => value === 7)).toBe(true);
  });

  it("repeats for ever", () => {
    expect(readGif(encodeGif([noise(4, 4, 2)], [100])).repeats).toBe(0);
  });

  it("has exact colours up to 256 over all frames", () => {
    const red: ImageBytes = { width: 16, height: 8, channels: 3, data: Uint8Array.from({ length: 128 * 3 }, (_, i) => (i % 3 === 0 ? 255 : 2 * Math.floor(i / 3))) };
    const grey: ImageBytes = { width: 16, height: 8, channels: 1, data: Uint8Array.from({ length: 128 }, (_, i) => i) };
    const { frames } = readGif(encodeGif([red, grey], [100, 100]));
    expect(frames[0]!.rgb).toEqual(red.data);
    expect(frames[1]!.rgb).toEqual(rgbOf(grey));
  });

  // 256 levels of grey and of red: 64 of each, so at most half of 255 / 63 away.
  it("rounds channels no more than it must beyond 256", () => {
    const ramp = (channels: 1 | 3): ImageBytes => ({ width: 256, height: 1, channels, data: Uint8Array.from({ length: 256 * channels }, (_, i) => (channels === 1 ? i : i % 3 === 0 ? i / 3 : 0)) });
    const frames = [ramp(1), ramp(3)];
    const read = readGif(encodeGif(frames, [100, 100])).frames;
    frames.forEach((frame, i) => rgbOf(frame).forEach((value, at) => expect(Math.abs(read[i]!.rgb[at]! - value)).toBeLessThanOrEqual(2)));
  });

  it("falls to six levels of red and blue and seven of green for all colours at once", () => {
    const frame: ImageBytes = { width: 200, height: 100, channels: 3, data: Uint8Array.from({ length: 60_000 }, () => Math.floor(random() * 256)) };
    readGif(encodeGif([frame], [100])).frames[0]!.rgb.forEach((value, at) => expect(Math.abs(value - frame.data[at]!)).toBeLessThanOrEqual(at % 3 === 1 ? 22 : 26));
  });

  it("refuses frames that make no animation", () => {
    expect(() => encodeGif([], [])).toThrow(RangeError);
    expect(() => encodeGif([noise(4, 4, 2), noise(4, 5, 2)], [1, 1])).toThrow("4 × 4, not 4 × 5");
    expect(() => encodeGif([noise(4, 4, 2)], [])).toThrow("as many delays");
    expect(() => encodeGif([{ width: 65_536, height: 1, channels: 1, data: new Uint8Array(65_536) }], [1])).toThrow("65,535");
  });
});

describe("tileImages", () => {
  it("puts each pixel where it belongs, enlarged, grey and RGB together, and leaves gaps and absent images grey", () => {
    const grey: ImageBytes = { width: 2, height: 1, channels: 1, data: Uint8Array.of(10, 20) };
    const color: ImageBytes = { width: 2, height: 1, channels: 3, data: Uint8Array.of(1, 2, 3, 4, 5, 6) };
    const { width, height, channels, data } = tileImages([[grey, color], [color]], 2, 1);
    expect([width, height, channels]).toEqual([9, 5, 3]);
    const row = (y: number): number[][] => Array.from({ length: 9 }, (_, x) => [...data.subarray((y * 9 + x) * 3, (y * 9 + x) * 3 + 3)]);
    const [g, a, b, c, d] = [[96, 96, 96], [10, 10, 10], [20, 20, 20], [1, 2, 3], [4, 5, 6]];
    for (const y of [0, 1]) expect(row(y)).toEqual([a, a, b, b, g, c, c, d, d]);
    expect(row(2)).toEqual(Array(9).fill(g));
    for (const y of [3, 4]) expect(row(y)).toEqual([c, c, d, d, g, g, g, g, g]);
    expect(() => tileImages([[]], 2, 1)).toThrow(RangeError);
    expect(() => tileImages([[grey, { ...color, width: 1 }]], 2, 1)).toThrow("2 × 1, not 1 × 1");
  });
});
