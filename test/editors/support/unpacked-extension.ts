import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { unzipSync } from "fflate";

export const root = fileURLToPath(new URL("../../../", import.meta.url));

export interface Unpacked {
  /** Bytes of the .vsix. */
  readonly size: number;
  /** All files in it, by path. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** The extension's folder on disk. */
  readonly folder: string;
  text(path: string): string;
  remove(): void;
}

/** Runs the package script, as `npm run package:vscode` does, and unpacks what it makes, as an editor does. */
export function unpackExtension(): Unpacked {
  const place = mkdtempSync(join(tmpdir(), "lvm-vsix-"));
  const vsix = join(place, "lvm.vsix");
  execFileSync(process.execPath, [join(root, "scripts/package-vscode.mjs"), "--out", vsix], { stdio: "pipe" });
  const bytes = readFileSync(vsix);
  const files = new Map(Object.entries(unzipSync(bytes)));
  for (const [name, content] of files) {
    mkdirSync(dirname(join(place, name)), { recursive: true });
    writeFileSync(join(place, name), content);
  }
  return {
    size: bytes.length,
    files,
    folder: join(place, "extension"),
    text: (path) => {
      const content = files.get(path);
      if (!content) throw new Error(`${path} is not in the package`);
      return Buffer.from(content).toString("utf8");
    },
    remove: () => rmSync(place, { recursive: true, force: true }),
  };
}
