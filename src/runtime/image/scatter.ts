import type { ImageBytes } from "./image-grid.js";

/** A square of the plane: its middle, and half its side. */
export interface PlaneWindow {
  readonly x: number;
  readonly y: number;
  readonly half: number;
}

/** The square that holds all points but the outermost 0.2 % on each side, with a margin. Points that are not finite do not count. */
export function windowOf(points: Float32Array): PlaneWindow {
  const range = (axis: number): readonly [number, number] => {
    const values = points.filter((value, at) => at % 2 === axis && Number.isFinite(value)).sort();
    const skipped = Math.floor(values.length * 0.002);
    return [values[skipped] ?? 0, values[values.length - 1 - skipped] ?? 0];
  };
  const [[left, right], [low, high]] = [range(0), range(1)];
  const half = 0.54 * Math.max(right - left, high - low);
  return { x: (left + right) / 2, y: (low + high) / 2, half: half > 0 ? half : 1 };
}

/**
 * Points of the plane as white dots on black, brighter where there are several; y goes up.
 * @param points count × 2; those outside of the window are left out
 */
export function scatter(points: Float32Array, window: PlaneWindow, side = 256): ImageBytes {
  const hits = new Uint16Array(side * side);
  for (let at = 0; at + 1 < points.length; at += 2) {
    const column = Math.floor(((points[at]! - window.x) / window.half + 1) * (side / 2));
    const row = Math.floor((1 - (points[at + 1]! - window.y) / window.half) * (side / 2));
    if (column >= 0 && column < side && row >= 0 && row < side) hits[row * side + column]! += 1;
  }
  return { width: side, height: side, channels: 1, data: Uint8Array.from(hits, (count) => Math.round(255 * (1 - 0.45 ** count))) };
}
