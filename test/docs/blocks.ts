import { readFileSync } from "node:fs";
import { join } from "node:path";
import { checkText } from "../support/check-file.js";
import { parse } from "../../src/parser/parse.js";

export const root = join(import.meta.dirname, "..", "..");
export const readDoc = (name: string): string => readFileSync(join(root, "docs", name), "utf8");

/** One fenced block of a document. */
export interface Block {
  /** What stands behind the fence: `lvm`, `lvm error LVM3004`. */
  readonly tag: string;
  readonly text: string;
  readonly line: number;
}

export function blocksOf(markdown: string): readonly Block[] {
  const blocks: Block[] = [];
  let open: { tag: string; line: number; lines: string[] } | undefined;
  for (const [at, line] of markdown.split("\n").entries()) {
    if (!line.startsWith("```")) open?.lines.push(line);
    else if (open) {
      blocks.push({ tag: open.tag, text: `${open.lines.join("\n")}\n`, line: open.line });
      open = undefined;
    } else open = { tag: line.slice(3).trim(), line: at + 1, lines: [] };
  }
  if (open) throw new Error(`the block of line ${open.line} is not closed`);
  return blocks;
}

/** What is wrong with a block, or nothing: whole files check without a message, errors give exactly their code, fragments parse. */
export function faultOf({ tag, text }: Block): string | undefined {
  const [language, kind, code] = tag.split(/\s+/);
  if (language !== "lvm") return undefined;
  if (kind === "fragment") return parses(text) ? undefined : "does not parse";
  const { diagnostics } = checkText("models/documentation.lvm", text, root);
  const found = diagnostics.map((each) => `${each.code} ${each.message}`);
  if (kind === undefined) return found.length === 0 ? undefined : found.join("; ");
  if (kind !== "error") return `the tag \`${tag}\` is none that is known`;
  const codes = [...new Set(diagnostics.map((each) => each.code))];
  return diagnostics.length === 1 && codes[0] === code ? undefined : `gives ${found.join("; ") || "no message"}`;
}

/** Fragments are items, or statements of a guide or of a train block. */
function parses(text: string): boolean {
  return [text, `guide m {\n${text}}`, `train m {\n${text}}`].some((whole) => parse({ path: "fragment.lvm", text: whole }).diagnostics.length === 0);
}

/** The lines between `<!-- name -->` and `<!-- end name -->`. */
export function sectionOf(markdown: string, name: string): string {
  const [, rest] = markdown.split(`<!-- ${name} -->\n`);
  const end = rest?.indexOf(`<!-- end ${name} -->`) ?? -1;
  if (rest === undefined || end < 0) throw new Error(`no section ${name}`);
  return rest.slice(0, end);
}

/** The rows of the table in a section, cells trimmed, head and rule left out. */
export function tableOf(markdown: string, name: string): readonly (readonly string[])[] {
  const lines = sectionOf(markdown, name).split("\n").filter((line) => line.startsWith("|"));
  return lines.slice(2).map((line) => line.slice(1, -1).split(/(?<!\\)\|/).map((cell) => cell.trim()));
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`;
  return line(head) + `|${"---|".repeat(head.length)}\n` + rows.map(line).join("");
}
