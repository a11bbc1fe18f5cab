import { lineOf } from "../../diagnostics/span.js";
import type { Kernel, KernelFunction, KernelProgram } from "../../ir/kernel/nodes.js";
import { usesFours } from "../../ir/kernel/statements.js";
import { InternalError } from "../../util/internal-error.js";
import { renderComment } from "../c/names.js";
import { renderExpression } from "./expressions.js";
import { renderHelpers, renderReduction, uniformWord } from "./helpers.js";
import { renderFunctionName, renderName } from "./names.js";
import { arenaMeetings } from "./ordering.js";
import { roundedNames } from "./rounding.js";
import { line, type Scope } from "./scope.js";
import { renderStatements } from "./statements.js";

/** Groups in a row of workgroups: what a dispatch may have along an axis is 65,535. The runtime dispatches by the same rule. */
const mostAlong = 65_535;
const rowOfGroups = 32_768;

/**
 * WGSL for each kernel of a program whose groups are workgroups (`simt`), in their order: a shader module with the entry point `main` and all it needs.
 *
 * Binding 0 is the arena, as u32: floats are seen by `bitcast`, so that copies keep every bit. Binding 1, with a dynamic offset, is `launch`: x is added to
 * the counter of steps in word 0, so that steps of one submit differ by an offset; y is 0, which no compiler knows. Bindings 2 and on are `loop0`, …, with
 * dynamic offsets as well: x is the index of a loop of launches around the kernel.
 */
export function renderWgsl(program: KernelProgram): string[] {
  const { words, simt } = program;
  if (!simt) throw new InternalError("the lanes of this program are not invocations");
  if (!Number.isInteger(words) || words < 4 || words >= 2 ** 31) throw new InternalError(`an arena of ${words} words`);
  const functions = new Map(program.functions.map((each) => [each.name, each]));
  return program.kernels.map((kernel) => renderKernel(kernel, program, functions));
}

function renderKernel(kernel: Kernel, { words, ...program }: KernelProgram, functions: ReadonlyMap<string, KernelFunction>): string {
  const lanes = kernel.lanes ?? program.lanes;
  if (lanes < 1 || lanes > 256) throw new InternalError(`a workgroup of ${lanes}`);
  const scope = newScope(kernel, lanes, arenaMeetings(kernel, lanes));
  renderStatements(kernel.body, scope);
  const called = renderCalled(scope, functions);
  const places = [...new Set(kernel.origins.map((origin) => `${origin.source.path}:${lineOf(origin)}`))];
  const rows = kernel.groups > mostAlong;
  const { loops = [] } = kernel;
  const tree = scope.asksLaneZero || scope.reductions.size > 0;
  return [
    renderComment(kernel.title),
    ...(places.length === 0 ? [] : [renderComment(places.join(", "))]),
    `@group(0) @binding(0) var<storage, read_write> arena: array<u32, ${words}>;`,
    "@group(0) @binding(1) var<uniform> launch: vec4<u32>;",
    ...loops.map((_, depth) => `@group(0) @binding(${2 + depth}) var<uniform> loop${depth}: vec4<u32>;`),
    ...(kernel.shared === undefined || kernel.shared === 0 ? [] : [scope.fours ? `var<workgroup> own: array<vec4<u32>, ${kernel.shared / 4}>;` : `var<workgroup> own: array<u32, ${kernel.shared}>;`]),
    ...(tree ? [`var<workgroup> tree: array<u32, ${lanes}>;`] : []),
    "",
    ...renderHelpers([...scope.helpers, ...[...scope.reductions.values()].flatMap(({ op, type }) => (type !== "f32" || op === "add" ? [] : [op === "min" ? "smaller" : "larger"]))]),
    ...[...scope.reductions.values()].map(({ op, type }) => renderReduction(op, type, lanes)),
    ...(scope.asksLaneZero ? [uniformWord] : []),
    ...called,
    `@compute @workgroup_size(${lanes})`,
    "fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {",
    "  let lane = i32(invocation);",
    `  let group = i32(${rows ? `workgroup.y * ${rowOfGroups}u + ` : ""}workgroup.x);`,
    ...(rows ? [`  if (group >= ${kernel.groups}i) { return; }`] : []),
    ...loops.map((_, depth) => `  let index${depth} = i32(loop${depth}.x);`),
    ...scope.lines,
    "}",
    "",
  ].join("\n");
}

function newScope({ body, groups, loops }: Pick<Kernel, "body" | "groups" | "loops">, lanes: number, meetings: Scope["arenaMeetings"]): Scope {
  return {
    lanes, groups, loops, fours: usesFours(body), ranges: new Map(), lines: [], indent: "  ", helpers: new Set(), functions: new Set(), reductions: new Map(), asksLaneZero: false, rounded: roundedNames(body), uniform: new Set(),
    hides: false, dirty: false, arenaMeetings: meetings, parts: 0,
  };
}

/** The functions that are called, each after those that it calls itself. */
function renderCalled(scope: Scope, functions: ReadonlyMap<string, KernelFunction>): string[] {
  const done = new Map<string, string>();
  const add = (name: string): void => {
    if (done.has(name)) return;
    const definition = functions.get(name);
    if (!definition) throw new InternalError(`no function ${name}`);
    const inner: Scope = { ...newScope({ body: definition.body, groups: 1 }, scope.lanes, new Set()), helpers: scope.helpers };
    renderStatements(definition.body, inner);
    line(inner, `return ${renderExpression(definition.value, inner)};`);
    inner.functions.forEach(add);
    const parameters = definition.parameters.map((parameter) => `${renderName(parameter.name)}: ${parameter.type}`).join(", ");
    done.set(name, [`fn ${renderFunctionName(name)}(${parameters}) -> ${definition.result} {`, ...inner.lines, "}"].join("\n"));
  };
  [...scope.functions].forEach(add);
  return [...done.values()];
}
