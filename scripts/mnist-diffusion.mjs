// Trains diffusions on MNIST with the built command, and asks an independent classifier what it reads in their samples.
// LVMC_MNIST: the folder with the four idx.gz files. Arguments: the folder for runs and pictures (kept; what it holds already is not trained again), then options of `lvmc train`.
//
//   LVMC_MNIST=… npm run test:mnist:diffusion -- runs/mnist
//
// Fails where the classifier is right on less than 98.5 % of the test images, or reads fewer than 85 % of 1,000 conditional samples as their label.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const epochs = { classifier: 12, ddpm_conditional: 5, ddpm_digits: 4 };
const least = { test: 0.985, samples: 0.85 };
const count = 1000;
const sampling = ["--sampler", "dpm_solver", "--steps", "30"];

const root = fileURLToPath(new URL("..", import.meta.url));
const mnist = process.env.LVMC_MNIST;
const files = { x: "train-images-idx3-ubyte.gz", y: "train-labels-idx1-ubyte.gz", testX: "t10k-images-idx3-ubyte.gz", testY: "t10k-labels-idx1-ubyte.gz" };
const [folder, ...options] = process.argv.slice(2);
if (!mnist || !Object.values(files).every((file) => existsSync(join(mnist, file)))) stop(`LVMC_MNIST must name the folder with ${Object.values(files).join(", ")}`);
if (!folder) stop("npm run test:mnist:diffusion -- FOLDER: runs and pictures are kept there");
const out = resolve(folder);
mkdirSync(out, { recursive: true });
const path = (name) => join(mnist, files[name]);

const classifier = await trained("classifier", [["x", "x"], ["y", "y"]]);
const accuracy = (await lvmc(["eval", classifier, "--data", `x=${path("testX")}`, "--data", `y=${path("testY")}`])).evaluation.accuracy.y;
verdict(`classifier: ${percent(accuracy)} of the test images right`, accuracy >= least.test, `at least ${percent(least.test)}`);

const conditional = await trained("ddpm_conditional", [["x", "x"], ["label", "y"]]);
const samples = join(out, "conditional.npy");
const labels = join(out, "labels.csv");
writeFileSync(labels, `y\n${Array.from({ length: count }, (_, row) => row % 10).join("\n")}\n`);
for (const guidance of ["1", "2"]) {
  const given = ["--given", "label=0,1,2,3,4,5,6,7,8,9", "--guidance", guidance, ...sampling];
  await lvmc(["sample", conditional, "-n", "100", "-o", join(out, `conditional-${guidance}.png`), ...given]);
  await lvmc(["sample", conditional, "-n", String(count), "-o", samples, "--seed", "1", ...given]);
  const read = (await lvmc(["eval", classifier, "--data", `x=${samples}`, "--data", labels])).evaluation.accuracy.y;
  verdict(`${count} samples with guidance ${guidance}: ${percent(read)} read as their label`, read >= least.samples, `at least ${percent(least.samples)}`);
}

const digits = await trained("ddpm_digits", [["x", "x"]]);
await lvmc(["sample", digits, "-n", "64", "-o", join(out, "digits.png"), ...sampling]);
const { evaluation } = await lvmc(["eval", digits, "--data", `x=${path("testX")}`]);
console.log(`ddpm_digits: ${evaluation.bitsPerDimension.toFixed(4)} bits per dimension of the test images, by the bound`);
console.log(`look at the pictures in ${folder}`);

/** The run of a model in the folder, trained first where there is none. */
async function trained(model, columns) {
  const runs = join(out, model);
  const known = existsSync(runs) ? readdirSync(runs).filter((name) => existsSync(join(runs, name, "checkpoints/latest.safetensors"))) : [];
  if (known[0]) return join(runs, known[0]);
  const began = performance.now();
  const data = columns.flatMap(([column, file]) => ["--data", `${column}=${path(file)}`]);
  const { run } = await lvmc(["train", join(root, "models", `${model}.lvm`), ...data, "--epochs", String(epochs[model]), "--no-samples", "--out", runs, ...options], (event) => {
    if (event.type === "checkpoint") console.log(`  ${model} step ${event.step}  (${minutes(began)})`);
  });
  console.log(`${model}: ${epochs[model]} epochs in ${minutes(began)}`);
  return run;
}

/** Runs the command; gives the facts of its result. */
async function lvmc(args, onEvent = () => undefined) {
  const child = spawn(process.execPath, [join(root, "dist/cli/main.js"), ...args, "--json"], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((done) => child.once("close", done));
  let result;
  for await (const line of createInterface({ input: child.stdout })) {
    const event = JSON.parse(line);
    if (event.type === "result") result = event;
    if (event.type === "error") console.error(event.message);
    onEvent(event);
  }
  if ((await ended) !== 0 || !result?.ok) stop(`lvmc ${args[0]} failed`);
  return result;
}

function verdict(text, holds, wanted) {
  console.log(`${holds ? "✓" : "✗"} ${text}${holds ? "" : ` (wanted: ${wanted})`}`);
  if (!holds) process.exitCode = 1;
}

function minutes(began) {
  return `${((performance.now() - began) / 60_000).toFixed(1)} min`;
}

function percent(share) {
  return `${(100 * share).toFixed(2)} %`;
}

function stop(message) {
  console.error(message);
  process.exit(1);
}
