import { lineOf, type Span } from "../../diagnostics/span.js";
import { launchesOf } from "../../ir/kernel/launches.js";
import type { Kernel, KernelFunction, KernelProgram, Launch } from "../../ir/kernel/nodes.js";
import { InternalError } from "../../util/internal-error.js";
import { encodeModule } from "./encode.js";
import { renderExpression } from "./expression.js";
import { onlySplat } from "./only-splat.js";
import { get } from "./operations.js";
import { prune } from "./prune.js";
import { Scope, valueType } from "./scope.js";
import { renderBody } from "./statement.js";
import { commentText, identifier, printWat, type Wat } from "./wat.js";

/** Lanes of v128 as 32-bit words. */
export const wasmLanes = 4;
const pageWords = 16384;

export interface WasmOptions {
  /** Vector multiply-adds may be rounded once (`f32x4.relaxed_madd`), as the host likes. */
  readonly relaxed: boolean;
}

/**
 * WebAssembly text of a program. The arena is the imported memory `lvmc.memory`, from byte 0 on. Exports: `kernel_0` … as functions of a
 * range of groups (from, to) and of the indices of the loops around them, and `run` (steps), which is all launches in order with all their groups, `steps` times, on one thread.
 *
 * The text says `shared`; for hosts without shared memory the runtime clears that one bit of the import in the assembled bytes.
 */
export function renderWat(program: KernelProgram, { relaxed }: WasmOptions): string {
  const { pages, functions } = renderModule(program);
  const text = functions.map(({ comments, tree }) => [...comments.map((each) => `  ;; ${commentText(each)}`), gatherLocals(printWat(relaxed ? tree : withoutRelaxed(tree), "  "))].join("\n"));
  return [
    `;; ${commentText(program.name)}: ${program.kernels.length} kernels, ${program.words} words`,
    "(module",
    `  (import "lvmc" "memory" (memory ${pages} ${pages} shared))`,
    ...text,
    ")",
    "",
  ].join("\n");
}

/** The same as bytes. */
export function renderBytes(program: KernelProgram, variants: readonly WasmOptions[]): readonly Uint8Array[] {
  const { pages, functions } = renderModule(program);
  const module = { pages, functions: functions.map(({ tree }) => tree) };
  return variants.map(({ relaxed }) => encodeModule(module, relaxed));
}

interface RenderedFunction {
  readonly comments: readonly string[];
  readonly tree: readonly Wat[];
}

/** Multiply-adds are `f32x4.relaxed_madd` here, whatever becomes of them. */
function renderModule(program: KernelProgram): { readonly pages: number; readonly functions: readonly RenderedFunction[] } {
  if (program.lanes !== wasmLanes) throw new InternalError(`WebAssembly has vectors of ${wasmLanes} lanes, the program is for ${program.lanes}`);
  const pages = Math.max(1, Math.ceil(program.words / pageWords));
  if (pages > 65536) throw new InternalError(`an arena of ${program.words} words is larger than the memory of a WebAssembly module`);
  return { pages, functions: [...program.functions.map(renderFunction), ...program.kernels.map(renderKernel), renderRun(program)] };
}

function withoutRelaxed(tree: readonly Wat[]): readonly Wat[] {
  const [head, ...rest] = tree.map((part) => (typeof part === "string" ? part : withoutRelaxed(part)));
  return head === "f32x4.relaxed_madd" ? ["f32x4.add", ["f32x4.mul", rest[0]!, rest[1]!], rest[2]!] : [head!, ...rest];
}

function renderKernel(kernel: Kernel, index: number): RenderedFunction {
  const scope = new Scope(kernel.groups, onlySplat(kernel.body), kernel.loops);
  const loops = (kernel.loops ?? []).map((_, depth) => loopLocal(depth));
  for (const name of ["from", "to"]) scope.parameter(name, "i32");
  for (const [depth] of loops.entries()) scope.ownParameter(`index${depth}`, "i32");
  scope.own("group", "i32");
  const { body, used } = prune(scope.block(() => renderBody(kernel.body, scope)));
  const again: Wat = ["br_if", "$groups", ["i32.lt_s", ["local.tee", "$group", ["i32.add", get("$group"), ["i32.const", "1"]]], get("$to")]];
  const facts = [kernel.groups === 1 ? "1 group" : `${kernel.groups} groups`, ...places(kernel.origins), `${kernel.flops} FLOP`, `${kernel.bytes} bytes`];
  return {
    comments: [`${kernel.name}: ${kernel.title}`, facts.join(", ")],
    tree: [
      "func",
      `$kernel_${index}`,
      ["export", `"kernel_${index}"`],
      ["param", "$from", "i32"],
      ["param", "$to", "i32"],
      ...loops.map((local): Wat => ["param", local, "i32"]),
      ...scope.locals(new Set([...used, "$group"])),
      ["local.set", "$group", get("$from")],
      ["if", ["i32.lt_s", get("$group"), get("$to")], ["then", ["loop", "$groups", ...body, again]]],
    ],
  };
}

