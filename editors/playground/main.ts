import * as monaco from "monaco-editor/editor/editor.api.js";
import EditorWorker from "monaco-editor/editor/editor.worker.js?worker";
import { examples } from "./examples.js";
import { startLanguage } from "./language.js";
import type { FromTrainer, Progress, ToTrainer } from "./protocol.js";
import { fromLink, toLink } from "./share.js";
import { drawLoss } from "./views/draw-loss.js";
import { drawSamples } from "./views/draw-samples.js";
import type { GraphView, ObjectiveView } from "../../src/language-server/features/views.js";
import "./style.css";

self.MonacoEnvironment = { getWorker: () => new EditorWorker() };

const find = <E extends Element>(selector: string): E => {
  const element = document.querySelector<E>(selector);
  if (!element) throw new Error(`the page has no ${selector}`);
  return element;
};
const page = {
  examples: find<HTMLSelectElement>("#examples"), device: find<HTMLSelectElement>("#device"),
  train: find<HTMLButtonElement>("#train"), pause: find<HTMLButtonElement>("#pause"), share: find<HTMLButtonElement>("#share"),
  objective: find<HTMLElement>("#objective"), graph: find<HTMLElement>("#graph"),
  status: find<HTMLElement>("#status"), note: find<HTMLElement>("#note"), figures: find<HTMLElement>("#figures"), table: find<HTMLElement>("#table"),
  loss: find<HTMLCanvasElement>("#loss"), samples: find<HTMLCanvasElement>("#samples"), message: find<HTMLElement>("#message"),
} as const;

// ── The editor ──

const language = startLanguage();
const dark = matchMedia("(prefers-color-scheme: dark)");
const uri = monaco.Uri.parse("file:///model.lvm");
const first = fromLink(location.hash) ?? examples.get("vae") ?? "";
const model = monaco.editor.createModel(first, "lvm", uri);
const editor = monaco.editor.create(find<HTMLElement>("#editor"), {
  model, automaticLayout: true, theme: dark.matches ? "vs-dark" : "vs", minimap: { enabled: false }, fontSize: 13, scrollBeyondLastLine: false, "semanticHighlighting.enabled": true, fixedOverflowWidgets: true, tabSize: 2,
});
dark.addEventListener("change", () => monaco.editor.setTheme(dark.matches ? "vs-dark" : "vs"));
for (const [command, act] of [
  ["lvmc.train", (name: string | undefined) => begin(name)],
  ["lvmc.showObjective", (name: string | undefined) => (show("objective"), refresh(name))],
  ["lvmc.showGraph", (name: string | undefined) => (show("graph"), refresh(name))],
] as const) monaco.editor.registerCommand(command, (_accessor, _uri: string, name?: string) => act(name));

for (const name of examples.keys()) page.examples.append(new Option(name, name));
page.examples.prepend(new Option("…", ""));
page.examples.value = fromLink(location.hash) === undefined ? "vae" : "";
page.examples.addEventListener("change", () => {
  const text = examples.get(page.examples.value);
  if (text === undefined) return;
  editor.executeEdits("example", [{ range: model.getFullModelRange(), text }]);
  editor.setScrollTop(0);
});

page.share.addEventListener("click", () => {
  const hash = toLink(model.getValue());
  history.replaceState(null, "", `#${hash}`);
  void navigator.clipboard?.writeText(location.href).then(
    () => say("The address holds the model, and is on the clipboard."),
    () => say("The address holds the model: copy it."),
  );
});

// ── Objective and graph, which follow the cursor ──

const tabs = ["objective", "graph", "training"] as const;
function show(tab: (typeof tabs)[number]): void {
  for (const each of tabs) {
    const button = find<HTMLButtonElement>(`#tab-${each}`);
    button.setAttribute("aria-selected", String(each === tab));
    button.tabIndex = each === tab ? 0 : -1;
    find<HTMLElement>(`#${each}`).hidden = each !== tab;
  }
  redraw();
}
for (const each of tabs) {
  const button = find<HTMLButtonElement>(`#tab-${each}`);
  button.addEventListener("click", () => show(each));
  button.addEventListener("keydown", ({ key }) => {
    const step = key === "ArrowRight" ? 1 : key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    const next = tabs[(tabs.indexOf(each) + step + tabs.length) % tabs.length]!;
    show(next);
    find<HTMLButtonElement>(`#tab-${next}`).focus();
  });
}

