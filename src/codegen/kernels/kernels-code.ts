import { deflateSync } from "fflate";
import { lineWidth } from "../typescript/expression.js";
import { propertyKey } from "../typescript/names.js";
import type { CompiledModelPrograms } from "./compiled-programs.js";

/**
 * The kernels (`KernelCode` of src/runtime/kernels): C as text, what all programs begin and end with once; WebAssembly as base64 of its deflated
 * bytes, a fourth as long. The module with relaxed multiply-adds stands there where it differs. Shaders are whole texts, one for each kernel: what
 * they share is a fiftieth of them.
 */
export function kernelsText(programs: CompiledModelPrograms): string {
  const texts = Object.values(programs).flatMap((each) => (each?.native?.c === undefined ? [] : [each.native.c]));
  const shared = sharedParts(texts);
  const lines = Object.entries(programs).flatMap(([name, variants]) => {
    const c = variants?.native?.c;
    const wasm = variants?.wasm?.wasm;
    const wgsl = variants?.webgpu?.wgsl;
    return [
      `  ${propertyKey(name)}: {`,
      ...(c === undefined ? [] : [`    c: \`${cLiteral(c, shared)}\`,`]),
      ...(wasm ? ["    wasm: {", `      module: \`${base64(wasm.module)}\`,`, ...(wasm.relaxed === undefined || isSame(wasm.module, wasm.relaxed) ? [] : [`      relaxed: \`${base64(wasm.relaxed)}\`,`]), "    },"] : []),
      ...(wgsl ? ["    wgsl: [", ...wgsl.map((text) => `\`\\\n${literalText(text)}\`,`), "    ],"] : []),
      "  },",
    ];
  });
  return [
    ...(shared ? [`\n/** What each program in C begins with. */\nconst cHead = \`${literalText(shared.head)}\`;\n`, `\n/** What each program in C ends with. */\nconst cEnd = \`${literalText(shared.end)}\`;\n`] : []),
    `\n/** The kernels: ${said(programs)}. */\nconst code: KernelCode = {\n${lines.join("\n")}\n};\n`,
  ].join("");
}

/** What stands there, for whoever scrolls down to it. */
function said(programs: CompiledModelPrograms): string {
  const all = Object.values(programs);
  return [
    ...(all.some((each) => each?.native) ? ["C for the machine's compiler"] : []),
    ...(all.some((each) => each?.wasm) ? ["WebAssembly as base64 of deflated bytes"] : []),
    ...(all.some((each) => each?.webgpu) ? ["a WGSL shader for each kernel"] : []),
  ].join(", ");
}

interface SharedParts {
  readonly head: string;
  readonly end: string;
}

/** Where the prelude begins, and what ends it. */
const headMarks = ["#define _GNU_SOURCE", "// ---- The program.\n"] as const;
const endMark = "\n// ---- The engine:";

/** The lines that all programs share: the prelude and the engine. Undefined where they are not the same in all. */
function sharedParts(texts: readonly string[]): SharedParts | undefined {
  const [first] = texts;
  if (first === undefined) return undefined;
  const head = first.slice(first.indexOf(headMarks[0]), first.indexOf(headMarks[1]));
  const end = first.slice(first.lastIndexOf(endMark));
  return texts.every((text) => text.includes(head) && text.endsWith(end)) ? { head, end } : undefined;
}

function cLiteral(text: string, shared: SharedParts | undefined): string {
  if (!shared) return literalText(text);
  const at = text.indexOf(shared.head);
  return `${literalText(text.slice(0, at))}\${cHead}${literalText(text.slice(at + shared.head.length, text.length - shared.end.length))}\${cEnd}`;
}

/** A text of many lines inside a template literal, in which nothing is left to be evaluated. */
function literalText(text: string): string {
  return text.replace(/[\\`]/g, "\\$&").replace(/\$\{/g, "\\${").replace(/[\u2028\u2029]/g, " ");
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

/** In lines: `atob` passes over their ends. */
function base64(bytes: Uint8Array): string {
  const packed = deflateSync(bytes, { level: 9 });
  let binary = "";
  for (let at = 0; at < packed.length; at += 8192) binary += String.fromCharCode(...packed.subarray(at, at + 8192));
  const text = btoa(binary);
  return Array.from({ length: Math.ceil(text.length / lineWidth) }, (_, line) => text.slice(line * lineWidth, (line + 1) * lineWidth)).join("\n");
}
