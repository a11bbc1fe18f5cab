import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** What `tsc --strict` says about emitted modules, by name; empty where all is well. */
export function typeErrors(modules: Readonly<Record<string, string>>): string[] {
  mkdirSync(join(root, "node_modules/.cache"), { recursive: true });
  const folder = mkdtempSync(join(root, "node_modules/.cache/emitted-"));
  try {
    for (const [name, text] of Object.entries(modules)) writeFileSync(join(folder, `${name}.ts`), text);
    const compilerOptions = {
      strict: true, noEmit: true, noUncheckedIndexedAccess: true, noUnusedLocals: true, verbatimModuleSyntax: true, skipLibCheck: true,
      target: "ES2022", lib: ["ES2023", "DOM"], module: "ESNext", moduleResolution: "Bundler", types: ["node"],
      paths: { "lvmc/runtime": [join(root, "src/runtime/index.ts")], "lvmc/runtime/tfjs": [join(root, "src/runtime/tfjs/index.ts")] },
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
    execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", folder, "--pretty", "false"], { encoding: "utf8", stdio: "pipe" });
    return [];
  } catch (error) {
    const output = error instanceof Error && "stdout" in error ? String(error.stdout) : String(error);
    return output.split("\n").filter((line) => line.includes("error TS")).map((line) => line.slice(line.lastIndexOf("/") + 1));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const readModel = (name: string): { path: string; text: string } => ({ path: `models/${name}.lvm`, text: readFileSync(`${root}models/${name}.lvm`, "utf8") });
