import { type Code, inline, list, record } from "../typescript/expression.js";
import { numberLiteral, propertyKey, stringLiteral } from "../typescript/names.js";
import type { CompiledArtifact, CompiledModelPrograms, CompiledRegion } from "./compiled-programs.js";

type Variants = NonNullable<CompiledModelPrograms[string]>;
type Kernel = CompiledArtifact["kernels"][number];

/**
 * Where tensors lie and which kernels run, for each program (`KernelPlans` of src/runtime/kernels): a line for each tensor and for each kernel. What
 * devices have in common, nearly all, stands once.
 */
export function plansText(programs: CompiledModelPrograms): string {
  const lines = Object.entries(programs).flatMap(([name, variants]) => (variants ? [`  ${propertyKey(name)}: {`, ...programLines(variants).map((line) => `    ${line}`), "  },"] : []));
  return `\n/** The plan of each program: where tensors lie in its memory, in words, and its kernels in order, with the lines of the model file that each computes. */\nconst plans: KernelPlans = {\n${lines.join("\n")}\n};\n`;
}

function programLines(variants: Variants): string[] {
  const wasm = variants.wasm ?? variants.native;
  const native = variants.native ?? wasm;
  if (!native || !wasm) return [];
  const { state = [], rowsAxis } = wasm;
  const starts = new Map(state.map(({ name, init }) => [name, init]));
  // The outputs of a step replace its inputs, at their places; others are the host's to read.
  const outputs = Object.keys(wasm.outputs).filter((name) => wasm.state === undefined || !name.startsWith("next."));
  const lines = [`words: ${forDevices(String(native.words), String(wasm.words))},`];
  for (const key of ["batch", "slots", "rows", "dataset"] as const) if (wasm[key] !== undefined) lines.push(`${key}: ${wasm[key]},`);
  if (wasm.metrics) lines.push(`metrics: ${inline(list(...wasm.metrics.map(stringLiteral)))},`);
  if (rowsAxis) lines.push(`rowsAxis: ${inline(record(Object.entries(rowsAxis).map(([name, axis]) => [propertyKey(name), String(axis)])))},`);
  lines.push(...block("inputs", "{", Object.keys(wasm.inputs).map((name) => regionLine(name, native.inputs[name], wasm.inputs[name], starts.get(name))), "}"));
  lines.push(...block("outputs", "{", outputs.map((name) => regionLine(name, native.outputs[name], wasm.outputs[name])), "}"));
  const constants = forDevices(inline(constantsCode(native)), inline(constantsCode(wasm)));
  if (constants !== "[]") lines.push(`constants: ${constants},`);
  return [...lines, ...kernelLines(native.kernels, wasm.kernels)];
}

/** One text for both devices where they agree. */
function forDevices(native: string, wasm: string): string {
  return native === wasm ? wasm : `{ native: ${native}, wasm: ${wasm} }`;
}

function block(key: string, open: string, lines: readonly string[], close: string): string[] {
  return lines.length === 0 ? [`${key}: ${open}${close},`] : [`${key}: ${open}`, ...lines.map((line) => `  ${line}`), `${close},`];
}

function regionLine(name: string, native: CompiledRegion | undefined, wasm: CompiledRegion | undefined, init?: NonNullable<CompiledArtifact["state"]>[number]["init"]): string {
  const { offset = 0, shape = [], type = "f32" } = wasm ?? {};
  const entry = record([
    ["offset", forDevices(String(native?.offset ?? offset), String(offset))],
    ["shape", list(...shape.map(String))],
    ...(type === "f32" ? [] : [["type", stringLiteral(type)] as const]),
    ...(init === undefined ? [] : [["init", init === "zero" ? '"zero"' : record([["copyOf", stringLiteral(init.copyOf)]])] as const]),
  ]);
  return `${propertyKey(name)}: ${inline(entry)},`;
}

function constantsCode({ constants }: CompiledArtifact): Code {
  return list(...constants.map(({ offset, type, values }) => record([["offset", String(offset)], ["type", stringLiteral(type)], ["values", list(...values.map(numberLiteral))]])));
}

/** One list where both devices have the same kernels, else two. */
function kernelLines(native: readonly Kernel[], wasm: readonly Kernel[]): string[] {
  const lines = (a: readonly Kernel[], b: readonly Kernel[]): string[] => a.map((kernel, at) => `${inline(kernelEntry(kernel, b[at] ?? kernel))},`);
  const same = native.length === wasm.length && native.every(({ title, lines: from }, at) => title === wasm[at]?.title && String(from) === String(wasm[at].lines));
  if (same) return block("kernels", "[", lines(native, wasm), "]");
  return block("kernels", "{", [...block("native", "[", lines(native, native), "]"), ...block("wasm", "[", lines(wasm, wasm), "]")], "}");
}

function kernelEntry(native: Kernel, wasm: Kernel): Code {
  const numbers = (key: "groups" | "flops" | "bytes") => [key, forDevices(numberLiteral(Math.round(native[key])), numberLiteral(Math.round(wasm[key])))] as const;
  return record([
    ["lines", list(...wasm.lines.map(String))],
    ["title", stringLiteral(wasm.title)],
    numbers("groups"),
    numbers("flops"),
    numbers("bytes"),
    // Kernels of one group have nothing to share.
    ...(wasm.threaded === false && wasm.groups > 1 ? [["threaded", "false"] as const] : []),
  ]);
}
