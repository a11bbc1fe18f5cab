import { rowStream } from "../random/index.js";
import { column, dataKeys, type BuiltinData } from "./builtin.js";

/** Films of a ball in a box. */
export const bouncingBall: BuiltinData = {
  doc: "n films of T frames, 16×16 grey levels: a white ball of radius 2 pixels that keeps its speed (0.8 to 1.6 pixels a frame, any direction) and bounces off the walls; place, speed and direction at the beginning are uniform. One frame does not tell the velocity, two do.",
  parameters: [{ name: "n", default: 1000, min: 1, max: 10_000_000 }, { name: "T", default: 20, min: 1, max: 10_000 }],
  columns: ([, T = 20]) => [{ name: "x", support: { kind: "byte" }, shape: [T, side * side] }],
  make([n = 1000, T = 20], seed, split) {
    const { rows } = dataKeys(seed, 7, split);
    const x = new Uint8Array(n * T * side * side);
    for (let row = 0; row < n; row++) {
      const random = rowStream(rows, row);
      const [left, top] = [random.between(radius, side - radius), random.between(radius, side - radius)];
      const speed = random.between(0.8, 1.6);
      const direction = random.between(0, 2 * Math.PI);
      for (let t = 0; t < T; t++) {
        const at = (row * T + t) * side * side;
        drawBall(bounce(left + t * speed * Math.cos(direction)), bounce(top + t * speed * Math.sin(direction)), x.subarray(at, at + side * side));
      }
    }
    return [column("x", n, [T, side * side], x, `bouncing_ball(${n}, ${T})`)];
  },
};

const side = 16;
const radius = 2;

/** Where the ball's middle is that would have come to `at` without walls: a reflection at each wall is a fold of the line. */
function bounce(at: number): number {
  const room = side - 2 * radius;
  const folded = (((at - radius) % (2 * room)) + 2 * room) % (2 * room);
  return radius + (folded <= room ? folded : 2 * room - folded);
}

/** Edges fade over one pixel by the distance from each pixel's middle. */
function drawBall(centerX: number, centerY: number, out: Uint8Array): void {
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const cover = radius + 0.5 - Math.hypot(x + 0.5 - centerX, y + 0.5 - centerY);
      if (cover > 0) out[y * side + x] = Math.round(255 * Math.min(1, cover));
    }
  }
}
