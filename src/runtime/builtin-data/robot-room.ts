import { drawGrey, roomSide } from "../environments/draw-room.js";
import { moveRobot, robotReward, type Position } from "../environments/robot-room.js";
import { rowStream } from "../random/index.js";
import { column, dataKeys, type BuiltinData } from "./builtin.js";

/** Trajectories of the environment robot_room. */
export const robotRoom: BuiltinData = {
  doc: "n trajectories of T steps of the environment robot_room: x[t] are the 32×32 pixels at step t in one channel (the robot white, the goal in the middle grey 0.299), r[t] the reward seen at step t (minus the distance from the goal, -1.41 to 0), a[t] the action, -1 to 1 right and down, that acts between t and t + 1 (0.2 for a full one, in a room from -1 to 1). They begin anywhere, and each action is drawn anew, uniformly, after being held for 2 to 6 steps.",
  parameters: [{ name: "n", default: 1000, min: 1, max: 1_000_000 }, { name: "T", default: 20, min: 2, max: 10_000 }],
  columns: ([, T = 20]) => [
    { name: "x", support: { kind: "byte" }, shape: [T, pixels] },
    { name: "r", support: { kind: "real" }, shape: [T] },
    { name: "a", support: { kind: "real" }, shape: [T, 2] },
  ],
  make([n = 1000, T = 20], seed, split) {
    const { rows } = dataKeys(seed, 6, split);
    const x = new Uint8Array(n * T * pixels);
    const r = new Float32Array(n * T);
    const a = new Float32Array(n * T * 2);
    for (let row = 0; row < n; row++) {
      const random = rowStream(rows, row);
      let position: Position = [random.between(-1, 1), random.between(-1, 1)];
      let action = [0, 0];
      let held = 0;
      for (let t = 0; t < T; t++) {
        const at = row * T + t;
        if (held-- === 0) {
          action = [random.between(-1, 1), random.between(-1, 1)];
          held = 1 + random.integer(5);
        }
        drawGrey(position[0], position[1], x.subarray(at * pixels, (at + 1) * pixels));
        r[at] = robotReward(position);
        a.set(action, 2 * at);
        position = moveRobot(position, a[2 * at]!, a[2 * at + 1]!);
      }
    }
    const origin = `robot_room(${n}, ${T})`;
    return [column("x", n, [T, pixels], x, origin), column("r", n, [T], r, origin), column("a", n, [T, 2], a, origin)];
  },
};

const pixels = roomSide * roomSide;
