import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { tinyVae } from "../cli/harness.js";
import { missing } from "./support.js";

const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const cwd = mkdtempSync(join(tmpdir(), "lvmc-webgpu-command-"));
afterAll(() => rmSync(cwd, { recursive: true, force: true }));
writeFileSync(join(cwd, "tiny.lvm"), tinyVae);

const driver = process.env["VK_ICD_FILENAMES"] ?? "";
const libraries = [dirname(driver), process.env["LD_LIBRARY_PATH"] ?? ""].filter((path) => path !== "").join(":");

/** The command as users have it, in a process of its own. */
function lvmc(args: readonly string[], { env = {}, node = [] }: { readonly env?: NodeJS.ProcessEnv; readonly node?: readonly string[] } = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...node, main, ...args], { cwd, encoding: "utf8", timeout: 120_000, env: { ...process.env, VK_ICD_FILENAMES: driver, LD_LIBRARY_PATH: libraries, ...env } });
  const last = stdout.trimEnd().split("\n").at(-1) ?? "";
  return { status, stdout, stderr, result: last.startsWith("{") ? (JSON.parse(last) as Record<string, unknown>) : {} };
}
const train = ["train", "tiny.lvm", "--no-samples", "--json"];

describe.skipIf(missing !== undefined || !existsSync(main))("lvmc --device webgpu", () => {
  it("trains and profiles; another device goes on with the run; it is evaluated and drawn from on the GPU", () => {
    const trained = lvmc([...train, "--device", "webgpu", "--steps", "4", "--profile"]);
    expect(trained.status, trained.stderr).toBe(0);
    expect(trained.result).toMatchObject({ step: 4, profile: { threads: 1 } });
    expect(trained.stdout).toContain('"device":"webgpu"');
    const reference = lvmc([...train, "--device", "wasm", "--steps", "4"]);
    const elbo = ({ result }: typeof trained): number => (result["metrics"] as { elbo: number }).elbo;
    expect(elbo(trained) / elbo(reference)).toBeCloseTo(1, 4);
    const run = String(trained.result["run"]);
    const resumed = lvmc(["train", "--resume", run, "--device", "wasm", "--steps", "6", "--no-samples", "--json"]);
    expect(resumed.status, resumed.stderr).toBe(0);
    const [gpu, cpu] = ["webgpu", "wasm"].map((device) => lvmc(["eval", run, "--device", device, "--json"]));
    expect(gpu!.status, gpu!.stderr).toBe(0);
    const bound = (text: string): number => Number(/"elbo":(-?[\d.]+)/.exec(text)?.[1]);
    expect(bound(gpu!.stdout) / bound(cpu!.stdout)).toBeCloseTo(1, 4);
    const drawn = lvmc(["sample", run, "--device", "webgpu", "-n", "4", "-o", "drawn.png"]);
    expect(drawn.status, drawn.stderr).toBe(0);
    expect(existsSync(join(cwd, "drawn.png"))).toBe(true);
  }, 300_000);

  it("says what is missing, with exit code 5: the package", () => {
    const hook = 'export async function resolve(name, context, next) { if (name === "webgpu") throw Object.assign(new Error("no webgpu"), { code: "ERR_MODULE_NOT_FOUND" }); return next(name, context); }';
    writeFileSync(join(cwd, "hook.mjs"), `import { register } from "node:module";\nregister("data:text/javascript,${encodeURIComponent(hook)}");\n`);
    const { status, stderr } = lvmc([...train.slice(0, -1), "--device", "webgpu"], { node: ["--import", "./hook.mjs"] });
    expect(status).toBe(5);
    expect(stderr).toMatch(/LVM7161[^\n]*package webgpu[^\n]*not installed\n *help: npm install webgpu/);
  });

  it("says what is missing, with exit code 5: an adapter", () => {
    const { status, stderr } = lvmc([...train.slice(0, -1), "--device", "webgpu"], { env: { VK_ICD_FILENAMES: join(cwd, "none.json") } });
    expect(status).toBe(5);
    expect(stderr).toMatch(/LVM7161[^\n]*no adapter was found\n *help: [^\n]*Vulkan/);
  });
});
