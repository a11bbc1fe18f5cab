/** Code as a tree just deep enough to be broken into lines: text, a call, a list, or a record. */
export type Code =
  | string
  | { readonly kind: "call"; readonly callee: string; readonly args: readonly Code[] }
  | { readonly kind: "list"; readonly items: readonly Code[] }
  | { readonly kind: "record"; readonly entries: readonly (readonly [key: string, value: Code])[] };

export const call = (callee: string, ...args: readonly Code[]): Code => ({ kind: "call", callee, args });
export const list = (...items: readonly Code[]): Code => ({ kind: "list", items });
export const record = (entries: readonly (readonly [string, Code])[]): Code => ({ kind: "record", entries });

/** Longest line of emitted code. */
export const lineWidth = 120;

/** On one line. A record entry whose value is its own key is written short. */
export function inline(code: Code): string {
  if (typeof code === "string") return code;
  switch (code.kind) {
    case "call":
      return `${code.callee}(${code.args.map(inline).join(", ")})`;
    case "list":
      return `[${code.items.map(inline).join(", ")}]`;
    case "record":
      return code.entries.length === 0 ? "{}" : `{ ${code.entries.map(([key, value]) => entry(key, inline(value))).join(", ")} }`;
  }
}

/** Broken where a line would be too long; `before` and `after` count what else stands on the first and last line. */
export function layout(code: Code, indent = 0, before = 0, after = 1): string {
  const flat = inline(code);
  if (typeof code === "string" || indent + before + flat.length + after <= lineWidth) return flat;
  const inner = indent + 2;
  const margin = " ".repeat(inner);
  const lines = (open: string, parts: readonly string[], close: string): string =>
    parts.length === 0 ? open + close : `${open}\n${parts.map((part) => `${margin}${part},`).join("\n")}\n${" ".repeat(indent)}${close}`;
  switch (code.kind) {
    case "call": {
      const last = code.args[code.args.length - 1];
      // One record or list as the only argument hugs the parentheses.
      if (code.args.length === 1 && last !== undefined && typeof last !== "string" && last.kind !== "call") {
        return `${code.callee}(${layout(last, indent, before + code.callee.length + 1, after + 1)})`;
      }
      return lines(`${code.callee}(`, code.args.map((arg) => layout(arg, inner)), ")");
    }
    case "list":
      return code.items.every((item) => typeof item === "string" && item.length < 24)
        ? `[\n${wrapped(code.items.map(inline), margin)}\n${" ".repeat(indent)}]`
        : lines("[", code.items.map((item) => layout(item, inner)), "]");
    case "record":
      return lines("{", code.entries.map(([key, value]) => entry(key, layout(value, inner, key.length + 2))), "}");
  }
}

function entry(key: string, value: string): string {
  return key === value ? key : `${key}: ${value}`;
}

function wrapped(items: readonly string[], margin: string): string {
  const lines: string[] = [];
  let line = margin;
  for (const item of items) {
    if (line.length + item.length + 2 > lineWidth && line !== margin) {
      lines.push(line.trimEnd());
      line = margin;
    }
    line += `${item}, `;
  }
  return [...lines, line.trimEnd()].join("\n");
}
