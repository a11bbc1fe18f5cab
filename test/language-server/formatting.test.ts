import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { TextEdit } from "vscode-languageserver-protocol";
import { TextDocument } from "vscode-languageserver-textdocument";
import { lineStarts, type SourceFile } from "../../src/diagnostics/span.js";
import { readSyntax, type Syntax } from "../../src/language-server/analysis.js";
import { formattingOf, formattingOfBlock, formattingOfLines, formattingOfNewLine } from "../../src/language-server/features/formatting.js";
import { type LineEdit, lineEdits, spanEdit } from "../../src/language-server/line-edits.js";
import { rangeOf } from "../../src/language-server/positions.js";
import { format } from "../../src/parser/print.js";
import { type Client, startClient } from "./support/client.js";
import { cursor } from "./support/fixture.js";
import { filesWith } from "./support/workspace.js";

const models = join(import.meta.dirname, "..", "..", "models");
const sourceOf = (text: string): SourceFile => ({ path: "a.lvm", text });
const syntaxOf = (text: string): Syntax => readSyntax(sourceOf(text));

function applied({ path, text }: SourceFile, edits: readonly LineEdit[]): string {
  const starts = lineStarts({ path, text });
  // As an editor does it: by lines and columns.
  return TextDocument.applyEdits(TextDocument.create(path, "lvm", 1, text), edits.map((edit) => spanEdit({ path, text }, starts, edit)).map(({ span, text: newText }): TextEdit => ({ range: rangeOf(span), newText })));
}

/** Numbers from 0 to n - 1, the same ones each time (Marsaglia's xorshift). */
function numbers(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
}

describe("edits of lines", () => {
  // Guards the difference itself: texts of few distinct lines, where most of what can go wrong does.
  it("make one text of another, however they differ", () => {
    const below = numbers(7);
    const text = (): string => Array.from({ length: below(9) }, () => "abc"[below(3)]!.repeat(below(3))).join("\n");
    for (let round = 0; round < 2000; round++) {
      const [before, after] = [text(), text()];
      expect(applied(sourceOf(before), lineEdits(before.split("\n"), after.split("\n")))).toBe(after);
    }
  });
  it("are the fewest", () => {
    const lines = "a b c d e f g".split(" ");
    expect(lineEdits(lines, ["a", "c", "d", "x", "f", "new", "g"])).toEqual([{ from: 1, to: 2, lines: [] }, { from: 4, to: 5, lines: ["x"] }, { from: 6, to: 6, lines: ["new"] }]);
  });
});

const messy = `const K=3


model m(x:real[K]){
    z~Normal(0,1)
  x ~ Normal(z, 1)
}
train m {epochs = 3
  batch=2 }
`;

describe("formatting", () => {
  it("of a whole file is that of lvmc fmt, by small edits", () => {
    const source = sourceOf(messy);
    const edits = formattingOf(readSyntax(source))!;
    expect(applied(source, edits)).toBe(format(source).value);
    // The line that is right already is in no edit.
    expect(edits.some(({ from, to }) => from <= 5 && 5 < to)).toBe(false);
  });
  it.each(readdirSync(models).filter((name) => name.endsWith(".lvm")))("of %s, spaced at random", (name) => {
    const below = numbers(name.length);
    const text = readFileSync(join(models, name), "utf8").split("\n").map((line) => (line.includes("//") ? line : `${" ".repeat(below(3))}${line}${" ".repeat(below(2))}`)).join("\n");
    const source = sourceOf(text);
    const edits = formattingOf(readSyntax(source))!;
    expect(applied(source, edits)).toBe(format(source).value);
    expect(edits.length).toBeGreaterThan(1);
    const windows = sourceOf(text.replaceAll("\n", "\r\n"));
    expect(applied(windows, formattingOf(readSyntax(windows))!)).toBe(format(source).value!.replaceAll("\n", "\r\n"));
  });
  it("of a formatted or a broken file changes nothing", () => {
    expect(formattingOf(syntaxOf(format(sourceOf(messy)).value!))).toEqual([]);
    expect(formattingOf(syntaxOf("model m(x: real) {\n"))).toBeUndefined();
  });
  it("of a range touches its lines only, as whole formatting does", () => {
    const source = sourceOf(messy);
    const lines = applied(source, formattingOfLines(readSyntax(source), 4, 4)).split("\n");
    expect(lines).toEqual(messy.split("\n").map((line, at) => (at === 4 ? "  z ~ Normal(0, 1)" : line)));
    expect(formattingOfLines(readSyntax(source), 5, 5)).toEqual([]);
    expect(new Set([...formattingOfLines(readSyntax(source), 0, 4), ...formattingOfLines(readSyntax(source), 5, 9)].map(({ from }) => from))).toEqual(new Set(formattingOf(readSyntax(source))!.map(({ from }) => from)));
  });
});

