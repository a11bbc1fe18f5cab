import type { Launch } from "../../ir/kernel/nodes.js";
import { type Code, inline, list, record } from "../typescript/expression.js";
import { numberLiteral, propertyKey, stringLiteral } from "../typescript/names.js";
import { type CompiledArtifact, type CompiledModelPrograms, type CompiledRegion, type ModuleDevice, moduleDevices } from "./compiled-programs.js";

type Kernel = CompiledArtifact["kernels"][number];

/** Something for each device of the module, in their order. */
type Each<T> = readonly (readonly [ModuleDevice, T])[];

/**
 * Where tensors lie and which kernels run, for each program (`KernelPlans` of src/runtime/kernels): a line for each tensor and for each kernel. What
 * devices have in common, nearly all, stands once.
 */
export function plansText(programs: CompiledModelPrograms): string {
  const lines = Object.entries(programs).flatMap(([name, variants]) => {
    const each = eachOf(variants);
    return each.length > 0 ? [`  ${propertyKey(name)}: {`, ...programLines(each).map((line) => `    ${line}`), "  },"] : [];
  });
  const devices = moduleDevices.filter((device) => Object.values(programs).some((variants) => variants?.[device]));
  return `\n/** The plan of each program: where tensors lie in its memory, in words, and its kernels in order, with the lines of the model file that each computes. */\nconst plans: KernelPlans = {\n  devices: ${inline(list(...devices.map(stringLiteral)))},\n${lines.join("\n")}\n};\n`;
}

function eachOf(variants: CompiledModelPrograms[string] = {}): Each<CompiledArtifact> {
  return moduleDevices.flatMap((device) => {
    const artifact = variants[device];
    return artifact ? [[device, artifact] as const] : [];
  });
}

function programLines(each: Each<CompiledArtifact>): string[] {
  const first = firstOf(each);
  const { state = [], rowsAxis } = first;
  const starts = new Map(state.map(({ name, init }) => [name, init]));
  // The outputs of a step replace its inputs, at their places; others are the host's to read.
  const outputs = Object.keys(first.outputs).filter((name) => first.state === undefined || !name.startsWith("next."));
  const lines = [`words: ${forDevices(mapped(each, ({ words }) => String(words)))},`];
  for (const key of ["batch", "slots", "rows", "dataset"] as const) if (first[key] !== undefined) lines.push(`${key}: ${first[key]},`);
  if (first.metrics) lines.push(`metrics: ${inline(list(...first.metrics.map(stringLiteral)))},`);
  if (rowsAxis) lines.push(`rowsAxis: ${inline(record(Object.entries(rowsAxis).map(([name, axis]) => [propertyKey(name), String(axis)])))},`);
  lines.push(...block("inputs", "{", Object.keys(first.inputs).map((name) => regionLine(name, mapped(each, ({ inputs }) => inputs[name]), starts.get(name))), "}"));
  lines.push(...block("outputs", "{", outputs.map((name) => regionLine(name, mapped(each, (artifact) => artifact.outputs[name]))), "}"));
  const constants = forDevices(mapped(each, (artifact) => inline(constantsCode(artifact))));
  if (constants !== "[]") lines.push(`constants: ${constants},`);
  const launches = forDevices(mapped(each, (artifact) => inline(launchesCode(artifact.launches ?? artifact.kernels.map((_, at) => at)))));
  return [...lines, ...kernelLines(mapped(each, ({ kernels }) => kernels)), ...(each.some(([, artifact]) => artifact.launches) ? [`launches: ${launches},`] : [])];
}

function mapped<T, U>(each: Each<T>, map: (value: T) => U): Each<U> {
  return each.map(([device, value]) => [device, map(value)]);
}

function firstOf<T>([first]: Each<T>): T {
  return first![1];
}

/** One text for all devices where they agree. */
function forDevices(texts: Each<string>): string {
  const first = firstOf(texts);
  return texts.every(([, text]) => text === first) ? first : `{ ${texts.map(([device, text]) => `${device}: ${text}`).join(", ")} }`;
}

function block(key: string, open: string, lines: readonly string[], close: string): string[] {
  return lines.length === 0 ? [`${key}: ${open}${close},`] : [`${key}: ${open}`, ...lines.map((line) => `  ${line}`), `${close},`];
}

function regionLine(name: string, regions: Each<CompiledRegion | undefined>, init?: NonNullable<CompiledArtifact["state"]>[number]["init"]): string {
  const { shape = [], type = "f32" } = firstOf(regions) ?? {};
  const entry = record([
    ["offset", forDevices(mapped(regions, (region) => String(region?.offset ?? 0)))],
    ["shape", list(...shape.map(String))],
    ...(type === "f32" ? [] : [["type", stringLiteral(type)] as const]),
    ...(init === undefined ? [] : [["init", init === "zero" ? '"zero"' : record([["copyOf", stringLiteral(init.copyOf)]])] as const]),
  ]);
  return `${propertyKey(name)}: ${inline(entry)},`;
}

function constantsCode({ constants }: CompiledArtifact): Code {
  return list(...constants.map(({ offset, type, values }) => record([["offset", String(offset)], ["type", stringLiteral(type)], ["values", list(...values.map(numberLiteral))]])));
}

function launchesCode(launches: readonly Launch[]): Code {
  return list(...launches.map((launch) => (typeof launch === "number" ? String(launch) : record([["steps", String(launch.steps)], ["reverse", String(launch.reverse)], ["body", launchesCode(launch.body)]]))));
}

/** One list where all devices have the same kernels, else one for each. */
function kernelLines(each: Each<readonly Kernel[]>): string[] {
  const lines = (lists: Each<readonly Kernel[]>): string[] => firstOf(lists).map((kernel, at) => `${inline(kernelEntry(mapped(lists, (kernels) => kernels[at] ?? kernel)))},`);
  const signature = (kernels: readonly Kernel[]): string => JSON.stringify(kernels.map(({ title, lines: from }) => [title, from]));
  const first = signature(firstOf(each));
  if (each.every(([, kernels]) => signature(kernels) === first)) return block("kernels", "[", lines(each), "]");
  return block("kernels", "{", each.flatMap(([device, kernels]) => block(device, "[", lines([[device, kernels]]), "]")), "}");
}

function kernelEntry(each: Each<Kernel>): Code {
  const numbers = (key: "groups" | "flops" | "bytes") => [key, forDevices(mapped(each, (kernel) => numberLiteral(Math.round(kernel[key]))))] as const;
  const { lines, title } = firstOf(each);
  return record([
    ["lines", list(...lines.map(String))],
    ["title", stringLiteral(title)],
    numbers("groups"),
    numbers("flops"),
    numbers("bytes"),
    // Of WebAssembly, which shares the groups of others among threads; one group is nothing to share.
    ...(each.some(([, { threaded, groups }]) => threaded === false && groups > 1) ? [["threaded", "false"] as const] : []),
  ]);
}
