import { UsageError } from "../errors.js";
import type { CommandContext, CommandResult } from "../run.js";
import { version } from "../version.js";

/** `lvmc lsp --stdio`: the language server, until the editor ends it; the connection ends the process, with 0 after a `shutdown` and 1 without one. */
export async function lsp(_context: CommandContext, options: { readonly stdio?: boolean }): Promise<CommandResult> {
  if (!options.stdio) throw new UsageError("lsp is started by editors, which speak to it over standard input and output", "lvmc lsp --stdio; how to set up an editor stands in docs/editors.md");
  const { serveStdio } = await import("../../language-server/stdio.js");
  serveStdio(version());
  return new Promise(() => {});
}
