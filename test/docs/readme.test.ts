import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { compile } from "../../src/driver/compile.js";
import { emitModule } from "../../src/driver/emit-module.js";
import { blocksOf, root } from "./blocks.js";

/** Guards README's program: type-checked and run as it stands, with fewer rows and epochs, against the built package. */

const readme = readFileSync(join(root, "README.md"), "utf8");

describe("README", () => {
  it("shows models/vae.lvm as it is", () => {
    const model = readFileSync(join(root, "models/vae.lvm"), "utf8");
    const [shown = ""] = blocksOf(readme).filter(({ tag }) => tag === "lvm").map(({ text }) => text);
    const code = (text: string): readonly string[] => text.split("\n").filter((line) => line !== "" && !line.startsWith("///"));
    expect(code(shown)).toEqual(code(model));
  });

  it("shows a program that type-checks and runs", async () => {
    const text = blocksOf(readme).find(({ tag }) => tag === "ts")?.text ?? "";
    expect(text).toContain("digits(8192)");
    const command = /^npx tsc (.*) main\.ts && node main\.js$/m.exec(readme)?.[1];
    const { value } = compile({ path: "models/vae.lvm", text: readFileSync(join(root, "models/vae.lvm"), "utf8") });
    const emitted = value ? await emitModule(value) : "";
    // What `npm install lvmc` puts there.
    const folder = mkdtempSync(join(tmpdir(), "lvmc-readme-"));
    try {
      mkdirSync(join(folder, "node_modules"));
      symlinkSync(root, join(folder, "node_modules", "lvmc"), "junction");
      writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
      writeFileSync(join(folder, "vae.ts"), emitted);
      writeFileSync(join(folder, "main.ts"), text.replace("digits(8192)", "digits(256)").replace("epochs: 5", "epochs: 1"));
      const run = (...args: readonly string[]): string => execFileSync(process.execPath, args, { cwd: folder, encoding: "utf8", stdio: "pipe" });
      run(join(root, "node_modules/typescript/bin/tsc"), ...(command ?? "").split(" "), "main.ts");
      const lines = run("main.js").trimEnd().split("\n");
      expect(lines).toHaveLength(3);
      expect(lines[0]).toMatch(/^1 -\d/);
      expect(lines[2]).toBe("[ 784 ] [ 20 ]");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
