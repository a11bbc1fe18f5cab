// How long an editor waits for the language server: the built command over stdio, a file of 300 lines, p95 of each request; and its memory after 10,000 edits.
//
//   npm run bench:editor [-- ROUNDS]
//
// Prints a row for each bar. Machines are noisy: nothing fails here.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createProtocolConnection, StreamMessageReader, StreamMessageWriter } from "vscode-languageserver-protocol/node";

const root = fileURLToPath(new URL("..", import.meta.url));
const rounds = Number(process.argv[2] ?? 100);
const edits = 10_000;

/** Three hundred lines: models that ship, their names made different. */
function longFile() {
  const names = ["vae", "conv_vae", "semi_supervised", "deep_markov_model", "vrnn", "conditional_vae", "classifier", "rssm"];
  const parts = names.map((name, at) => {
    const text = readFileSync(`${root}/models/${name}.lvm`, "utf8").replace(/^\/\/\/.*\n/gm, "").trim();
    const declared = [...text.matchAll(/^(?:const|param|network|model) (\w+)/gm)].map(([, each]) => each);
    return declared.reduce((all, each) => all.replace(new RegExp(`(?<!\\w|\\w\\.)${each}\\b`, "g"), `${each}_${at}`), text);
  });
  const lines = parts.join("\n\n").split("\n");
  return `${lines.join("\n")}\n`;
}

const text = longFile();
const uri = pathToFileURL(`${root}/models/long.lvm`).href;
const textDocument = { uri };

async function start() {
  const child = spawn(process.execPath, [`${root}/dist/cli/main.js`, "lsp", "--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
  const connection = createProtocolConnection(new StreamMessageReader(child.stdout), new StreamMessageWriter(child.stdin));
  const waiting = new Map();
  connection.onNotification("textDocument/publishDiagnostics", ({ version }) => {
    waiting.get(version)?.();
    waiting.delete(version);
  });
  connection.listen();
  await connection.sendRequest("initialize", { processId: process.pid, rootUri: null, capabilities: { textDocument: { completion: { completionItem: { snippetSupport: true } } } } });
  void connection.sendNotification("initialized", {});
  return { child, connection, diagnosed: (version) => new Promise((done) => waiting.set(version, done)) };
}

async function end({ child, connection }) {
  const ended = new Promise((done) => child.once("exit", done));
  await connection.sendRequest("shutdown");
  await connection.sendNotification("exit");
  await ended;
  connection.dispose();
}

const rows = [];
const p95 = (values) => values.sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(0.95 * values.length))];
const row = (name, values, bar) => rows.push({ name, median: values.sort((a, b) => a - b)[values.length >> 1], p95: p95(values), bar });

const starts = [];
for (let round = 0; round < 10; round++) {
  const began = performance.now();
  const { child, connection } = await start();
  starts.push(performance.now() - began);
  await end({ child, connection });
}
row("start to initialized", starts, 300);

const { child, connection, diagnosed } = await start();
let version = 1;
const first = diagnosed(1);
void connection.sendNotification("textDocument/didOpen", { textDocument: { uri, languageId: "lvm", version, text } });
await first;

const lines = text.split("\n");
const places = [...text.matchAll(/[\p{L}_]\w*/gu)].map(({ index }) => ({ line: text.slice(0, index).split("\n").length - 1, character: index - text.lastIndexOf("\n", index - 1) - 1 }));
const place = (round) => places[(round * 7919) % places.length];
/** A blank typed at the end of a line inside a body, and taken away again. */
async function type(round, wait) {
  const line = 5 + ((round * 31) % (lines.length - 10));
  const character = lines[line].length;
  version += 1;
  const done = wait ? diagnosed(version) : undefined;
  const change = round % 2 === 0 ? { range: { start: { line, character }, end: { line, character } }, text: " " } : undefined;
  void connection.sendNotification("textDocument/didChange", { textDocument: { uri, version }, contentChanges: [change ?? { text }] });
  await done;
}
async function timed(rounds, act) {
  const times = [];
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    await act(round);
    times.push(performance.now() - began);
  }
  return times;
}
const ask = (method, params) => connection.sendRequest(method, { textDocument, ...params });
const whole = { start: { line: 0, character: 0 }, end: { line: lines.length, character: 0 } };
/** Each request meets a text that has just changed. */
const afterEdit = (method, params) => async () => {
  const times = [];
  for (let round = 0; round < rounds; round++) {
    await type(round, true);
    const began = performance.now();
    await ask(method, params(round));
    times.push(performance.now() - began);
  }
  return times;
};

await timed(20, (round) => type(round, true));
row("keystroke to diagnostics", await timed(rounds, (round) => type(round, true)), 100);
row("hover", await afterEdit("textDocument/hover", (round) => ({ position: place(round) }))(), 15);
row("definition", await afterEdit("textDocument/definition", (round) => ({ position: place(round) }))(), 15);
row("completion", await afterEdit("textDocument/completion", (round) => ({ position: place(round) }))(), 40);
row("inlay hints", await afterEdit("textDocument/inlayHint", () => ({ range: whole }))(), 30);
row("semantic tokens", await afterEdit("textDocument/semanticTokens/full", () => ({}))(), 30);
row("code lenses", await afterEdit("textDocument/codeLens", () => ({}))(), 30);
row("format", await afterEdit("textDocument/formatting", () => ({ options: { tabSize: 2, insertSpaces: true } }))(), 60);

const cancelled = [];
for (let round = 0; round < rounds; round++) {
  await type(round, false);
  const source = { cancel: undefined };
  const token = { isCancellationRequested: false, onCancellationRequested: (listener) => ((source.cancel = listener), { dispose: () => undefined }) };
  const answer = connection.sendRequest("textDocument/semanticTokens/full", { textDocument }, token).then(() => undefined, () => undefined);
  const began = performance.now();
  source.cancel?.();
  await answer;
  cancelled.push(performance.now() - began);
}
row("cancelled request to its answer", cancelled, 50);

for (let edit = 0; edit < edits; edit++) await type(edit, edit % 50 === 49);
const resident = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1] ?? Number.NaN) / 1024;
await end({ child, connection });

console.log(`${lines.length - 1} lines, ${rounds} rounds, Node ${process.versions.node}; milliseconds`);
for (const { name, median, p95: high, bar } of rows) console.log(`${high <= bar ? "✓" : "✗"} ${name.padEnd(32)} median ${median.toFixed(1).padStart(7)}  p95 ${high.toFixed(1).padStart(7)}  bar ${bar}`);
console.log(`${resident <= 200 ? "✓" : "✗"} ${"memory after 10,000 edits".padEnd(32)} ${resident.toFixed(0)} MB  bar 200`);
