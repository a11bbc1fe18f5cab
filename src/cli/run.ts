import { CommanderError } from "commander";
import { Stop } from "./errors.js";
import { exitCodes, type ExitCode } from "./exit-codes.js";
import type { Io } from "./io.js";
import { createProgram } from "./program.js";
import { createReporter, type Reporter } from "./reporter.js";

/** What a command is given beside its own options. */
export interface CommandContext {
  readonly io: Io;
  readonly report: Reporter;
}

/** What a command ends with: its exit code, and what the last JSON line tells. */
export interface CommandResult {
  readonly exit: ExitCode;
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** Runs one command line to its exit code. Never throws. */
export async function run(argv: readonly string[], io: Io): Promise<ExitCode> {
  // Known before the line is parsed, so that its own mistakes are told in the right form.
  const json = argv.slice(0, indexOrEnd(argv, "--")).includes("--json");
  const report = createReporter(io, json);
  let ran: string | undefined;
  const finish = (exit: ExitCode, facts: Readonly<Record<string, unknown>> = {}): ExitCode => {
    report.event("result", { command: ran ?? null, ok: exit === exitCodes.ok, exit, ...facts });
    return exit;
  };
  let outcome: CommandResult = { exit: exitCodes.ok };
  let usage = "";
  const program = createProgram({
    writeOut: (text) => io.stdout.write(text),
    writeErr: (text) => {
      usage += text;
      if (!json) io.stderr.write(text);
    },
    async execute(name, action) {
      ran = name;
      outcome = await action({ io, report });
    },
  });
  try {
    await program.parseAsync([...argv], { from: "user" });
    return finish(outcome.exit, outcome.facts);
  } catch (error) {
    if (error instanceof Stop) return finish(error.exit);
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return exitCodes.ok;
      report.event("error", { kind: "usage", message: usage.trim().replace(/^error: /, "") || error.message });
      return finish(exitCodes.usage);
    }
    return finish(report.failure(error));
  }
}

function indexOrEnd(argv: readonly string[], word: string): number {
  const at = argv.indexOf(word);
  return at < 0 ? argv.length : at;
}
