import { InvalidArgumentError } from "commander";
import { kernelDevices, type KernelDevice } from "../runtime/devices.js";
import { UsageError } from "./errors.js";

/** Readers of option values: what they throw, commander prints with the option's name, and the exit code is 2. */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = /^\d[\d_]*$/.test(text) ? Number(text.replaceAll("_", "")) : NaN;
    if (!Number.isSafeInteger(value) || value < least || value > most) {
      throw new InvalidArgumentError(`It must be a whole number${most === Number.MAX_SAFE_INTEGER ? ` of at least ${least}` : ` from ${least} to ${most}`}.`);
    }
    return value;
  };
}

export function positiveNumber(text: string): number {
  const value = text.trim() === "" ? NaN : Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError("It must be a number above 0.");
  return value;
}

export function nonnegativeNumber(text: string): number {
  const value = text.trim() === "" ? NaN : Number(text);
  if (!Number.isFinite(value) || value < 0) throw new InvalidArgumentError("It must be a number of at least 0.");
  return value;
}

export function share(text: string): number {
  const value = text.trim() === "" ? NaN : Number(text);
  if (!(value >= 0 && value <= 1)) throw new InvalidArgumentError("It must be a number from 0 to 1.");
  return value;
}

/** `webgpu,wasm`, in the order in which devices are spoken of. */
export function kernelDeviceNames(text: string): readonly KernelDevice[] {
  const names = text.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !kernelDevices.some((device) => device === name));
  if (unknown !== undefined) throw new InvalidArgumentError(`There is no ${JSON.stringify(unknown)}; kernels are for ${kernelDevices.join(", ")}, one or several with commas.`);
  return kernelDevices.filter((device) => names.includes(device));
}

/** For options that may stand several times. */
export function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/** `--set NAME=VALUE …` as a table. @throws UsageError */
export function readSettings(given: readonly string[] = []): Readonly<Record<string, string>> {
  const settings = new Map<string, string>();
  for (const text of given) {
    const match = /^\s*([A-Za-z_]\w*)\s*=\s*(\S(?:.*\S)?)\s*$/s.exec(text);
    if (!match) throw new UsageError(`--set ${text}: this is not NAME=VALUE`, "write the constant's name and its value: --set LATENT=10");
    const [, name = "", value = ""] = match;
    if (settings.has(name)) throw new UsageError(`--set ${name} is given twice`);
    settings.set(name, value);
  }
  // No name, `__proto__` included, means anything but a constant.
  return Object.freeze(Object.assign(Object.create(null) as Record<string, string>, Object.fromEntries(settings)));
}
