import { resolve } from "node:path";
import { hasErrors } from "../../diagnostics/diagnostic.js";
import { printable } from "../../diagnostics/render.js";
import { format } from "../../driver/format.js";
import { writeFileAtomic } from "../../runtime/node/atomic-file.js";
import { UsageError } from "../errors.js";
import { exitCodes } from "../exit-codes.js";
import { readModel } from "../read-model.js";
import type { CommandContext, CommandResult } from "../run.js";
import { shellQuote } from "../shell-quote.js";

/** `lvmc fmt FILE…`: writes files that are not in the one layout; with `--check` only names them. A broken file is left alone. */
export async function fmt({ io, report }: CommandContext, files: readonly string[], options: { readonly check?: boolean }): Promise<CommandResult> {
  const changed: string[] = [];
  let broken = false;
  let unreadable = false;
  for (const file of files) {
    try {
      const source = readModel(file, io.cwd);
      const { value, diagnostics } = format(source);
      if (value === undefined || hasErrors(diagnostics)) {
        report.diagnostics(diagnostics);
        broken = true;
        continue;
      }
      if (value === source.text) continue;
      changed.push(file);
      if (options.check) report.say(`${printable(file)} is not formatted`);
      else {
        await writeFileAtomic(resolve(io.cwd, file), value);
        report.say(`${report.color.green("✓")} ${printable(file)}`);
      }
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      report.failure(error);
      unreadable = true;
    }
  }
  if (options.check && changed.length > 0) report.say(`run: lvmc fmt ${changed.map(shellQuote).join(" ")}`);
  const exit = unreadable ? exitCodes.usage : broken || (options.check && changed.length > 0) ? exitCodes.model : exitCodes.ok;
  return { exit, facts: { files: files.length, changed } };
}
