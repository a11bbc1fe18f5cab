import { resolve } from "node:path";
import { hasErrors } from "../../diagnostics/diagnostic.js";
import { printable } from "../../diagnostics/render.js";
import { sortDiagnostics } from "../../diagnostics/sort.js";
import type { SourceFile } from "../../diagnostics/span.js";
import { exitCodes } from "../exit-codes.js";
import { openModel, type ModelInput, type ModelOptions } from "../front.js";
import type { CommandContext, CommandResult } from "../run.js";
import { UsageError } from "../errors.js";
import { analyze } from "../../driver/analyze.js";
import { mend } from "../../driver/mend.js";
import { writeFileAtomic } from "../../runtime/node/atomic-file.js";

/** `lvmc check FILE…`: every message about every file. With `--fix` the fixes that need no choice are written first. */
export async function check(context: CommandContext, files: readonly string[], options: ModelOptions & { readonly fix?: boolean }): Promise<CommandResult> {
  const { report } = context;
  let fixed = 0;
  let bad = 0;
  let unreadable = false;
  for (const file of files) {
    const input = tryOpen(context, file, options);
    if (!input) {
      unreadable = true;
      continue;
    }
    const source = options.fix ? await fix(context, file, input) : input.source;
    if (source !== input.source) fixed += 1;
    const { value, diagnostics } = analyze(source, input.options);
    report.diagnostics(sortDiagnostics(diagnostics));
    const errors = diagnostics.filter((diagnostic) => diagnostic.severity === "error").length;
    if (hasErrors(diagnostics)) bad += 1;
    const models = value.programs.map((program) => program.name);
    const warnings = diagnostics.filter((diagnostic) => diagnostic.severity === "warning").length;
    report.event("file", { file, ok: errors === 0, errors, warnings, models });
    const counts = [...(errors > 0 ? [counted(errors, "error")] : models), ...(warnings > 0 ? [counted(warnings, "warning")] : [])].join(", ");
    report.say(`${errors === 0 ? report.color.green("✓") : report.color.red("✗")} ${printable(file)}${counts === "" ? "" : `: ${counts}`}`);
  }
  return { exit: unreadable ? exitCodes.usage : bad > 0 ? exitCodes.model : exitCodes.ok, facts: { files: files.length, bad, ...(options.fix ? { fixed } : {}) } };
}

/** Writes a file with its fixes, and says each. */
async function fix({ io, report }: CommandContext, file: string, { source, options }: ModelInput): Promise<SourceFile> {
  const { source: better, mended } = mend(source, (text) => analyze(text, options).diagnostics);
  if (better.text === source.text) return source;
  await writeFileAtomic(resolve(io.cwd, file), better.text);
  for (const { diagnostic, fix: { title } } of mended) {
    report.event("fix", { file, code: diagnostic.code, message: diagnostic.message, title });
    report.say(`${report.color.green("fixed")} ${printable(file)}: ${diagnostic.code} ${printable(diagnostic.message)}: ${printable(title)}`);
  }
  return better;
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