/** The text after a line end (before the cursor) was typed. */
function newLine(marked: string): string {
  const { text, position } = cursor(marked);
  return applied(sourceOf(text), formattingOfNewLine(sourceOf(text), position.line));
}

function closed(marked: string): string {
  const { text, offset } = cursor(marked);
  const { workspace, uri } = filesWith({ "a.lvm": text });
  return applied(sourceOf(text), formattingOfBlock(workspace.syntax(uri)!, offset));
}

describe("formatting while one types", () => {
  it("mends the line before, and indents the new one", () => {
    expect(newLine("model m(x: real) {\n  z~Normal(0,1)\n‸\n  x ~ Normal(z, 1)\n}\n")).toBe("model m(x: real) {\n  z ~ Normal(0, 1)\n  \n  x ~ Normal(z, 1)\n}\n");
    expect(newLine("model m(x: real) {\n  x~Normal(0, 1)\n‸\n}\n")).toBe("model m(x: real) {\n  x ~ Normal(0, 1)\n  \n}\n");
    expect(newLine("const K = 3\n      ‸\n")).toBe("const K = 3\n\n");
  });
  it("goes by brackets in a broken file, and changes no other line there", () => {
    expect(newLine("model m(x: real) {\n  chain t in 2..3 {\n‸")).toBe("model m(x: real) {\n  chain t in 2..3 {\n    ");
    expect(newLine("model m(x: real) {\n  x~Normal(\n‸0, 1)\n")).toBe("model m(x: real) {\n  x~Normal(\n    0, 1)\n");
    expect(newLine("network f(x: real[2]) -> (y: real) {\n  y = x\n‸|> sum |>\n}\n")).toBe("network f(x: real[2]) -> (y: real) {\n  y = x\n    |> sum |>\n}\n");
  });
  it("puts a block right when it is closed", () => {
    expect(closed("const  K=3\nmodel m(x: real) {\n x~Normal(0,1)\n   }‸\n")).toBe("const  K=3\nmodel m(x: real) {\n  x ~ Normal(0, 1)\n}\n");
    expect(closed("model m(x: real[3]) {\n  each t in 1..3 {\n x[t]~Normal(0,1)\n    }‸\n")).toBe("model m(x: real[3]) {\n  each t in 1..3 {\n x[t]~Normal(0,1)\n  }\n");
  });
});

describe("over the protocol", () => {
  let client: Client | undefined;
  afterEach(async () => {
    await client?.close();
    client = undefined;
  });
  it("formats documents, ranges and while one types", async () => {
    client = await startClient();
    const uri = client.open("a.lvm", messy);
    const options = { tabSize: 8, insertSpaces: false };
    const ask = async (method: string, params: object): Promise<TextEdit[]> => client!.connection.sendRequest(method, { textDocument: { uri }, options, ...params });
    expect(TextDocument.applyEdits(TextDocument.create(uri, "lvm", 1, messy), await ask("textDocument/formatting", {}))).toBe(format(sourceOf(messy)).value);
    const range = await ask("textDocument/rangeFormatting", { range: { start: { line: 4, character: 2 }, end: { line: 5, character: 0 } } });
    expect(range.length).toBeGreaterThan(0);
    expect(range.every((edit) => edit.range.start.line === 4)).toBe(true);
    expect((await ask("textDocument/onTypeFormatting", { position: { line: 6, character: 1 }, ch: "}" })).map((edit) => edit.range.start.line)).toEqual([3, 4]);
  });
});
