import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { limitBar, type Section } from "../support/result.js";

const child = fileURLToPath(new URL("../children/allocation.mjs", import.meta.url));
const steps = 32;

interface Allocation {
  readonly count: number;
  readonly kernels: number;
  readonly loop: number;
}

/** Kernels of a training step of models/vae.lvm, and the bytes it allocates on and outside the JavaScript heap. Runs what is built in dist/. */
export async function allocation(): Promise<Section> {
  const found = (["native", "wasm"] as const).map((device) => {
    const text = execFileSync(process.execPath, ["--expose-gc", "--max-semi-space-size=256", "--min-semi-space-size=256", child, device, String(steps)], { encoding: "utf8" });
    return { device, ...(JSON.parse(text) as Allocation) };
  });
  return {
    title: "Kernels and memory of a step",
    work: `models/vae.lvm, batch 128: bytes on and outside the heap over ${steps} steps after others, nothing collected in between, less what measuring takes (the least of some such runs); \`loop\` gathers rows as well. At the turn of an epoch the order of its rows is made.`,
    unit: "",
    rows: [],
    bars: found.flatMap(({ device, count, kernels, loop }) => [
      limitBar(`${device}: kernels`, count, 16, ""),
      limitBar(`${device}: bytes per step, kernels`, atLeastZero(kernels), 0, "B"),
      limitBar(`${device}: bytes per step, loop`, atLeastZero(loop), 0, "B"),
    ]),
    skipped: [],
  };
}

/** Measuring takes some bytes more or less itself. */
function atLeastZero(value: number): number {
  return Math.max(0, Math.round(value));
}
