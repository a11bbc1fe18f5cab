import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { withFolder } from "../support/data-file.js";
import { rounds } from "../support/measure.js";
import { limitBar, rowsOf, type Section } from "../support/result.js";

const child = (name: string): string => fileURLToPath(new URL(`../children/${name}.mjs`, import.meta.url));
const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const model = fileURLToPath(new URL("../../models/vae.lvm", import.meta.url));

/** From nothing to the first training step of models/vae.lvm: as a part of a process, and as a whole one. Runs what is built in dist/. */
export async function startUp(): Promise<Section> {
  return withFolder(async (folder) => {
    const times = new Map<string, number[]>();
    const add = (name: string, milliseconds: number): void => void times.set(name, [...(times.get(name) ?? []), milliseconds / 1000]);
    for (let round = 0; round < Math.max(3, rounds); round++) {
      const fresh = join(folder, `cache-${round}`);
      mkdirSync(fresh, { mode: 0o700 });
      for (const [name, device, cache] of [["wasm", "wasm", fresh], ["native, empty cache", "native", fresh], ["native, cached", "native", fresh]] as const) {
        const [compiling = NaN, process_ = NaN] = JSON.parse(execFileSync(process.execPath, [child("start"), device, cache], { encoding: "utf8" })) as number[];
        add(`${name}: compile() to first step`, compiling);
        add(`${name}: process to first step`, process_);
      }
      const own = join(folder, `xdg-${round}`);
      for (const [name, device] of [["wasm", "wasm"], ["native, empty cache", "native"], ["native, cached", "native"]] as const) {
        const begin = performance.now();
        const { status } = spawnSync(process.execPath, [main, "train", model, "--device", device, "--steps", "1", "--no-samples", "--out", join(folder, "runs")], { stdio: "ignore", env: { ...process.env, XDG_CACHE_HOME: own } });
        if (status === 0) add(`${name}: lvmc train --steps 1, whole process`, performance.now() - begin);
      }
    }
    const rows = rowsOf(times);
    const found = (name: string): number | undefined => rows.find((row) => row.name === name)?.median;
    const bar = (name: string, most: number) => ["compile() to first step", "process to first step"].map((part) => limitBar(`${name}: ${part}`, found(`${name}: ${part}`), most, "s"));
    return {
      title: "Compile to running",
      work: "models/vae.lvm, batch 128: each a process of its own, taking turns. `process to first step` imports lvmc, compiles and takes a step of 8,192 given rows; `lvmc train` makes its data, writes its run folder and ends as well.",
      unit: "s",
      rows,
      bars: [...bar("wasm", 1), ...bar("native, empty cache", 4), ...bar("native, cached", 0.3)],
      skipped: [],
    };
  });
}
