import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { expect } from "vitest";

/** Compares text with a golden file; `UPDATE_GOLDENS=1` writes the file instead. A golden pins a form: read it before committing it. */
export function expectGolden(path: string, actual: string): void {
  if (process.env["UPDATE_GOLDENS"] === "1") {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, actual);
    return;
  }
  if (!existsSync(path)) throw new Error(`${path} is missing: run with UPDATE_GOLDENS=1 and read what it writes`);
  expect(actual).toBe(readFileSync(path, "utf8"));
}
