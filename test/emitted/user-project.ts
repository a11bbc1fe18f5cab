import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const repository = fileURLToPath(new URL("../../", import.meta.url));

/** What emitted modules import must be built (`npm test` does that first). */
export const isBuilt = existsSync(join(repository, "dist/runtime/index.js")) && existsSync(join(repository, "dist/runtime/wasm/kernel-worker.js"));

/** A folder as a user has one: modules, a tsconfig, and `lvmc` installed. */
export interface UserProject {
  readonly folder: string;
  /** What `tsc --strict` says, by module; JavaScript lies beside each module afterwards. */
  compile(): string[];
  remove(): void;
}

export function userProject(modules: Readonly<Record<string, string>>): UserProject {
  const cache = join(repository, "node_modules/.cache");
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "project-"));
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(repository, join(folder, "node_modules/lvmc"));
  for (const [name, text] of Object.entries(modules)) writeFileSync(join(folder, `${name}.ts`), text);
  // No types of Node, and the library's own declarations are checked as well.
  const compilerOptions = { strict: true, noUncheckedIndexedAccess: true, noUnusedLocals: true, exactOptionalPropertyTypes: true, verbatimModuleSyntax: true, skipLibCheck: false, target: "ES2022", lib: ["ES2023", "DOM"], module: "NodeNext", types: [] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  return {
    folder,
    compile() {
      try {
        execFileSync(process.execPath, [join(repository, "node_modules/typescript/bin/tsc"), "-p", folder, "--pretty", "false"], { encoding: "utf8", stdio: "pipe" });
        return [];
      } catch (error) {
        const output = error instanceof Error && "stdout" in error ? String(error.stdout) : String(error);
        return output.split("\n").filter((line) => line.includes("error"));
      }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
