import type { Scope, TensorNode, TensorProgram } from "../../ir/tensor/nodes.js";

/**
 * A program cut into functions: the program's own body, and one unit for each network call, possibly inside another's. A unit can be
 * computed in one go: no node outside depends on it and is needed by it.
 */
export interface Unit {
  /** Undefined for the program's own body. */
  readonly network: string | undefined;
  readonly call: number | undefined;
  /** Nodes of this unit alone, without inputs, constants and sizes, in order. */
  readonly nodes: readonly TensorNode[];
  readonly children: readonly Unit[];
}

/** Leaves are written where they are used, in whatever function that is. */
export function isLeaf(node: TensorNode): boolean {
  return node.op.kind === "input" || node.op.kind === "constant" || node.op.kind === "size" || node.op.kind === "iota";
}

/** @param within the call in which the program stands, if it is the body of a loop in one: what belongs to that is the body's own */
export function unitsOf(program: TensorProgram, within?: Scope): Unit {
  const root = "";
  // A unit's path: the calls around it, outermost first. It starts with each call alone and is nested where calls depend on each other in turns.
  const own = new Map<TensorNode, string>();
  for (const node of program.nodes) if (!isLeaf(node)) own.set(node, node.scope && node.scope.call !== within?.call ? `${node.scope.call}` : root);
  const parents = new Map<string, string>();

  // Merging ends: every round either moves a node to a unit for good or nests one unit in another.
  for (let changed = true; changed; ) {
    changed = false;
    for (const unit of new Set(own.values())) {
      if (unit === root) continue;
      for (const node of between(program, own, parents, unit)) {
        const other = topAncestor(own.get(node) ?? root, parents);
        if (other === root) own.set(node, unit);
        else if (topAncestor(unit, parents) !== other) parents.set(other, unit);
        changed = true;
        break;
      }
      if (changed) break;
    }
  }
  // A loop and its results are not parted.
  for (const node of program.nodes) if (node.op.kind === "loop-result") own.set(node, own.get(node.inputs[0]!)!);
  return build(program, own, parents, root);
}

/** The nodes outside a unit that depend on it and that it depends on. */
function between(program: TensorProgram, own: ReadonlyMap<TensorNode, string>, parents: ReadonlyMap<string, string>, unit: string): TensorNode[] {
  const inside = (node: TensorNode): boolean => {
    for (let at = own.get(node); at !== undefined && at !== ""; at = parents.get(at)) if (at === unit) return true;
    return false;
  };
  const after = new Set<TensorNode>();
  for (const node of program.nodes) if (node.inputs.some((input) => after.has(input) || inside(input))) after.add(node);
  const before = new Set<TensorNode>();
  for (const node of [...program.nodes].reverse()) {
    if (inside(node) || before.has(node)) for (const input of node.inputs) before.add(input);
  }
  return program.nodes.filter((node) => own.has(node) && !inside(node) && after.has(node) && before.has(node));
}

function topAncestor(unit: string, parents: ReadonlyMap<string, string>): string {
  let at = unit;
  for (let up = parents.get(at); up !== undefined; up = parents.get(at)) at = up;
  return at;
}

function build(program: TensorProgram, own: ReadonlyMap<TensorNode, string>, parents: ReadonlyMap<string, string>, unit: string): Unit {
  const nodes = program.nodes.filter((node) => own.get(node) === unit);
  const names = [...new Set(own.values())].filter((name) => name !== "" && (parents.get(name) ?? "") === unit);
  const scope = program.nodes.find((node) => node.scope && `${node.scope.call}` === unit)?.scope;
  return { network: scope?.network, call: scope?.call, nodes, children: names.map((name) => build(program, own, parents, name)) };
}

/** Nodes of a unit and of those inside it. */
export function allNodes(unit: Unit): TensorNode[] {
  return [...unit.nodes, ...unit.children.flatMap(allNodes)];
}
