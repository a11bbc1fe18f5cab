import { lineOf, type Span } from "../../diagnostics/span.js";
import { launchesOf } from "./launches.js";
import type { ElementType, Kernel, KernelBinary, KernelCompare, KernelExpr, KernelFunction, KernelProgram, Launch, Statement } from "./nodes.js";

const binarySigns: Readonly<Record<KernelBinary, string>> = {
  add: "+", subtract: "-", multiply: "*", divide: "/", remainder: "%", min: "min", max: "max", and: "&", or: "|", xor: "^", shift_left: "<<", shift_right: ">>",
};
const compareSigns: Readonly<Record<KernelCompare, string>> = { less: "<", less_equal: "<=", greater: ">", greater_equal: ">=", equal: "==", not_equal: "!=" };

/** f32 numbers as short as they are told apart; the others as they are. */
function numberText(value: number, type: ElementType): string {
  if (type === "bool") return value === 0 ? "false" : "true";
  if (type !== "f32") return Math.abs(value) > 0xffff ? `0x${(value >>> 0).toString(16)}` : String(value);
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0.0";
  for (let digits = 1; digits < 9; digits++) {
    const text = String(Number(value.toPrecision(digits)));
    if (Math.fround(Number(text)) === Math.fround(value)) return /[.e]/.test(text) ? text : `${text}.0`;
  }
  return String(Math.fround(value));
}

const typeText = ({ type, width }: KernelExpr): string => (width === "vector" ? `${type}xN` : type);

type ExprRules = { readonly [K in KernelExpr["kind"]]: (expr: Extract<KernelExpr, { kind: K }>) => string };

const exprRules: ExprRules = {
  constant: ({ value, type }) => numberText(value, type),
  name: ({ name }) => name,
  group: () => "group",
  "loop-index": ({ depth }) => `index.${depth}`,
  load: ({ index, type, width }) => `${width === "vector" ? "vload" : "load"}${type === "f32" ? "" : `.${type}`}[${text(index)}]`,
  gather: ({ index, type }) => `gather${type === "f32" ? "" : `.${type}`}[${text(index)}]`,
  "load-shared": ({ index, type }) => `shared${type === "f32" ? "" : `.${type}`}[${text(index)}]`,
  splat: ({ value }) => `splat(${text(value)})`,
  "lane-numbers": () => "lanes",
  unary: ({ op, value }) => (op === "negate" ? `-${inner(value)}` : `${op}(${text(value)})`),
  binary: ({ op, left, right }) => (op === "min" || op === "max" ? `${op}(${text(left)}, ${text(right)})` : `${inner(left)} ${binarySigns[op]} ${inner(right)}`),
  "multiply-add": ({ a, b, c }) => `fma(${text(a)}, ${text(b)}, ${text(c)})`,
  compare: ({ op, left, right }) => `${inner(left)} ${compareSigns[op]} ${inner(right)}`,
  select: ({ condition, yes, no }) => `${inner(condition)} ? ${inner(yes)} : ${inner(no)}`,
  convert: ({ value, type }) => `${type}(${text(value)})`,
  bitcast: ({ value, type }) => `bits.${type}(${text(value)})`,
  "reduce-lanes": ({ op, value }) => `reduce.${op}(${text(value)})`,
  call: ({ function: name, args }) => `${name}(${args.map(text).join(", ")})`,
};

function text(expr: KernelExpr): string {
  return (exprRules[expr.kind] as (expr: KernelExpr) => string)(expr);
}

/** In parentheses where it is not one word or call. */
function inner(expr: KernelExpr): string {
  const compound = (expr.kind === "binary" && expr.op !== "min" && expr.op !== "max") || expr.kind === "compare" || expr.kind === "select";
  return compound ? `(${text(expr)})` : text(expr);
}

type StatementRules = { readonly [K in Statement["kind"]]: (statement: Extract<Statement, { kind: K }>) => readonly string[] };

