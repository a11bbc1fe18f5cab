// Trains the 2-D diffusions and ddpm_gaussian with the built command, and compares what each sampler draws with fresh data: the sliced Wasserstein distance of samples to data over that
// between two fresh data sets of the same size. The model's own sampler, ancestral over all steps, must stay below 1.3; the others are printed beside it.
// LVMC_RUNS: a folder that keeps runs, so that a second call measures alone. Arguments: parts of names ("spiral") of what to measure; options of `lvmc train` after `--`.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const bar = 1.3;
const size = 10_000;
/** Data sets, and sets of samples: one set's distance varies by a quarter, the mean over all pairs of these by a few hundredths. */
const sets = 8;
const projections = 128;

const cases = [
  { model: "ddpm_2d", data: "moons" },
  { model: "ddpm_2d", data: "spiral" },
  { model: "ddpm_velocity", data: "moons" },
  { model: "variational_diffusion", data: "moons" },
  { model: "ddpm_gaussian", data: "factors", rest: [4, 2], trained: 4096 },
];
const samplers = [[], ["--sampler", "ddim"], ["--sampler", "ddim", "--steps", "20"], ["--sampler", "dpm_solver", "--steps", "20"], ["--sampler", "heun", "--steps", "20"]];

const root = fileURLToPath(new URL("..", import.meta.url));
const lvmc = join(root, "dist/cli/main.js");
const { makeBuiltinData } = await import(join(root, "dist/runtime/builtin-data/index.js"));
const { readNpy } = await import(join(root, "dist/runtime/data/index.js"));
const dashes = process.argv.indexOf("--");
const wanted = process.argv.slice(2, dashes < 0 ? undefined : dashes);
const options = dashes < 0 ? [] : process.argv.slice(dashes + 1);
const kept = process.env.LVMC_RUNS;
const folder = kept ?? mkdtempSync(join(tmpdir(), "lvmc-samples-"));
let failed = false;

for (const { model, data, rest = [], trained = 65_536 } of cases) {
  const name = `${model} ${data}`;
  const file = join(root, "models", `${model}.lvm`);
  if (!readdirSync(join(root, "models")).includes(`${model}.lvm`) || (wanted.length > 0 && !wanted.some((part) => name.includes(part)))) continue;
  const out = join(folder, name.replace(" ", "-"));
  mkdirSync(out, { recursive: true });
  const began = performance.now();
  if (readdirSync(out).length === 0) run("train", file, "--data", `${data}(${[trained, ...rest].join(", ")})`, "--no-samples", "--out", out, ...options);
  const seconds = Math.round((performance.now() - began) / 1000);
  const [folderOfRun] = readdirSync(out).filter((each) => each.startsWith(model));
  // What `factors` has for loadings follows from the seed: that of the run.
  const { seed } = JSON.parse(readFileSync(join(out, folderOfRun, "config.json"), "utf8"));
  const fresh = parts(makeBuiltinData(data, [sets * size, ...rest], seed, "test")[0].values);
  const pairs = fresh.flatMap((one, at) => fresh.slice(at + 1).map((other) => distance(one, other)));
  const between = mean(pairs);
  console.log(`\n${name}: trained in ${seconds} s; two data sets of ${size} are ${between.toFixed(4)} apart`);
  for (const [at, sampler] of samplers.entries()) {
    const file = join(out, "samples.npy");
    const drawn = run("sample", join(out, folderOfRun), "-n", String(sets * size), "-o", file, "--column", "x", ...sampler);
    if (!drawn && at > 0) {
      console.log(`  ${sampler.join(" ")}: not for this model`);
      continue;
    }
    const { values } = readNpy(readFileSync(file), file, "x");
    const samples = parts(values);
    const ratio = mean(samples.flatMap((one) => fresh.map((other) => distance(one, other)))) / between;
    const short = at === 0 && !(ratio <= bar);
    failed ||= short;
    console.log(`  ${(at === 0 ? "its own sampler" : sampler.join(" ").replaceAll("--", "")).padEnd(34)} ${ratio.toFixed(2)}${short ? `: above ${bar}` : ""}`);
  }
}
if (kept === undefined) rmSync(folder, { recursive: true, force: true });
process.exitCode = failed ? 1 : 0;

function run(...args) {
  const { status, stderr } = spawnSync(process.execPath, [lvmc, ...args], { encoding: "utf8", maxBuffer: 2 ** 28 });
  if (status !== 0) console.error(stderr.slice(0, 2000));
  return status === 0;
}

/** As many sets as are compared, each projected. */
function parts(values) {
  return Array.from({ length: sets }, (_, part) => projected(values.subarray((part * values.length) / sets, ((part + 1) * values.length) / sets)));
}

/** Sorted projections on fixed directions: half a circle of the plane, else drawn once. */
function projected(values) {
  const width = values.length / size;
  return directions(width).map((direction) => {
    const along = new Float64Array(size);
    for (let row = 0; row < size; row++) for (let axis = 0; axis < width; axis++) along[row] += direction[axis] * values[row * width + axis];
    return along.sort();
  });
}

function directions(width) {
  if (width === 2) return Array.from({ length: projections }, (_, at) => [Math.cos((Math.PI * at) / projections), Math.sin((Math.PI * at) / projections)]);
  let state = 12_345;
  const uniform = () => ((state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) + 0.5) / 2 ** 32;
  const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  return Array.from({ length: projections }, () => {
    const drawn = Array.from({ length: width }, normal);
    return drawn.map((each) => each / Math.hypot(...drawn));
  });
}

/** √ of the mean over directions of the squared Wasserstein distance W₂² (Bonneel et al. 2015): of as many points on each side, that of their order. */
function distance(one, other) {
  let sum = 0;
  one.forEach((along, at) => along.forEach((value, row) => (sum += (value - other[at][row]) ** 2)));
  return Math.sqrt(sum / (size * one.length));
}

function mean(values) {
  return values.reduce((sum, each) => sum + each, 0) / values.length;
}
