import { launchesOf } from "../../src/ir/kernel/launches.js";
import type { KernelExpr, KernelProgram, Launch, Statement } from "../../src/ir/kernel/nodes.js";
import { mapStatements } from "../../src/passes/map-statements.js";

/** Words between two programs, which must keep their poison. */
export const guardWords = 32;

/**
 * Programs one behind the other in one arena, so that hundreds share one run of a compiler. Each has engine words of its own; `bases` says where each
 * begins. Their kernels run in order.
 */
export function concatenate(programs: readonly KernelProgram[]): { readonly program: KernelProgram; readonly bases: readonly number[] } {
  let words = guardWords;
  const bases = programs.map((each) => {
    const base = words;
    words = Math.ceil((base + each.words + guardWords) / 16) * 16;
    return base;
  });
  const kernels = programs.flatMap((each, at) => each.kernels.map((kernel) => ({ ...kernel, name: `p${at}_${kernel.name}`, title: `${each.name}: ${kernel.title}`, body: shifted(kernel.body, bases[at]!) })));
  let first = 0;
  const launches = programs.flatMap((each) => {
    const own = launchesOf(each).map((launch) => moved(launch, first));
    first += each.kernels.length;
    return own;
  });
  return { program: { name: "many", lanes: programs[0]!.lanes, simt: programs[0]!.simt, words, kernels, launches, functions: [] }, bases };
}

/** The same launches of kernels that stand so many places further on. */
function moved(launch: Launch, by: number): Launch {
  return typeof launch === "number" ? launch + by : { ...launch, body: launch.body.map((each) => moved(each, by)) };
}

/** The same program with every multiply-add rounded twice: then every device computes the same bits. */
export function roundedTwice(program: KernelProgram): KernelProgram {
  const apart = (expr: KernelExpr): KernelExpr | undefined => {
    if (expr.kind !== "multiply-add") return undefined;
    const { type, width } = expr;
    const [a, b, c] = [inside(expr.a, apart), inside(expr.b, apart), inside(expr.c, apart)];
    return { kind: "binary", op: "add", left: { kind: "binary", op: "multiply", left: a, right: b, type, width }, right: c, type, width };
  };
  return { ...program, kernels: program.kernels.map((kernel) => ({ ...kernel, body: mapStatements(kernel.body, (name) => name, apart) })) };
}

function inside(expr: KernelExpr, replace: (expr: KernelExpr) => KernelExpr | undefined): KernelExpr {
  const [statement] = mapStatements([{ kind: "let", name: "x", value: expr }], (name) => name, replace);
  return (statement as Extract<Statement, { readonly kind: "let" }>).value;
}

function shifted(body: readonly Statement[], base: number): readonly Statement[] {
  const replace = (expr: KernelExpr): KernelExpr | undefined => (expr.kind === "load" || expr.kind === "gather" ? { ...expr, index: plus(inside(expr.index, replace), base) } : undefined);
  const stores = (each: Statement): Statement => {
    switch (each.kind) {
      case "store":
        return { ...each, index: plus(each.index, base) };
      case "for":
        return { ...each, body: each.body.map(stores) };
      case "if":
        return { ...each, then: each.then.map(stores), otherwise: each.otherwise.map(stores) };
      default:
        return each;
    }
  };
  return mapStatements(body, (name) => name, replace).map(stores);
}

/** Index plus a constant, folded where the index has one, as the scheduler's own indices are. */
function plus(index: KernelExpr, base: number): KernelExpr {
  if (index.kind === "constant") return { ...index, value: index.value + base };
  if (index.kind === "splat") return { ...index, value: plus(index.value, base) };
  if (index.kind === "binary" && index.op === "add" && index.right.kind === "constant") return { ...index, right: { ...index.right, value: index.right.value + base } };
  const constant: KernelExpr = { kind: "constant", value: base, type: "i32", width: "scalar" };
  const right: KernelExpr = index.width === "scalar" ? constant : { kind: "splat", value: constant, type: "i32", width: "vector" };
  return { kind: "binary", op: "add", left: index, right, type: "i32", width: index.width };
}
