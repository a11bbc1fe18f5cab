/** How this command was called, for commands that are printed: through npx or by its own name. */
export function invocationOf(env: Readonly<Record<string, string | undefined>>): string {
  return env["npm_command"] === "exec" ? "npx lvmc" : "lvmc";
}
