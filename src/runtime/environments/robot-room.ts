import { createStream, runtimeSites, seedWords } from "../random/index.js";
import { drawGrey, drawRgb, roomSide } from "./draw-room.js";
import type { Environment, Seen } from "./environment.js";

/** A position in the room: [x, y], each from -1 to 1; the goal is at [0, 0]. */
export type Position = readonly [x: number, y: number];

/** How far a full action moves, in units of the position: 2.8 pixels, so that ten steps cross the room. */
export const robotSpeed = 0.2;

/** The robot is at the goal where its distance is at most this: 1.4 pixels. */
export const goalDistance = 0.1;

/** Episodes begin at least this far from the goal. */
const startDistance = 0.5;

/** The position a step later: p + 0.2 a, held back by the walls. Actions outside [-1, 1] are taken for the bounds. */
export function moveRobot([x, y]: Position, actionX: number, actionY: number): Position {
  return [clip(x + robotSpeed * clip(actionX)), clip(y + robotSpeed * clip(actionY))];
}

/** Minus the distance from the goal: from -√2 in a corner to 0. */
export function robotReward([x, y]: Position): number {
  return -Math.hypot(x, y);
}

/** A room of one robot. Without noise: the same start and actions give the same pixels. */
export function createRobotRoom(): Environment {
  let position: Position = [0, 0];
  const see = (): Seen => {
    const pixels = new Uint8Array(roomSide * roomSide);
    drawGrey(position[0], position[1], pixels);
    const reward = robotReward(position);
    return { observations: { x: Float32Array.from(pixels, (value) => value / 255) }, reward, done: -reward <= goalDistance };
  };
  return {
    name: "robot_room",
    doc: "A square room from above, 32×32 pixels: a white square of 4 pixels is the robot, a red one in the middle the goal; for the model in one channel, where red has the grey level 0.299. An action is a velocity, two numbers from -1 to 1 (right, down), of which 1 moves 0.2 in a room from -1 to 1 (2.8 pixels); walls stop the robot. The reward is minus the distance from the goal. Episodes begin anywhere at least 0.5 from the goal, which is reached at a distance of 0.1.",
    observations: [{ name: "x", support: { kind: "byte" }, shape: [roomSide * roomSide], image: [roomSide, roomSide, 1] }],
    reward: "r",
    actions: { name: "a", size: 2, low: -1, high: 1 },
    frameSize: { width: roomSide, height: roomSide },
    reset(seed) {
      const random = createStream({ seed: seedWords(seed), site: runtimeSites.environment, step: 0 });
      do {
        position = [random.between(-1, 1), random.between(-1, 1)];
      } while (-robotReward(position) < startDistance);
      return see();
    },
    step(action) {
      const [x = NaN, y = NaN] = Array.from(action);
      if (action.length !== 2 || !Number.isFinite(x) || !Number.isFinite(y)) throw new RangeError(`an action of robot_room is two finite numbers, not [${Array.from(action).join(", ")}]`);
      position = moveRobot(position, x, y);
      return see();
    },
    state: () => Float64Array.from(position),
    frame() {
      const data = new Uint8Array(roomSide * roomSide * 3);
      drawRgb(position[0], position[1], data);
      return { width: roomSide, height: roomSide, channels: 3, data };
    },
  };
}

function clip(value: number): number {
  return Math.max(-1, Math.min(1, value));
}
