import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { folderWith, repository } from "../cli/harness.js";
import { missing } from "./support.js";

const script = join(repository, "bench", "gpu", "run.sh");
const built = existsSync(join(repository, "dist", "cli", "devices", "check-web-gpu.js"));

describe("bench/gpu", () => {
  // It is run where nobody can repair it: on a machine that is lent for minutes.
  it.skipIf(missing !== undefined || !built)("runs from the adapter to a table and JSON, on a CPU's Vulkan", () => {
    const out = folderWith();
    const { status, stdout, stderr } = spawnSync(script, ["--quick", "--software", "--only", "copy,dispatch", "--out", out], { encoding: "utf8", env: { ...process.env, LVMC_PEERS: "" } });
    expect(status, stdout + stderr).toBe(0);
    for (const part of ["## Adapter", "subgroup matrices", "## Copy", "## Cost of a dispatch"]) expect(stdout).toContain(part);
    const [name = ""] = readdirSync(out).filter((each) => each.endsWith(".json"));
    expect(JSON.parse(readFileSync(join(out, name), "utf8"))).toMatchObject({ adapter: { software: true }, dispatch: { microseconds: expect.any(Number) }, copy: [{ gigabytes: expect.any(Number) }, {}] });
  });

  it.skipIf(!built)("ends with 5 and what to install where there is no GPU", () => {
    const { status, stderr } = spawnSync(script, ["--quick"], { encoding: "utf8", env: { ...process.env, VK_ICD_FILENAMES: "/no/such/driver.json" } });
    expect(status).toBe(5);
    expect(stderr).toMatch(/no GPU: .*\n/);
  });
});
