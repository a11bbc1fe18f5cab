import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { render } from "../../src/diagnostics/render.js";
import { parse } from "../../src/parser/parse.js";
import { expectGolden } from "../support/golden.js";

/** Guards the words and places of syntax messages: each `.lvm` has its messages beside it. */

const folder = new URL("../errors-syntax/", import.meta.url);

describe("messages about syntax", () => {
  for (const name of readdirSync(folder).filter((found) => found.endsWith(".lvm"))) {
    it(name, () => {
      const { diagnostics } = parse({ path: name, text: readFileSync(new URL(name, folder), "utf8") });
      expect(diagnostics.length).toBeGreaterThan(0);
      for (const diagnostic of diagnostics) {
        expect(diagnostic.help, diagnostic.message).toBeTruthy();
        expect(diagnostic.primary.text, diagnostic.message).toBeTruthy();
      }
      expectGolden(fileURLToPath(new URL(name.replace(/\.lvm$/, ".txt"), folder)), render(diagnostics, { color: false }));
    });
  }
});
