import { lineOf, lineStarts, type Span } from "../../diagnostics/span.js";
import { InternalError } from "../../util/internal-error.js";
import type { TensorNode, TensorProgram } from "../../ir/tensor/nodes.js";
import { type Code, inline, layout, record } from "../typescript/expression.js";
import { commentText, memberAccess, type Names, propertyKey } from "../typescript/names.js";
import { emitLoop } from "./emit-loop.js";
import { asTensorCode, type EmitContext, emitNode, shapeCode } from "./emit-rules.js";
import type { NetworkCall, NetworkFunction } from "./functions.js";
import { hintOf } from "./hints.js";
import { liveNodes, type LoopUse } from "./live-nodes.js";
import { allNodes, isLeaf, type Unit } from "./units.js";

/** What the functions of one module share. */
export interface ModuleContext {
  readonly calls: ReadonlyMap<Unit, NetworkCall>;
  /** The bodies of loops, cut into functions as programs are. */
  readonly bodies: ReadonlyMap<TensorProgram, Unit>;
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
  const writer: Writer = { module, needs, prefix: options.prefix, anyRank: options.anyRank ?? false };
  const { statements, codes } = statementsOf(writer, unit, outputs, given, { names, indent: 0, random: "random", line: undefined });
  const returned = outputs.map(([key, node], at) => [propertyKey(key), asTensorCode(codes[at]!, node.dtype)] as const);
  const [only] = returned;
  const result: Code = options.single && only ? only[1] : record(returned);
  return { statements: [...statements, `return ${layout(result, 0, 9)};`], needs };
}

/** What all statements of a function share. */
interface Writer {
  readonly module: ModuleContext;
  readonly needs: Body["needs"];
  readonly prefix: string;
  readonly anyRank: boolean;
}

/** Where statements stand: in the function itself, or in a step of a loop. */
interface Place {
  readonly names: Names;
  readonly indent: number;
  /** The source of random numbers. */
  readonly random: string;
  /** The line of the model that the last comment quotes. */
  readonly line: number | undefined;
}

/** The statements that compute a unit, without what they end in: the code of each output. The lines of a statement after its first are indented already. */
function statementsOf(
  writer: Writer,
  unit: Unit,
  outputs: readonly (readonly [key: string, node: TensorNode])[],
  given: ReadonlyMap<TensorNode, Code>,
  { names, indent, random, line: lineBefore }: Place,
): { readonly statements: readonly string[]; readonly codes: readonly Code[] } {
  const { module, needs, prefix } = writer;
  const context: EmitContext = {
    helper: module.helper,
    anyRank: writer.anyRank,
    constant: module.constant,
    size: (of) => {
      needs[of] = true;
      return of;
    },
    random: () => {
      needs.random = true;
      return random;
    },
    input: (node) => inputCode(node, needs, prefix),
  };

  const outputNames = new Map([...outputs].reverse().map(([key, node]) => [node, key] as const));
  const { live, loops } = liveNodes(outputs.map(([, node]) => node));
  const nodes = unit.nodes.filter((node) => live.has(node));
  const codes = new Map<TensorNode, Code>(given);
  const uses = countUses(nodes, unit, module, outputs, loops);
  const statements: string[] = [];
  const declare = (name: string, code: Code): string => {
    statements.push(`const ${name} = ${layout(code, indent, `  const ${name} = `.length)};`);
    return name;
  };
  const codeOf = (node: TensorNode): Code => {
    const known = codes.get(node);
    if (known !== undefined) return known;
    if (!isLeaf(node)) return missing(node);
    const code = emitNode(node, [], context);
    // An array that is used again gets a name; numbers and inputs are written out.
    if (typeof code === "string" || node.shape.length === 0 || (uses.get(node) ?? 0) < 2) return code;
    return nameLeaf(node, code);
  };
  const nameLeaf = (node: TensorNode, code: Code): string => {
    const name = declare(names.fresh(node.name ?? (node.op.kind === "iota" ? "labels" : "constant")), code);
    codes.set(node, name);
    return name;
  };
  let line = lineBefore;
  const comment = (origin: Span | undefined): void => {
    if (!origin) return;
    const next = lineOf(origin);
    if (next !== line) statements.push(`// ${next}: ${sourceLine(origin, next)}`);
    line = next;
  };
  /** Under a name of its own, or, where it is short and used once, at that place. */
  const bind = (item: TensorNode, code: Code): void => {
    const once = (uses.get(item) ?? 0) === 1 && item.name === undefined && item.op.kind !== "random" && item.op.kind !== "random-log-gamma";
    if (once && inline(code).length <= inlineLimit) {
      codes.set(item, code);
      return;
    }
    comment(item.origin);
    codes.set(item, declare(names.fresh(item.name ?? outputNames.get(item) ?? hintOf(item)), code));
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
      statements.push(emitCall(found, module, names, codes, codeOf, context, needs, prefix, indent));
      return;
    }
    const use = loops.get(item);
    item.inputs.forEach((input, at) => (!use || use.operands.has(at)) && require(input));
    if (use) emitSteps(item, use);
    else if (item.op.kind !== "loop-result") bind(item, emitNode(item, item.inputs.map(codeOf), context));
  };
  const emitSteps = (loop: TensorNode, use: LoopUse): void => {
    comment(loop.origin);
    const body = module.bodies.get(use.op.body);
    if (!body) throw new InternalError("the body of a loop was not prepared");
    const code = emitLoop(loop, use, {
      names,
      helper: module.helper,
      operand: (at) => codeOf(loop.inputs[at]!),
      named: (node, each) => {
        if (isLeaf(node)) return nameLeaf(node, each);
        codes.set(node, declare(names.fresh(node.name ?? hintOf(node)), each));
        return codes.get(node)!;
      },
      shape: (shape) => shapeCode(shape, context),
      step: (made, inputs, index) => {
        const all = new Map(inputs);
        // Arrays of constants are made once.
        for (const leaf of leavesOf(body, made.map(([, node]) => node), module)) if (leaf.shape.length > 0 && leaf.op.kind !== "input") all.set(leaf, declare(names.fresh(leaf.op.kind === "iota" ? "labels" : "constant"), emitNode(leaf, [], context)));
        const place: Place = { names: names.inner(), indent: indent + 4, random: `${random}.at(${index}, ${use.op.steps})`, line };
        return statementsOf(writer, body, made, all, place);
      },
    });
    const [outer, inner, deep] = [indent, indent + 2, indent + 4].map((spaces) => " ".repeat(spaces));
    const lines = [
      code.head, `${inner}${code.assigned}`, ...code.statements.map((each) => `${deep}${each}`), `${deep}return ${layout(code.returned, indent + 4, 9)};`, `${inner}});`, `${outer}}`,
    ];
    statements.push(...code.before, lines.join("\n"));
    for (const [node, each] of code.results) {
      if (typeof each === "string") codes.set(node, each);
      else bind(node, each);
    }
  };
  const require = (node: TensorNode): void => {
    if (codes.has(node) || isLeaf(node)) return;
    emit(ownerOf.get(node) ?? node);
  };
  for (const node of nodes) emit(node);
  for (const [, node] of outputs) require(node);
  return { statements, codes: outputs.map(([, node]) => codeOf(node)) };
}

