import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { plan, type PlanCommandOptions } from "../../src/cli/commands/plan.js";
import { UsageError } from "../../src/cli/errors.js";
import type { Io } from "../../src/cli/io.js";
import { checkColumns, type PlannedModel } from "../../src/cli/planning/planned-model.js";
import { planOptions } from "../../src/cli/planning/plan-options.js";
import { createReporter } from "../../src/cli/reporter.js";
import type { CommandContext } from "../../src/cli/run.js";
import { decodePng, environments, LvmError, type ColumnSpec } from "../../src/runtime/index.js";
import { trueRoomModel } from "../support/true-room-model.js";
import { folderWith } from "./harness.js";

/** The command with the room's true dynamics for a model: everything but compiled programs. */

const column = (name: string, kind: "binary" | "real", shape: readonly number[], role: ColumnSpec["role"] = "observed"): ColumnSpec => ({ name, support: { kind }, shape, partlyObserved: false, role });
const roomColumns = [column("x", "binary", [20, 1024]), column("r", "real", [20]), column("a", "real", [20, 2], "input")];

interface Ran {
  readonly result: Awaited<ReturnType<typeof plan>>;
  readonly out: string;
  readonly lines: readonly Record<string, unknown>[];
  readonly disposed: number;
  readonly folder: string;
}

async function run(args: readonly string[], changes: Partial<PlannedModel> = {}, onOutput: (interrupt: () => void) => void = () => {}): Promise<Ran> {
  const folder = folderWith();
  let out = "";
  let interrupt = (): void => {};
  const io: Io = {
    stdout: { write: (text) => ((out += text), onOutput(() => interrupt())), isTTY: false, columns: undefined },
    stderr: { write: () => {}, isTTY: false, columns: undefined },
    env: {}, cwd: folder,
    onInterrupt: (handler) => ((interrupt = handler), () => {}),
    exitNow: () => {},
  };
  const json = args.includes("--json");
  const context: CommandContext = { io, report: createReporter(io, json) };
  let disposed = 0;
  const model: PlannedModel = {
    name: "robot", columns: roomColumns, run: "runs/robot", step: 500, device: "wasm",
    latentModel: async (environment) => trueRoomModel(environment),
    dispose: () => void disposed++,
    ...changes,
  };
  let result: Ran["result"] | undefined;
  const command = planOptions(new Command("plan").option("--json").exitOverride().configureOutput({ writeErr: () => {} })).action(async (file: string, options: PlanCommandOptions) => {
    result = await plan(context, file, options, async () => model);
  });
  try {
    await command.parseAsync(["run", "--environment", "robot_room", "--samples", "64", "--elites", "8", "--iterations", "4", "--horizon", "8", ...args], { from: "user" });
  } catch (error) {
    expect(disposed).toBeLessThanOrEqual(1);
    throw error;
  }
  return { result: result!, out, lines: json ? out.trim().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>) : [], disposed, folder };
}

