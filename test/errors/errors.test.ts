import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Fix } from "../../src/diagnostics/diagnostic.js";
import { catalog } from "../../src/diagnostics/catalog.js";
import { render } from "../../src/diagnostics/render.js";
import { checkFile, checkText } from "../support/check-file.js";
import { expectGolden } from "../support/golden.js";

const root = fileURLToPath(new URL(".", import.meta.url));
const models = readdirSync(root).filter((name) => name.endsWith(".lvm"));

/** Files with another number of messages than one: name and number. */
const several: Readonly<Record<string, number>> = { "dropout-of-nothing.lvm": 4, "ten-mistakes.lvm": 10 };

/** Fixes after which another mistake of the same file is left, which the first hid or which the help line names too. */
const comesToLight: Readonly<Record<string, string>> = {
  "chain-empty-range.lvm: Change to `1..T`": "LVM4027 the loop runs over 1..3, and `x` has 5 positions",
  "chain-gap-down.lvm: Change to `4`": "LVM4027 `x` is drawn at positions 1 to 4, and has 5",
  "chain-gap.lvm: Change to `2`": "LVM4044 `z[1]` has no value",
  "chain-lag-too-deep.lvm: Let the loop run over 3..5": "LVM4043 nothing defines `z[2]`",
  "chain-read-past-end.lvm: Let the loop run over 1..4": "LVM4027 the loop runs over 1..4, and `x` has 5 positions",
  "import-missing-name.lvm: Change to `shift`": "LVM2004 unknown function `shft`",
  "label-in-arithmetic.lvm: Wrap in `one_hot`": "LVM3004 shape mismatch",
};

function applyFix(text: string, { edits }: Fix): string {
  const backwards = [...edits].sort((left, right) => right.span.start - left.span.start);
  return backwards.reduce((all, { span, text: replacement }) => all.slice(0, span.start) + replacement + all.slice(span.end), text);
}

describe("models with a mistake", () => {
  // Guards: what a user reads for each mistake, and that one mistake gives one message.
  it.each(models)("%s", (name) => {
    const { diagnostics } = checkFile(name, root);
    expectGolden(join(root, name.replace(/\.lvm$/, ".txt")), render(diagnostics, { color: false }));
    expect(diagnostics.map(({ code, message }) => `${code} ${message}`)).toHaveLength(several[name] ?? 1);
    for (const diagnostic of diagnostics) expect(diagnostic.help, `${diagnostic.code} has no help line`).toBeTruthy();
  });

  // Guards: a quick fix mends what it is offered for, and makes no other mistake.
  it.each(models.filter((name) => several[name] === undefined))("fixes of %s mend it", (name) => {
    const text = readFileSync(join(root, name), "utf8");
    for (const fix of checkFile(name, root).diagnostics.flatMap(({ fixes }) => fixes ?? [])) {
      const mended = applyFix(text, fix);
      const left = checkText(name, mended, root).diagnostics.filter(({ severity }) => severity === "error").map(({ code, message }) => `${code} ${message}`);
      const next = comesToLight[`${name}: ${fix.title}`];
      expect(left, `${fix.title}:\n${mended}`).toEqual(next === undefined ? [] : [next]);
    }
  });

  // Guards: mistakes of many kinds have fixes.
  it("have fixes for more than 70 codes", () => {
    const codes = models.flatMap((name) => checkFile(name, root).diagnostics.filter(({ fixes }) => fixes !== undefined && fixes.length > 0).map(({ code }) => code));
    expect(new Set(codes).size).toBeGreaterThan(70);
  });

  // Guards: of several mistakes each can be mended alone.
  it.each(Object.keys(several))("each fix of %s mends its own mistake", (name) => {
    const { diagnostics } = checkFile(name, root);
    const text = readFileSync(join(root, name), "utf8");
    const fixes = diagnostics.flatMap((diagnostic) => (diagnostic.fixes ?? []).map((fix) => ({ diagnostic, fix })));
    expect(fixes.length).toBeGreaterThanOrEqual(3);
    const said = (list: typeof diagnostics): readonly string[] => list.map(({ code, message, primary }) => `${code} ${message}: ${primary.text}`);
    for (const { diagnostic, fix } of fixes) {
      const left = said(checkText(name, applyFix(text, fix), root).diagnostics);
      expect(left.filter((each) => each === said([diagnostic])[0]), fix.title).toHaveLength(said(diagnostics).filter((each) => each === said([diagnostic])[0]).length - 1);
      expect(said(diagnostics), fix.title).toEqual(expect.arrayContaining([...left]));
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
