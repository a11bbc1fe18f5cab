import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import type { Diagnostic } from "../../src/diagnostics/diagnostic.js";
import type { SourceFile } from "../../src/diagnostics/span.js";
import { check, type CheckOptions } from "../../src/checker/check.js";
import type { CheckedModule } from "../../src/ir/model/model.js";
import { parse } from "../../src/parser/parse.js";

/** Parses and checks a text; `root` is the folder that imports and the source's path are relative to. */
export function checkText(path: string, text: string, root: string, options: CheckOptions = {}): { readonly value: CheckedModule; readonly diagnostics: readonly Diagnostic[] } {
  const source: SourceFile = { path, text };
  const parsed = parse(source);
  const checked = check(parsed.value, { load: loadFrom(root), ...options });
  return { value: checked.value, diagnostics: [...parsed.diagnostics, ...checked.diagnostics] };
}

/** As `checkText`, of a file under `root`. */
export function checkFile(path: string, root: string, options: CheckOptions = {}): ReturnType<typeof checkText> {
  return checkText(path, readFileSync(join(root, path), "utf8"), root, options);
}

/** Reads imported files under a folder; paths stay relative to it, so that messages do not depend on the machine. */
export function loadFrom(root: string): NonNullable<CheckOptions["load"]> {
  return (path, from) => {
    const relative = normalize(join(dirname(from.path), path));
    const file = join(root, relative);
    return existsSync(file) ? { path: relative, text: readFileSync(file, "utf8") } : undefined;
  };
}
