import type { LoweredModel } from "../../ir/lowered-model.js";
import type { Shape } from "../../ir/tensor/nodes.js";
import { propertyKey } from "../typescript/names.js";

/** `tf.Tensor2D`: as precise as TensorFlow.js's types are. */
export function tensorType(rank: number): string {
  return rank === 0 ? "tf.Scalar" : rank <= 6 ? `tf.Tensor${rank}D` : "tf.Tensor";
}

export const shapeText = (shape: Shape): string => `[${shape.join(", ")}]`;

/** The weights by their dotted names, as nested records. */
export function weightsInterface(name: string, lowered: LoweredModel): string {
  const tree = treeOf(lowered.parameters.map(({ name: path, shape }) => ({ path: path.split("."), shape })));
  return `/** The parameters as they are stored, on the unconstrained scale. */\nexport interface ${name} ${treeType(tree, 0)}`;
}

interface Tree {
  readonly leaf?: Shape;
  readonly children: ReadonlyMap<string, Tree>;
}

function treeOf(entries: readonly { readonly path: readonly string[]; readonly shape: Shape }[]): Tree {
  const groups = new Map<string, { path: readonly string[]; shape: Shape }[]>();
  let leaf: Shape | undefined;
  for (const { path: [first, ...rest], shape } of entries) {
    if (first === undefined) leaf = shape;
    else groups.set(first, [...(groups.get(first) ?? []), { path: rest, shape }]);
  }
  return { leaf, children: new Map([...groups].map(([key, group]) => [key, treeOf(group)])) };
}

function treeType(tree: Tree, depth: number): string {
  if (tree.leaf) return tensorType(tree.leaf.length);
  const margin = "  ".repeat(depth);
  if (tree.children.size === 0) return "{}";
  const lines = [...tree.children].map(([key, child]) => {
    const doc = child.leaf ? `${margin}  /** ${shapeText(child.leaf)} */\n` : "";
    return `${doc}${margin}  readonly ${propertyKey(key)}: ${treeType(child, depth + 1)};`;
  });
  return `{\n${lines.join("\n")}\n${margin}}`;
}
