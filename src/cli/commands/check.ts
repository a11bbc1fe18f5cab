import { hasErrors } from "../../diagnostics/diagnostic.js";
import { printable } from "../../diagnostics/render.js";
import { sortDiagnostics } from "../../diagnostics/sort.js";
import { exitCodes } from "../exit-codes.js";
import { openModel, type ModelOptions } from "../front.js";
import type { CommandContext, CommandResult } from "../run.js";
import { UsageError } from "../errors.js";
import { analyze } from "../../driver/analyze.js";

/** `lvmc check FILE…`: every message about every file. */
export async function check(context: CommandContext, files: readonly string[], options: ModelOptions): Promise<CommandResult> {
  const { report } = context;
  let bad = 0;
  let unreadable = false;
  for (const file of files) {
    const input = tryOpen(context, file, options);
    if (!input) {
      unreadable = true;
      continue;
    }
    const { value, diagnostics } = analyze(input.source, input.options);
    report.diagnostics(sortDiagnostics(diagnostics));
    const errors = diagnostics.filter((diagnostic) => diagnostic.severity === "error").length;
    if (hasErrors(diagnostics)) bad += 1;
    const models = value.programs.map((program) => program.name);
    const warnings = diagnostics.filter((diagnostic) => diagnostic.severity === "warning").length;
    report.event("file", { file, ok: errors === 0, errors, warnings, models });
    const counts = [...(errors > 0 ? [counted(errors, "error")] : models), ...(warnings > 0 ? [counted(warnings, "warning")] : [])].join(", ");
    report.say(`${errors === 0 ? report.color.green("✓") : report.color.red("✗")} ${printable(file)}${counts === "" ? "" : `: ${counts}`}`);
  }
  return { exit: unreadable ? exitCodes.usage : bad > 0 ? exitCodes.model : exitCodes.ok, facts: { files: files.length, bad } };
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/** A file that cannot be read does not keep the others from being checked. */
function tryOpen(context: CommandContext, file: string, options: ModelOptions): ReturnType<typeof openModel> | undefined {
  try {
    return openModel(context, file, options);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    context.report.failure(error);
    return undefined;
  }
}
