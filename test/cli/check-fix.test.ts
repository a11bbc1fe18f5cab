import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { exitCodes } from "../../src/cli/exit-codes.js";
import { folderWith, lvmc } from "./harness.js";

const wrong = `network f(x: real) -> (y: real) {
  y := 2 ** x
}

model line(x: real, y: real) {
  y ~ Norml(h, 1)
  h = f(x)
}
`;
const right = `network f(x: real) -> (y: real) {
  y = 2 ^ x
}

model line(x: real, y: real) {
  h = f(x)
  y ~ Normal(h, 1)
}
`;

describe("check --fix", () => {
  // Guards: signs, a name and the order are mended together, in as many rounds as it takes, and each is said.
  it("writes what needs no choice, and says it", async () => {
    const cwd = folderWith({ "line.lvm": wrong, "fine.lvm": right });
    const told = await lvmc(["check", "--fix", "line.lvm", "fine.lvm"], { cwd });
    expect(told.code).toBe(exitCodes.ok);
    expect(readFileSync(join(cwd, "line.lvm"), "utf8")).toBe(right);
    expect(told.out.split("\n").filter((line) => line.startsWith("fixed"))).toHaveLength(4);
    expect(told.out).toContain("fixed line.lvm: LVM2005 unknown distribution `Norml`: Change to `Normal`\n");
    const again = await lvmc(["check", "--fix", "--json", "line.lvm"], { cwd });
    expect(again.lines.find(({ type }) => type === "fix")).toBeUndefined();
  });

  // Guards: what is a matter of choice, and what would be worse, is left, and the file with it.
  it("leaves what has several meanings", async () => {
    const twice = "model m(x: real) {\n  x ~ Normal(0, 1)\n  x ~ Normal(1, 1)\n}\n";
    const cwd = folderWith({ "m.lvm": twice });
    const told = await lvmc(["check", "--fix", "m.lvm"], { cwd });
    expect(told.code).toBe(exitCodes.model);
    expect(readFileSync(join(cwd, "m.lvm"), "utf8")).toBe(twice);
  });

  it("changes nothing without the option", async () => {
    const cwd = folderWith({ "line.lvm": wrong });
    expect((await lvmc(["check", "line.lvm"], { cwd })).code).toBe(exitCodes.model);
    expect(readFileSync(join(cwd, "line.lvm"), "utf8")).toBe(wrong);
  });

  it("says fixes as JSON lines", async () => {
    const cwd = folderWith({ "line.lvm": wrong });
    const { lines } = await lvmc(["check", "--fix", "--json", "line.lvm"], { cwd });
    expect(lines.filter(({ type }) => type === "fix").map(({ code, title }) => `${String(code)} ${String(title)}`)).toContain("LVM2005 Change to `Normal`");
  });
});
