import type { Objective } from "../ir/objective/objective.js";
import { escapeXml } from "../util/escape-xml.js";
import { printObjectiveMathml } from "./print-mathml.js";

const style = `:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h2 { font-size: 1.25rem; } h3 { margin-top: 2rem; border-bottom: 1px solid color-mix(in srgb, currentColor 25%, transparent); } h4 { margin-bottom: 0; font-family: ui-monospace, monospace; }
math { font-size: 1.15rem; margin: .75rem 0; overflow-x: auto; overflow-y: hidden; max-width: 100%; }
p { margin: .25rem 0 1rem; opacity: .8; }`;

/** The objective as a page of its own: MathML, which browsers typeset themselves; no scripts, nothing loaded. */
export function printObjectiveHtml(objective: Objective): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeXml(objective.model)}: objective</title>
<style>
${style}
</style>
</head>
<body>
${printObjectiveMathml(objective)}</body>
</html>
`;
}
