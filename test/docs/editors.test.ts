import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { tokenModifiers, tokenTypes } from "../../src/language-server/features/semantic-tokens.js";
import { defaultSettings } from "../../src/language-server/settings.js";
import { blocksOf, readDoc, root, sectionOf, table } from "./blocks.js";

/** Guards docs/editors.md: its tables are the server's own, and its recipes start the command that there is. */

const generated: Readonly<Record<string, string>> = {
  "token types": table(["type", "what"], Object.entries(tokenTypes).map(([name, what]) => [`\`${name}\``, what])),
  "token modifiers": table(["modifier", "what"], Object.entries(tokenModifiers).map(([name, what]) => [`\`${name}\``, what])),
};

const flat = (settings: object, path = ""): readonly (readonly [string, unknown])[] => Object.entries(settings).flatMap(([key, value]) => (typeof value === "object" && value !== null ? flat(value as object, `${path}${key}.`) : [[`${path}${key}`, value] as const]));

describe("editors.md", () => {
  if (process.env["UPDATE_GOLDENS"] !== undefined) {
    const markdown = readDoc("editors.md");
    writeFileSync(join(root, "docs", "editors.md"), Object.entries(generated).reduce((text, [name, lines]) => text.replace(`<!-- ${name} -->\n${sectionOf(text, name)}`, () => `<!-- ${name} -->\n${lines}`), markdown));
  }
  it.each(Object.keys(generated))("lists the %s of the server", (name) => {
    expect(sectionOf(readDoc("editors.md"), name), "run with UPDATE_GOLDENS=1, and read the difference").toBe(generated[name]);
  });
  it("lists the settings with their defaults", () => {
    const rows = [...readDoc("editors.md").matchAll(/^\| `([\w.]+)` \| [^|]* \| `(\w+)` \|$/gm)].map(([, name, value]) => [name, value]);
    expect(rows).toEqual(flat(defaultSettings).map(([name, value]) => [name, String(value)]));
  });
  it("starts the server in every recipe", () => {
    const recipes = blocksOf(readDoc("editors.md")).map(({ text }) => text).filter((text) => /"lsp"/.test(text));
    expect(recipes).toHaveLength(6);
    for (const text of recipes) expect(text).toMatch(/"lsp"(?:\.into\(\))?,? "--stdio"/);
    expect(readFileSync(join(root, "src/cli/program.ts"), "utf8")).toContain('program.command("lsp")');
  });
});
