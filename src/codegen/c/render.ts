import { lineOf } from "../../diagnostics/span.js";
import { launchesOf } from "../../ir/kernel/launches.js";
import type { Kernel, KernelFunction, KernelProgram, Launch } from "../../ir/kernel/nodes.js";
import { InternalError } from "../../util/internal-error.js";
import { cEngine } from "./engine.js";
import { renderExpression, renderType, unwrapped } from "./expressions.js";
import { renderComment, renderFunctionName, renderName } from "./names.js";
import { cPrelude } from "./prelude.js";
import { renderStatements } from "./statements.js";

/**
 * A whole program as one C file (GNU C11, vector extensions of gcc and clang): helpers, kernels, a table of them, and an engine with its own
 * threads. It is compiled with `-ffp-contract=off`, so that it computes the same bits as every other device but for `multiply-add`.
 */
export function renderC(program: KernelProgram): string {
  const { lanes, words, kernels, functions } = program;
  if (![2, 4, 8, 16, 32].includes(lanes)) throw new InternalError(`${lanes} lanes`);
  if (!Number.isInteger(words) || words < 4 || words >= 2 ** 31) throw new InternalError(`an arena of ${words} words`);
  if (kernels.length === 0) throw new InternalError("a program without kernels");
  return [
    `${renderComment(`${program.name}: ${kernels.length} ${kernels.length === 1 ? "kernel" : "kernels"} over an arena of ${words} words`)}`,
    "// Made by lvmc; an engine stands at the end.",
    "",
    cPrelude(lanes),
    "// ---- The program.",
    "",
    `#define WORDS ${words}`,
    ...(functions.length === 0 ? [] : ["", ...functions.map((each) => `${signature(each)};`)]),
    ...functions.flatMap((each) => ["", ...renderFunction(each)]),
    ...kernels.flatMap((kernel) => ["", ...renderKernel(kernel)]),
    "",
    "struct kernel {",
    "  void (*run)(word *m, int first, int end, const int *indices);",
    "  int groups;",
    "  int shared; // among threads; the others are not worth a barrier",
    "};",
    "static const struct kernel kernels[] = {",
    ...kernels.map((kernel) => `  {${renderFunctionName("kernel", kernel.name)}, ${kernel.groups}, ${isShared(kernel) ? 1 : 0}},`),
    "};",
    "struct launch {",
    "  int kernel; // or −1: a loop over the next `length` launches",
    "  int steps;",
    "  int reverse;",
    "  int length;",
    "};",
    "static const struct launch launches[] = {",
    ...renderLaunches(launchesOf(program), "  "),
    "};",
    cEngine,
  ].join("\n");
}

/** A loop stands before what it launches. */
function renderLaunches(launches: readonly Launch[], indent: string): string[] {
  return launches.flatMap((launch) => {
    if (typeof launch === "number") return [`${indent}{${launch}, 1, 0, 0},`];
    const body = renderLaunches(launch.body, `${indent}  `);
    return [`${indent}{-1, ${launch.steps}, ${launch.reverse ? 1 : 0}, ${body.length}},`, ...body];
  });
}

function signature({ name, parameters, result }: KernelFunction): string {
  const list = parameters.map((parameter) => `, ${renderType({ type: parameter.type, width: "scalar" })} ${renderName(parameter.name)}`).join("");
  return `static ${renderType({ type: result, width: "scalar" })} ${renderFunctionName("function", name)}(word *m${list})`;
}

function renderFunction(each: KernelFunction): string[] {
  return [`${signature(each)} {`, ...renderStatements(each.body, "  "), `  return ${unwrapped(renderExpression(each.value))};`, "}"];
}

function renderKernel(kernel: Kernel): string[] {
  const places = [...new Set(kernel.origins.map((origin) => `${origin.source.path}:${lineOf(origin)}`))];
  return [
    renderComment(kernel.title),
    ...(places.length === 0 ? [] : [renderComment(places.join(", "))]),
    `static void ${renderFunctionName("kernel", kernel.name)}(word *m, int first, int end, const int *indices) {`,
    ...(kernel.loops ?? []).map((_, depth) => `  const int index_${depth} = indices[${depth}];`),
    "  for (int group = first; group < end; group++) {",
    ...renderStatements(kernel.body, "    "),
    "  }",
    "}",
  ];
}

/** A barrier costs about as much as this many operations, or bytes. */
const barrierCost = 16_384;

/** Whether threads share a kernel's groups. A kernel that does not say what it costs is presumed to be worth it. */
function isShared({ groups, flops, bytes }: Kernel): boolean {
  const cost = Math.max(flops, bytes);
  return groups > 1 && (cost === 0 || cost >= barrierCost);
}
