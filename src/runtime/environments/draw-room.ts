/** Pixels of the room's width and height. */
export const roomSide = 32;

/** Half the side of the robot and of the goal, in pixels. */
const half = 2;

/** Pixels that the robot's middle moves for one unit of its position: at ±1 it touches the walls. */
export const pixelsPerUnit = roomSide / 2 - half;

/** The luma of pure red (ITU-R BT.601): as one grey channel shows it beside white. */
const goalGrey = 0.299;

/**
 * Draws the room in one channel: black floor, the goal a square of grey 0.299 in the middle, the robot a white square of 4 pixels before it. Edges cover
 * their pixels in part, so that a move of a hundredth of a pixel is seen.
 *
 * @param x position from -1 (left) to 1 (right)
 * @param y position from -1 (top) to 1 (bottom)
 * @param out 32 × 32 grey levels from 0 to 255, row after row
 */
export function drawGrey(x: number, y: number, out: Uint8Array): void {
  out.set(emptyRoom);
  forEachCovered(x, y, (pixel, cover) => {
    const floor = goal[pixel]!;
    out[pixel] = Math.round(255 * (floor * goalGrey * (1 - cover) + cover));
  });
}

/** Draws the room for people: the goal in red. @param out 32 × 32 × 3 bytes, RGB */
export function drawRgb(x: number, y: number, out: Uint8Array): void {
  for (let pixel = 0; pixel < goal.length; pixel++) out.set([255 * goal[pixel]!, 0, 0], 3 * pixel);
  forEachCovered(x, y, (pixel, cover) => {
    const white = 255 * cover;
    out.set([Math.round(255 * goal[pixel]! * (1 - cover) + white), Math.round(white), Math.round(white)], 3 * pixel);
  });
}

/** Calls for each pixel that the robot covers, with the share that it covers. */
function forEachCovered(x: number, y: number, visit: (pixel: number, cover: number) => void): void {
  const centerX = roomSide / 2 + pixelsPerUnit * x;
  const centerY = roomSide / 2 + pixelsPerUnit * y;
  for (let row = Math.max(0, Math.floor(centerY - half)); row < Math.min(roomSide, Math.ceil(centerY + half)); row++) {
    for (let column = Math.max(0, Math.floor(centerX - half)); column < Math.min(roomSide, Math.ceil(centerX + half)); column++) {
      const cover = overlap(row, centerY) * overlap(column, centerX);
      if (cover > 0) visit(row * roomSide + column, cover);
    }
  }
}

/** How much of the pixel from `at` to `at + 1` lies within `half` of the middle. */
function overlap(at: number, center: number): number {
  return Math.max(0, Math.min(at + 1, center + half) - Math.max(at, center - half));
}

/** The goal's cover of each pixel: it lies on whole pixels, so 0 or 1. */
const goal = Uint8Array.from({ length: roomSide * roomSide }, (_, pixel) => {
  const far = Math.max(Math.abs(Math.floor(pixel / roomSide) + 0.5 - roomSide / 2), Math.abs((pixel % roomSide) + 0.5 - roomSide / 2));
  return far < half ? 1 : 0;
});

const emptyRoom = goal.map((cover) => Math.round(255 * goalGrey * cover));
