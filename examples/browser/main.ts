import type { FromWorker, Pictures, Progress, ToWorker } from "./protocol.js";
import "./style.css";
import { drawCodes } from "./views/draw-codes.js";
import { drawLoss } from "./views/draw-loss.js";
import { drawPictures } from "./views/draw-pictures.js";

type State = "starting" | "training" | "pausing" | "paused" | "finished" | "failed";

const find = <E extends Element>(selector: string): E => {
  const element = document.querySelector<E>(selector);
  if (!element) throw new Error(`the page has no ${selector}`);
  return element;
};
const page = {
  form: find<HTMLFormElement>("#controls"),
  seed: find<HTMLInputElement>("#seed"),
  device: find<HTMLSelectElement>("#device"),
  pause: find<HTMLButtonElement>("#pause"),
  status: find<HTMLElement>("#status"),
  note: find<HTMLElement>("#note"),
  spoken: find<HTMLElement>("#spoken"),
  figures: { step: find<HTMLElement>("#step"), epoch: find<HTMLElement>("#epoch"), loss: find<HTMLElement>("#loss"), reconstruction: find<HTMLElement>("#reconstruction"), kl: find<HTMLElement>("#kl"), rate: find<HTMLElement>("#rate") },
  canvases: { loss: find<HTMLCanvasElement>("#loss-curve"), samples: find<HTMLCanvasElement>("#samples"), map: find<HTMLCanvasElement>("#map"), codes: find<HTMLCanvasElement>("#codes") },
} as const;
/** `?seed=7&device=wasm`; `steps` ends the run there. */
const asked = new URLSearchParams(location.search);
const steps = Number(asked.get("steps")) || undefined;
page.seed.value = String(Math.trunc(Number(asked.get("seed")) || 0));
page.device.value = [...page.device.options].find(({ value }) => value === asked.get("device"))?.value ?? "";

/** One run: its worker, and what came from it. */
interface Run {
  readonly worker: Worker;
  state: State;
  device: string;
  readonly points: Progress[];
  readonly times: { readonly step: number; readonly at: number }[];
  pictures: Pictures | undefined;
}
let pending = false;
let run = begin();

function begin(): Run {
  const worker = new Worker(new URL("./trainer.ts", import.meta.url), { type: "module", name: "trainer" });
  const fresh: Run = { worker, state: "starting", device: "", points: [], times: [], pictures: undefined };
  worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => receive(fresh, data));
  worker.addEventListener("error", ({ message }) => receive(fresh, { kind: "failed", message: message || "the worker did not start", help: "" }));
  const [seed, device] = [Math.trunc(Number(page.seed.value) || 0), page.device.value];
  tell(fresh, { kind: "start", seed, ...(device === "" ? {} : { device }), ...(steps === undefined ? {} : { steps }) });
  // The same address repeats the same run.
  history.replaceState(null, "", `?${new URLSearchParams({ seed: String(seed), ...(device === "" ? {} : { device }), ...(steps === undefined ? {} : { steps: String(steps) }) })}`);
  page.note.textContent = "";
  changed(fresh, "starting");
  return fresh;
}

function tell({ worker }: Run, message: ToWorker): void {
  worker.postMessage(message);
}

function receive(from: Run, message: FromWorker): void {
  switch (message.kind) {
    case "opened":
      from.device = message.device;
      page.note.textContent = message.note;
      return changed(from, "training");
    case "progress":
      from.points.push(message);
      from.times.push({ step: message.step, at: performance.now() });
      return redraw();
    case "pictures":
      from.pictures = message;
      return redraw();
    case "paused":
      return changed(from, "paused");
    case "finished":
      return changed(from, "finished");
    case "failed":
      page.note.textContent = [message.message, message.help].filter((text) => text !== "").join(" — ");
      return changed(from, "failed");
  }
}

function changed(of: Run, state: State): void {
  of.state = state;
  const on = of.device === "" ? "" : ` on ${of.device}`;
  const said = { starting: "Preparing the kernels…", training: `Training${on}`, pausing: "Pausing…", paused: `Paused${on}`, finished: `Finished${on}`, failed: "This did not work" }[state];
  page.status.textContent = said;
  document.body.dataset["state"] = state;
  page.pause.disabled = state !== "training" && state !== "paused";
  page.pause.textContent = state === "paused" ? "Continue" : "Pause";
  redraw();
}

page.pause.addEventListener("click", () => {
  const pausing = run.state === "training";
  tell(run, { kind: pausing ? "pause" : "continue" });
  // Time that nothing was done in does not count.
  if (!pausing) run.times.length = 0;
  changed(run, pausing ? "pausing" : "training");
});

function restart(): void {
  run.worker.terminate();
  run = begin();
}
page.form.addEventListener("submit", (event) => {
  event.preventDefault();
  restart();
});
page.device.addEventListener("change", restart);

/** Once for each frame at most. */
function redraw(): void {
  if (pending) return;
  pending = true;
  requestAnimationFrame(() => {
    pending = false;
    show(run);
  });
}

function show({ points, times, pictures }: Run): void {
  const { figures, canvases } = page;
  const last = points.at(-1);
  const number = (value: number | undefined, digits = 1): string => (value === undefined || !Number.isFinite(value) ? "–" : value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }));
  figures.step.textContent = number(last?.step, 0);
  figures.epoch.textContent = number(last && last.epoch + 1, 0);
  figures.loss.textContent = number(last?.loss);
  figures.reconstruction.textContent = number(last?.reconstruction);
  figures.kl.textContent = number(last?.kl, 2);
  figures.rate.textContent = number(speed(times), 0);
  drawLoss(canvases.loss, points);
  if (!pictures) {
    for (const canvas of [canvases.samples, canvases.map, canvases.codes]) canvas.getContext("2d")?.clearRect(0, 0, canvas.width, canvas.height);
    return;
  }
  drawPictures(canvases.samples, pictures.samples, 0.14);
  drawPictures(canvases.map, pictures.map, 0);
  drawCodes(canvases.codes, pictures);
}

/** Steps in a second, over the last three. */
function speed(times: Run["times"]): number | undefined {
  const last = times.at(-1);
  if (!last) return undefined;
  while ((times[0]?.at ?? Infinity) < last.at - 3000 && times.length > 2) times.shift();
  const first = times[0];
  return first && last.at > first.at ? (1000 * (last.step - first.step)) / (last.at - first.at) : undefined;
}

// Numbers that change all the time are not read out; now and then one sentence is.
setInterval(() => {
  const last = run.points.at(-1);
  if (run.state === "training" && last) page.spoken.textContent = `Step ${last.step}, loss ${last.loss.toFixed(0)}.`;
}, 10_000);

new ResizeObserver(redraw).observe(document.body);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
