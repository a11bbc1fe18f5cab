import { side } from "../protocol.js";
import { clearedSurface, color } from "./canvas.js";

/** Pictures in a square grid, in ink on the page's paper. `gap`: between them, in shares of a picture. */
export function drawPictures(canvas: HTMLCanvasElement, grey: Uint8Array, gap: number): void {
  const { context, width } = clearedSurface(canvas);
  const count = Math.round(Math.sqrt(grey.length / (side * side)));
  const pitch = width / (count + gap * (count - 1));
  const ink = color("ink").split(" ").map(Number);
  const cell = new OffscreenCanvas(side, side);
  const pixels = cell.getContext("2d");
  if (!pixels) return;
  const image = pixels.createImageData(side, side);
  for (let at = 0; at < count * count; at++) {
    for (let pixel = 0; pixel < side * side; pixel++) {
      image.data.set([ink[0] ?? 0, ink[1] ?? 0, ink[2] ?? 0, grey[at * side * side + pixel] ?? 0], 4 * pixel);
    }
    pixels.putImageData(image, 0, 0);
    context.drawImage(cell, (at % count) * pitch * (1 + gap), Math.floor(at / count) * pitch * (1 + gap), pitch, pitch);
  }
}
