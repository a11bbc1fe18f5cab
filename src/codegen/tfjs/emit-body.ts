import { lineOf, lineStarts, type Span } from "../../diagnostics/span.js";
import { InternalError } from "../../util/internal-error.js";
import type { TensorNode } from "../../ir/tensor/nodes.js";
import { type Code, inline, layout, record } from "../typescript/expression.js";
import { commentText, memberAccess, type Names, propertyKey } from "../typescript/names.js";
import { asTensorCode, type EmitContext, emitNode } from "./emit-rules.js";
import type { NetworkCall, NetworkFunction } from "./functions.js";
import { hintOf } from "./hints.js";
import { allNodes, isLeaf, type Unit } from "./units.js";

/** What the functions of one module share. */
export interface ModuleContext {
  readonly calls: ReadonlyMap<Unit, NetworkCall>;
  /** What each emitted network function takes besides its arguments; a function is emitted before its callers. */
  readonly needs: Map<NetworkFunction, Needs>;
  readonly helper: (name: string) => string;
  readonly constant: (node: TensorNode, values: readonly number[]) => string;
  /** Names that locals must not hide. */
  readonly names: Names;
}

export interface Needs {
  readonly random: boolean;
  readonly rows: boolean;
  readonly dataset: boolean;
  /** Parameter names that are read, here and in the functions called. */
  readonly parameters: ReadonlySet<string>;
  /** For a network function: the dotted prefix of the record of weights that it takes; "" for all weights. */
  readonly prefix: string;
}

export interface Body {
  readonly statements: readonly string[];
  readonly needs: { random: boolean; rows: boolean; dataset: boolean; readonly parameters: Set<string>; readonly inputs: Set<"w" | "data" | "rowIndex" | "scalars"> };
}

/** Longest text that a value used once is written at its place with, instead of under a name of its own. */
const inlineLimit = 96;

/**
 * The statements that compute a unit.
 * @param given what nodes from outside are called here
 * @param prefix of the weights' record that `w` is: parameter `encoder.dense_1.kernel` is `w.dense_1.kernel` under `encoder`
 */
export function emitBody(
  unit: Unit,
  outputs: readonly (readonly [key: string, node: TensorNode])[],
  module: ModuleContext,
  given: ReadonlyMap<TensorNode, string>,
  options: { readonly prefix: string; readonly single: boolean; readonly anyRank?: boolean },
): Body {
  const names = module.names.inner();
  for (const name of ["w", "data", "random", "rows", "dataset", "rowIndex", "scalars"]) names.fresh(name);
  for (const name of given.values()) names.fresh(name);
  const needs: Body["needs"] = { random: false, rows: false, dataset: false, parameters: new Set(), inputs: new Set() };
  const context: EmitContext = {
    helper: module.helper,
    anyRank: options.anyRank ?? false,
    constant: module.constant,
    size: (of) => {
      needs[of] = true;
      return of;
    },
    random: () => {
      needs.random = true;
      return "random";
    },
    input: (node) => {
      if (node.op.kind !== "input") throw new InternalError(`${node.op.kind} is not an input`);
      const { role, name } = node.op;
      switch (role) {
        case "parameter":
          needs.parameters.add(name);
          needs.inputs.add("w");
          return weightAccess(name, options.prefix);
        case "column":
          needs.inputs.add("data");
          return memberAccess("data", name);
        case "row-index":
          needs.inputs.add("rowIndex");
          return "rowIndex";
        case "scalar":
          needs.inputs.add("scalars");
          return memberAccess("scalars", name);
        case "loop":
          throw new InternalError(`${name} of a loop outside its body`);
        case "latent":
          throw new InternalError(`a program for TensorFlow.js takes a latent as input: ${name}`);
      }
    },
  };

  const outputNames = new Map([...outputs].reverse().map(([key, node]) => [node, key] as const));
  const codes = new Map<TensorNode, Code>(given);
  const uses = countUses(unit, module, outputs);
  const statements: string[] = [];
  const codeOf = (node: TensorNode): Code => {
    const known = codes.get(node);
    if (known !== undefined) return known;
    if (!isLeaf(node)) return missing(node);
    const code = emitNode(node, [], context);
    // An array that is used again gets a name; numbers and inputs are written out.
    if (typeof code === "string" || node.shape.length === 0 || (uses.get(node) ?? 0) < 2) return code;
    const name = names.fresh(node.name ?? (node.op.kind === "iota" ? "labels" : "constant"));
    statements.push(`const ${name} = ${layout(code, 0, `  const ${name} = `.length)};`);
    codes.set(node, name);
    return name;
  };
  let line: number | undefined;
  const comment = (origin: Span | undefined): void => {
    if (!origin) return;
    const next = lineOf(origin);
    if (next !== line) statements.push(`// ${next}: ${sourceLine(origin, next)}`);
    line = next;
  };

  const ownerOf = new Map<TensorNode, Unit>(unit.children.flatMap((child) => allNodes(child).map((node) => [node, child] as const)));
  const done = new Set<TensorNode | Unit>();
  const emit = (item: TensorNode | Unit): void => {
    if (done.has(item)) return;
    done.add(item);
    if (isUnit(item)) {
      const found = module.calls.get(item);
      if (!found) throw new InternalError(`a call of ${item.network} was not prepared`);
      found.args.forEach(require);
      comment(callOrigin(item, unit));
      statements.push(emitCall(found, module, names, codes, codeOf, needs, options.prefix));
      return;
    }
    item.inputs.forEach(require);
    const code = emitNode(item, item.inputs.map(codeOf), context);
    const once = (uses.get(item) ?? 0) === 1 && item.name === undefined && item.op.kind !== "random" && item.op.kind !== "random-log-gamma";
    if (once && inline(code).length <= inlineLimit) {
      codes.set(item, code);
      return;
    }
    comment(item.origin);
    const name = names.fresh(item.name ?? outputNames.get(item) ?? hintOf(item));
    statements.push(`const ${name} = ${layout(code, 0, `  const ${name} = `.length)};`);
    codes.set(item, name);
  };
  const require = (node: TensorNode): void => {
    if (codes.has(node) || isLeaf(node)) return;
    emit(ownerOf.get(node) ?? node);
  };
  for (const node of unit.nodes) emit(node);
  for (const [, node] of outputs) require(node);

  const returned = outputs.map(([key, node]) => [propertyKey(key), asTensorCode(codeOf(node), node.dtype)] as const);
  const [only] = returned;
  const result: Code = options.single && only ? only[1] : record(returned);
  statements.push(`return ${layout(result, 0, 9)};`);
  return { statements, needs };
}

