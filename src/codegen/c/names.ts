import { InternalError } from "../../util/internal-error.js";
import { cEngine } from "./engine.js";
import { cPrelude } from "./prelude.js";

/** Words that mean something else in the text: all of the prelude's and the engine's, C's keywords, and what compilers define. */
const taken: ReadonlySet<string> = new Set([
  ...(cPrelude(4) + cEngine).match(/[A-Za-z_]\w*/g)!,
  ..."auto break case char const continue default do double else enum extern float for goto if int long register return short signed sizeof static struct switch typedef union unsigned void volatile while asm typeof linux unix errno stdin stdout stderr group first end indices index_0 index_1 index_2 index_3 launch launches I VF VI VU F U".split(" "),
]);

/** A local name. Those of the builder (`row_12`) stay as they are. */
export function renderName(name: string): string {
  const known = rendered.get(name);
  if (known !== undefined) return known;
  if (rendered.size >= mostRendered) rendered.clear();
  const text = newName(name);
  rendered.set(name, text);
  return text;
}

/** Kernels use the same few thousand names over and over. */
const rendered = new Map<string, string>();
const mostRendered = 1 << 14;

function newName(name: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new InternalError(`${JSON.stringify(name)} is not a name for C`);
  return taken.has(name) || /^_|__/.test(name) ? `local_${name.replace(/__+|^_/g, "_x")}` : name;
}

/** The function of a kernel or of a scalar function. */
export function renderFunctionName(kind: "kernel" | "function", name: string): string {
  if (!/^[A-Za-z0-9_]+$/.test(name)) throw new InternalError(`${JSON.stringify(name)} is not a name for C`);
  return `${kind}_${name}`;
}

/**
 * Text of a model file in a comment that goes to the end of its line. Only what cannot end the line is let through: letters and digits of any
 * script and a few signs. A backslash (which continues the line), control and formatting characters become `_`.
 */
export function renderComment(text: string): string {
  return `// ${text.replace(/[^\p{L}\p{N} _.,:;()[\]{}+\-=<>|*/^~%&!'"·→≤≥∞-]/gu, "_").slice(0, 240)}`;
}
