import { Option, type Command } from "commander";
import { environments } from "../../runtime/environments/index.js";
import { crossEntropyDefaults } from "../../runtime/planning/index.js";
import { wholeNumber } from "../options.js";

/** Arguments and options of `lvmc plan`, beside those of all commands that take a trained model. */
export function planOptions(command: Command): Command {
  return command
    .argument("<file>", "a run's folder, or a model file with --run")
    .addOption(new Option("--environment <name>", "where to act").choices(Object.keys(environments)).makeOptionMandatory())
    .option("--run <run>", "run folder or checkpoint")
    .option("--device <name>", "native, wasm or webgpu, as for train; planning runs where the model does")
    .option("--seed <n>", "starts and all draws follow from it", wholeNumber(0, 4_294_967_295), 0)
    .option("--episodes <n>", "how many starts", wholeNumber(1, 100_000), 10)
    .option("--steps <n>", "actions in an episode at most", wholeNumber(1, 100_000), 30)
    .option("--horizon <n>", "steps that each plan looks ahead", wholeNumber(1, 10_000), crossEntropyDefaults.horizon)
    .option("--samples <n>", "plans that are tried in each iteration", wholeNumber(1, 1_000_000), crossEntropyDefaults.samples)
    .option("--elites <n>", "how many of the best decide where the next iteration tries", wholeNumber(1, 1_000_000), crossEntropyDefaults.elites)
    .option("--iterations <n>", "iterations for each action", wholeNumber(1, 1000), crossEntropyDefaults.iterations)
    .option("-o, --out <file>", "a .gif of episodes, or a .png strip: real frames beside imagined ones", "plan.gif");
}
