/**
 * What a page takes over of the server's markup: elements and attributes of these lists, built anew. The server escapes what is of the model file; with this even a fault there, or a
 * server that is not ours, can show nothing but formulas, text and shapes.
 */
const elements: ReadonlySet<string> = new Set([
  "section", "h2", "h3", "h4", "p", "em", "code", "pre", "span", "div",
  "math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "msub", "msup", "msubsup", "mfrac", "msqrt", "munder", "mover", "munderover", "mtable", "mtr", "mtd",
  "svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "tspan", "title", "defs", "marker",
]);

const attributes: ReadonlySet<string> = new Set([
  "class", "id", "data-id", "pointer-events", "role", "aria-label", "display", "mathvariant",
  "viewBox", "width", "height", "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry", "d", "points", "dx", "dy",
  "fill", "fill-opacity", "stroke", "stroke-opacity", "stroke-width", "stroke-dasharray", "stroke-linecap", "stroke-linejoin", "opacity", "transform",
  "font-family", "font-size", "font-style", "font-weight", "text-anchor", "dominant-baseline",
  "marker-start", "marker-mid", "marker-end", "refX", "refY", "markerWidth", "markerHeight", "markerUnits", "orient",
]);

/** Addresses lead within the picture only. */
const leadsAway = (value: string): boolean => /url\(|:\/\/|javascript:/i.test(value.replace(/^url\(#[\w-]+\)$/, ""));

/** A copy of markup in a page's document. Text stays text; what is not in the lists is left out with all that it holds. */
export function allowedMarkup(markup: string, page: Document): DocumentFragment {
  const copy = (from: Node, to: Node): void => {
    for (const child of from.childNodes) {
      if (child.nodeType === Node.TEXT_NODE) to.appendChild(page.createTextNode(child.textContent ?? ""));
      if (!(child instanceof Element) || !elements.has(child.localName)) continue;
      const made = page.createElementNS(child.namespaceURI, child.localName);
      for (const { name, value } of child.attributes) if (attributes.has(name) && !leadsAway(value)) made.setAttribute(name, value);
      copy(child, made);
      to.appendChild(made);
    }
  };
  const fragment = page.createDocumentFragment();
  // A document of its own: nothing in it is loaded or run.
  copy(new DOMParser().parseFromString(markup, "text/html").body, fragment);
  return fragment;
}
