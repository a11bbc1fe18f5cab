import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { DeviceMeasurement } from "../kernels/choose-device.js";
import { writeFileAtomic } from "./atomic-file.js";
import { defaultCacheFolder, sha256 } from "./native/cache.js";

/** `$XDG_CACHE_HOME/lvmc/devices` or `~/.cache/lvmc/devices`: beside the compiled libraries. */
export function measurementFolder(): string {
  return join(dirname(defaultCacheFolder()), "devices");
}

/** What was measured of a device under this key, if it is there and whole. `key`: all on which it depends (adapter, driver, versions). */
export async function readMeasurement(key: Readonly<Record<string, string>>, folder = measurementFolder()): Promise<DeviceMeasurement | undefined> {
  try {
    const found = JSON.parse(await readFile(fileOf(key, folder), "utf8")) as Partial<DeviceMeasurement> | null;
    const { gflops, gbytes, dispatchMicroseconds } = found ?? {};
    return isRate(gflops) && isRate(gbytes) && typeof dispatchMicroseconds === "number" && dispatchMicroseconds >= 0 ? { gflops, gbytes, dispatchMicroseconds } : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps a measurement, whole or not at all. A folder that cannot be written to is no reason to stop: the next run measures again. */
export async function writeMeasurement(key: Readonly<Record<string, string>>, measurement: DeviceMeasurement, folder = measurementFolder()): Promise<boolean> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFileAtomic(fileOf(key, folder), `${JSON.stringify({ ...measurement, of: key }, null, 2)}\n`);
    return true;
  } catch {
    return false;
  }
}

const fileOf = (key: Readonly<Record<string, string>>, folder: string): string => join(folder, `${sha256(JSON.stringify(Object.entries(key).sort())).slice(0, 32)}.json`);
const isRate = (value: number | undefined): value is number => typeof value === "number" && Number.isFinite(value) && value > 0;
