import { deriveKey, rowStream, permutation, type RandomStream } from "../random/index.js";
import { column, dataKeys, type BuiltinData } from "./builtin.js";
import { digitGlyphs, type Point, type Stroke } from "./digit-glyphs.js";

/** Drawn digits: what a first run trains on without a download. */
export const digits: BuiltinData = {
  doc: "n drawn digits, 28×28 grey levels (white on black) with labels. Each is one of several ways to write it, as strokes through jittered points, bent, slanted, stretched and drawn with a pen of random width. Every ten rows hold each digit once, in random order. Not MNIST: simpler, and made by code.",
  parameters: [{ name: "n", default: 8192, min: 1, max: 1_000_000 }],
  columns: () => [
    { name: "x", support: { kind: "byte" }, shape: [side, side] },
    { name: "y", support: { kind: "index", size: 10 }, shape: [] },
  ],
  make([n = 8192], seed, split) {
    const { rows } = dataKeys(seed, 0, split);
    const pixels = new Uint8Array(n * side * side);
    const labels = new Int32Array(n);
    const orders = deriveKey(rows, 0xffffffff);
    for (let row = 0; row < n; row += 10) {
      const order = permutation(10, { ...orders, step: row / 10 });
      labels.set(order.subarray(0, Math.min(10, n - row)), row);
    }
    for (let row = 0; row < n; row++) drawDigit(labels[row]!, rowStream(rows, row), pixels.subarray(row * side * side, (row + 1) * side * side));
    return [column("x", n, [side, side], pixels, `digits(${n})`), column("y", n, [], labels, `digits(${n})`)];
  },
};

const side = 28;

/** Draws one digit into 28×28 zeros. */
export function drawDigit(digit: number, random: RandomStream, out: Uint8Array): void {
  const strokes = digitGlyphs[digit]!(random).map((stroke) => smooth(bend(stroke, random)));
  const placed = place(strokes, random);
  const radius = random.between(0.75, 1.65);
  const ink = random.between(0.86, 1);
  coverage.fill(0);
  for (const points of placed) {
    // The pen presses harder at one end.
    const taper = 0.18 * random.normal();
    const length = points.length / 2;
    for (let i = 1; i < length; i++) {
      const pressure = 1 + Math.max(-0.35, Math.min(0.35, taper)) * (i / length - 0.5);
      drawSegment(points[2 * i - 2]!, points[2 * i - 1]!, points[2 * i]!, points[2 * i + 1]!, radius * pressure);
    }
  }
  const white = 255 * ink;
  for (let i = 0; i < out.length; i++) {
    const cover = coverage[i]!;
    if (cover > 0) out[i] = Math.round(white * cover);
  }
}

/** How much of each pixel the digit being drawn covers. */
const coverage = new Float32Array(side * side);

/** Jitters each point by itself, little enough that strokes go on touching; what bends the digit as a whole is in `placement`. */
function bend(stroke: Stroke, random: RandomStream): Point[] {
  return stroke.map(([x, y]) => [x + 0.02 * random.normal(), y + 0.02 * random.normal()]);
}

/** The uniform Catmull–Rom spline through the points, five pieces a span. */
function smooth(points: readonly Point[]): Point[] {
  const out: Point[] = [points[0]!];
  for (let i = 0; i + 1 < points.length; i++) {
    const p1 = points[i]!;
    const p2 = points[i + 1]!;
    const p0 = points[i - 1] ?? [2 * p1[0] - p2[0], 2 * p1[1] - p2[1]];
    const p3 = points[i + 2] ?? [2 * p2[0] - p1[0], 2 * p2[1] - p1[1]];
    for (let k = 1; k <= pieces; k++) {
      const t = k / pieces;
      const at = (axis: 0 | 1): number => 0.5 * (2 * p1[axis] + (p2[axis] - p0[axis]) * t + (2 * p0[axis] - 5 * p1[axis] + 4 * p2[axis] - p3[axis]) * t * t + (3 * p1[axis] - p0[axis] - 3 * p2[axis] + p3[axis]) * t * t * t);
      out.push([at(0), at(1)]);
    }
  }
  return out;
}

