import type { Network } from "../../ir/model/model.js";
import { operationKey } from "../../ir/tensor/loops.js";
import type { Scope, TensorNode, TensorProgram } from "../../ir/tensor/nodes.js";
import { Names } from "../typescript/names.js";
import { hintOf } from "./hints.js";
import { allNodes, isLeaf, type Unit, unitsOf } from "./units.js";

/** A network as one function, for all the calls in all the programs that compute the same from their arguments. */
export interface NetworkFunction {
  readonly name: string;
  readonly network: string;
  /** The call whose nodes are written down. */
  readonly unit: Unit;
  /** Nodes from outside that it reads (parameters, constants and sizes apart), in the order of the function's arguments. */
  readonly args: readonly { readonly node: TensorNode; readonly name: string }[];
  /** The shapes of arguments for which it is called: with more than one, it must not depend on their rank. */
  readonly ranks: Set<string>;
  readonly outputs: { readonly node: TensorNode; readonly key: string }[];
}

/** How one call uses its function: the arguments in order, and the call's node for each output that it needs. */
export interface NetworkCall {
  readonly function: NetworkFunction;
  readonly args: readonly TensorNode[];
  readonly results: readonly { readonly node: TensorNode; readonly key: string }[];
}

export interface CutProgram {
  readonly program: TensorProgram;
  readonly unit: Unit;
}

interface Candidate {
  readonly unit: Unit;
  readonly network: string;
  readonly args: readonly TensorNode[];
  readonly signatures: ReadonlyMap<TensorNode, string>;
  readonly results: readonly TensorNode[];
}

/** Cuts programs into functions and finds which calls are one function: a call fits a function that computes all it needs from the same arguments. */
export function cutPrograms(programs: readonly TensorProgram[], networks: readonly Network[], names: Names) {
  const cut = programs.map((program): CutProgram => ({ program, unit: unitsOf(program) }));
  const bodies = new Map(programs.flatMap((program) => bodiesOf(program)).map(({ body, within }) => [body, unitsOf(body, within)] as const));
  const candidates = [...cut.map(({ program, unit }) => [program, unit] as const), ...bodies].flatMap(([program, unit]) => descendants(unit).map((child) => candidateOf(child, program)));
  const calls = new Map<Unit, NetworkCall>();
  const known: { readonly made: NetworkFunction; readonly bySignature: ReadonlyMap<string, TensorNode>; readonly outputNames: Names }[] = [];
  // Larger calls first, so that one that leaves an output unused finds the whole function.
  for (const candidate of [...candidates].sort((a, b) => b.signatures.size - a.signatures.size)) {
    const { network, args, signatures, results } = candidate;
    let home = known.find(
      ({ made, bySignature }) => made.network === network && made.args.length === args.length && results.every((node) => bySignature.has(signatures.get(node) ?? "")),
    );
    if (!home) {
      const declared = networks.find((each) => each.name === network);
      const made: NetworkFunction = { name: names.fresh(network), network, unit: candidate.unit, args: nameArguments(args, declared), ranks: new Set(), outputs: [] };
      home = { made, bySignature: new Map([...signatures].map(([node, signature]) => [signature, node])), outputNames: new Names() };
      known.push(home);
    }
    const { made, bySignature, outputNames } = home;
    made.ranks.add(args.map((node) => node.shape.length).join());
    calls.set(candidate.unit, {
      function: made,
      args,
      results: results.map((node) => {
        const own = bySignature.get(signatures.get(node) ?? "") ?? node;
        let output = made.outputs.find((each) => each.node === own);
        if (!output) {
          output = { node: own, key: outputNames.fresh(own.name ?? hintOf(own)) };
          made.outputs.push(output);
        }
        return { node, key: output.key };
      }),
    });
  }
  return { cut, bodies, calls, functions: known.map(({ made }) => made) };
}

/** The bodies of all loops, those in loops as well, and the network call in which each loop stands. */
function bodiesOf(program: TensorProgram): { readonly body: TensorProgram; readonly within: Scope | undefined }[] {
  return program.nodes.flatMap(({ op, scope }) => (op.kind === "loop" ? [{ body: op.body, within: scope }, ...bodiesOf(op.body)] : []));
}

/** Innermost first. */
function descendants(unit: Unit): Unit[] {
  return unit.children.flatMap((child) => [...descendants(child), child]);
}

function candidateOf(unit: Unit, program: TensorProgram): Candidate {
  const inside = new Set(allNodes(unit));
  const ordered = program.nodes.filter((node) => inside.has(node));
  const args: TensorNode[] = [];
  const signatures = new Map<TensorNode, string>();
  const signatureOf = (node: TensorNode): string => {
    const known = signatures.get(node);
    if (known !== undefined) return known;
    if (isFree(node)) return `${JSON.stringify(node.op)}${node.dtype}[${node.shape.join()}]`;
    if (!args.includes(node)) args.push(node);
    return `argument ${args.indexOf(node)} ${node.dtype}`;
  };
  // Operands stand for themselves by their hash, so that signatures do not grow.
  for (const node of ordered) signatures.set(node, hash(`${operationKey(node.op)}(${node.inputs.map(signatureOf).join(";")})${node.dtype}${shapeInCode(node)}`));
  const used = new Set<TensorNode>(Object.values(program.outputs));
  for (const node of program.nodes) if (!inside.has(node)) for (const input of node.inputs) used.add(input);
  return { unit, network: unit.network ?? "", args, signatures, results: ordered.filter((node) => used.has(node)) };
}

/** What of a node's shapes its code says: calls that differ in the rest (more axes in front) are the same code. */
function shapeInCode({ op, shape, inputs }: TensorNode): string {
  switch (op.kind) {
    case "unary":
    case "binary":
    case "compare":
    case "select":
    case "cast":
    case "stop-gradient":
    case "conv2d":
    case "conv2d-input-gradient":
    case "pool2d":
      return "";
    case "dot":
      // A layer's product by a matrix; a batch of products, or one with a transpose, names its axes.
      if (!op.transposeLeft && !op.transposeRight && inputs[1]?.shape.length === 2) return "";
      return `[${shape.join()}]`;
    default:
      return `[${shape.join()}]`;
  }
}

/** Two 32-bit FNV-1a hashes; a false match would have to meet in both, among a few hundred nodes. */
function hash(text: string): string {
  let [a, b] = [0x811c9dc5, 0x01000193];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ code, 0x85ebca6b) + at;
  }
  return `${(a >>> 0).toString(36)}.${(b >>> 0).toString(36)}`;
}

/** Leaves that a function reads by itself: weights, constants, sizes. Columns are arguments. */
function isFree(node: TensorNode): boolean {
  return isLeaf(node) && !(node.op.kind === "input" && node.op.role !== "parameter");
}

function nameArguments(args: readonly TensorNode[], network: Network | undefined): { node: TensorNode; name: string }[] {
  const open = [...(network?.inputs ?? [])];
  const names = new Names(["w", "rows", "dataset", "random"]);
  return args.map((node) => {
    const fits = open.findIndex(({ type }) => {
      const declared = type.shape.map((size) => size.value);
      return declared.length <= node.shape.length && declared.every((dim, axis) => node.shape[node.shape.length - declared.length + axis] === dim);
    });
    const [input] = fits >= 0 ? open.splice(fits, 1) : [];
    return { node, name: names.fresh(input?.name ?? node.name ?? (node.op.kind === "input" ? node.op.name : hintOf(node))) };
  });
}
