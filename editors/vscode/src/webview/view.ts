import type { FromPage, ToPage } from "../views/messages.js";
import { allowedMarkup } from "./allowed-markup.js";

declare function acquireVsCodeApi(): { postMessage(message: FromPage): void };

const editor = acquireVsCodeApi();
const content = document.getElementById("content")!;
/** What leads to the source, by its name. */
const targets = new Map<string, Element>();

window.addEventListener("message", ({ data }: MessageEvent<ToPage>) => {
  if (data.kind === "show") show(data);
  else if (data.kind === "active") mark(data.active);
  else {
    targets.clear();
    const words = document.createElement("p");
    words.className = "empty";
    words.textContent = "No model without a mistake at the cursor.";
    content.replaceChildren(words);
  }
});
editor.postMessage({ kind: "ready" });

function show({ markup, targets: names, active }: Extract<ToPage, { readonly kind: "show" }>): void {
  content.replaceChildren(allowedMarkup(markup, document));
  for (const formula of content.querySelectorAll("math")) inScroller(formula);
  targets.clear();
  const known = new Set(names);
  for (const element of content.querySelectorAll("[data-id], h4")) {
    const name = element.getAttribute("data-id") ?? element.textContent ?? "";
    if (!known.has(name) || targets.has(name)) continue;
    targets.set(name, element);
    element.classList.add("target");
    element.setAttribute("tabindex", "0");
    element.setAttribute("role", "link");
    const open = (): void => editor.postMessage({ kind: "open", target: name });
    element.addEventListener("click", open);
    element.addEventListener("keydown", (event) => {
      if ((event as KeyboardEvent).key === "Enter") open();
    });
  }
  mark(active);
}

/** Long formulas scroll by themselves: browsers clip `math` where it does not fit. */
function inScroller(formula: Element): void {
  const scroller = document.createElement("div");
  scroller.className = "formula";
  formula.replaceWith(scroller);
  scroller.append(formula);
}

/** Shows which target is at the cursor. */
function mark(active: string | undefined): void {
  for (const [name, element] of targets) {
    element.classList.toggle("active", name === active);
    if (name === active) element.scrollIntoView({ block: "nearest" });
  }
}
