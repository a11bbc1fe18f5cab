import pc from "picocolors";
import { render, printable } from "../diagnostics/render.js";
import { renderJson } from "../diagnostics/render-json.js";
import type { Diagnostic } from "../diagnostics/diagnostic.js";
import { asRuntimeError, systemErrorCode, UsageError } from "./errors.js";
import { exitCodes, type ExitCode } from "./exit-codes.js";
import type { Io } from "./io.js";

/** Version of the `--json` lines: raised when a field changes meaning or goes away, not when one is added. */
export const jsonVersion = 1;

/** Speaks to the user: as text, or as one JSON object a line. */
export interface Reporter {
  readonly json: boolean;
  readonly color: ReturnType<typeof pc.createColors>;
  /** Results, on standard output; nothing in JSON mode. */
  say(text: string): void;
  /** One JSON line; nothing in text mode. */
  event(type: string, fields: Readonly<Record<string, unknown>>): void;
  diagnostics(diagnostics: readonly Diagnostic[]): void;
  /** Says what went wrong and gives the exit code for it. */
  failure(error: unknown): ExitCode;
}

export function createReporter(io: Io, json: boolean): Reporter {
  // The variables of no-color.org and force-color.org; `--json` is never coloured.
  const colored = (stream: { readonly isTTY: boolean }): boolean =>
    !json && !io.env["NO_COLOR"] && (io.env["FORCE_COLOR"] !== undefined && io.env["FORCE_COLOR"] !== "0" ? true : stream.isTTY && io.env["TERM"] !== "dumb");
  const errorColor = pc.createColors(colored(io.stderr));
  const event: Reporter["event"] = (type, fields) => {
    if (json) io.stdout.write(`${JSON.stringify({ lvmc: jsonVersion, type, ...fields }, plainNumbers)}\n`);
  };
  const problem = (title: string, message: string, help: string | undefined): void => {
    if (json) return;
    const [first = "", ...rest] = message.split("\n").map(printable);
    const lines = [`${errorColor.bold(errorColor.red(title))}${errorColor.bold(`: ${first}`)}`, ...rest.map((line) => `  ${line}`)];
    if (help !== undefined) lines.push(`  ${errorColor.bold("help")}: ${help.split("\n").map(printable).join("\n        ")}`);
    io.stderr.write(`${lines.join("\n")}\n`);
  };
  return {
    json,
    color: pc.createColors(colored(io.stdout)),
    say(text) {
      if (!json) io.stdout.write(`${text}\n`);
    },
    event,
    diagnostics(diagnostics) {
      if (diagnostics.length === 0) return;
      if (!json) return io.stderr.write(`${render(diagnostics, { color: colored(io.stderr) })}\n`);
      for (const diagnostic of diagnostics) {
        const { version: _version, type, ...fields } = renderJson(diagnostic);
        event(type, fields);
      }
    },
    failure(error) {
      if (error instanceof UsageError) {
        problem("error", error.message, error.help);
        event("error", { kind: "usage", message: error.message, help: error.help });
        return exitCodes.usage;
      }
      const known = asRuntimeError(error);
      if (known) {
        problem(`error ${known.code}`, known.message, known.help);
        event("error", { kind: kindOf[known.exitCode] ?? "data", code: known.code, message: known.message, help: known.help, facts: known.facts });
        return known.exitCode;
      }
      const system = systemErrorCode(error);
      if (system !== undefined && system !== "EBADF" && error instanceof Error) {
        problem("error", error.message, undefined);
        event("error", { kind: "data", message: error.message, reason: system });
        return exitCodes.data;
      }
      const message = error instanceof Error ? error.message : String(error);
      const stack = error instanceof Error ? (error.stack ?? "") : "";
      problem("internal error LVM9001", message, "this is a bug in lvmc: please report it with the model file, the command, and what follows");
      if (!json) io.stderr.write(`${stack}\n`);
      event("error", { kind: "internal", code: "LVM9001", message, stack, help: "this is a bug in lvmc: please report it with the model file and the command" });
      return exitCodes.internal;
    },
  };
}

const kindOf: Readonly<Partial<Record<ExitCode, string>>> = { [exitCodes.data]: "data", [exitCodes.diverged]: "diverged", [exitCodes.device]: "device" };

/** JSON has no NaN; null would hide which it was. */
function plainNumbers(_key: string, value: unknown): unknown {
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  return typeof value === "bigint" ? value.toString() : value;
}
