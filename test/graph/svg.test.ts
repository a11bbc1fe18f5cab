import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { analyze } from "../../src/driver/analyze.js";
import { type Box, circleSize, layOut } from "../../src/graph/lay-out.js";
import { plateDiagram, type PlateDiagram } from "../../src/graph/plate-diagram.js";
import { printSvg } from "../../src/graph/print-svg.js";

const models = new URL("../../models/", import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, models), "utf8");
const files = readdirSync(models).filter((name) => name.endsWith(".lvm"));
const diagrams = files.flatMap((path) => analyze({ path, text: read(path) }, { load: (name) => ({ path: name, text: read(name) }) }).value.programs.map((program) => [program.name, plateDiagram(program)] as const));

const inside = (inner: Box, outer: Box): boolean => Math.abs(inner.x - outer.x) <= (outer.width - inner.width) / 2 + 0.5 && Math.abs(inner.y - outer.y) <= (outer.height - inner.height) / 2 + 0.5;
const apart = (a: Box, b: Box): boolean => Math.abs(a.x - b.x) >= (a.width + b.width) / 2 - 0.5 || Math.abs(a.y - b.y) >= (a.height + b.height) / 2 - 0.5;

describe.each(diagrams)("the picture of %s", (_name, diagram: PlateDiagram) => {
  const layout = layOut(diagram);
  const nodes = [...layout.nodes];

  // Guards that one can read it: nothing lies on anything, plates hold what is theirs, arrows end at what they are about.
  it("has all nodes apart, within their plates", () => {
    for (const [node, box] of nodes) {
      for (const plate of node.plates) expect(inside(box, layout.plates.get(plate)!), `${node.id} in ${plate}`).toBe(true);
      for (const [other, place] of nodes) if (other !== node) expect(apart(box, place), `${node.id} and ${other.id}`).toBe(true);
      expect(inside(box, { x: layout.width / 2, y: layout.height / 2, width: layout.width, height: layout.height })).toBe(true);
    }
  });

  it("has arrows that end at their nodes", () => {
    for (const { edge, points } of layout.edges) {
      for (const [id, point] of [[edge.from, points[0]!], [edge.to, points.at(-1)!]] as const) {
        const [, box] = nodes.find(([node]) => node.id === id)!;
        const slack = circleSize;
        expect(Math.abs(point.x - box.x) <= box.width / 2 + slack && Math.abs(point.y - box.y) <= box.height / 2 + 1, `${edge.from} → ${edge.to} at ${id}`).toBe(true);
      }
    }
  });

  // Guards that any reader of XML takes it: every element is closed, in order.
  it("is well-formed", () => {
    const open: string[] = [];
    for (const [, end, name, closed] of printSvg(diagram).matchAll(/<(\/?)([a-z]+)(?:\s+[\w-]+(?::\w+)?="[^"<]*")*\s*(\/?)>/g)) {
      if (end === "/") expect(open.pop()).toBe(name);
      else if (closed !== "/") open.push(name!);
    }
    expect(open).toEqual([]);
    expect(printSvg(diagram).replace(/<\/?[a-z][^<>]*>/g, "")).not.toMatch(/[<>]/);
  });
});

// Guards that no text of a diagram becomes markup.
it("escapes what it is given", () => {
  const origin = { source: { path: "x", text: "" }, start: 0, end: 0 };
  const svg = printSvg({ model: `a"><script>`, nodes: [{ id: `"<b>`, label: "<b>", role: "latent", detail: "</text><script>", plates: ["p"], origin }], edges: [], plates: [{ id: "p", label: "<i>&" }] });
  expect(svg).not.toMatch(/<script|<b>|<i>/);
});