let asked = 0;
async function refresh(name?: string): Promise<void> {
  const mine = (asked += 1);
  const position = editor.getPosition();
  const params = { textDocument: { uri: uri.toString() }, ...(name === undefined ? {} : { model: name }), ...(position ? { position: { line: position.lineNumber - 1, character: position.column - 1 } } : {}) };
  const [objective, graph] = await Promise.all([language.ask<ObjectiveView | null>("lvmc/objective", params), language.ask<GraphView | null>("lvmc/graph", params)]);
  if (mine !== asked) return;
  // The server may not have been sent the text yet: it is asked again until there is something to show, or the text changes.
  if (!objective && !page.objective.hasChildNodes()) setTimeout(() => (mine === asked ? void refresh(name).catch(() => undefined) : undefined), 300);
  // Where the model has a mistake its last views stay.
  if (objective) {
    // Markup that the server wrote itself: everything of the file in it is escaped.
    page.objective.innerHTML = objective.mathml;
    const line = (position?.lineNumber ?? 0) - 1;
    const here = objective.terms.find(({ range }) => range.start.line <= line && line <= range.end.line);
    for (const title of page.objective.querySelectorAll("h4")) title.classList.toggle("here", title.textContent === here?.name);
  }
  if (graph) {
    page.graph.innerHTML = graph.svg;
    for (const { id, range } of graph.nodes) {
      page.graph.querySelector(`[data-id="${CSS.escape(id)}"]`)?.addEventListener("click", () => {
        const at = { startLineNumber: range.start.line + 1, startColumn: range.start.character + 1, endLineNumber: range.end.line + 1, endColumn: range.end.character + 1 };
        editor.setSelection(at);
        editor.revealRangeInCenter(at);
        editor.focus();
      });
    }
  }
}
let timer: ReturnType<typeof setTimeout> | undefined;
const refreshSoon = (): void => {
  clearTimeout(timer);
  timer = setTimeout(() => void refresh().catch(() => undefined), 150);
};
editor.onDidChangeCursorPosition(refreshSoon);
model.onDidChangeContent(refreshSoon);
refreshSoon();
monaco.editor.onDidChangeMarkers(() => {
  const errors = monaco.editor.getModelMarkers({ resource: uri }).filter(({ severity }) => severity === monaco.MarkerSeverity.Error);
  const [one] = errors;
  say(one ? `line ${one.startLineNumber}: ${one.message.split("\n")[0]}${errors.length > 1 ? `, and ${errors.length - 1} more` : ""}` : "");
});

function say(text: string): void {
  page.message.textContent = text;
}

// ── Training ──

let trainer: Worker | undefined;
let points: Progress[] = [];
let times: { readonly step: number; readonly at: number }[] = [];
let latest: Extract<FromTrainer, { kind: "drawn" }> | undefined;
let paused = false;

page.train.addEventListener("click", () => begin());
page.pause.addEventListener("click", () => {
  paused = !paused;
  trainer?.postMessage({ kind: paused ? "pause" : "continue" } satisfies ToTrainer);
  page.pause.textContent = paused ? "Continue" : "Pause";
  times = [];
});

function begin(name?: string): void {
  trainer?.terminate();
  [points, times, latest, paused] = [[], [], undefined, false];
  page.table.textContent = "";
  page.note.textContent = "";
  page.pause.textContent = "Pause";
  state("starting", "Preparing the kernels…");
  show("training");
  const worker = new Worker(new URL("./trainer-worker.ts", import.meta.url), { type: "module", name: "trainer" });
  trainer = worker;
  worker.addEventListener("message", ({ data }: MessageEvent<FromTrainer>) => (worker === trainer ? receive(data) : undefined));
  worker.addEventListener("error", ({ message }) => receive({ kind: "failed", message: message || "the worker did not start", help: "" }));
  const device = page.device.value;
  worker.postMessage({ kind: "start", text: model.getValue(), ...(name === undefined ? {} : { model: name }), ...(device === "" ? {} : { device }) } satisfies ToTrainer);
}

function state(kind: string, text: string): void {
  document.body.dataset["training"] = kind;
  page.status.textContent = text;
  page.pause.disabled = kind !== "training" && kind !== "paused";
}

let device = "";
function receive(message: FromTrainer): void {
  switch (message.kind) {
    case "opened":
      device = `${message.model} on ${message.device}`;
      page.note.textContent = `${message.parameters.toLocaleString("en")} parameters, ${message.rows.toLocaleString("en")} rows${message.note === "" ? "" : `; ${message.note}`}`;
      return state("training", `Training ${device}`);
    case "progress":
      points.push(message);
      times.push({ step: message.step, at: performance.now() });
      return redraw();
    case "drawn":
      latest = message;
      return redraw();
    case "paused":
      return state("paused", `Paused ${device}`);
    case "finished":
      return state("finished", `Finished ${device}`);
    case "failed":
      page.note.textContent = message.help;
      return state("failed", message.message);
  }
}

let pending = false;
function redraw(): void {
  if (pending) return;
  pending = true;
  requestAnimationFrame(() => {
    pending = false;
    if (find<HTMLElement>("#training").hidden) return;
    drawLoss(page.loss, points);
    const last = points.at(-1);
    const number = (value: number | undefined): string => (value === undefined || !Number.isFinite(value) ? "–" : Number(value.toPrecision(5)).toLocaleString("en"));
    const figures: readonly (readonly [string, string])[] = [["step", number(last?.step)], ["epoch", number(last && last.epoch + 1)], ["steps a second", number(speed())], ["loss", number(last?.loss)], ...Object.entries(last?.terms ?? {}).map(([name, value]) => [name, number(value)] as const)];
    page.figures.replaceChildren(...figures.map(([name, value]) => {
      const pair = document.createElement("div");
      const [term, detail] = [document.createElement("dt"), document.createElement("dd")];
      term.textContent = name;
      detail.textContent = value;
      pair.append(term, detail);
      return pair;
    }));
    if (!latest) return;
    page.samples.hidden = latest.drawn.kind === "numbers";
    if (latest.drawn.kind === "numbers") page.table.textContent = latest.drawn.text;
    else drawSamples(page.samples, latest.drawn);
  });
}

/** Steps in a second, over the last three. */
function speed(): number | undefined {
  const last = times.at(-1);
  if (!last) return undefined;
  while ((times[0]?.at ?? Infinity) < last.at - 3000 && times.length > 2) times.shift();
  const [begin] = times;
  return begin && last.at > begin.at ? (1000 * (last.step - begin.step)) / (last.at - begin.at) : undefined;
}
new ResizeObserver(redraw).observe(document.body);
