import { open, readdir } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { defaultLimits, printCount } from "../data/limits.js";
import { suggestName } from "../data/suggest.js";
import { LvmError } from "../error.js";

/**
 * A regular file's bytes, at most `limit` of them.
 * @throws LvmError LVM7001 not there, not allowed, not a file; LVM7006 too large
 */
export async function readFileBytes(path: string, limit = defaultLimits.bytes): Promise<Uint8Array> {
  try {
    const file = await open(path, "r");
    try {
      const { size } = await checkRegular(file, path);
      if (size > limit) throw new LvmError("LVM7006", `${path}: ${printCount(size)} bytes; the limit is ${printCount(limit)}`, { facts: { file: path, found: size, limit } });
      return new Uint8Array(await file.readFile());
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw cause instanceof LvmError ? cause : await explain(path, cause);
  }
}

async function checkRegular(file: Awaited<ReturnType<typeof open>>, path: string): Promise<{ readonly size: number }> {
  const stats = await file.stat();
  // Reading a device or a pipe may never end.
  if (!stats.isFile()) throw new LvmError("LVM7001", `${path}: ${stats.isDirectory() ? "is a folder" : "is not a regular file"}`, { facts: { file: path } });
  return stats;
}

/**
 * An error of the file system in the user's words, with a suggestion from the same folder.
 * @param absolute where it was looked for, when `path` is relative to another folder than the process's
 */
export async function explain(path: string, cause: unknown, absolute = path): Promise<LvmError> {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const facts = { file: path, reason: code };
  if (code === "ENOENT" || code === "ENOTDIR") {
    const siblings = await readdir(dirname(absolute)).catch(() => undefined);
    const near = siblings === undefined ? undefined : suggestName(basename(path), siblings);
    const help = siblings === undefined ? `the folder ${dirname(absolute)} does not exist` : near === undefined ? undefined : `did you mean ${near}?`;
    return new LvmError("LVM7001", `${path}: there is no such file or folder`, { facts, ...(help === undefined ? {} : { help }), cause });
  }
  if (code === "EACCES" || code === "EPERM") return new LvmError("LVM7001", `${path}: reading it is not allowed`, { facts, cause });
  return new LvmError("LVM7001", `${path}: cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { facts, cause });
}