describe("lvmc plan", () => {
  it("says of each episode what became of it, and compares with random actions", async () => {
    const { result, out, disposed, folder } = await run(["--episodes", "3"]);
    expect(result).toMatchObject({ exit: 0, facts: { model: "robot", environment: "robot_room", episodes: 3, reached: 3, out: join(folder, "plan.gif") } });
    expect(out).toMatch(/^robot at step 500 in robot_room, on wasm: each action the best of 64 plans of 8 steps, 4 times refined\n(episode \d: reached the goal in \d+ steps, rewards from -\d\.\d\d to -0\.0\d, -\d+\.\d\d in all\n){3}✓ 3 of 3 episodes reached the goal within 30 steps, random actions \d → plan\.gif\n$/);
    expect(readFileSync(join(folder, "plan.gif")).subarray(0, 6).toString()).toBe("GIF89a");
    expect(disposed).toBe(1);
  });

  it("prints a line of JSON for each episode, the same for the same seed", async () => {
    const { result, lines } = await run(["--episodes", "2", "--json", "--steps", "4"]);
    expect(lines.map(({ type, episode }) => [type, episode])).toEqual([["episode", 1], ["episode", 2]]);
    for (const { done, steps, reward, last, random } of lines) {
      expect(done).toBe((last as number) >= -0.1);
      expect(steps).toBeLessThanOrEqual(4);
      expect(reward).toBeLessThan(last as number);
      expect(random).toMatchObject({ done: false, steps: 4 });
    }
    expect(result.facts?.["reward"]).toBeCloseTo(lines.reduce((sum, { reward }) => sum + (reward as number) / 2, 0), 10);
    expect((await run(["--episodes", "2", "--json", "--steps", "4"])).lines).toEqual(lines);
    expect((await run(["--episodes", "2", "--json", "--steps", "4", "--seed", "1"])).lines).not.toEqual(lines);
  });

  it("writes a strip: for each of at most eight episodes real frames above imagined ones", async () => {
    const { folder, lines } = await run(["--episodes", "9", "-o", "strip.png", "--json"]);
    const { width, height, channels, values } = decodePng(readFileSync(join(folder, "strip.png")), "strip.png");
    const frames = Math.max(...lines.slice(0, 8).map(({ steps }) => (steps as number) + 1));
    expect([width, height, channels]).toEqual([frames * 66 - 2, 16 * 66 - 2, 3]);
    const pixel = (x: number, y: number): number[] => [...values.subarray(3 * (y * width + x), 3 * (y * width + x) + 3)];
    // The goal in the first frame, in red; what is imagined has only grey.
    expect(pixel(31, 31)).toEqual([255, 0, 0]);
    expect(pixel(31, 31 + 66)).toEqual([0, 0, 0]);
  });

  it("stops at Ctrl-C with 130, and lets the device go", async () => {
    let outputs = 0;
    const { result, disposed } = await run(["--episodes", "1000"], {}, (interrupt) => ++outputs === 3 && interrupt());
    expect(result).toEqual({ exit: 130 });
    expect(disposed).toBe(1);
    expect(outputs).toBeLessThan(6);
  });

  it("refuses what cannot be before a model is opened", async () => {
    await expect(run(["--elites", "65"])).rejects.toThrow(new UsageError("--elites 65: there are only 64 samples to take them from", "give fewer elites, or more --samples"));
    await expect(run(["-o", "plan.mp4"])).rejects.toThrow("-o plan.mp4: write a .gif or .png file");
    await expect(run(["-o", "nowhere/plan.gif"])).rejects.toThrow("there is no folder nowhere");
    await expect(run(["--environment", "robot_rom"])).rejects.toThrow("Allowed choices are robot_room");
    await expect(run(["--horizon", "0"])).rejects.toThrow("a whole number from 1");
  });

  it("hands on what the model cannot do", async () => {
    const broken = run(["--json"], { latentModel: async (environment) => ({ ...trueRoomModel(environment), rewards: async (_, actions) => new Float32Array(actions.length / 2).fill(NaN) }) });
    await expect(broken).rejects.toThrow(LvmError);
  });
});

describe("a model that cannot plan in the environment is told why", () => {
  const fault = (columns: readonly ColumnSpec[]): string => {
    try {
      checkColumns("m", columns, environments.robot_room());
    } catch (error) {
      if (error instanceof UsageError) return `${error.message}\n${error.help}`;
      throw error;
    }
    return "fits";
  };
  const [x, r, a] = roomColumns as [ColumnSpec, ColumnSpec, ColumnSpec];
  const cases: readonly (readonly [string, readonly ColumnSpec[]])[] = [
    ["fits", [x, r, a]],
    ["fits", [a, { ...x, shape: [20, 32, 32] }, r, { ...column("y", "real", []), partlyObserved: true }]],
    ["it has no column x (what is seen at each step)", [column("y", "real", [2])]],
    ["it has no column r (the reward at each step)", [x, a]],
    ["it has no column a (the action at each step)", [x, r]],
    ["x: binary[1024] does not have 1024 numbers (what is seen) for each step", [{ ...x, shape: [1024] }, r, a]],
    ["r: real does not have one number (the reward) for each step", [x, { ...r, shape: [] }, a]],
    ["a: real[20, 3] does not have 2 numbers (the action) for each step", [x, r, { ...a, shape: [20, 3] }]],
    ["r has 19 steps, x has 20", [x, { ...r, shape: [19] }, a]],
    ["it draws a; actions are chosen, so the model may only read them", [x, r, { ...a, role: "observed" }]],
    ["it does not draw r (the reward), so it cannot imagine it", [x, { ...r, role: "input" }, a]],
    ["robot_room has no column goal", [x, r, a, column("goal", "real", [2])]],
  ];
  it.each(cases)("%s", (message, columns) => {
    const said = fault(columns);
    if (message === "fits") return void expect(said).toBe(message);
    expect(said).toBe(`m cannot plan in robot_room: ${message}\na model for robot_room begins with: model m(x: binary[T, 1024], r: real[T], a: real[T, 2])`);
  });
});
