import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { render } from "../../src/diagnostics/render.js";
import { parse } from "../../src/parser/parse.js";
import { format, print } from "../../src/parser/print.js";
import { visit } from "../../src/parser/visit.js";
import type { Module } from "../../src/parser/ast.js";

/** Guards that no text makes the parser throw or overflow the stack: hostile files end in diagnostics. */

const models = new URL("../../models/", import.meta.url);
const shipped = readdirSync(models)
  .filter((name) => name.endsWith(".lvm"))
  .map((name) => readFileSync(new URL(name, models), "utf8"));

function expectSpansInside(module: Module): void {
  const { length } = module.source.text;
  visit(module, {
    enter: ({ kind, span }) => {
      if (!(span.start >= 0 && span.start <= span.end && span.end <= length)) throw new Error(`${kind} has the span ${span.start}–${span.end} of ${length}`);
    },
  });
}

function parseAll(text: string): { readonly value: Module; readonly codes: readonly string[] } {
  const { value, diagnostics } = parse({ path: "hostile.lvm", text });
  expect(value.kind).toBe("module");
  expectSpansInside(value);
  for (const diagnostic of diagnostics) {
    for (const { span } of [diagnostic.primary, ...diagnostic.related]) expect(0 <= span.start && span.start <= span.end && span.end <= text.length).toBe(true);
  }
  expect(diagnostics.length).toBeLessThanOrEqual(201);
  expect(typeof render(diagnostics.slice(0, 5), { color: true })).toBe("string");
  if (diagnostics.length === 0) expect(typeof print(value)).toBe("string");
  return { value, codes: diagnostics.map(({ code }) => code) };
}

const inModel = (text: string): string => `model m(x: real) { a = ${text}`;

