import type { ImageBytes } from "./image-grid.js";

/** Colours (RGB, one after the other, at most 256) and each frame's pixels as places in them. */
export interface Palette {
  readonly colors: Uint8Array;
  readonly indices: readonly Uint8Array[];
}

/** How many values each channel keeps (red, green, blue), tried in this order. The last leaves at most 252 colours; green, to which eyes are keenest, has most. */
const roundings: readonly (readonly [number, number, number])[] = [[256, 256, 256], [64, 64, 64], [32, 32, 32], [16, 16, 16], [6, 7, 6]];

/** The least rounding of channels that leaves at most 256 colours over all frames: none where there are not more to begin with. */
export function gifPalette(frames: readonly ImageBytes[]): Palette {
  let palette: Palette | undefined;
  // Ends with the last rounding at the latest.
  for (let i = 0; palette === undefined; i++) palette = roundedPalette(frames, roundings[i]!);
  return palette;
}

function roundedPalette(frames: readonly ImageBytes[], levels: readonly [number, number, number]): Palette | undefined {
  const tables = levels.map(roundingTable);
  const places = new Map<number, number>();
  const colors: number[] = [];
  const indices: Uint8Array[] = [];
  for (const { width, height, channels, data } of frames) {
    const pixels = new Uint8Array(width * height);
    for (let i = 0; i < pixels.length; i++) {
      const at = i * channels;
      const red = tables[0]![data[at]!]!;
      const green = tables[1]![data[channels === 1 ? at : at + 1]!]!;
      const blue = tables[2]![data[channels === 1 ? at : at + 2]!]!;
      const color = (red << 16) | (green << 8) | blue;
      let place = places.get(color);
      if (place === undefined) {
        place = places.size;
        if (place === 256) return undefined;
        places.set(color, place);
        colors.push(red, green, blue);
      }
      pixels[i] = place;
    }
    indices.push(pixels);
  }
  return { colors: Uint8Array.from(colors), indices };
}

/** For each byte the nearest of `levels` values at equal distances from 0 to 255. */
function roundingTable(levels: number): Uint8Array {
  const step = 255 / (levels - 1);
  return Uint8Array.from({ length: 256 }, (_, value) => Math.round(Math.round(value / step) * step));
}
