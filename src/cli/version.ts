import { readFileSync } from "node:fs";

/** lvmc's version, from the package.json two folders up (from `src/cli` as from `dist/cli`). */
export function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  return typeof manifest === "object" && manifest !== null && "version" in manifest ? String(manifest.version) : "unknown";
}
