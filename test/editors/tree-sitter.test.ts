import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Language, type Node, Parser, Query } from "web-tree-sitter";
import { parse } from "../../src/parser/parse.js";
import type * as ast from "../../src/parser/ast.js";
import { keywordRoles } from "../../src/parser/tokens.js";
import { visit } from "../../src/parser/visit.js";
import { ownTokens } from "./support/own-tokens.js";
import { readGrammar, type Rule } from "./support/grammar-rules.js";

/** Guards the tree-sitter grammar: its parser makes the compiler's own syntax tree of every shipped model, and keeps the healthy items of broken ones. */

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = join(root, "editors/tree-sitter-lvm");
const models = readdirSync(join(root, "models")).filter((name) => name.endsWith(".lvm"));
const textOf = (name: string): string => readFileSync(join(root, "models", name), "utf8");

let language: Language;
let parser: Parser;
beforeAll(async () => {
  await Parser.init();
  language = await Language.load(readFileSync(join(folder, "tree-sitter-lvm.wasm")));
  parser = new Parser();
  parser.setLanguage(language);
});
afterAll(() => parser?.delete());

function walk(node: Node, enter: (node: Node) => void): void {
  enter(node);
  for (const child of node.children) if (child) walk(child, enter);
}

const read = (text: string): Node => parser.parse(text)!.rootNode;

/** `kind start-end` of every node that both trees have, in a fixed order. */
function treeOf(text: string): string[] {
  const found: string[] = [];
  walk(read(text), (node) => {
    if (node.isNamed && compared.has(node.type)) found.push(`${node.type} ${node.startIndex}-${node.endIndex}`);
  });
  return found.sort();
}

function ownTreeOf(text: string): string[] {
  const found: string[] = [];
  visit(parse({ path: "file.lvm", text }).value, {
    enter(node) {
      // The compiler wraps every argument; tree-sitter those with a name.
      if (compared.has(node.kind) && (node.kind !== "argument" || node.name)) found.push(`${node.kind} ${node.span.start}-${node.span.end}`);
    },
  });
  return found.sort();
}

const compared: ReadonlySet<string> = new Set<ast.Node["kind"]>([
  "import", "const", "param", "network", "model", "guide", "train", "column", "type", "let", "sample", "local", "auto", "marginalize", "loop", "maximize", "setting", "observe",
  "number", "string", "name", "unary", "binary", "call", "argument", "index", "member", "pipe", "range", "array", "condition", "parenthesized",
]);

/** `kind name` of the items, in order. */
const itemsOf = (node: Node): string[] => node.namedChildren.flatMap((child) => (child && items.has(child.type) ? [`${child.type} ${child.childForFieldName("name")?.text}`] : []));
const items: ReadonlySet<string> = new Set(["import", "const", "param", "network", "model", "guide", "train"]);