function renderFunction(definition: KernelFunction): RenderedFunction {
  const scope = new Scope(undefined, onlySplat([definition.body, definition.value]));
  const parameters = definition.parameters.map(({ name, type }): Wat => ["param", scope.parameter(name, valueType(type, "scalar")), valueType(type, "scalar")]);
  const statements = renderBody(definition.body, scope);
  const value = scope.statements([definition.value], (expr) => [scope.statement(() => renderExpression(expr, scope))]);
  const { body, used } = prune([...statements, ...value]);
  const result: Wat = ["result", valueType(definition.result, "scalar")];
  return { comments: [], tree: ["func", identifier(`function_${definition.name}`), ...parameters, result, ...scope.locals(used), ...body] };
}

/** All launches in order; the step counter is word 0. */
function renderRun(program: KernelProgram): RenderedFunction {
  const deepest = Math.max(0, ...program.kernels.map(({ loops }) => loops?.length ?? 0));
  const locals = Array.from({ length: deepest }, (_, depth): Wat => ["local", loopLocal(depth), "i32"]);
  const calls = renderLaunches(launchesOf(program), program, 0);
  const count: Wat = ["i32.store", ["i32.const", "0"], ["i32.add", ["i32.load", ["i32.const", "0"]], ["i32.const", "1"]]];
  const again: Wat = ["br_if", "$again", ["local.tee", "$steps", ["i32.sub", get("$steps"), ["i32.const", "1"]]]];
  const body: Wat = ["if", ["i32.gt_s", get("$steps"), ["i32.const", "0"]], ["then", ["loop", "$again", ...calls, count, again]]];
  return { comments: [], tree: ["func", "$run", ["export", '"run"'], ["param", "$steps", "i32"], ...locals, body] };
}

const loopLocal = (depth: number): string => `$index${depth}`;

function renderLaunches(launches: readonly Launch[], program: KernelProgram, depth: number): Wat[] {
  const local = loopLocal(depth);
  return launches.flatMap((launch): Wat[] => {
    if (typeof launch === "number") return [["call", `$kernel_${launch}`, ["i32.const", "0"], ["i32.const", String(program.kernels[launch]!.groups)], ...Array.from({ length: depth }, (_, outer) => get(loopLocal(outer)))]];
    const { steps, reverse, body } = launch;
    const next: Wat = ["local.tee", local, ["i32.add", get(local), ["i32.const", reverse ? "-1" : "1"]]];
    const label = `$turns${depth}`;
    const again: Wat = ["br_if", label, reverse ? ["i32.ge_s", next, ["i32.const", "0"]] : ["i32.lt_s", next, ["i32.const", String(steps)]]];
    return [["local.set", local, ["i32.const", String(reverse ? steps - 1 : 0)]], ["loop", label, ...renderLaunches(body, program, depth + 1), again]];
  });
}

/** Files with their lines: `vae.lvm:3, 7`. */
function places(origins: readonly Span[]): readonly string[] {
  const lines = new Map<string, Set<number>>();
  for (const origin of origins) {
    const of = lines.get(origin.source.path) ?? new Set();
    lines.set(origin.source.path, of.add(lineOf(origin)));
  }
  return [...lines].map(([path, of]) => `${path}:${[...of].sort((a, b) => a - b).join(", ")}`);
}

/** Locals one after another on lines, like words of a paragraph, instead of a line for each. */
function gatherLocals(text: string): string {
  return text.replace(/(?:^ +\(local \$[\w.:]+ \w+\)\n)+/gm, (block) => {
    const indent = /^ */.exec(block)?.[0] ?? "";
    const lines: string[] = [];
    for (const local of block.trim().split(/\n */)) {
      const last = lines.at(-1);
      if (last !== undefined && last.length + local.length < 140) lines[lines.length - 1] = `${last} ${local}`;
      else lines.push(indent + local);
    }
    return `${lines.join("\n")}\n`;
  });
}
