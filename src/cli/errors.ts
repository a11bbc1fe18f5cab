import { exitCodes, type ExitCode } from "./exit-codes.js";

/** A mistake on the command line: exit 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  constructor(message: string, readonly help?: string) {
    super(message);
  }
}

/** Ends a command after it has printed what is wrong. */
export class Stop extends Error {
  override readonly name = "Stop";
  constructor(readonly exit: ExitCode) {
    super(`exit ${exit}`);
  }
}

/** What the run time throws. Known by its fields: an emitted module may come with another copy of the class. */
export interface RuntimeError {
  readonly code: string;
  readonly message: string;
  readonly help: string | undefined;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly exitCode: ExitCode;
}

export function asRuntimeError(error: unknown): RuntimeError | undefined {
  if (!(error instanceof Error) || error.name !== "LvmError" || !("code" in error) || typeof error.code !== "string") return undefined;
  const exit = "exitCode" in error && Object.values<unknown>(exitCodes).includes(error.exitCode) ? (error.exitCode as ExitCode) : exitCodes.data;
  const facts = "facts" in error && typeof error.facts === "object" && error.facts !== null ? (error.facts as Record<string, unknown>) : {};
  const help = "help" in error && typeof error.help === "string" ? error.help : undefined;
  return { code: error.code, message: error.message, help, facts, exitCode: exit };
}

/** An error of the operating system with its code: ENOENT, EACCES … */
export function systemErrorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" && "syscall" in error ? error.code : undefined;
}
