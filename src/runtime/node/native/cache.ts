import { createHash, randomBytes } from "node:crypto";
import { lstat, mkdir, readFile, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { nativeError } from "./failure.js";

/** Compiled libraries may take this many bytes; the ones not used for longest go first. */
const cacheLimit = 512 << 20;

export const libraryName = "kernels.so";
const hashName = "sha256";

/** `$XDG_CACHE_HOME/lvmc/native` or `~/.cache/lvmc/native`. */
export function defaultCacheFolder(): string {
  const base = process.env["XDG_CACHE_HOME"];
  return join(base !== undefined && base.startsWith("/") ? base : join(homedir(), ".cache"), "lvmc", "native");
}

/**
 * Makes the folder, for its owner alone. What is loaded from it runs as this user, so a folder that others own or may write to is refused.
 *
 * @throws LvmError LVM7160, reason `cache`
 */
export async function prepareCache(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const stats = await stat(folder);
    const owner = process.getuid?.();
    if ((owner !== undefined && stats.uid !== owner) || (stats.mode & 0o022) !== 0) {
      throw nativeError("cache", `${folder} belongs to another user or may be written to by others`, { help: "chmod 700 the folder, or name another in XDG_CACHE_HOME" });
    }
  } catch (cause) {
    if (cause instanceof Error && cause.name === "LvmError") throw cause;
    throw nativeError("cache", `the cache folder ${folder} cannot be made: ${cause instanceof Error ? cause.message : String(cause)}`, { help: "name another in XDG_CACHE_HOME", cause });
  }
}

/** The library of an entry, if it is there and is what was once written; an entry that is not is removed. */
export async function findEntry(folder: string, key: string): Promise<string | undefined> {
  const entry = join(folder, key);
  const library = join(entry, libraryName);
  const [bytes, hash] = await Promise.all([readFile(library).catch(() => undefined), readFile(join(entry, hashName), "utf8").catch(() => undefined)]);
  if (bytes !== undefined && hash !== undefined && hash.trim() === sha256(bytes)) {
    const now = new Date();
    await utimes(entry, now, now).catch(() => {}); // another run may be removing it; then loading fails and it is made again
    return library;
  }
  if (bytes !== undefined || hash !== undefined) await removeEntry(folder, key);
  return undefined;
}

/** A folder of this process alone, to build an entry in. */
export async function makeWorkFolder(folder: string, key: string): Promise<string> {
  const path = temporary(folder, key);
  await mkdir(path, { mode: 0o700 });
  return path;
}

/** What stands beside a library so that it is known to be whole. */
export async function hashFile(library: string): Promise<{ readonly name: string; readonly text: string }> {
  return { name: hashName, text: `${sha256(await readFile(library))}\n` };
}

/** Puts a finished folder in its place. Where another run was first, its entry stays: it is the same. */
export async function publishEntry(work: string, folder: string, key: string): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    try {
      await rename(work, join(folder, key));
      return join(folder, key, libraryName);
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code;
      if ((code !== "ENOTEMPTY" && code !== "EEXIST") || attempt === 5) throw cause;
      const other = await findEntry(folder, key);
      if (other !== undefined) {
        await rm(work, { recursive: true, force: true });
        return other;
      }
    }
  }
}

/** Out of the way by a rename, so that nobody sees half of it. Those that have it loaded keep it. */
export async function removeEntry(folder: string, key: string): Promise<void> {
  const away = temporary(folder, key);
  await rename(join(folder, key), away).catch(() => {});
  await rm(away, { recursive: true, force: true });
}

/** Removes what was not used for longest until the rest fits, and what dead runs left behind. */
export async function boundCache(folder: string, keep: string, limit = cacheLimit): Promise<void> {
  const entries: { readonly name: string; readonly bytes: number; readonly used: number }[] = [];
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name);
    const stats = await lstat(path).catch(() => undefined);
    if (stats === undefined || !stats.isDirectory()) continue;
    if (name.startsWith(".")) {
      if (Date.now() - stats.mtimeMs > 3_600_000) await rm(path, { recursive: true, force: true }).catch(() => {});
    } else if (/^[0-9a-f]{64}$/.test(name)) {
      const sizes = await Promise.all((await readdir(path).catch(() => [])).map(async (file) => (await lstat(join(path, file)).catch(() => undefined))?.size ?? 0));
      entries.push({ name, bytes: sizes.reduce((sum, size) => sum + size, 0), used: stats.mtimeMs });
    }
  }
  let total = entries.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const { name, bytes } of entries.sort((a, b) => a.used - b.used)) {
    if (total <= limit) return;
    if (name === keep) continue;
    await removeEntry(folder, name);
    total -= bytes;
  }
}

export function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

const temporary = (folder: string, key: string): string => join(folder, `.${key.slice(0, 16)}.${process.pid}.${randomBytes(6).toString("hex")}`);
