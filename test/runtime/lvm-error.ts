import { expect } from "vitest";
import { LvmError } from "../../src/runtime/index.js";

/** Runs what must fail with the given code, and returns its message and help. */
export function failure(code: string, run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return described(code, error);
  }
  throw new Error(`${code} was expected and nothing failed`);
}

export async function asyncFailure(code: string, run: Promise<unknown>): Promise<string> {
  const error = await run.then(() => undefined, (cause: unknown) => cause);
  return described(code, error);
}

function described(code: string, error: unknown): string {
  if (!(error instanceof LvmError)) throw error ?? new Error(`${code} was expected and nothing failed`);
  expect(`${error.code} ${error.message}`).toContain(code);
  expect(error.exitCode).toBe(3);
  return error.help === undefined ? error.message : `${error.message}\nhelp: ${error.help}`;
}
