import { existsSync, statSync } from "node:fs";
import { dirname, extname, resolve } from "node:path";
import { environments, type EnvironmentName } from "../../runtime/environments/index.js";
import { writeFileAtomic } from "../../runtime/node/atomic-file.js";
import { createPlanner, crossEntropyDefaults, runEpisode, runRandomEpisode, type Episode } from "../../runtime/planning/index.js";
import { UsageError } from "../errors.js";
import { exitCodes } from "../exit-codes.js";
import { lineEnd, watchInterrupts } from "../interrupt.js";
import { planGif, planStrip } from "../planning/plan-pictures.js";
import { checkColumns, type OpenPlannedModel } from "../planning/planned-model.js";
import type { CommandContext, CommandResult } from "../run.js";
import type { TrainedModelOptions } from "../training/trained-model.js";

export interface PlanCommandOptions extends TrainedModelOptions {
  readonly environment: EnvironmentName;
  readonly episodes: number;
  readonly steps: number;
  readonly horizon: number;
  readonly samples: number;
  readonly elites: number;
  readonly iterations: number;
  readonly seed: number;
  readonly out: string;
}

const renderers: Readonly<Record<string, (episodes: readonly Episode[]) => Uint8Array>> = { ".gif": planGif, ".png": planStrip };

/** Episodes that are drawn; a strip of more would be taller than a screen. */
const shown = 8;

/** `lvmc plan RUN --environment robot_room`: acts in an environment by planning in a trained model's latent space, and shows what is there beside what was imagined. */
export async function plan(context: CommandContext, file: string, options: PlanCommandOptions, open: OpenPlannedModel): Promise<CommandResult> {
  const { io, report } = context;
  const { horizon, samples, elites, iterations, episodes } = options;
  const environment = environments[options.environment]();
  if (elites > samples) throw new UsageError(`--elites ${elites}: there are only ${samples} samples to take them from`, "give fewer elites, or more --samples");
  const render = renderers[extname(options.out).toLowerCase()];
  if (!render) throw new UsageError(`-o ${options.out}: write a ${Object.keys(renderers).join(" or ")} file`);
  const out = resolve(io.cwd, options.out);
  if (!existsSync(dirname(out)) || !statSync(dirname(out)).isDirectory()) throw new UsageError(`-o ${options.out}: there is no folder ${dirname(options.out)}`);
  const interrupt = watchInterrupts(io, () => report.say(`${lineEnd(io)}stopping; Ctrl-C again ends at once`));
  let model: Awaited<ReturnType<OpenPlannedModel>> | undefined;
  try {
    model = await open(context, file, options);
    checkColumns(model.name, model.columns, environment);
    const planner = createPlanner(await model.latentModel(environment, { samples, horizon }), environment.actions, { ...crossEntropyDefaults, horizon, samples, elites, iterations });
    report.say(`${report.color.bold(model.name)} at step ${model.step} in ${environment.name}, on ${model.device}: each action the best of ${samples.toLocaleString("en-US")} plans of ${horizon} steps, ${iterations} times refined`);
    const planned: Episode[] = [];
    const random: Episode[] = [];
    for (let i = 0; i < episodes; i++) {
      const start = { seed: episodeSeed(options.seed, i), steps: options.steps, signal: interrupt.signal };
      const played = await runEpisode(environment, planner, start);
      planned.push(played);
      random.push(await runRandomEpisode(environment, start));
      report.event("episode", { episode: i + 1, ...facts(played), random: facts(random[i]!) });
      report.say(`episode ${i + 1}: ${played.done ? report.color.green("reached the goal") : "did not reach the goal"} in ${played.steps} steps, rewards from ${played.rewards[0]!.toFixed(2)} to ${played.rewards.at(-1)!.toFixed(2)}, ${sum(played.rewards).toFixed(2)} in all`);
    }
    await writeFileAtomic(out, render(planned.slice(0, shown)));
    const reached = planned.filter(({ done }) => done).length;
    const reachedAtRandom = random.filter(({ done }) => done).length;
    report.say(`${report.color.green("✓")} ${reached} of ${episodes} episodes reached the goal within ${options.steps} steps, random actions ${reachedAtRandom}${episodes > shown ? `; the first ${shown}` : ""} → ${options.out}`);
    return {
      exit: exitCodes.ok,
      facts: { model: model.name, run: model.run, step: model.step, device: model.device, environment: environment.name, episodes, reached, reward: mean(planned), random: { reached: reachedAtRandom, reward: mean(random) }, out },
    };
  } catch (error) {
    if (interrupt.interrupted()) return { exit: exitCodes.interrupted };
    throw error;
  } finally {
    interrupt.stop();
    model?.dispose();
  }
}

/** Another seed for each episode of each `--seed` below 2^32. */
function episodeSeed(seed: number, episode: number): bigint {
  return BigInt(seed) + (BigInt(episode) << 32n);
}

function facts({ steps, done, rewards }: Episode): { readonly steps: number; readonly done: boolean; readonly reward: number; readonly last: number } {
  return { steps, done, reward: sum(rewards), last: rewards.at(-1)! };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Mean over episodes of the sum of rewards. */
function mean(episodes: readonly Episode[]): number {
  return sum(episodes.map(({ rewards }) => sum(rewards))) / episodes.length;
}
