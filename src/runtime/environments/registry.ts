import type { Environment } from "./environment.js";
import { createRobotRoom } from "./robot-room.js";

/** The worlds that there are; each call makes one of its own. */
export const environments = { robot_room: createRobotRoom } as const satisfies Readonly<Record<string, () => Environment>>;

export type EnvironmentName = keyof typeof environments;
