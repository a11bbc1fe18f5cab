import { escapeXml } from "../util/escape-xml.js";
import { type Box, circleSize, type DiagramLayout, layOut, type Point, shortDetail } from "./lay-out.js";
import type { DiagramNode, PlateDiagram } from "./plate-diagram.js";

/**
 * A plate diagram as SVG: one text, without scripts. Lines and letters have the colour of the text around, so that it fits light and dark pages. Each node is a group with the class of its role and `data-id`.
 */
export function printSvg(diagram: PlateDiagram): string {
  const layout = layOut(diagram);
  const [width, height] = [Math.ceil(layout.width), Math.ceil(layout.height)];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeXml(`plate diagram of ${diagram.model}`)}" font-family="system-ui, sans-serif" font-size="12" fill="none" stroke="currentColor">`,
    `<title>${escapeXml(diagram.model)}</title>`,
    `<defs><marker id="arrow" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0.5 L8 4 L0 7.5 z" fill="currentColor" stroke="none"/></marker></defs>`,
    ...diagram.plates.map((plate) => printPlate(plate.label, layout.plates.get(plate.id)!)),
    ...layout.edges.map(printEdge),
    ...[...layout.nodes].map(([node, box]) => printNode(node, box)),
    `</svg>`,
    ``,
  ].join("\n");
}

function printPlate(label: string, { x, y, width, height }: Box): string {
  const [left, top] = [x - width / 2, y - height / 2];
  return `<g class="plate"><rect x="${round(left)}" y="${round(top)}" width="${round(width)}" height="${round(height)}" rx="8" stroke-opacity="0.5"/>${text(label, left + width - 8, top + height - 6, "end", 0.7)}</g>`;
}

function printEdge({ edge, points, label }: DiagramLayout["edges"][number]): string {
  const dashes = edge.side === "guide" ? ` stroke-dasharray="5 4"` : "";
  const words = label ? text(edge.label, label.x, label.y + 4, "middle", 0.8) : "";
  return `<g class="edge ${edge.side}"><path d="${edge.from === edge.to ? loop(points) : curve(points)}"${dashes} stroke-opacity="0.8" marker-end="url(#arrow)"/>${words}</g>`;
}

function loop(points: readonly Point[]): string {
  const [start, ...rest] = points.map(({ x, y }) => `${round(x)} ${round(y)}`);
  return `M${start} C${rest.join(" ")}`;
}

/** Through the points, smooth at the inner ones. */
function curve(points: readonly Point[]): string {
  const [first, ...rest] = points;
  if (!first) return "";
  const at = ({ x, y }: Point): string => `${round(x)} ${round(y)}`;
  if (rest.length < 2) return `M${at(first)}${rest.map((each) => ` L${at(each)}`).join("")}`;
  const inner = rest.slice(0, -1);
  const parts = inner.map((control, index) => {
    const next = rest[index + 1]!;
    const end = index === inner.length - 1 ? next : { x: (control.x + next.x) / 2, y: (control.y + next.y) / 2 };
    return ` Q${at(control)} ${at(end)}`;
  });
  return `M${at(first)}${parts.join("")}`;
}

function printNode(node: DiagramNode, { x, y, width, height }: Box): string {
  const top = y - height / 2;
  const radius = circleSize / 2;
  const middle = node.role === "parameter" ? top + 8 : top + radius;
  const detail = text(shortDetail(node.detail), x, top + height - 4, "middle", 0.7);
  const title = `<title>${escapeXml(`${node.label}: ${node.detail}`)}</title>`;
  const name = (dy: number): string => text(node.label, x, middle + dy, "middle", 1);
  const shape = ((): string => {
    switch (node.role) {
      case "parameter":
        return `<circle cx="${round(x)}" cy="${round(middle)}" r="4" fill="currentColor"/>${name(22)}`;
      case "input":
        return `<rect x="${round(x - Math.max(radius, Math.min(width, node.label.length * 7.2 + 12) / 2))}" y="${round(top + 6)}" width="${round(2 * Math.max(radius, Math.min(width, node.label.length * 7.2 + 12) / 2))}" height="${circleSize - 12}" rx="3" fill="currentColor" fill-opacity="0.12"/>${name(4)}`;
      case "partly observed":
        return `<circle cx="${round(x)}" cy="${round(middle)}" r="${radius}"/><path d="M${round(x)} ${round(middle - radius)} A${radius} ${radius} 0 0 1 ${round(x)} ${round(middle + radius)} z" fill="currentColor" fill-opacity="0.22" stroke="none"/>${name(4)}`;
      default:
        return `<ellipse cx="${round(x)}" cy="${round(middle)}" rx="${round(Math.max(radius, node.label.length * 3.8 + 6))}" ry="${radius}"${node.role === "observed" ? ` fill="currentColor" fill-opacity="0.22"` : ""}/>${name(4)}`;
    }
  })();
  return `<g class="node ${node.role.replaceAll(" ", "-")}" data-id="${escapeXml(node.id)}" pointer-events="all">${title}${shape}${detail}</g>`;
}

function text(words: string, x: number, y: number, anchor: "middle" | "end", opacity: number): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" fill="currentColor" fill-opacity="${opacity}" stroke="none">${escapeXml(words)}</text>`;
}

const round = (value: number): string => String(Math.round(value * 10) / 10);

