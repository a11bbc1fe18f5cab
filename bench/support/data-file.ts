import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Bytes as a file for programs in other languages, for as long as `use` takes. */
export async function withDataFile<T>(bytes: Uint8Array, use: (path: string) => Promise<T>): Promise<T> {
  return withFolder((folder) => {
    const path = join(folder, "rows.bin");
    writeFileSync(path, bytes);
    return use(path);
  });
}

/** A folder that is gone afterwards. */
export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "lvmc-bench-"));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
