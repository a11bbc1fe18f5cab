import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { catalog } from "../../src/diagnostics/catalog.js";
import { render } from "../../src/diagnostics/render.js";
import { checkFile, checkText } from "../support/check-file.js";
import { expectGolden } from "../support/golden.js";

const root = fileURLToPath(new URL(".", import.meta.url));
const models = readdirSync(root).filter((name) => name.endsWith(".lvm"));

/** Files with another number of messages than one: name and number. */
const several: Readonly<Record<string, number>> = { "ten-mistakes.lvm": 10 };

describe("models with a mistake", () => {
  // Guards: what a user reads for each mistake, and that one mistake gives one message.
  it.each(models)("%s", (name) => {
    const { diagnostics } = checkFile(name, root);
    expectGolden(join(root, name.replace(/\.lvm$/, ".txt")), render(diagnostics, { color: false }));
    expect(diagnostics.map(({ code, message }) => `${code} ${message}`)).toHaveLength(several[name] ?? 1);
    for (const diagnostic of diagnostics) expect(diagnostic.help, `${diagnostic.code} has no help line`).toBeTruthy();
  });

  // Guards: a quick fix that is offered for a mistake in structure or objective mends it and makes no other.
  it.each(models.filter((name) => several[name] === undefined))("fixes of %s mend it", (name) => {
    const text = readFileSync(join(root, name), "utf8");
    for (const fix of checkFile(name, root).diagnostics.filter(({ code }) => /^LVM[45]/.test(code)).flatMap(({ fixes }) => fixes ?? [])) {
      const edits = [...fix.edits].sort((left, right) => right.span.start - left.span.start);
      const mended = edits.reduce((all, { span, text: replacement }) => all.slice(0, span.start) + replacement + all.slice(span.end), text);
      const left = checkText(name, mended, root).diagnostics.filter(({ severity }) => severity === "error");
      expect(left.map(({ code, message }) => `${code} ${message}`), `${fix.title}:\n${mended}`).toEqual([]);
    }
  });

  // Guards: `lvmc explain CODE` has something to say for every code of the checker's structure and objective ranges.
  it("every 4xxx and 5xxx code has an explanation", () => {
    for (const [code, entry] of Object.entries(catalog)) {
      if (!/^LVM[45]/.test(code)) continue;
      expect(entry.explanation.length, code).toBeGreaterThan(60);
    }
  });
});