function inputCode({ id, op }: TensorNode, needs: Body["needs"], prefix: string): string {
  if (op.kind !== "input") throw new InternalError(`%${id} (${op.kind}) is not an input`);
  switch (op.role) {
    case "parameter":
      needs.parameters.add(op.name);
      needs.inputs.add("w");
      return weightAccess(op.name, prefix);
    case "column":
      needs.inputs.add("data");
      return memberAccess("data", op.name);
    case "row-index":
      needs.inputs.add("rowIndex");
      return "rowIndex";
    case "scalar":
      needs.inputs.add("scalars");
      return memberAccess("scalars", op.name);
    case "loop":
      throw new InternalError(`${op.name} of a loop outside its body`);
    case "latent":
      throw new InternalError(`a program for TensorFlow.js takes a latent as input: ${op.name}`);
  }
}

/** Inputs, constants and sizes that a step reads by itself, outside the functions that it calls. */
function leavesOf(body: Unit, outputs: readonly TensorNode[], module: ModuleContext): Set<TensorNode> {
  const { live } = liveNodes(outputs);
  const read = [...body.nodes.filter((node) => live.has(node)).flatMap(({ inputs }) => inputs), ...body.children.flatMap((child) => module.calls.get(child)?.args ?? []), ...outputs];
  return new Set(read.filter(isLeaf));
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
  context: EmitContext,
  needs: Body["needs"],
  prefix: string,
  indent: number,
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
  for (const size of ["rows", "dataset"] as const) if (wanted[size]) given.push(context.size(size));
  if (wanted.random) given.push(context.random());
  const code: Code = { kind: "call", callee: called.name, args: given };
  const [first] = results;
  if (called.outputs.length === 1 && first) {
    const name = names.fresh(first.node.name ?? first.key);
    codes.set(first.node, name);
    return `const ${name} = ${layout(code, indent, name.length + 11)};`;
  }
  const parts = results.map(({ node, key }) => {
    const name = names.fresh(node.name ?? key);
    codes.set(node, name);
    return name === key ? key : `${propertyKey(key)}: ${name}`;
  });
  const pattern = `{ ${parts.join(", ")} }`;
  return `const ${pattern} = ${layout(code, indent, pattern.length + 11)};`;
}

function countUses(nodes: readonly TensorNode[], unit: Unit, module: ModuleContext, outputs: readonly (readonly [string, TensorNode])[], loops: ReadonlyMap<TensorNode, LoopUse>): Map<TensorNode, number> {
  const uses = new Map<TensorNode, number>();
  const use = (node: TensorNode): void => void uses.set(node, (uses.get(node) ?? 0) + 1);
  for (const node of nodes) {
    if (node.op.kind === "loop-result") continue;
    const operands = loops.get(node)?.operands;
    node.inputs.forEach((input, at) => (operands?.has(at) ?? true) && use(input));
  }
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
