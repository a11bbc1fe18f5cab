import { Command, Option } from "commander";
import { exitCodes } from "./exit-codes.js";
import { samplerNames, spacingNames } from "../driver/sampler-names.js";
import { collect, kernelDeviceNames, nonnegativeNumber, positiveNumber, share, wholeNumber } from "./options.js";
import { planOptions } from "./planning/plan-options.js";
import type { CommandContext, CommandResult } from "./run.js";
import { version } from "./version.js";

export interface ProgramHost {
  writeOut(text: string): void;
  writeErr(text: string): void;
  execute(name: string, action: (context: CommandContext) => Promise<CommandResult>): Promise<void>;
}

/** The command line's grammar. Each command's code is loaded when it runs: `check` starts without TypeScript's compiler and the engines. */
export function createProgram(host: ProgramHost): Command {
  const program = new Command("lvmc");
  const configure = (command: Command): Command =>
    command
      .exitOverride()
      .configureOutput({ writeOut: (text) => host.writeOut(text), writeErr: (text) => host.writeErr(text) })
      .showHelpAfterError("(lvmc help shows the commands, lvmc help COMMAND their options)");
  configure(program)
    .description("Declares latent-variable models, derives their objective, compiles and trains them.")
    .version(version(), "-V, --version", "print the version")
    .helpCommand("help [command]", "show help for a command")
    .addHelpText("after", `\nExit codes: ${Object.entries(exitCodes).map(([name, code]) => `${code} ${name}`).join(", ")}\n\nFirst steps:\n  lvmc init my-model\n  lvmc train models/vae.lvm\n  lvmc explain objective models/vae.lvm`);

  const command = (name: string, description: string): Command => {
    const made = configure(program.command(name).description(description)).option("--json", "print versioned JSON lines");
    made.helpOption("-h, --help", "show this help");
    return made;
  };
  const modelOptions = (made: Command): Command =>
    made.option("--set <NAME=VALUE>", "give a const of the file another value (may be repeated)", collect).option("--model <name>", "which model of the file");
  const dataOptions = (made: Command): Command =>
    made
      .option("--data <source>", "x=FILE, FILE.csv, FILE.npz, x=FOLDER/ or \"digits(8192)\" (may be repeated)", collect)
      .option("--device <name>", "native (a C compiler makes the kernels), wasm or webgpu (a GPU); by default the first of native and wasm that this machine has, and to train a GPU if a step gains by it (lvmc doctor says); with TensorFlow.js installed also tfjs, tfjs-node-gpu, tfjs-node, tfjs-webgpu, tfjs-wasm or tfjs-cpu")
      .option("--seed <n>", "everything random follows from it", wholeNumber(0));
  const samplerOptions = (made: Command): Command =>
    made
      .addOption(new Option("--sampler <name>", "of a diffusion: how it goes from noise to data; by default ancestral").choices(samplerNames))
      .option("--steps <n>", "of a diffusion: how many steps the sampler takes; by default all of the chain, in continuous time 250", wholeNumber(1))
      .option("--eta <x>", "of ddim: from 0, no noise on the way, to 1, that of the ancestral sampler; by default 0", share)
      .addOption(new Option("--spacing <name>", "of a diffusion: fewer steps lie at equal distances of t, or of the log signal-to-noise ratio").choices(spacingNames))
      .option("--guidance <x>", "of a diffusion with conditions that training leaves out (dropout): how far it goes from the model without them (0) to the model with them (1) and beyond; by default 1", nonnegativeNumber);

  modelOptions(command("check", "check model files"))
    .argument("<file...>", "model files")
    .option("--fix", "first write the fixes that need no choice, and say each")
    .action((files: string[], options) => host.execute("check", async (context) => (await import("./commands/check.js")).check(context, files, options)));

  samplerOptions(modelOptions(command("compile", "compile a model to TypeScript, or print a stage of the compiler"))
    .argument("<file>", "model file, or a run's folder")
    .option("-o, --out <file>", "where to write; by default standard output")
    .addOption(new Option("--target <name>", "what the code runs on").choices(["kernels", "tfjs"]).default("kernels"))
    .option("--rows <n>", "rows of the data, for kernels of models with parameters of their own for each row; by default those of the built-in data that the file names", wholeNumber(1))
    .addOption(new Option("--emit <stage>", "which stage").choices(["ast", "model", "objective", "tensor", "kernels", "ts"]).default("ts"))
    .option("--batch <n>", "rows in a minibatch of kernels; by default the file's", wholeNumber(1))
    .option("--device <names>", "whose kernels: native, wasm, webgpu, or several with commas; by default a module has native,wasm, and --emit kernels prints those of wasm, the same on every machine", kernelDeviceNames))
    .action((file: string, options) => host.execute("compile", async (context) => (await import("./commands/compile.js")).compileFile(context, file, options)));

  dataOptions(modelOptions(command("train", "train a model, or go on with a run")))
    .argument("[file]", "model file; a run that is resumed has its own copy")
    .option("--test-data <source>", "data to evaluate on at the end (may be repeated)", collect)
    .option("--validation-data <source>", "data to evaluate on after each epoch; early stopping watches it (may be repeated)", collect)
    .option("--epochs <n>", "passes over the data, counted from the start of the run", wholeNumber(1))
    .option("--steps <n>", "stop after this many steps of the run", wholeNumber(1))
    .option("--batch <n>", "rows in a minibatch", wholeNumber(1))
    .option("--rate <x>", "learning rate, instead of the file's", positiveNumber)
    .option("--out <folder>", "where runs are kept", "runs")
    .option("--stage <run>", "of a second stage (train … on): the run of the first; without it a file's stages are trained in order")
    .option("--resume <run>", "a run's folder or one of its checkpoints to go on from")
    .option("--keep <n>", "how many checkpoints to keep beside the latest", wholeNumber(1), 3)
    .option("--images-every <epochs>", "epochs between two pictures of samples and reconstructions", wholeNumber(1))
    .option("--no-samples", "make no pictures")
    .option("--verbose", "say which device was taken and why, and what was compiled for it")
    .option("--profile", "at the end, time each kernel of a step; on devices with compiled kernels")
    .action((file: string | undefined, options) => host.execute("train", async (context) => (await import("./commands/train.js")).train(context, file, options)));

  dataOptions(modelOptions(command("eval", "evaluate a trained model, in nats per row")))
    .argument("<file>", "a run's folder, or a model file with --run")
    .option("--run <run>", "run folder or checkpoint")
    .option("--evidence-samples <n>", "importance samples for each row's log evidence", wholeNumber(0, 10_000_000), 0)
    .option("--batch <n>", "rows in one pass", wholeNumber(1))
    .option("--refit-steps <n>", "steps that fit the parameters of new rows, where rows have their own", wholeNumber(0))
    .action((file: string, options) => host.execute("eval", async (context) => (await import("./commands/eval.js")).evaluate(context, file, options)));

  samplerOptions(dataOptions(modelOptions(command("sample", "draw rows from a trained model")))
    .argument("<file>", "a run's folder, or a model file with --run")
    .option("--run <run>", "run folder or checkpoint")
    .option("-n, --rows <n>", "how many", wholeNumber(1, 10_000_000), 64)
    .option("-o, --out <file>", "a .png, .gif, .npy or .csv file", "samples.png")
    .option("--column <name>", "which column or latent; by default the observed one")
    .option("--means", "numbers are the likelihood's means instead of draws; pictures always show them where they exist")
    .option("--batch <n>", "rows in one pass; by default all, at most 256", wholeNumber(1, 1_000_000))
    .option("--given <column=values>", "what the model conditions on, instead of data: label=7, label=0,1,2 or label=0..9, which rows take in turn (may be repeated)", collect)
    .option("--strip <n>", "of a diffusion: show so many moments from noise to the datum, a row for each sample, or as a .gif one after the other", wholeNumber(2, 1000))
    .option("--classifier <run>", "of a diffusion: a model that was trained on its datum with noise (train side on points.x) draws samples to the labels of --given, as strongly as --guidance says; by default 1")
    .option("--known <source>", "of a diffusion: data of which a part is known, as for --data; the rest is drawn (may be repeated)", collect)
    .option("--mask <what>", "which part of --known is known: \"rows 1..14\" or \"columns 1..14\" of an image, or a file that is 1 where it is; without it all that is not NaN")
    .option("--resample <n>", "with --known: how often each step is done, so that the rest fits the known part; by default 10", wholeNumber(1, 1000)))
    .action((file: string, options) => host.execute("sample", async (context) => (await import("./commands/sample.js")).sample(context, file, options)));

  planOptions(modelOptions(command("plan", "act in an environment by planning in a trained model's latent space")))
    .action((file: string, options) => host.execute("plan", async (context) => {
      const [{ plan }, { openPlannedModel }] = await Promise.all([import("./commands/plan.js"), import("./planning/open-planned-model.js")]);
      return plan(context, file, options, openPlannedModel);
    }));

  modelOptions(command("explain", "explain the objective of a model, or a message's code"))
    .argument("<what...>", "objective FILE, FILE, or a code such as LVM3004")
    .addOption(new Option("--latex", "print LaTeX").conflicts(["mathml", "html"]))
    .addOption(new Option("--mathml", "print MathML").conflicts("html"))
    .option("--html", "print a page with the formulas typeset")
    .option("--evaluation", "the objective for evaluation: without annealing, free bits and weights")
    .action((what: string[], options) => host.execute("explain", async (context) => (await import("./commands/explain.js")).explain(context, what, options)));

  modelOptions(command("graph", "draw a model as a plate diagram"))
    .argument("<file>", "model file")
    .option("-o, --out <file>", "an .svg file; by default standard output")
    .action((file: string, options) => host.execute("graph", async (context) => (await import("./commands/graph.js")).graph(context, file, options)));

  command("playground", "serve a page to write, see and train models in, to this machine alone")
    .argument("[file]", "model file to begin with")
    .option("--port <n>", "where; 0 takes a free one", wholeNumber(0), 8420)
    .option("--build <folder>", "write the page as a folder for any web server, and serve nothing")
    .action((file: string | undefined, options) => host.execute("playground", async (context) => (await import("./commands/playground.js")).playground(context, file, options)));

  modelOptions(command("doctor", "what this machine has, what its devices do, and which one a model would get"))
    .argument("[file]", "model file; the shipped VAE if absent")
    .option("--batch <n>", "rows in a minibatch; by default the file's", wholeNumber(1))
    .action((file: string | undefined, options) => host.execute("doctor", async (context) => (await import("./commands/doctor.js")).doctor(context, file, options)));

  command("fmt", "format model files")
    .argument("<file...>", "model files")
    .option("--check", "change nothing; exit 1 where a file is not formatted")
    .action((files: string[], options) => host.execute("fmt", async (context) => (await import("./commands/fmt.js")).fmt(context, files, options)));

  configure(program.command("lsp").description("speak to an editor: the language server"))
    .helpOption("-h, --help", "show this help")
    .option("--stdio", "over standard input and output, as editors start it")
    .option("--clientProcessId <pid>", "the editor's process: the server ends with it")
    .action((options) => host.execute("lsp", async (context) => (await import("./commands/lsp.js")).lsp(context, options)));

  command("init", "begin a project: a model file and a README with the next commands")
    .argument("[folder]", "where", ".")
    .action((folder: string) => host.execute("init", async (context) => (await import("./commands/init.js")).init(context, folder)));

  return program;
}
