/** What the run time says when it cannot go on: a stable code, a message with the place, facts for `--json`, and what to do about it. */
export class LvmError extends Error {
  override readonly name = "LvmError";
  readonly code: LvmCode;
  /** What the message is made of, for programs: file, row, column, offset, expected, found. */
  readonly facts: Facts;
  /** How it is mended, one sentence; undefined where there is no general advice. */
  readonly help: string | undefined;
  /** What the process exits with: 3 data, 4 diverged, 5 no device. */
  readonly exitCode: ExitCode;

  constructor(code: LvmCode, message: string, details: { readonly facts?: Facts; readonly help?: string; readonly exitCode?: ExitCode; readonly cause?: unknown } = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.facts = details.facts ?? {};
    this.help = details.help;
    this.exitCode = details.exitCode ?? 3;
  }
}

/** A code of src/diagnostics/catalog/runtime.ts; a string here because the run time imports nothing outside itself. */
export type LvmCode = `LVM7${number}`;
export type Facts = Readonly<Record<string, string | number | boolean | readonly (string | number)[]>>;
export type ExitCode = 3 | 4 | 5;
