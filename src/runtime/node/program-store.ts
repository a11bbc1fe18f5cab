import { lstat, mkdir, readdir, readFile, rename, rm, utimes, writeFile } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import { deserialize, serialize } from "node:v8";
import { defaultCacheFolder, prepareCache, sha256 } from "./native/cache.js";

/** Compiled programs of earlier runs, by what they were compiled from. */
export interface ProgramStore {
  readonly load: (key: string) => Promise<unknown>;
  readonly save: (key: string, artifact: unknown) => Promise<void>;
}

/** The ones not used for longest go first. */
const mostBytes = 128 << 20;
const hashBytes = 64;

/**
 * A store in the user's cache folder (`$XDG_CACHE_HOME/lvmc/programs`), for its owner alone; undefined where lvmc does not run as it was built, so that
 * nobody could say by which compiler a program was made. Each file is whole or of no use: its hash stands at its beginning. What fails here costs time
 * and nothing else. `named`: instead of the build's own mark.
 */
export async function openProgramStore(folder = join(dirname(defaultCacheFolder()), "programs"), named?: string): Promise<ProgramStore | undefined> {
  const build = named ?? (await readFile(new URL("../../build-id", import.meta.url), "utf8").catch(() => undefined));
  if (build === undefined) return undefined;
  try {
    await prepareCache(folder);
  } catch {
    return undefined;
  }
  const fileOf = (key: string): string => join(folder, sha256(`${build}\n${key}`));
  return {
    async load(key) {
      const path = fileOf(key);
      const bytes = await readFile(path).catch(() => undefined);
      if (bytes === undefined || bytes.toString("latin1", 0, hashBytes) !== sha256(bytes.subarray(hashBytes))) return undefined;
      const now = new Date();
      void utimes(path, now, now).catch(() => undefined);
      try {
        return deserialize(bytes.subarray(hashBytes));
      } catch {
        return undefined;
      }
    },
    async save(key, artifact) {
      try {
        const path = fileOf(key);
        const content = serialize(artifact);
        const temporary = `${path}.${process.pid}.${randomBytes(6).toString("hex")}`;
        await mkdir(folder, { recursive: true, mode: 0o700 });
        await writeFile(temporary, Buffer.concat([Buffer.from(sha256(content), "latin1"), content]), { mode: 0o600, flag: "wx" });
        await rename(temporary, path);
        await bound(folder);
      } catch {
        // Made again next time.
      }
    },
  };
}

async function bound(folder: string): Promise<void> {
  const files = await Promise.all((await readdir(folder)).map(async (name) => {
    const stats = await lstat(join(folder, name)).catch(() => undefined);
    return { name, bytes: stats?.size ?? 0, used: stats?.mtimeMs ?? 0 };
  }));
  let total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const { name, bytes, used } of files.sort((a, b) => a.used - b.used)) {
    // What a run that died left behind goes too.
    const stale = name.length > hashBytes && Date.now() - used > 3_600_000;
    if (total <= mostBytes && !stale) continue;
    await rm(join(folder, name), { force: true });
    total -= bytes;
  }
}
