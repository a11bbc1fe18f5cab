import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { loadEmitted } from "../../src/cli/training/emitted-module.js";
import { createPlanner, crossEntropyDefaults, decodePng, environments, type History } from "../../src/runtime/index.js";
import { smallRobot } from "../support/small-robot.js";
import { folderWith, lvmc } from "./harness.js";

/** `lvmc plan` and `plan()` with compiled programs: that the whole way holds together. How well a model plans once it has learnt is measured by `npm run bench:robot`. */
const sizes = ["--steps", "2", "--horizon", "3", "--samples", "12", "--elites", "3", "--iterations", "2"];

async function trained(device: string): Promise<{ readonly cwd: string; readonly run: string }> {
  const cwd = folderWith({ "robot.lvm": smallRobot });
  const { lines, code } = await lvmc(["train", "robot.lvm", "--no-samples", "--device", device, "--json"], { cwd });
  expect(code).toBe(0);
  return { cwd, run: String(lines.at(-1)?.["run"]) };
}

describe("planning with a compiled model", () => {
  // Guards the command on a run: an episode's line, the result, and a strip of real frames above imagined ones; the same seed plans the same.
  it("acts in the room and draws what happened", async () => {
    const { cwd, run } = await trained("wasm");
    const args = ["plan", run, "--environment", "robot_room", "--device", "wasm", "--episodes", "1", ...sizes, "-o", "plan.png", "--json"];
    const { lines, code } = await lvmc(args, { cwd });
    expect(code).toBe(0);
    expect(lines.filter(({ type }) => type === "episode")).toHaveLength(1);
    expect(lines.at(-1)).toMatchObject({ type: "result", command: "plan", ok: true, environment: "robot_room", episodes: 1, device: "wasm" });
    const { height } = decodePng(readFileSync(join(cwd, "plan.png")), "plan.png");
    expect(height).toBeGreaterThan(2 * 32);
    expect((await lvmc(args, { cwd })).lines.find(({ type }) => type === "episode")).toEqual(lines.find(({ type }) => type === "episode"));
  });

  // Guards that models and runs that do not fit are told apart from bugs.
  it("refuses what cannot plan", async () => {
    const { cwd, run } = await trained("wasm");
    const far = await lvmc(["plan", run, "--environment", "robot_room", "--device", "wasm", "--episodes", "1", "--horizon", "5", "--json"], { cwd });
    expect(far.lines.at(-2)).toMatchObject({ type: "error", code: "LVM7111", message: "robot looks ahead 4 steps at most, not 5" });
    writeFileSync(join(cwd, "other.lvm"), smallRobot.replaceAll(/(real|positive)\[4\]/g, "$1[3]").replaceAll("dense(4)", "dense(3)"));
    const other = await lvmc(["plan", "other.lvm", "--run", run, "--environment", "robot_room", "--json"], { cwd });
    expect(other.code).toBe(3);
    expect(other.lines.find(({ type }) => type === "error")).toMatchObject({ code: "LVM7102" });
    expect(existsSync(join(cwd, "plan.gif"))).toBe(false);
    // Lengths of their own, a chain from 1: nothing to plan with.
    writeFileSync(join(cwd, "late.lvm"), smallRobot.replace("z[1]: real[4] ~ Normal(0, 1)\n  chain t in 2..T", "z[0]: real[4] ~ Normal(0, 1)\n  chain t in 1..T").replace("guide robot {", "guide robot {\n  z[0] ~ Normal(0, 1)"));
    const late = await lvmc(["train", "late.lvm", "--steps", "1", "--no-samples", "--device", "wasm", "--json"], { cwd });
    const refused = await lvmc(["plan", String(late.lines.at(-1)?.["run"]), "--environment", "robot_room", "--device", "wasm", "--json"], { cwd });
    expect(refused.lines.find(({ type }) => type === "error")).toMatchObject({ code: "LVM7111" });
  });

  // Guards the emitted module's plan(): the same actions as the planner of the run time gives with the same model, within the bounds, with pictures of each step.
  it("is a method of emitted modules", async () => {
    const { cwd, run } = await trained("wasm");
    await lvmc(["compile", run, "--device", "wasm", "-o", "robot.ts"], { cwd });
    const robot = await (await loadEmitted(readFileSync(join(cwd, "robot.ts"), "utf8"))).create({ device: "wasm" });
    try {
      await robot.load(readFileSync(resolve(cwd, run, "checkpoints", "latest.safetensors")));
      const room = environments.robot_room();
      const { observations, reward } = room.reset(3);
      const history: History = { steps: 1, columns: { x: observations["x"]!, r: Float32Array.of(reward) }, actions: new Float32Array(0) };
      const options = { horizon: 3, samples: 12, elites: 3, iterations: 2 };
      const plan = await robot.plan(history, { reward: "r", actions: "a", low: -1, high: 1, seed: 3, ...options });
      expect(plan.actions).toHaveLength(6);
      expect(plan.actions.every((each) => each >= -1 && each <= 1)).toBe(true);
      expect(plan.imagined.columns["x"]).toHaveLength(4 * 1024);
      const planner = createPlanner(robot.latentModel({ reward: "r", actions: "a" }), room.actions, { ...crossEntropyDefaults, ...options });
      planner.begin(3);
      expect((await planner.plan(history)).actions).toEqual(plan.actions);
    } finally {
      robot.dispose();
    }
  });
});
