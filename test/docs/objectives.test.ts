import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { klTable } from "../../src/distributions/kl.js";
import { distributions } from "../../src/distributions/registry.js";
import { readDoc, root, sectionOf, table, tableOf } from "./blocks.js";

const markdown = readDoc("objectives.md");

describe("objectives.md says what the compiler derives", () => {
  it("lists every closed form", () => {
    const rows = [...new Set(klTable.map(([q]) => q))].map((q) => [q, klTable.filter(([other]) => other === q).map(([, p]) => p).join(", ")]);
    const expected = table(["q", "p"], rows);
    if (process.env["UPDATE_GOLDENS"] !== undefined) writeFileSync(join(root, "docs", "objectives.md"), markdown.replace(`<!-- kl -->\n${sectionOf(markdown, "kl")}`, () => `<!-- kl -->\n${expected}`));
    expect(sectionOf(readDoc("objectives.md"), "kl"), "run with UPDATE_GOLDENS=1, and read the difference").toBe(expected);
  });

  it("lists every kind of term", () => {
    const source = readFileSync(join(root, "src/ir/objective/objective.ts"), "utf8");
    const union = /export type TermKind =([^]*?)\n\nexport/.exec(source)?.[1] ?? "";
    const kinds = [...union.matchAll(/\| "([a-z-]+)"/g)].map(([, kind]) => kind);
    expect(tableOf(markdown, "terms").map(([kind = ""]) => kind.replaceAll("`", ""))).toEqual(kinds);
  });

  it("names the families of each reparameterization", () => {
    const names = (how: readonly string[]): string[] => Object.values(distributions).filter((each) => how.includes(each.reparameterization)).map((each) => each.name).sort();
    const text = /\*\*Reparameterization\*\*[^]*?\n4\./.exec(markdown)?.[0] ?? "";
    const mentioned = (part: string | undefined): string[] => [...(part ?? "").matchAll(/[A-Z][A-Za-z]+/g)].map(([name]) => name).filter((name) => name in distributions).sort();
    const [, byScale, byInverse, implicitly] = /draw is a smooth([^]*?)by location and scale;([^]*?)through the inverse([^]*)$/.exec(text) ?? [];
    expect(mentioned(byScale)).toEqual(names(["location-scale"]));
    expect(mentioned(byInverse)).toEqual(names(["inverse-cdf"]));
    expect(mentioned(implicitly)).toEqual(names(["implicit"]));
  });
});
