import { gifPalette } from "./gif-palette.js";
import type { ImageBytes } from "./image-grid.js";
import { lzwEncode } from "./lzw-encode.js";

/**
 * An animated GIF file's bytes (CompuServe 1990, version 89a) that repeats for ever. Colours are exact where all frames together have at most 256, else
 * rounded (`gifPalette`).
 *
 * @param frames at least one, grey or RGB, all of one size
 * @param delays how long each frame is shown, in milliseconds; the format knows hundredths of a second
 * @throws RangeError for no frames, frames of different sizes, more than 65,535 pixels across, or another number of delays
 */
export function encodeGif(frames: readonly ImageBytes[], delays: readonly number[]): Uint8Array {
  const [first] = frames;
  if (first === undefined) throw new RangeError("a GIF needs at least one frame");
  const { width, height } = first;
  if (width > 65_535 || height > 65_535 || width < 1 || height < 1) throw new RangeError(`a GIF has 1 to 65,535 pixels across and down, not ${width} × ${height}`);
  const odd = frames.find((frame) => frame.width !== width || frame.height !== height);
  if (odd !== undefined) throw new RangeError(`frames of a GIF have one size: ${width} × ${height}, not ${odd.width} × ${odd.height}`);
  if (delays.length !== frames.length) throw new RangeError(`${frames.length} frames need as many delays, not ${delays.length}`);
  const { colors, indices } = gifPalette(frames);
  const bits = Math.max(1, Math.ceil(Math.log2(colors.length / 3)));
  const table = new Uint8Array(3 * 2 ** bits);
  table.set(colors);
  const parts: (Uint8Array | readonly number[])[] = [
    [...ascii("GIF89a"), ...word(width), ...word(height), 0x80 | 0x70 | (bits - 1), 0, 0],
    table,
    // Netscape's extension: repeat, 0 times meaning without end.
    [0x21, 0xff, 11, ...ascii("NETSCAPE2.0"), 3, 1, ...word(0), 0],
  ];
  for (const [i, pixels] of indices.entries()) {
    parts.push([0x21, 0xf9, 4, 0x04, ...word(Math.round(delays[i]! / 10)), 0, 0]);
    parts.push([0x2c, ...word(0), ...word(0), ...word(width), ...word(height), 0]);
    // The format has no codes of one bit for pixels.
    parts.push(lzwEncode(pixels, Math.max(2, bits)));
  }
  parts.push([0x3b]);
  return joined(parts);
}

function ascii(text: string): number[] {
  return [...text].map((letter) => letter.charCodeAt(0));
}

function word(value: number): [number, number] {
  return [value & 255, value >> 8];
}

function joined(parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
