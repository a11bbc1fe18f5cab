import { LvmError } from "../error.js";
import { elementCount, type HostColumn } from "../data/column.js";
import { defaultLimits, printCount } from "../data/limits.js";
import { suggestName } from "../data/suggest.js";
import { bouncingBall } from "./bouncing-ball.js";
import type { BuiltinData, Split } from "./builtin.js";
import { digits } from "./digits.js";
import { eightSchools, radon } from "./hierarchical-data.js";
import { factors, regression } from "./linear-data.js";
import { blobs, moons, spiral } from "./point-clouds.js";
import { polyphonic } from "./polyphonic.js";
import { robotRoom } from "./robot-room.js";
import { stateSequences, tracking } from "./state-space-data.js";

/** The data sets that `data = …` and `--data` name. */
export const builtinData: Readonly<Record<string, BuiltinData>> = {
  digits, moons, spiral, blobs, eight_schools: eightSchools, regression, factors, radon,
  robot_room: robotRoom, bouncing_ball: bouncingBall, polyphonic, state_sequences: stateSequences, tracking,
};

/**
 * Makes a built-in data set.
 * @param args as written; those that are left out take their defaults
 * @throws LvmError LVM7040 unknown name, LVM7041 bad arguments
 */
export function makeBuiltinData(name: string, args: readonly number[], seed: number | bigint, split: Split = "train"): HostColumn[] {
  const data = findBuiltinData(name);
  return data.make(checkBuiltinArguments(name, args), seed, split);
}

/** @throws LvmError LVM7040 */
export function findBuiltinData(name: string): BuiltinData {
  const data = Object.hasOwn(builtinData, name) ? builtinData[name] : undefined;
  if (data !== undefined) return data;
  const names = Object.keys(builtinData);
  const near = suggestName(name, names);
  throw new LvmError("LVM7040", `there is no built-in data set ${name}; there are ${names.join(", ")}`, { facts: { name, available: names }, ...(near === undefined ? {} : { help: `did you mean ${near}?` }) });
}

/** The arguments with defaults filled in. @throws LvmError LVM7041 */
export function checkBuiltinArguments(name: string, args: readonly number[]): number[] {
  const data = findBuiltinData(name);
  const { parameters } = data;
  const signature = `${name}(${parameters.map((parameter) => (parameter.default === undefined ? parameter.name : `${parameter.name} = ${parameter.default}`)).join(", ")})`;
  const bad = (what: string): LvmError => new LvmError("LVM7041", `${name}: ${what}`, { facts: { name }, help: `it is written ${signature}` });
  if (args.length > parameters.length) throw bad(`takes ${parameters.length === 0 ? "no arguments" : `at most ${parameters.length}`}, not ${args.length}`);
  const checked = parameters.map((parameter, i) => {
    const value = args[i] ?? parameter.default;
    if (value === undefined) throw bad(`lacks its argument ${parameter.name}`);
    if (!Number.isInteger(value) || value < parameter.min || value > parameter.max) throw bad(`${parameter.name} is ${value}; it must be a whole number from ${parameter.min} to ${parameter.max}`);
    return value;
  });
  // Each bound alone allows more than all of them together.
  const rows = checked[parameters.findIndex((parameter) => parameter.name === "n")] ?? 1;
  for (const { name: column, shape, support } of data.columns(checked)) {
    const bytes = rows * elementCount(shape) * (support.kind === "byte" ? 1 : 4);
    if (bytes > defaultLimits.bytes) throw bad(`column ${column} of ${parameters.map((parameter, i) => `${parameter.name} = ${printCount(checked[i]!)}`).join(", ")} would have ${printCount(bytes)} bytes; the limit is ${printCount(defaultLimits.bytes)}`);
  }
  return checked;
}

/**
 * `digits(8192)` or `blobs(n = 500, k = 3)` as name and arguments; undefined where the text is not a call.
 * @throws LvmError LVM7040, LVM7041
 */
export function parseBuiltinCall(text: string): { readonly name: string; readonly args: number[] } | undefined {
  const match = /^\s*([A-Za-z_]\w*)\s*\(([^()]*)\)\s*$/.exec(text);
  if (match === null) return undefined;
  const name = match[1]!;
  const { parameters } = findBuiltinData(name);
  const given: (number | undefined)[] = [];
  const written = match[2]!.trim() === "" ? [] : match[2]!.split(",");
  for (const [i, part] of written.entries()) {
    const [, key, number = ""] = /^(?:([A-Za-z_]\w*)\s*=)?(.*)$/s.exec(part.trim()) ?? [];
    const position = key === undefined ? i : parameters.findIndex((parameter) => parameter.name === key);
    if (position < 0) throw new LvmError("LVM7041", `${name}: has no parameter ${key}`, { facts: { name, parameter: key ?? "", available: parameters.map((parameter) => parameter.name) } });
    if (given[position] !== undefined) throw new LvmError("LVM7041", `${name}: parameter ${key ?? i + 1} is given twice`, { facts: { name } });
    given[position] = /^\s*-?\d[\d_]*\s*$/.test(number) ? Number(number.replaceAll("_", "")) : NaN;
  }
  const length = Math.max(given.length, 0);
  const args = Array.from({ length }, (_, i) => given[i] ?? parameters[i]?.default ?? NaN);
  return { name, args: checkBuiltinArguments(name, args) };
}
