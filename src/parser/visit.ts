import type { Node } from "./ast.js";

type ChildKeys = { readonly [K in Node["kind"]]: readonly Exclude<keyof Extract<Node, { kind: K }>, "kind" | "span">[] };

/** Which fields of a node hold nodes (or lists of them), in source order. All traversal goes by this table. */
export const childKeys: ChildKeys = {
  module: ["items"],
  import: ["names", "path"],
  const: ["name", "value"],
  param: ["name", "type", "init"],
  network: ["name", "inputs", "outputs", "body"],
  model: ["name", "columns", "where", "body"],
  guide: ["name", "body"],
  train: ["name", "on", "body"],
  column: ["name", "indices", "type", "dropout"],
  type: ["name", "args", "sizes"],
  let: ["name", "indices", "value"],
  sample: ["name", "indices", "type", "distribution", "by"],
  local: ["name", "type", "init"],
  auto: ["family", "sites"],
  marginalize: ["sites"],
  loop: ["variable", "range", "body"],
  maximize: ["objective", "constraints"],
  setting: ["name", "value"],
  observe: ["name", "value"],
  number: [],
  string: [],
  name: [],
  unary: ["operand"],
  binary: ["left", "right"],
  call: ["callee", "args"],
  argument: ["name", "indices", "value"],
  index: ["target", "indices"],
  member: ["target", "name"],
  pipe: ["value", "into"],
  range: ["from", "to"],
  array: ["elements"],
  condition: ["value", "given"],
  parenthesized: ["expression"],
  missing: [],
  identifier: [],
};

/** The nodes directly under a node, in source order. */
export function children(node: Node): readonly Node[] {
  const found: Node[] = [];
  const fields = node as unknown as Readonly<Record<string, Node | readonly Node[] | undefined>>;
  for (const key of childKeys[node.kind] as readonly string[]) {
    const child = fields[key];
    if (child === undefined) continue;
    if (isList(child)) for (const one of child) found.push(one);
    else found.push(child);
  }
  return found;
}

function isList(child: Node | readonly Node[]): child is readonly Node[] {
  return Array.isArray(child);
}

export interface Visitor {
  /** Called before a node's children; `false` leaves them out. */
  readonly enter?: (node: Node, parents: readonly Node[]) => boolean | void;
  readonly leave?: (node: Node, parents: readonly Node[]) => void;
}

/** Walks a tree depth first, in source order. `parents` is outermost first and only valid during the call. */
export function visit(root: Node, visitor: Visitor): void {
  const parents: Node[] = [];
  const walk = (node: Node): void => {
    if (visitor.enter?.(node, parents) !== false) {
      parents.push(node);
      for (const child of children(node)) walk(child);
      parents.pop();
    }
    visitor.leave?.(node, parents);
  };
  walk(root);
}

/** The innermost nodes around an offset, outermost first: for an editor's cursor. A node's end counts as inside. */
export function nodesAt(root: Node, offset: number): readonly Node[] {
  const path: Node[] = [];
  let node: Node | undefined = root;
  while (node) {
    path.push(node);
    // Of two neighbours that meet at the offset, the later one.
    node = children(node).findLast((child) => child.span.start <= offset && offset <= child.span.end);
  }
  return path;
}