const indented = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`);

const statementRules: StatementRules = {
  let: ({ name, value }) => [`let ${name}: ${typeText(value)} = ${text(value)};`],
  var: ({ name, value }) => [`var ${name}: ${typeText(value)} = ${text(value)};`],
  set: ({ name, value }) => [`${name} = ${text(value)};`],
  for: ({ name, from, to, step, body }) => [`for (${name} = ${text(from)}; ${name} < ${text(to)}; ${name} += ${step}) {`, ...indented(blockLines(body)), "}"],
  if: ({ condition, then, otherwise }) => [
    `if (${text(condition)}) {`, ...indented(blockLines(then)), ...(otherwise.length > 0 ? ["} else {", ...indented(blockLines(otherwise))] : []), "}",
  ],
  "store-shared": ({ index, value }) => [`shared[${text(index)}] = ${text(value)};`],
  "load-four": ({ names, index, type }) => [`let ${names.join(", ")}: ${type}xN = shared4[${text(index)}];`],
  "store-four": ({ index, values }) => [`shared4[${text(index)}] = ${values.map(text).join(", ")};`],
  barrier: () => ["barrier;"],
  store: ({ index, value }) => [`${index.width === "vector" ? "scatter" : value.width === "vector" ? "vstore" : "store"}[${text(index)}] = ${text(value)};`],
};

function blockLines(statements: readonly Statement[]): string[] {
  return statements.flatMap((statement) => (statementRules[statement.kind] as (statement: Statement) => readonly string[])(statement));
}

/** `vae.lvm:7, 9`: each file once with its lines in order. */
function originsText(origins: readonly Span[]): string {
  const lines = new Map<string, Set<number>>();
  for (const span of origins) {
    const file = span.source.path.split(/[\\/]/).at(-1) ?? "";
    lines.set(file, (lines.get(file) ?? new Set()).add(lineOf(span)));
  }
  return [...lines].map(([file, numbers]) => `${file}:${[...numbers].sort((a, b) => a - b).join(", ")}`).join("; ");
}

/** `12.3 k`, with the prefix that leaves one to three digits before the point. */
function amount(count: number, unit: string): string {
  const prefixes = ["", "k", "M", "G", "T"];
  let at = 0;
  let value = count;
  while (value >= 1000 && at < prefixes.length - 1) {
    value /= 1000;
    at++;
  }
  return `${at === 0 ? value : value.toPrecision(3)} ${prefixes[at]}${unit}`;
}

/** One kernel as text: what it computes and where it comes from, its size, and its body. */
export function printKernel(kernel: Kernel): string {
  const origins = originsText(kernel.origins);
  return [
    `kernel ${kernel.name} {  // ${[kernel.title, origins].filter((part) => part !== "").join(" — ")}`,
    `  // ${kernel.groups} group${kernel.groups === 1 ? "" : "s"}${kernel.lanes === undefined ? "" : ` of ${kernel.lanes} lanes`}, ${amount(kernel.flops, "FLOP")}, ${amount(kernel.bytes, "B")}`,
    ...indented(blockLines(kernel.body)),
    "}",
  ].join("\n");
}

function printFunction({ name, parameters, result, body, value }: KernelFunction): string {
  const signature = parameters.map((parameter) => `${parameter.name}: ${parameter.type}`).join(", ");
  return [`function ${name}(${signature}): ${result} {`, ...indented(blockLines(body)), `  return ${text(value)};`, "}"].join("\n");
}

function printLaunches(launches: readonly Launch[], program: KernelProgram): string[] {
  return launches.map((launch) => {
    if (typeof launch === "number") return printKernel(program.kernels[launch]!);
    const body = printLaunches(launch.body, program).join("\n\n").split("\n").map((line) => (line === "" ? line : `  ${line}`));
    return [`loop ${launch.steps} steps${launch.reverse ? ", backwards" : ""} {`, ...body, "}"].join("\n");
  });
}

/** The program as pseudo-C for people: indices are words of the arena, `xN` marks vectors of the target's width. The same program gives the same text. */
export function printKernels(program: KernelProgram): string {
  const head = `program ${program.name}  // ${program.lanes} lanes, arena of ${program.words} words (${amount(program.words * 4, "B")}), ${program.kernels.length} kernel${program.kernels.length === 1 ? "" : "s"}`;
  return `${[head, ...program.functions.map(printFunction), ...printLaunches(launchesOf(program), program)].join("\n\n")}\n`;
}
