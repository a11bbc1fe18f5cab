import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { catalog, type CatalogEntry } from "../../src/diagnostics/catalog.js";
import { fileHost } from "../../src/language-server/stdio.js";
import { readDoc, root } from "./blocks.js";

/** docs/diagnostics.md is made of the catalog: editors open it at the code of a message. */

const ranges: Readonly<Record<string, string>> = {
  1: "syntax", 2: "names", 3: "types, shapes and supports", 4: "models and guides", 5: "objectives and training", 6: "code generation", 7: "data, training and files", 9: "bugs of lvmc",
};

function page(): string {
  const entries = (Object.entries(catalog) as [string, CatalogEntry][]).sort(([a], [b]) => (a < b ? -1 : 1));
  const sections = Object.entries(ranges).map(([digit, what]) => {
    const codes = entries.filter(([code]) => code[3] === digit);
    return `## ${digit}xxx: ${what}\n\n${codes.map(([code, { title, explanation }]) => `<a id="${code.toLowerCase()}"></a>\n\n### ${code}: ${title}\n\n${explanation}\n`).join("\n")}`;
  });
  return `# Messages\n\nEvery code that lvmc can print, with what \`lvmc explain CODE\` says about it. This page is made of the catalog in \`src/diagnostics/catalog\`; a test keeps it so.\n\nContents: ${Object.entries(ranges).map(([digit, what]) => `[${digit}xxx: ${what}](#${digit}xxx-${what.replaceAll(",", "").replaceAll(" ", "-")})`).join(" · ")}\n\n${sections.join("\n")}`;
}

describe("diagnostics.md", () => {
  it("explains every code as the catalog does", () => {
    if (process.env["UPDATE_GOLDENS"] !== undefined) writeFileSync(join(root, "docs", "diagnostics.md"), page());
    expect(readDoc("diagnostics.md"), "run with UPDATE_GOLDENS=1, and read the difference").toBe(page());
    expect(page().match(/^### LVM/gm)).toHaveLength(Object.keys(catalog).length);
  });

  // Guards the links of messages: the page is in the package, where the server says, and has the place.
  it("is what the language server's links lead to", () => {
    const { files } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { readonly files: readonly string[] };
    expect(files).toContain("docs/diagnostics.md");
    for (const code of Object.keys(catalog)) {
      const url = new URL(fileHost().pageOf(code)!);
      expect(existsSync(url)).toBe(true);
      expect(readDoc("diagnostics.md")).toContain(`<a id="${url.hash.slice(1)}"></a>`);
    }
  });
});
