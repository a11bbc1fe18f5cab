import { LvmError, type Facts } from "../error.js";

/** Why there is no WebGPU device. Each is a reason to use another device, not to give up. */
export const webGpuFailures = ["no-package", "no-adapter", "adapter-refused", "memory", "shader"] as const;
export type WebGpuFailure = (typeof webGpuFailures)[number];

/** An LVM7161 that says why; `facts.reason` is one of {@link webGpuFailures}. */
export function webGpuError(reason: WebGpuFailure, message: string, details: { readonly help?: string; readonly cause?: unknown; readonly facts?: Facts } = {}): LvmError {
  return new LvmError("LVM7161", `no WebGPU device: ${message}`, { facts: { reason, ...details.facts }, help: details.help, cause: details.cause, exitCode: 5 });
}

/** The reason if starting WebGPU is what failed, so that the caller can go on with another device. */
export function webGpuFailure(error: unknown): WebGpuFailure | undefined {
  if (!(error instanceof LvmError) || error.code !== "LVM7161") return undefined;
  return webGpuFailures.find((reason) => reason === error.facts["reason"]);
}

/** What a device that worked says when it does so no more. */
export function lostError(reason: "lost" | "memory" | "invalid", message: string, cause?: unknown): LvmError {
  const help = reason === "memory" ? "a smaller --batch needs less memory" : "resume from the last checkpoint; on another device if it happens again";
  return new LvmError("LVM7162", message, { facts: { reason, device: "webgpu" }, help, exitCode: 5, cause });
}

/** What a driver said, cut to its first lines, without control characters. */
export function firstLines(text: string, lines = 6): string {
  return text
    .split("\n")
    .filter((each) => each.trim() !== "")
    .slice(0, lines)
    .map((each) => each.replace(/[\p{Cc}\p{Cf}]/gu, " ").slice(0, 200).trimEnd())
    .join("\n");
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
