/** WebAssembly text as a tree: a word, or a list that is printed in parentheses. */
export type Wat = string | readonly Wat[];

const lineWidth = 140;

/** What belongs on the line of its instruction, in front of what follows: a function's signature, a condition. */
const headParts: Readonly<Record<string, readonly string[]>> = { func: ["export", "param", "result"], if: ["result"] };

/** Prints a tree: on one line where it fits, else the head with its words on the first line and every other child on a line of its own. */
export function printWat(tree: Wat, indent = ""): string {
  const flat = printFlat(tree, lineWidth - indent.length);
  if (flat !== undefined) return indent + flat;
  if (typeof tree === "string") return indent + tree;
  const parts = headParts[tree[0] as string] ?? [];
  let first = `${indent}(`;
  let next = 0;
  for (; next < tree.length; next++) {
    const child = tree[next] as Wat;
    const isCondition = tree[0] === "if" && child[0] !== "then";
    if (typeof child !== "string" && !isCondition && !parts.includes(child[0] as string)) break;
    const part = printFlat(child, lineWidth - first.length - 1);
    if (part === undefined) break;
    first += (next === 0 ? "" : " ") + part;
  }
  return [first, ...tree.slice(next).map((child) => printWat(child, `${indent}  `))].join("\n") + ")";
}

/** The tree on one line, or undefined if it is longer than `room` or holds a comment. */
function printFlat(tree: Wat, room: number): string | undefined {
  if (typeof tree === "string") return tree.startsWith(";;") ? undefined : tree.length <= room ? tree : undefined;
  let text = "(";
  for (const child of tree) {
    const part = printFlat(child, room - text.length - 1);
    if (part === undefined) return undefined;
    text += (text === "(" ? "" : " ") + part;
  }
  return text.length + 1 <= room ? `${text})` : undefined;
}

/**
 * Text for a comment: printable ASCII only, so that nothing in a title or a path can end the comment, and at most 160 characters.
 * A run of other characters becomes one `?`.
 */
export function commentText(text: string): string {
  const plain = text.replace(/[^\x20-\x7e]+/g, "?");
  return plain.length <= 160 ? plain : `${plain.slice(0, 157)}...`;
}

/** A name for WebAssembly text: `$` and letters, digits, `_`. */
export function identifier(name: string): string {
  return `$${name.replace(/[^A-Za-z0-9_]/g, "_")}`;
}

/** The shortest decimal that is read back as the same float32. */
export function floatText(value: number): string {
  const single = Math.fround(value);
  if (Number.isNaN(single)) return "nan";
  if (!Number.isFinite(single)) return single < 0 ? "-inf" : "inf";
  if (Object.is(single, -0)) return "-0";
  for (let digits = 1; digits < 9; digits++) {
    const text = String(Number(single.toPrecision(digits)));
    if (Math.fround(Number(text)) === single) return text;
  }
  return String(single);
}