function isUnit(item: TensorNode | Unit): item is Unit {
  return "children" in item;
}

function missing(node: TensorNode): never {
  throw new InternalError(`%${node.id} (${node.op.kind}) is used before it is computed`);
}

/** `w.encoder.dense_1.kernel`, or from a network's own record `w.dense_1.kernel`. */
export function weightAccess(name: string, prefix: string): string {
  const path = prefix === "" ? name : name.slice(prefix.length + 1);
  return path.split(".").reduce((of, part) => memberAccess(of, part), "w");
}

function emitCall(
  { function: called, args, results }: NetworkCall,
  module: ModuleContext,
  names: Names,
  codes: Map<TensorNode, Code>,
  codeOf: (node: TensorNode) => Code,
  needs: Body["needs"],
  prefix: string,
): string {
  const wanted = module.needs.get(called);
  if (!wanted) throw new InternalError(`${called.name} is called before it is emitted`);
  const given: Code[] = [];
  if (wanted.parameters.size > 0) {
    const inner = prefix === "" ? wanted.prefix : wanted.prefix.slice(prefix.length + 1);
    given.push(inner.split(".").filter((part) => part !== "").reduce((of, part) => memberAccess(of, part), "w"));
    needs.inputs.add("w");
    for (const parameter of wanted.parameters) needs.parameters.add(parameter);
  }
  given.push(...args.map(codeOf));
  for (const extra of ["rows", "dataset", "random"] as const) {
    if (!wanted[extra]) continue;
    given.push(extra);
    needs[extra] = true;
  }
  const code: Code = { kind: "call", callee: called.name, args: given };
  const [first] = results;
  if (called.outputs.length === 1 && first) {
    const name = names.fresh(first.node.name ?? first.key);
    codes.set(first.node, name);
    return `const ${name} = ${layout(code, 0, name.length + 11)};`;
  }
  const parts = results.map(({ node, key }) => {
    const name = names.fresh(node.name ?? key);
    codes.set(node, name);
    return name === key ? key : `${propertyKey(key)}: ${name}`;
  });
  const pattern = `{ ${parts.join(", ")} }`;
  return `const ${pattern} = ${layout(code, 0, pattern.length + 11)};`;
}

function countUses(unit: Unit, module: ModuleContext, outputs: readonly (readonly [string, TensorNode])[]): Map<TensorNode, number> {
  const uses = new Map<TensorNode, number>();
  const use = (node: TensorNode): void => void uses.set(node, (uses.get(node) ?? 0) + 1);
  for (const node of unit.nodes) node.inputs.forEach(use);
  for (const child of unit.children) module.calls.get(child)?.args.forEach(use);
  for (const [, node] of outputs) use(node);
  return uses;
}

/** The line of the call: where what it feeds comes from is the nearest that the programs tell. */
function callOrigin(call: Unit, caller: Unit): Span | undefined {
  const inside = new Set(allNodes(call));
  return caller.nodes.find((node) => node.inputs.some((input) => inside.has(input)))?.origin;
}

function sourceLine(origin: Span, line: number): string {
  const starts = lineStarts(origin.source);
  const text = origin.source.text.slice(starts[line - 1] ?? 0, starts[line] ?? origin.source.text.length).trim();
  return commentText(text.length > 100 ? `${text.slice(0, 99)}…` : text);
}
