import dagre from "@dagrejs/dagre";
import type { DiagramEdge, DiagramNode, PlateDiagram } from "./plate-diagram.js";

/** A box in pixels, its middle at x and y. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Where everything of a diagram stands. */
export interface DiagramLayout {
  readonly width: number;
  readonly height: number;
  readonly nodes: ReadonlyMap<DiagramNode, Box>;
  readonly edges: readonly { readonly edge: DiagramEdge; readonly points: readonly Point[]; readonly label?: Box }[];
  /** By id. */
  readonly plates: ReadonlyMap<string, Box>;
}

/** Width of a character of a label, in pixels, for fonts of 12 pixels: a little more than most have. */
export const characterWidth = 7.2;
export const lineHeight = 16;
const circle = 44;
const margin = 16;

/** Layers from causes to effects (Sugiyama et al. 1981, by dagre), with plates as clusters. */
export function layOut(diagram: PlateDiagram): DiagramLayout {
  const graph = new dagre.graphlib.Graph({ compound: true, multigraph: true });
  graph.setGraph({ rankdir: "TB", nodesep: 36, ranksep: 40, marginx: margin, marginy: margin });
  for (const plate of diagram.plates) graph.setNode(plateKey(plate.id), {});
  for (const node of diagram.nodes) graph.setNode(nodeKey(node.id), roomFor(node, diagram.edges));
  for (const { id, parent } of diagram.plates) if (parent !== undefined) graph.setParent(plateKey(id), plateKey(parent));
  for (const { id, plates } of diagram.nodes) if (plates.length > 0) graph.setParent(nodeKey(id), plateKey(plates.at(-1)!));
  diagram.edges.forEach((edge, at) => {
    if (edge.from === edge.to) return;
    const label = edge.label === "" ? {} : { width: edge.label.length * characterWidth, height: lineHeight, labelpos: "c" };
    // The guide's edges run against the model's: laid out the other way round, both kinds fit in the same layers.
    const [from, to] = edge.side === "model" ? [edge.from, edge.to] : [edge.to, edge.from];
    graph.setEdge(nodeKey(from), nodeKey(to), { ...label, weight: edge.side === "model" ? 2 : 1 }, String(at));
  });
  dagre.layout(graph);
  const { width = 0, height = 0 } = graph.graph() as { readonly width?: number; readonly height?: number };
  const boxOf = (key: string): Box => graph.node(key) as unknown as Box;
  const widths = new Map(diagram.nodes.map((node) => [node.id, sizeOf(node).width]));
  // Without the room for loops.
  const shapeOf = (id: string): Box => ({ ...boxOf(nodeKey(id)), width: widths.get(id)! });
  return {
    width,
    height,
    nodes: new Map(diagram.nodes.map((node) => [node, boxOf(nodeKey(node.id))])),
    plates: new Map(diagram.plates.map(({ id }) => [id, boxOf(plateKey(id))])),
    edges: diagram.edges.map((edge, at) => {
      if (edge.from === edge.to) return loopAt(edge, boxOf(nodeKey(edge.from)));
      const [from, to] = edge.side === "model" ? [edge.from, edge.to] : [edge.to, edge.from];
      const laid = graph.edge({ v: nodeKey(from), w: nodeKey(to), name: String(at) }) as unknown as { readonly points: readonly Point[] } & Partial<Box>;
      const points = edge.side === "model" ? laid.points : [...laid.points].reverse();
      return { edge, points: trimmed(points, shapeOf(edge.from), shapeOf(edge.to)), ...(edge.label === "" || laid.x === undefined ? {} : { label: laid as Box }) };
    }),
  };
}

/** Ends at the circles and words instead of the boxes around them. */
function trimmed(points: readonly Point[], from: Box, to: Box): readonly Point[] {
  const inner = points.slice(1, -1);
  const [second, last] = [inner[0], inner.at(-1)];
  return second && last ? [atShape(second, from), ...inner, atShape(last, to)] : points;
}

/** Where the line from a point to the middle of a node's circle meets it; from below, where it meets the words. */
function atShape(point: Point, { x, y, width, height }: Box): Point {
  const middle = y - height / 2 + circle / 2;
  const [dx, dy] = [point.x - x, point.y - middle];
  const distance = Math.hypot(dx, dy);
  if (dy > circle / 2 || distance < circle / 2) return { x: Math.max(x - width / 2, Math.min(x + width / 2, point.x)), y: y + height / 2 };
  return { x: x + (dx / distance) * (circle / 2 + 1), y: middle + (dy / distance) * (circle / 2 + 1) };
}

const nodeKey = (id: string): string => `node ${id}`;
const plateKey = (id: string): string => `plate ${id}`;

function sizeOf({ label, role, detail }: DiagramNode): { readonly width: number; readonly height: number } {
  const text = Math.max(label.length, shortDetail(detail).length) * characterWidth;
  return role === "parameter" ? { width: Math.max(16, text), height: 16 + 2 * lineHeight } : { width: Math.max(circle, text), height: circle + lineHeight };
}

/** A node that reads its own past has a loop beside it, the model's on the right, the guide's on the left. */
function roomFor(node: DiagramNode, edges: readonly DiagramEdge[]): { readonly width: number; readonly height: number } {
  const own = sizeOf(node);
  const loops = edges.filter(({ from, to }) => from === node.id && to === node.id).map(({ label }) => loopReach + label.length * characterWidth);
  return { ...own, width: Math.max(own.width, ...loops.map((room) => circle + 2 * room)) };
}

const loopReach = 34;

function loopAt(edge: DiagramEdge, { x, y, height }: Box): DiagramLayout["edges"][number] {
  const side = edge.side === "model" ? 1 : -1;
  const middle = y - height / 2 + circle / 2;
  const [near, far] = [x + side * circle * 0.36, x + side * (circle / 2 + loopReach)];
  const width = edge.label.length * characterWidth;
  return {
    edge,
    points: [{ x: near, y: middle - circle * 0.36 }, { x: far, y: middle - circle * 0.6 }, { x: far, y: middle + circle * 0.6 }, { x: near, y: middle + circle * 0.36 }],
    ...(edge.label === "" ? {} : { label: { x: x + side * (circle / 2 + loopReach * 0.75 + width / 2), y: middle, width, height: lineHeight } }),
  };
}

/** What stands under a node: a line of bounded length; the whole is its tooltip. */
export function shortDetail(detail: string): string {
  return detail.length > 34 ? `${detail.slice(0, 33)}…` : detail;
}

export { circle as circleSize };
