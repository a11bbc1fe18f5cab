// Draws editors/vscode/icon.png: a latent z above an observed x on a plate, as the extension's graphs draw them. Shapes are distances; a pixel's edge is as wide as a pixel.
import { writeFileSync } from "node:fs";
import { encode } from "fast-png";

const size = 128;
const paper = [24, 34, 56];
const ink = [226, 236, 255];
const filled = [104, 150, 255];

const circle = (x, y, cx, cy, r) => Math.hypot(x - cx, y - cy) - r;
const box = (x, y, cx, cy, w, h, r) => {
  const [dx, dy] = [Math.abs(x - cx) - w + r, Math.abs(y - cy) - h + r];
  return Math.hypot(Math.max(dx, 0), Math.max(dy, 0)) + Math.min(Math.max(dx, dy), 0) - r;
};
const segment = (x, y, ax, ay, bx, by, w) => {
  const t = Math.min(1, Math.max(0, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2)));
  return Math.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay)) - w;
};
/** An arrow's head that points down to (cx, cy). */
const head = (x, y, cx, cy, s) => Math.max(y - cy, Math.abs(x - cx) * 0.87 - (cy - y) * 0.5, cy - s - y);
const outline = (distance, width) => Math.abs(distance) - width;

/** Shapes from the back to the front. */
const layers = [
  [(x, y) => box(x, y, 64, 64, 64, 64, 26), paper],
  [(x, y) => outline(box(x, y, 64, 64, 42, 51, 12), 1.6), [92, 112, 160]],
  [(x, y) => segment(x, y, 64, 52, 64, 68, 2.4), ink],
  [(x, y) => head(x, y, 64, 75, 12), ink],
  [(x, y) => outline(circle(x, y, 64, 36, 16), 2.4), ink],
  [(x, y) => circle(x, y, 64, 92, 18.4), ink],
  [(x, y) => circle(x, y, 64, 92, 14), filled],
];

const data = new Uint8Array(size * size * 4);
for (let row = 0; row < size; row++) {
  for (let column = 0; column < size; column++) {
    let [r, g, b, a] = [0, 0, 0, 0];
    for (const [distance, colour] of layers) {
      const cover = Math.min(1, Math.max(0, 0.5 - distance(column + 0.5, row + 0.5)));
      const alpha = cover + a * (1 - cover);
      if (alpha > 0) [r, g, b] = [r, g, b].map((under, at) => (colour[at] * cover + under * a * (1 - cover)) / alpha);
      a = alpha;
    }
    data.set([r, g, b, a * 255].map(Math.round), (row * size + column) * 4);
  }
}
writeFileSync(new URL("../editors/vscode/icon.png", import.meta.url), encode({ width: size, height: size, data, channels: 4, depth: 8 }));
