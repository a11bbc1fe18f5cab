import { suggest } from "../../diagnostics/suggest.js";

/** "did you mean `adam`?", when a known name is near. */
export function suggestion(name: string, known: readonly string[]): string | undefined {
  const near = suggest(name, known);
  return near === undefined ? undefined : `did you mean \`${near}\`?`;
}
