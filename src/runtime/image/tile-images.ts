import type { ImageBytes } from "./image-grid.js";

/**
 * Lays images out in rows, each enlarged `zoom` times, with a margin of grey between them; RGB. What a row lacks stays grey.
 *
 * @param rows images of one size, grey, RGB or RGBA (whose transparency is left out)
 * @param zoom a whole number
 * @param gap pixels between images
 */
export function tileImages(rows: readonly (readonly ImageBytes[])[], zoom: number, gap: number): ImageBytes {
  const all = rows.flat();
  const [first] = all;
  if (first === undefined) throw new RangeError("no images to lay out");
  const odd = all.find((image) => image.width !== first.width || image.height !== first.height);
  if (odd !== undefined) throw new RangeError(`images of a layout have one size: ${first.width} × ${first.height}, not ${odd.width} × ${odd.height}`);
  const tileWidth = first.width * zoom;
  const tileHeight = first.height * zoom;
  const across = Math.max(...rows.map((row) => row.length));
  const width = across * (tileWidth + gap) - gap;
  const height = rows.length * (tileHeight + gap) - gap;
  const data = new Uint8Array(width * height * 3).fill(gapGrey);
  for (const [down, row] of rows.entries()) {
    for (const [right, image] of row.entries()) {
      for (let y = 0; y < tileHeight; y++) {
        for (let x = 0; x < tileWidth; x++) {
          const from = (Math.floor(y / zoom) * image.width + Math.floor(x / zoom)) * image.channels;
          const to = ((down * (tileHeight + gap) + y) * width + right * (tileWidth + gap) + x) * 3;
          for (let channel = 0; channel < 3; channel++) data[to + channel] = image.data[image.channels === 1 ? from : from + channel]!;
        }
      }
    }
  }
  return { width, height, channels: 3, data };
}

/** That of `imageGrid`: neither black nor white. */
const gapGrey = 96;
