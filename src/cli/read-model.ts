import { closeSync, fstatSync, openSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join, normalize, resolve } from "node:path";
import type { SourceFile } from "../diagnostics/span.js";
import { suggest } from "../diagnostics/suggest.js";
import { UsageError } from "./errors.js";

/** Far above what the parser takes, which says so with a diagnostic; a file beyond it is not read into memory. */
const maxBytes = 64 * 1024 ** 2;

/** The model file that the command line names. @throws UsageError where it cannot be read */
export function readModel(path: string, cwd: string): SourceFile {
  try {
    return { path, text: readRegular(resolve(cwd, path)) };
  } catch (cause) {
    throw new UsageError(`${path}: ${reason(cause)}`, suggestion(path, cwd));
  }
}

/** Reads imports: relative paths only, regular files only. Gives undefined where there is none, which the checker reports. */
export interface ModelFiles {
  readonly load: (path: string, from: SourceFile) => SourceFile | undefined;
  /** The files that were read, the model's first. */
  readonly sources: () => readonly SourceFile[];
}

/**
 * @param read gives a file's text by its path as shown (relative to where the command runs); undefined where there is none. A resumed run reads its own copies.
 */
export function modelFiles(model: SourceFile, read: (path: string) => string | undefined): ModelFiles {
  const files = new Map<string, SourceFile>([[model.path, model]]);
  return {
    load(path, from) {
      if (isAbsolute(path) || /^[/\\~]/.test(path) || /^[a-z][a-z0-9+.-]*:/i.test(path) || path.includes("\0")) return undefined;
      // One spelling for each file, so that a file that is reached in two ways is one file. Imports are always written with `/`.
      const target = normalize(join(dirname(from.path), path));
      const known = files.get(target) ?? [...files.values()].find((file) => normalize(file.path) === target);
      if (known) return known;
      const text = read(target);
      if (text === undefined) return undefined;
      const file: SourceFile = { path: target, text };
      files.set(target, file);
      return file;
    },
    sources: () => [...files.values()],
  };
}

/** Reads imports from the file system. */
export function readImport(cwd: string): (path: string) => string | undefined {
  return (path) => {
    try {
      return readRegular(resolve(cwd, path));
    } catch {
      return undefined;
    }
  };
}

/** @throws where the path is no regular file: opening a pipe would wait for ever, reading a device never end. */
function readRegular(path: string): string {
  if (path.includes("\0")) throw new Error("a path cannot hold a zero byte");
  if (!statSync(path).isFile()) throw new Error("is not a regular file");
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    if (size > maxBytes) throw new Error(`${size.toLocaleString("en-US")} bytes are too many for a model file`);
    const text = readFileSync(file, "utf8");
    return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  } finally {
    closeSync(file);
  }
}

function reason(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "ENOENT" || code === "ENOTDIR") return "there is no such file";
  if (code === "EACCES" || code === "EPERM") return "reading it is not allowed";
  return cause instanceof Error ? cause.message : String(cause);
}

function suggestion(path: string, cwd: string): string | undefined {
  try {
    const near = suggest(basename(path), readdirSync(resolve(cwd, dirname(path))));
    return near === undefined ? undefined : `did you mean ${join(dirname(path), near)}?`;
  } catch {
    return undefined;
  }
}