describe("hostile texts end in diagnostics", () => {
  const hostile: Readonly<Record<string, readonly [text: string, code: string | undefined]>> = {
    "100,000 (": ["(".repeat(100_000), "LVM1008"],
    "100,000 [ in a statement": [inModel("[".repeat(100_000)), "LVM1008"],
    "100,000 {": ["{".repeat(100_000), "LVM1008"],
    "100,000 calls": [inModel("f(".repeat(90_000)), "LVM1008"],
    "100,000 blocks": ["model m(x: real) {".repeat(20_000), "LVM1008"],
    "100,000 )": [")".repeat(100_000), "LVM1004"],
    "100,000 }": ["}".repeat(100_000), "LVM1004"],
    "100,000 minus signs": [`const A = ${"-".repeat(100_000)}1`, "LVM1008"],
    "90,000 sums": [`const A = ${"1+".repeat(90_000)}1`, "LVM1008"],
    "90,000 powers": [`const A = ${"2^".repeat(90_000)}1`, "LVM1008"],
    "60,000 pipes": [`const A = x ${"|> f ".repeat(60_000)}`, "LVM1008"],
    "90,000 members": [`const A = x${".f".repeat(90_000)}`, "LVM1008"],
    "90,000 calls of calls": [`const A = x${"()".repeat(60_000)}`, "LVM1015"],
    "90,000 arguments": [`const A = f(${"1,".repeat(90_000)}2)`, undefined],
    "90,000 conditions": [`const A = f(a | ${"b,".repeat(90_000)}b)`, undefined],
    "60,000 missing commas": [`const A = f(${"1 1,".repeat(60_000)})`, "LVM1001"],
    "190,000 numbers": ["1 ".repeat(190_000), "LVM1019"],
    "190,000 names in a guide": [`guide g { ${"a\n".repeat(190_000)}}`, "LVM1016"],
    "40,000 broken statements": [`model m(x: real) {\n${"a = 1 +\n".repeat(40_000)}}`, "LVM1002"],
    "40,000 open indices": [`guide m { ${"a[".repeat(60)}${"a ".repeat(100_000)}`, "LVM1003"],
    "semicolons": [";".repeat(190_000), "LVM1012"],
    "comments": [`${"// c\n".repeat(100_000)}const A = 1`, undefined],
    "documentation": [`${"/// c\n".repeat(100_000)}const A = 1`, undefined],
    "comments in a list": [`const A = f( // a\n${"1, // b\n".repeat(50_000)}2)`, undefined],
    "comments in a sum": [`const A = 1 // a\n${"// b\n".repeat(150_000)}+ 2`, undefined],
    "hashes": ["#\n".repeat(150_000), "LVM1012"],
    "an open block comment": ["/* ".repeat(300_000), "LVM1012"],
    "long number": [`const A = ${"1".repeat(500_000)}a`, "LVM1006"],
    "many underscores": ["1_".repeat(400_000), "LVM1006"],
    "quotation marks": ['"'.repeat(199_999), "LVM1019"],
    "escapes": ['"\\'.repeat(400_000), "LVM1005"],
    "NUL bytes": ["\0".repeat(900_000), "LVM1007"],
    "lone surrogates": ["\ud800".repeat(400_000), "LVM1007"],
    "swapped surrogates": ["\udc00\ud800".repeat(400_000), "LVM1007"],
    "10 MB": ["const A = 1\n".repeat(900_000), "LVM1009"],
    "too many words": ["const A = 1\n".repeat(80_000), "LVM1009"],
    "empty": ["", undefined],
    "byte order mark": ["\ufeffconst A = 1", undefined],
    "CRLF": ["const A = 1\r\n// c\r\nconst B = 2\r\n", undefined],
    "CR": ["const A = 1\r// c\rconst B = 2\r", undefined],
  };
  for (const [name, [text, code]] of Object.entries(hostile)) {
    it(name, () => {
      const { codes } = parseAll(text);
      if (code === undefined) expect(codes).toEqual([]);
      else expect(codes).toContain(code);
    }, 60_000);
  }

  it("10 MB of random bytes", () => {
    const random = generator(7);
    const bytes = Uint8Array.from({ length: 10_000_000 }, () => random(256));
    expect(parseAll(Buffer.from(bytes).toString("latin1")).codes).toEqual(["LVM1009"]);
    parseAll(Buffer.from(bytes.subarray(0, 900_000)).toString("utf8"));
    parseAll(Buffer.from(bytes.subarray(0, 60_000)).toString("utf8"));
  }, 60_000);

  it("the deepest allowed nesting parses, broken or not, below a deep caller", () => {
    const text = (inner: string): string => `${inModel("f(".repeat(62))}${inner}${")".repeat(62)} }`;
    const below = (depth: number): void => {
      if (depth > 0) return below(depth - 1);
      expect(parseAll(text("1")).codes).toEqual([]);
      expect(parseAll(text("1 1")).codes).toEqual(["LVM1001"]);
    };
    below(200);
  });
});

/** Small deterministic numbers (mulberry32). */
function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) % below;
  };
}

describe("mutated models", () => {
  const pieces = ["(", ")", "[", "]", "{", "}", ",", "=", "~", ":", "|>", "..", "+", "^", "?", '"', "model", "guide", "chain", "t", "in", "1", ".5", "by", "\n", "//", "/", ";", "|", "\u0000", "é"];
  it("500 seeds of deleted, doubled and inserted words: always a tree, spans inside the file, and the formatter is steady", () => {
    let clean = 0;
    for (let seed = 0; seed < 500; seed += 1) {
      const random = generator(seed);
      const words = (shipped[random(shipped.length)] ?? "").match(/\w+|\s+|[^\w\s]/gu) ?? [];
      for (let change = 1 + random(6); change > 0; change -= 1) {
        const at = random(words.length);
        const kind = random(3);
        if (kind === 0) words.splice(at, 1 + random(3));
        else if (kind === 1) words.splice(at, 0, words[at] ?? "");
        else words.splice(at, 0, pieces[random(pieces.length)] ?? "");
      }
      const text = words.join("");
      const { codes } = parseAll(text);
      const formatted = format({ path: "mutated.lvm", text });
      expect(formatted.value === undefined).toBe(codes.length > 0);
      if (formatted.value !== undefined) {
        clean += 1;
        expect(format({ path: "mutated.lvm", text: formatted.value }).value).toBe(formatted.value);
      }
    }
    expect(clean).toBeGreaterThan(10);
  }, 120_000);
});
