import { LvmError } from "../../error.js";

/** Why there are no native kernels. Each is a reason to use another device, not to give up. */
export const nativeFailures = ["no-compiler", "compiler-failed", "compiler-timeout", "no-loader", "cache", "load", "memory"] as const;
export type NativeFailure = (typeof nativeFailures)[number];

/** An LVM7160 that says why; `facts.reason` is one of {@link nativeFailures}. */
export function nativeError(reason: NativeFailure, message: string, details: { readonly help?: string; readonly cause?: unknown; readonly facts?: Readonly<Record<string, string>> } = {}): LvmError {
  return new LvmError("LVM7160", `no native kernels: ${message}`, { facts: { reason, ...details.facts }, help: details.help, cause: details.cause, exitCode: 5 });
}

/** The reason if native kernels are what failed, so that the caller can go on with another device. */
export function nativeFailure(error: unknown): NativeFailure | undefined {
  if (!(error instanceof LvmError) || error.code !== "LVM7160") return undefined;
  return nativeFailures.find((reason) => reason === error.facts["reason"]);
}

/** What a program printed, cut to its first lines, without control characters. */
export function firstLines(text: string, lines = 5): string {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .slice(0, lines)
    .map((line) => line.replace(/[\p{Cc}\p{Cf}]/gu, " ").slice(0, 200).trimEnd())
    .join("\n");
}