const pieces = 5;

/** The strokes' points in pixels, x and y in turn: waves, stretch, slant, turn, size, place; always with a margin of two pixels. */
function place(strokes: readonly (readonly Point[])[], random: RandomStream): Float64Array[] {
  const height = clamp(19.5 + 1.3 * random.normal(), 15, 22);
  const width = height * clamp(Math.exp(0.2 * random.normal()), 0.65, 1.5);
  const slant = clamp(0.14 + 0.2 * random.normal(), -0.35, 0.65);
  const turn = clamp(0.09 * random.normal(), -0.25, 0.25);
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const waves = [0.04 * random.normal(), 0.04 * random.normal(), random.between(0, 2 * Math.PI), random.between(0, 2 * Math.PI)] as const;
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  const placed = strokes.map((stroke) => {
    const points = new Float64Array(2 * stroke.length);
    for (let i = 0; i < stroke.length; i++) {
      const point = stroke[i]!;
      const wx = point[0] + waves[0] * Math.sin(5 * point[1] + waves[2]);
      const wy = point[1] + waves[1] * Math.sin(6 * point[0] + waves[3]);
      const sx = (wx - slant * wy) * width;
      const sy = wy * height;
      const x = cos * sx - sin * sy;
      const y = sin * sx + cos * sy;
      points[2 * i] = x;
      points[2 * i + 1] = y;
      if (x < left) left = x;
      if (x > right) right = x;
      if (y < top) top = y;
      if (y > bottom) bottom = y;
    }
    return points;
  });
  const room = side - 2 * margin;
  const scale = Math.min(1, room / (right - left), room / (bottom - top));
  const centerX = side / 2 + clamp(0.9 * random.normal(), -1, 1) * Math.max(0, Math.min(2.5, (room - scale * (right - left)) / 2));
  const centerY = side / 2 + clamp(0.9 * random.normal(), -1, 1) * Math.max(0, Math.min(2, (room - scale * (bottom - top)) / 2));
  for (const points of placed) {
    for (let i = 0; i < points.length; i += 2) {
      points[i] = centerX + scale * (points[i]! - (left + right) / 2);
      points[i + 1] = centerY + scale * (points[i + 1]! - (top + bottom) / 2);
    }
  }
  return placed;
}

/** Room for the pen around the line that its middle follows. */
const margin = 3.5;

/** A round-ended line, anti-aliased by its distance from each pixel's middle; where lines meet the darker counts. */
function drawSegment(x0: number, y0: number, x1: number, y1: number, radius: number): void {
  const reach = radius + softness / 2;
  const most = reach * reach;
  // Pixels whose middles can be within reach; `slack` is more than rounding can be.
  const left = Math.max(0, Math.ceil(Math.min(x0, x1) - reach - 0.5 - slack));
  const right = Math.min(side - 1, Math.floor(Math.max(x0, x1) + reach - 0.5 + slack));
  const top = Math.max(0, Math.ceil(Math.min(y0, y1) - reach - 0.5 - slack));
  const bottom = Math.min(side - 1, Math.floor(Math.max(y0, y1) + reach - 0.5 + slack));
  const dx = x1 - x0;
  const dy = y1 - y0;
  const inverse = 1 / Math.max(1e-9, dx * dx + dy * dy);
  for (let y = top; y <= bottom; y++) {
    const py = y + 0.5 - y0;
    const row = y * side;
    for (let x = left; x <= right; x++) {
      const px = x + 0.5 - x0;
      let t = (px * dx + py * dy) * inverse;
      t = t < 0 ? 0 : t > 1 ? 1 : t;
      const ex = px - t * dx;
      const ey = py - t * dy;
      const square = ex * ex + ey * ey;
      if (square >= most) continue;
      const cover = Math.min(1, (reach - Math.sqrt(square)) / softness);
      if (cover > coverage[row + x]!) coverage[row + x] = cover;
    }
  }
}

const slack = 1e-6;

/** Pixels over which a stroke's edge fades; a scanner's blur is a little more than one. */
const softness = 1.3;

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}
