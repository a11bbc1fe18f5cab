// Trains models/robot.lvm on random trajectories with the built command, then plans with it in the robot room from starts it has not seen, beside random actions.
// usage: npm run bench:robot -- [EPISODES = 200] [options of lvmc train …]    BENCH_KEEP=1 keeps the result, an animation and a strip of frames in bench/results/.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const [first = "200", ...options] = process.argv.slice(2);
const episodes = Number(first);
if (!Number.isInteger(episodes) || episodes < 1) {
  console.error(`npm run bench:robot -- EPISODES: ${first} is no number of episodes`);
  process.exit(2);
}
const out = mkdtempSync(join(tmpdir(), "lvmc-robot-"));

/** Runs the command and gives its JSON lines. */
function lvmc(...args) {
  const began = performance.now();
  const { stdout, status } = spawnSync(process.execPath, [join(root, "dist/cli/main.js"), ...args, "--json"], { encoding: "utf8", maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "inherit"] });
  const lines = stdout.trim().split("\n").map((line) => JSON.parse(line));
  if (status !== 0) {
    console.error(lines.find(({ type }) => type === "error")?.message ?? `lvmc ${args[0]} ended with ${status}`);
    process.exit(1);
  }
  return { lines, result: lines.at(-1), seconds: (performance.now() - began) / 1000 };
}

const trained = lvmc("train", join(root, "models/robot.lvm"), "--no-samples", "--out", out, ...options);
const start = trained.lines.find(({ type }) => type === "start");
const last = trained.lines.filter(({ type }) => type === "step").at(-1);
const gif = join(out, "plan.gif");
const planned = lvmc("plan", trained.result.run, "--environment", "robot_room", "--episodes", String(episodes), "--steps", "30", "--seed", "1000", "-o", gif);
const strip = join(out, "plan.png");
lvmc("plan", trained.result.run, "--environment", "robot_room", "--episodes", "6", "--steps", "30", "--seed", "1000", "-o", strip);

const { reached, random, reward } = planned.result;
const steps = planned.lines.filter(({ type, done }) => type === "episode" && done).map((episode) => episode.steps);
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
const actions = planned.lines.filter(({ type }) => type === "episode").reduce((sum, episode) => sum + episode.steps, 0);
const date = new Date().toISOString().slice(0, 10);
const text = `# Planning in the robot room

${date}, \`npm run bench:robot -- ${[first, ...options].join(" ")}\`, ${cpus().length} cores ${cpus()[0]?.model.trim() ?? ""} (${process.arch}); load at the end ${loadavg().map((value) => value.toFixed(2)).join(", ")}.

\`models/robot.lvm\`, trained on ${start.rows} random trajectories (${last.step} steps, ${Math.round(trained.seconds)} s on ${start.device}), ELBO ${last.elbo.toFixed(1)} nats a row at the end.

| from ${episodes} unseen starts, 30 actions at most | reached the goal (distance below one robot width) | mean sum of rewards |
|---|---|---|
| planned (cross-entropy method in latent space) | ${reached} (${((100 * reached) / episodes).toFixed(1)} %), in ${mean(steps).toFixed(1)} actions on average | ${reward.toFixed(2)} |
| random actions | ${random.reached} (${((100 * random.reached) / episodes).toFixed(1)} %) | ${random.reward.toFixed(2)} |

${((1000 * planned.seconds) / actions).toFixed(0)} ms an action.
`;
console.log(text);
if (process.env.BENCH_KEEP === "1") {
  writeFileSync(join(root, `bench/results/robot-${date}.md`), text);
  for (const [from, to] of [[gif, `robot-${date}.gif`], [strip, `robot-${date}.png`]]) copyFileSync(from, join(root, "bench/results", to));
} else console.log(`pictures: ${readFileSync(strip).length} bytes not kept; BENCH_KEEP=1 keeps them`);
rmSync(out, { recursive: true, force: true });
