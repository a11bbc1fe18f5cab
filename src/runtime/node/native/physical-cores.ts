import { readFileSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";

/** Cores that this process may use. Two threads on one core share its arithmetic units, so one each is best. */
export function physicalCores(): number {
  const threads = availableParallelism();
  const folder = "/sys/devices/system/cpu";
  try {
    const siblings = readdirSync(folder)
      .filter((name) => /^cpu\d+$/.test(name))
      .map((name) => readFileSync(`${folder}/${name}/topology/thread_siblings_list`, "utf8").trim());
    const cores = new Set(siblings).size;
    // Of the threads that we may use the same share are on cores of their own.
    if (cores > 0) return Math.max(1, Math.round((threads * cores) / siblings.length));
  } catch {
    // Not Linux, or no such folder in a container.
  }
  return threads;
}
