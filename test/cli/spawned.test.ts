import { spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { folderWith, repository, tinyVae } from "./harness.js";

const main = join(repository, "dist", "cli", "main.js");
const env = (bin?: string): NodeJS.ProcessEnv => ({ PATH: `${bin === undefined ? "" : `${bin}:`}${process.env["PATH"] ?? ""}` });

/** The command as users have it, built (npm test builds it first). */
describe.skipIf(!existsSync(main))("the built command", () => {
  it("checks a file, and tells exit codes to the shell", () => {
    expect(spawnSync(process.execPath, [main, "check", "models/vae.lvm"], { cwd: repository, env: env() }).status).toBe(0);
    expect(spawnSync(process.execPath, [main, "check", "models/none.lvm"], { cwd: repository, env: env() }).status).toBe(2);
  });

  it("ends quietly when the reader of its output goes away", () => {
    const { status, stderr } = spawnSync("sh", ["-c", `"${process.execPath}" "${main}" compile models/vae.lvm --emit tensor | head -n 1`], { cwd: repository, env: env(), encoding: "utf8" });
    expect(stderr).toBe("");
    expect(status).toBe(0);
  });

  it("SIGINT: saves, exits 130, and the printed command goes on in a shell, with a path that needs quotes", async () => {
    const cwd = folderWith({ "tiny.lvm": tinyVae });
    const bin = join(cwd, "bin");
    mkdirSync(bin);
    chmodSync(main, 0o755);
    symlinkSync(main, join(bin, "lvmc"));
    mkdirSync(join(cwd, "a $HOME `b` 'c'"));
    const child = spawn(process.execPath, [main, "train", "tiny.lvm", "--epochs", "100000", "--no-samples", "--json", "--out", "a $HOME `b` 'c'"], { cwd, env: env() });
    let out = "";
    child.stdout.on("data", (chunk: Buffer) => {
      if (!out.includes('"type":"step"') && String(chunk).includes('"type":"step"')) child.kill("SIGINT");
      out += String(chunk);
    });
    const code = await new Promise<number | null>((resolve) => child.on("exit", (status) => resolve(status)));
    expect(code).toBe(130);
    const result = JSON.parse(out.trimEnd().split("\n").at(-1) ?? "") as { resume: string; run: string; step: number };
    expect(result.step).toBeGreaterThan(0);
    const resumed = spawnSync("sh", ["-c", `${result.resume} --steps ${result.step + 5} --json`], { cwd, env: env(bin), encoding: "utf8" });
    expect(resumed.stderr).toBe("");
    expect(resumed.status).toBe(0);
    expect(JSON.parse(resumed.stdout.trimEnd().split("\n").at(-1) ?? "")).toMatchObject({ run: result.run, step: result.step + 5 });
    expect(readFileSync(join(result.run, "config.json"), "utf8")).toContain('"tiny"');
  }, 60_000);
});