describe("the tree-sitter grammar", () => {
  it("was generated from grammar.js", () => {
    const { $schema: _, ...committed } = JSON.parse(readFileSync(join(folder, "src/grammar.json"), "utf8")) as Readonly<Record<string, unknown>>;
    expect(committed).toEqual(readGrammar(join(folder, "grammar.js")));
  });

  it("has in its parser every node, field and word of the grammar", () => {
    const words = new Set<string>();
    const fields = new Set<string>();
    const { rules } = JSON.parse(readFileSync(join(folder, "src/grammar.json"), "utf8")) as { readonly rules: Readonly<Record<string, Rule>> };
    const collect = (value: unknown): void => {
      if (typeof value !== "object" || value === null) return;
      const rule = value as Rule;
      if (rule.type === "STRING" && /^\p{L}/u.test(String(rule["value"]))) words.add(String(rule["value"]));
      if (rule.type === "FIELD") fields.add(String(rule["name"]));
      Object.values(rule).forEach(collect);
    };
    collect(rules);
    expect([...words].sort()).toEqual(Object.keys(keywordRoles).sort());
    expect(language.fields.filter(Boolean).sort()).toEqual([...fields].sort());
    for (const name of [...Object.keys(rules).filter((each) => !each.startsWith("_")), "type_name"]) expect(language.idForNodeType(name, true), name).not.toBeNull();
    for (const word of words) expect(language.idForNodeType(word, false), word).not.toBeNull();
    const source = readFileSync(join(folder, "src/parser.c"), "utf8");
    for (const name of words) expect(source).toContain(`"${name}"`);
  });

  it.each(models)("reads %s as the compiler does, node by node", (name) => {
    const text = textOf(name);
    expect(read(text).hasError).toBe(false);
    expect(ownTreeOf(text).length).toBeGreaterThan(30);
    expect(treeOf(text)).toEqual(ownTreeOf(text));
  });

  it("reads operators with the compiler's strengths", () => {
    const expressions = ["-a^2", "a^-b^c", "a - b - c", "a * b + c / d @ e", "1..T - 1", "x |> f |> g(2) + 1", "-a * -b", "a < b + 1", "f(x[0] = g(x), y[1])", "a[t-1].b", "f(a | b, c = d)", "[1, -2, q.mean,]", "(a + b) * c == 1e-3"];
    for (const expression of expressions) {
      const text = `network f(x: real) -> (y: real) {\n  y = ${expression}\n}\n`;
      expect(treeOf(text), expression).toEqual(ownTreeOf(text));
    }
  });

  it("takes keywords for names where names are meant", () => {
    const inner = Object.keys(keywordRoles).filter((name) => keywordRoles[name as keyof typeof keywordRoles] !== "item");
    for (const name of Object.keys(keywordRoles)) {
      const text = `model m(${name}: real[2], y: real) {\n  h = ${name} |> f\n  y ~ Normal(${name}[1], ${name} = ${name}.${name})\n}\n\ntrain m\n`;
      expect(treeOf(text), name).toEqual(ownTreeOf(text));
    }
    for (const name of inner.filter((each) => !["from", "to", "in", "on", "where", "dropout"].includes(each))) {
      const text = `guide m {\n  z ~ Normal(0, 1)\n  ${name}[1] ~ Normal(0, 1)\n  ${name} = 2\n}\n\ntrain m {\n  maximize elbo\n  ${name} = 2\n}\n`;
      expect(treeOf(text), name).toEqual(ownTreeOf(text));
    }
  });

  it("tells documentation from comments", () => {
    const kinds: string[] = [];
    walk(read('/// a\n// b\n//// c\n///\nconst K = "// d /// e"\n'), (node) => {
      if (node.type.endsWith("comment")) kinds.push(`${node.type} ${node.text}`);
    });
    expect(kinds).toEqual(["doc_comment /// a", "comment // b", "comment //// c", "doc_comment ///"]);
  });

  /** One mistake of each kind in the second item of a file: what is around it stays. */
  const mistakes: Readonly<Record<string, string>> = {
    "an unfinished call": "model m(x: real) {\n  z: real ~ Normal(0,\n  x ~ Normal(z, 1)\n}",
    "a missing distribution": "model m(x: real) {\n  z: real ~\n  x ~ Normal(z, 1)\n}",
    "a missing type": "model m(x: ) {\n  x ~ Normal(0, 1)\n}",
    "foreign signs": "model m(x: real) {\n  z := 3;\n  x ~ Normal(z, 1);\n}",
    "a missing bracket": "model m(x: real) {\n  x ~ Normal(0, 1\n}",
    "an unfinished pipe": "model m(x: real) {\n  h = x |>\n  x ~ Normal(h, 1)\n}",
    "words in a row": "model m(x: real) {\n  this is no statement\n  x ~ Normal(0, 1)\n}",
  };
  it.each(Object.entries(mistakes))("keeps the items around %s", (_name, broken) => {
    const [head, tail] = ["const K = 3\n\nnetwork f(a: real) -> (b: real) {\n  b = a\n}\n\n", "\n\nguide m {\n  z ~ Normal(0, 1)\n}\n\ntrain m {\n  maximize elbo\n}\n"];
    const tree = read(head + broken + tail);
    expect(tree.hasError).toBe(true);
    expect(itemsOf(tree)).toEqual(expect.arrayContaining(["const K", "network f", "guide m", "train m"]));
    const healthy = treeOf(head + "model m(x: real) {\n}" + tail).filter((each) => Number(/ (\d+)/.exec(each)?.[1]) < head.length);
    expect(treeOf(head + broken + tail)).toEqual(expect.arrayContaining(healthy));
  });

  it("ends on any text, and its tree covers it", () => {
    const texts = models.flatMap((name) => {
      const text = textOf(name);
      return [0.2, 0.45, 0.7].flatMap((share) => {
        const at = Math.floor(text.length * share);
        return [text.slice(0, at), text.slice(at), text.slice(0, at) + text.slice(at + 7)];
      });
    });
    for (const text of [...texts, "", "}}}}", '"', "((((((", "model", "\u0000\ud800"]) {
      const tree = read(text);
      expect(tree.startIndex).toBeGreaterThanOrEqual(0);
      expect(tree.endIndex).toBe(text.trimEnd() === "" ? tree.endIndex : text.length);
    }
  });

  describe("queries", () => {
    const query = (name: string): Query => new Query(language, readFileSync(join(folder, "queries", `${name}.scm`), "utf8"));

    it("colour every word of every model but the names of values", () => {
      const highlights = query("highlights");
      for (const name of models) {
        const text = textOf(name);
        const captured = new Map(highlights.captures(read(text)).map(({ node, name: capture }) => [`${node.startIndex}`, capture]));
        for (const { start, category, text: image } of ownTokens(text)) {
          const capture = captured.get(String(start));
          if (category === "identifier") expect(capture ?? "variable", `${name}: ${image}`).toMatch(/^(variable|function|type|property|constant)/);
          else expect(capture, `${name} at ${start}: ${image}`).toMatch({ keyword: /^keyword$/, number: /^number$/, string: /^string/, comment: /^comment/, operator: /^operator$/, bracket: /^punctuation.bracket$/, punctuation: /^punctuation.delimiter$/ }[category]);
        }
      }
    });

    it("fold blocks, indent their lines, and know definitions and references", () => {
      const text = textOf("vae.lvm");
      const tree = read(text);
      const captures = (name: string): string[] => query(name).captures(tree).map(({ node, name: capture }) => `${capture} ${node.type} ${node.startPosition.row}`);
      const blocks = captures("folds").filter((each) => /(?:train_)?block/.test(each));
      expect(blocks).toHaveLength(5);
      expect(captures("indents").filter((each) => each.startsWith("indent.begin block")).length).toBe(4);
      const locals = query("locals").captures(tree);
      const defined = new Set(locals.flatMap(({ name, node }) => (name === "local.definition" ? [node.text] : [])));
      expect([...defined]).toEqual(expect.arrayContaining(["encoder", "decoder", "x", "z", "q", "h"]));
      expect(locals.filter(({ name, node }) => name === "local.reference" && node.text === "q")).toHaveLength(2);
      expect(query("injections").captures(tree).length).toBeGreaterThan(0);
    });
  });
});
