// Trains models/vae.lvm on MNIST with the built command, and compares the test −ELBO with the same model in JAX (two seeds; pixels binarized afresh).
// LVMC_MNIST: the folder with the four idx.gz files. Arguments: epochs (default 5), then options of `lvmc train`, such as --device.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** Test −ELBO in nats after an epoch, of both seeds. */
const reference = new Map([[1, [119.3, 119.6]], [5, [105.8, 106.3]], [10, [102.8, 103.0]], [20, [100.7, 101.2]]]);
const tolerance = 1;

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = process.env.LVMC_MNIST;
const [train, test] = ["train-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte.gz"].map((name) => join(folder ?? "", name));
const [first = "5", ...options] = process.argv.slice(2);
const epochs = Number(first);
if (!folder || !existsSync(train) || !existsSync(test)) stop("LVMC_MNIST must name the folder with train-images-idx3-ubyte.gz and t10k-images-idx3-ubyte.gz");
if (!Number.isInteger(epochs) || epochs < 1) stop(`npm run test:mnist -- EPOCHS: ${first} is no number of epochs`);

const out = mkdtempSync(join(tmpdir(), "lvmc-mnist-"));
const command = [join(root, "dist/cli/main.js"), "train", join(root, "models/vae.lvm"), "--data", `x=${train}`, "--validation-data", `x=${test}`, "--epochs", first, "--no-samples", "--out", out, "--json", ...options];
const child = spawn(process.execPath, command, { stdio: ["ignore", "pipe", "inherit"] });
let outside = 0;
const began = performance.now();
for await (const line of createInterface({ input: child.stdout })) {
  const event = JSON.parse(line);
  if (event.type === "start") console.log(`${event.parameters} parameters, ${event.rows} rows, on ${event.device}, seed ${event.seed}`);
  if (event.type === "error") console.error(event.message);
  if (event.type !== "evaluation") continue;
  const [low, high] = reference.get(event.epoch) ?? [];
  const found = -event.elbo;
  const fits = low === undefined || (found >= low - tolerance && found <= high + tolerance);
  if (!fits) outside += 1;
  const beside = low === undefined ? "" : `  JAX ${low} to ${high}${fits ? "" : `: more than ${tolerance} nat apart`}`;
  console.log(`epoch ${event.epoch}  test −ELBO ${found.toFixed(2)}${beside}  (${Math.round((performance.now() - began) / 1000)} s)`);
}
const code = await new Promise((resolve) => (child.exitCode === null ? child.once("close", resolve) : resolve(child.exitCode)));
rmSync(out, { recursive: true, force: true });
process.exitCode = code !== 0 || outside > 0 ? 1 : 0;

function stop(message) {
  console.error(message);
  process.exit(1);
}
