import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { format } from "../../src/driver/format.js";
import { keywordRoles } from "../../src/parser/tokens.js";
import { checkText } from "../support/check-file.js";
import { expansions, type Snippet } from "./support/snippets.js";

/** Guards the snippets of the extension: what each inserts compiles, and is written as the formatter writes it. */

const root = fileURLToPath(new URL("../../", import.meta.url));
const snippets = JSON.parse(readFileSync(`${root}editors/vscode/snippets/lvm.json`, "utf8")) as Readonly<Record<string, Snippet>>;

const pair = "model m(x: real[2]) {\n  z: real[2] ~ Normal(0, 1)\n  x ~ Normal(z, 0.5)\n}\n\n";

/** What stands around a snippet that is a part of a file. */
const around: Readonly<Record<string, { readonly before?: string; readonly after?: string; readonly indented?: boolean }>> = {
  guide: { before: pair },
  train: { before: `${pair}guide m {\n  auto mean_field z\n}\n\n` },
  model: { after: "\nguide m {\n  auto mean_field z\n}\n" },
  chain: { before: "model m(x: real[3]) {\n", after: "  each t in 1..3 {\n    x[t] ~ Normal(z[t], 0.5)\n  }\n}\n\nguide m {\n  marginalize z\n}\n", indented: true },
  each: { before: "model m(x: real[3]) {\n  z: real ~ Normal(0, 1)\n", after: "}\n\nguide m {\n  auto mean_field z\n}\n", indented: true },
  global: { before: "model m(x: real) {\n", after: "  x ~ Normal(w, 0.5)\n}\n\nguide m {\n  auto mean_field w\n}\n", indented: true },
};

describe("snippets", () => {
  it.each(Object.entries(snippets))("%s compiles, with every choice", (_name, snippet) => {
    const { before = "", after = "", indented = false } = around[snippet.prefix] ?? {};
    const texts = expansions(snippet);
    expect(texts.length).toBeGreaterThan(0);
    for (const text of texts) {
      expect(text).not.toContain("$");
      const inserted = indented ? text.replace(/^(?=.)/gm, "  ") : text;
      const whole = `${before}${inserted.trimEnd()}\n${after}`;
      const { value, diagnostics } = checkText("models/new.lvm", whole, root);
      expect(diagnostics.filter(({ severity }) => severity === "error").map(({ code, message }) => `${code} ${message}`), whole).toEqual([]);
      if (/^model /m.test(whole)) expect(value.programs).toHaveLength(1);
      const formatted = format({ path: "new.lvm", text: whole });
      expect(formatted.value).toBe(whole);
    }
  });

  it("begin with what one types", () => {
    const prefixes = Object.values(snippets).map(({ prefix }) => prefix);
    expect(new Set(prefixes).size).toBe(prefixes.length);
    const heads = Object.entries(keywordRoles).flatMap(([word, role]) => (role === "item" ? [word] : []));
    expect(prefixes).toEqual(expect.arrayContaining([...heads, "chain", "each", "global", "vae", "mixture", "state-space", "diffusion"]));
    expect(Object.keys(around).filter((prefix) => !prefixes.includes(prefix))).toEqual([]);
  });
});
