import { it } from "vitest";
import { report } from "./support/report.js";
import type { Section } from "./support/result.js";
import { allocation } from "./sections/allocation.js";
import { chainCompile } from "./sections/chain-compile.js";
import { convVae } from "./sections/conv-vae.js";
import { deepMarkovModel } from "./sections/deep-markov-model.js";
import { eightSchools } from "./sections/eight-schools.js";
import { startUp } from "./sections/start-up.js";
import { unet } from "./sections/unet.js";
import { vae } from "./sections/vae.js";

/**
 * The engine beside its peers in one run: candidates of a section take turns, `BENCH_ROUNDS` times (default 5), and medians are compared. Times of a
 * shared machine say little, their ratios more. LVMC_PEERS names the Python environment of JAX and PyTorch; what is absent is skipped visibly.
 * BENCH_ONLY=vae,conv-vae,… takes some of the sections, BENCH_KEEP=1 keeps the run in bench/results/.
 */
const sections: Readonly<Record<string, () => Promise<Section>>> = { vae, "conv-vae": convVae, "eight-schools": eightSchools, "deep-markov-model": deepMarkovModel, unet, "chain-compile": chainCompile, "start-up": startUp, allocation };

it("measures", async () => {
  const wanted = process.env["BENCH_ONLY"]?.split(",") ?? Object.keys(sections);
  const done: Section[] = [];
  for (const [name, measure] of Object.entries(sections)) if (wanted.includes(name)) done.push(await measure());
  report("engine", "The engine beside its peers", "npm run bench", done);
});
