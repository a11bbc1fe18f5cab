import { describe, expect, it } from "vitest";
import { catalog } from "../../src/diagnostics/catalog.js";
import type { Diagnostic, Label } from "../../src/diagnostics/diagnostic.js";
import { renderJson } from "../../src/diagnostics/render-json.js";
import { render } from "../../src/diagnostics/render.js";
import { sortDiagnostics } from "../../src/diagnostics/sort.js";
import type { SourceFile } from "../../src/diagnostics/span.js";
import { editDistance, suggest } from "../../src/diagnostics/suggest.js";

/** Guards the form in which mistakes are shown. */

function label(source: SourceFile, part: string, text: string, from = 0): Label {
  const start = source.text.indexOf(part, from);
  return { span: { source, start, end: start + part.length }, text };
}

function error(primary: Label, more: Partial<Diagnostic> = {}): Diagnostic {
  return { code: "LVM1001", severity: "error", message: "shape mismatch", primary, related: [], notes: [], ...more };
}

const show = (diagnostic: Diagnostic): string => render([diagnostic], { color: false });

describe("render", () => {
  it("is the form of docs/language.md", () => {
    const source = { path: "models/vae.lvm", text: `${"\n".repeat(13)}network decoder(z: real[20]) -> (logits: real[784]) {\n\n\n\n\n  x ~ Bernoulli(logits = decoder(z))\n` };
    const found = error(label(source, "z", "this has 16", source.text.indexOf("decoder(z)")), {
      related: [label(source, "real[20]", "the network takes 20 numbers")],
      notes: ["z got its size on line 18: `z: real[16]`"],
      help: "make both the same constant, or change line 18 to `real[20]`",
    });
    expect(show(found)).toBe(`error LVM1001: shape mismatch
  ┌ models/vae.lvm:19:34
14 │ network decoder(z: real[20]) -> (logits: real[784]) {
   │                    ──────── the network takes 20 numbers
19 │   x ~ Bernoulli(logits = decoder(z))
   │                                  ^ this has 16
   = z got its size on line 18: \`z: real[16]\`
   help: make both the same constant, or change line 18 to \`real[20]\`
`);
  });
  it("another file gets its own block", () => {
    const here = { path: "a.lvm", text: "import f from \"b.lvm\"\n" };
    const there = { path: "b.lvm", text: "\n\nnetwork f(x: real) -> (y: real) {}\n" };
    expect(show(error(label(here, "f", "here", 7), { related: [label(there, "f", "declared here", 10)] }))).toBe(`error LVM1001: shape mismatch
 ┌ a.lvm:1:8
1 │ import f from "b.lvm"
  │        ^ here
 ┌ b.lvm:3:9
3 │ network f(x: real) -> (y: real) {}
  │         ─ declared here
`);
  });
  it("several labels on one line", () => {
    const source = { path: "a.lvm", text: "a = b" };
    expect(show(error(label(source, "b", "two"), { related: [label(source, "a", "one")] }))).toContain("1 │ a = b\n  │ ─ one\n  │     ^ two\n");
  });
  it("tabs, wide letters and control characters", () => {
    const source = { path: "a\u001b[31m.lvm", text: "\tα = 漢 \u001b[2J\u202e x" };
    const text = show(error(label(source, "x", "here\u0007")));
    expect(text).toContain("a\\x1b[31m.lvm:1:14");
    expect(text).toContain("1 │     α = 漢 \\x1b[2J\\u{202e} x\n");
    expect(text.split("\n")[3]).toBe(`  │ ${" ".repeat(4 + 4 + 3 + 7 + 8 + 1)}^ here\\x07`);
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
  });
  it("wide lines are trimmed around the place", () => {
    const source = { path: "a.lvm", text: `${"a".repeat(1000)}!${"b".repeat(100_000)}` };
    const lines = show(error(label(source, "!", "here"))).split("\n");
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(130);
    expect(lines[2]?.indexOf("!")).toBe(lines[3]?.indexOf("^"));
    expect(lines[2]).toMatch(/…a+!b+…/);
  });
  it("spans over several lines, at the end of the file, in CRLF, empty and beyond the end", () => {
    const source = { path: "a.lvm", text: "one {\r\n  two\r\n}\r\n" };
    const at = (start: number, end: number): string => show(error({ span: { source, start, end }, text: "here" }));
    expect(at(4, 15)).toContain("1 │ one {\n  │     ^ from here …\n3 │ }\n  │ ^ … to here: here\n");
    expect(at(source.text.length, source.text.length)).toContain("a.lvm:4:1\n4 │\n  │ ^ here\n");
    expect(at(9, 14)).toContain("2 │   two\n  │   ^^^ here\n");
    expect(at(500, 900)).toContain("a.lvm:4:1");
    expect(show(error({ span: { source: { path: "e.lvm", text: "" }, start: 0, end: 0 }, text: "" }))).toContain("1 │\n  │ ^\n");
  });
  it("colour is on demand, and the text is the same without it", () => {
    const found = error(label({ path: "a.lvm", text: "a = b" }, "b", "here"), { notes: ["n"], help: "h" });
    const coloured = render([found], { color: true });
    expect(coloured).toContain("\u001b[1;31merror LVM1001\u001b[0m");
    expect(coloured.replace(/\u001b\[[0-9;]*m/g, "")).toBe(show(found));
  });
});

describe("renderJson", () => {
  it("gives positions, related places and fixes as plain data", () => {
    const source = { path: "a.lvm", text: "x\ny = b" };
    const place = label(source, "b", "here");
    const data = renderJson(error(place, { related: [label(source, "y", "there")], help: "h", fixes: [{ title: "t", edits: [{ span: place.span, text: "c" }] }] }));
    const range = { file: "a.lvm", start: { line: 2, column: 5, offset: 6 }, end: { line: 2, column: 6, offset: 7 } };
    expect(JSON.parse(JSON.stringify(data))).toEqual({
      version: 1, type: "diagnostic", code: "LVM1001", severity: "error", message: "shape mismatch", range, label: "here",
      related: [{ range: { file: "a.lvm", start: { line: 2, column: 1, offset: 2 }, end: { line: 2, column: 2, offset: 3 } }, text: "there" }],
      notes: [], help: "h", fixes: [{ title: "t", edits: [{ range, text: "c" }] }],
    });
  });
});

describe("sortDiagnostics", () => {
  it("orders by file and place and drops repetitions", () => {
    const source = { path: "a.lvm", text: "abc" };
    const [a, b] = [error(label(source, "a", "")), error(label(source, "b", ""))];
    expect(sortDiagnostics([b, a, { ...b }, { ...a, message: "other" }]).map(({ message, primary }) => `${primary.span.start} ${message}`)).toEqual(["0 other", "0 shape mismatch", "1 shape mismatch"]);
  });
});

describe("suggest", () => {
  const names = ["Normal", "LogNormal", "Bernoulli", "encoder", "decoder", "LATENT", "x", "y", "scale"];
  const cases: readonly (readonly [string, string | undefined])[] = [
    ["Norml", "Normal"], ["normal", "Normal"], ["Nromal", "Normal"], ["Bernouli", "Bernoulli"], ["latent", "LATENT"], ["encodr", "encoder"],
    ["decodr", "decoder"], ["z", undefined], ["X", "x"], ["foo", undefined], ["sclae", "scale"], ["Cauchy", undefined], ["", undefined],
  ];
  for (const [name, expected] of cases) it(`${name || "nothing"} → ${expected ?? "nothing"}`, () => {
    expect(suggest(name, names)).toBe(expected);
    expect(suggest(name, [...names].reverse())).toBe(expected);
  });
  it("the distance is that of the field's examples", () => {
    expect(editDistance("kitten", "sitting")).toBe(3);
    expect(editDistance("ca", "abc")).toBe(3);
    expect(editDistance("ab", "ba")).toBe(1);
  });
});

describe("catalog", () => {
  it("every syntax code has a title and an explanation", () => {
    for (const [code, { title, explanation }] of Object.entries(catalog)) {
      if (!code.startsWith("LVM1")) continue;
      expect(title).toMatch(/^[a-z]/);
      expect(explanation.length, code).toBeGreaterThan(60);
    }
  });
});
