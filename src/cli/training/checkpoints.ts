import { link, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../runtime/node/atomic-file.js";

export const bestName = "best.safetensors";

/** Writes `step-N.safetensors` and makes `latest.safetensors` the same; keeps the newest `keep` steps. @returns the path of the step's file */
export async function saveCheckpoint(folder: string, step: number, bytes: Uint8Array, keep: number): Promise<string> {
  const path = join(folder, `step-${step}.safetensors`);
  await writeFileAtomic(path, bytes);
  await pointLatest(folder, path, bytes);
  for (const old of (await savedSteps(folder)).slice(keep)) if (old !== step) await rm(join(folder, `step-${old}.safetensors`), { force: true });
  return path;
}

/** Writes `best.safetensors`, which stays until a better one: the state after the evaluation with the highest validation bound. */
export async function saveBest(folder: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, bestName);
  await writeFileAtomic(path, bytes);
  return path;
}

/** A second name for the same bytes; a copy where the file system has no hard links. */
async function pointLatest(folder: string, path: string, bytes: Uint8Array): Promise<void> {
  const latest = join(folder, "latest.safetensors");
  const temporary = join(folder, `.latest.${process.pid}.tmp`);
  try {
    await rm(temporary, { force: true });
    await link(path, temporary);
    await rename(temporary, latest);
    // Renaming one name of a file over another name of the same file does nothing and leaves both.
    await rm(temporary, { force: true });
  } catch {
    await rm(temporary, { force: true });
    await writeFileAtomic(latest, bytes);
  }
}

/** Steps that have a file, newest first. */
async function savedSteps(folder: string): Promise<readonly number[]> {
  const names = await readdir(folder);
  return names.flatMap((name) => {
    const match = /^step-(\d+)\.safetensors$/.exec(name);
    return match ? [Number(match[1])] : [];
  }).sort((a, b) => b - a);
}
