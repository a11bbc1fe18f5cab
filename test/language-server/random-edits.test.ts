import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { CancellationTokenSource, LSPErrorCodes, type Position, type Range, ResponseError, type SemanticTokens, type SemanticTokensDelta } from "vscode-languageserver-protocol";
import { TextDocument } from "vscode-languageserver-textdocument";
import { vocabulary } from "../../src/parser/tokens.js";
import { type Client, root, startClient } from "./support/client.js";

/**
 * Guards the server against what people type: edits and requests at random, in two files of which one imports the other. Every request is answered, by a result, by
 * the reason of a refusal, or as cancelled; and in the end the server says what one says that has seen nothing but the last text.
 * `LVMC_EDITS=100000` (`npm run fuzz:editor`) runs as many; `LVMC_FIRST` is the seed.
 */
const edits = Number(process.env["LVMC_EDITS"] ?? 300);
const seed = Number(process.env["LVMC_FIRST"] ?? 1);
/** Edits after which both servers are compared. */
const each = Math.min(edits, 1000);

/** Numbers from 0 to n - 1, the same ones for a seed (Marsaglia's xorshift). */
function numbers(first: number): (n: number) => number {
  let state = (first * 2654435761) >>> 0 || 1;
  return (n) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
}

const folder = join(import.meta.dirname, "..", "..", "models");
const models = readdirSync(folder).filter((name) => name.endsWith(".lvm")).map((name) => readFileSync(join(folder, name), "utf8")).filter((text) => text.length < 1500);
const words = [
  ...vocabulary.filter(({ category }) => category === "keyword").map(({ name }) => name),
  ..."= ~ |> -> .. ( ) [ ] { } , : ? + - * / @ ^ . // /// /* # \" \\ é 𝔛 \u0000".split(" "),
  "\n", "\r\n", "\n\n  ", " ", "  ", "x", "z", "encoder", "decoder", "mean", "Normal", "Bernoulli", "dense", "relu", "softplus", "real", "binary", "positive", "index(K)", "784", "0", "1e-3", "-1", "t-1", "LATENT", "elbo", "adam(rate = 1e-3)",
  'import encoder, LATENT from "nets.lvm"\n', "z ~ Normal(0, 1)\n", "q = encoder(x)\n", "x ~ Normal(z, 1) by score\n", "chain t in 2..T {\n", "}\n", "guide vae {\n", "train vae {\n  maximize elbo\n}\n", "model vae(x: real) {\n", "network f(x: real) -> (y: real) {\n  y = x |> dense(3) |> sum\n}\n", "const K = 3\n",
];

/** A model in two files, and the shipped ones that are not long. */
const vae = readFileSync(join(folder, "vae.lvm"), "utf8");
const networks = vae.slice(vae.indexOf("const LATENT"), vae.indexOf("model vae"));
const importing = `import encoder, decoder, LATENT from "nets.lvm"\n\n${vae.slice(vae.indexOf("model vae"))}`;
const texts: Readonly<Record<string, readonly string[]>> = { "main.lvm": [importing, importing, ...models], "nets.lvm": [networks, networks, ...models] };
const paths = ["main.lvm", "nets.lvm"] as const;

interface Question {
  readonly method: string;
  readonly params: object;
}

/** What an editor asks, of what the server says that it answers. */
function questions(client: Client, uri: string, position: Position, range: Range, word: string): readonly Question[] {
  const has = client.initialized.capabilities as Readonly<Record<string, unknown>>;
  const textDocument = { uri };
  const options = { tabSize: 2, insertSpaces: true };
  const all: readonly (readonly [provider: string, method: string, params: object])[] = [
    ["definitionProvider", "textDocument/definition", { position }],
    ["typeDefinitionProvider", "textDocument/typeDefinition", { position }],
    ["implementationProvider", "textDocument/implementation", { position }],
    ["referencesProvider", "textDocument/references", { position, context: { includeDeclaration: true } }],
    ["documentHighlightProvider", "textDocument/documentHighlight", { position }],
    ["documentSymbolProvider", "textDocument/documentSymbol", {}],
    ["workspaceSymbolProvider", "workspace/symbol", { query: word.slice(0, 3) }],
    ["foldingRangeProvider", "textDocument/foldingRange", {}],
    ["selectionRangeProvider", "textDocument/selectionRange", { positions: [position, range.start] }],
    ["semanticTokensProvider", "textDocument/semanticTokens/full", {}],
    ["semanticTokensProvider", "textDocument/semanticTokens/range", { range }],
    ["callHierarchyProvider", "textDocument/prepareCallHierarchy", { position }],
    ["documentLinkProvider", "textDocument/documentLink", {}],
    ["documentFormattingProvider", "textDocument/formatting", { options }],
    ["documentRangeFormattingProvider", "textDocument/rangeFormatting", { range, options }],
    ["documentOnTypeFormattingProvider", "textDocument/onTypeFormatting", { position, ch: word.length % 2 === 0 ? "}" : "\n", options }],
    ["renameProvider", "textDocument/prepareRename", { position }],
    ["renameProvider", "textDocument/rename", { position, newName: word }],
    ["hoverProvider", "textDocument/hover", { position }],
    ["completionProvider", "textDocument/completion", { position }],
    ["signatureHelpProvider", "textDocument/signatureHelp", { position }],
    ["inlayHintProvider", "textDocument/inlayHint", { range }],
    ["codeLensProvider", "textDocument/codeLens", {}],
    ["codeActionProvider", "textDocument/codeAction", { range, context: { diagnostics: client.published.get(uri)?.diagnostics ?? [] } }],
    ["experimental", "lvmc/objective", { position }],
    ["experimental", "lvmc/graph", { position }],
  ];
  return all.filter(([provider]) => has[provider] !== undefined).map(([, method, params]) => ({ method, params: { textDocument, ...params } }));
}

const clients = new Set<Client>();
afterEach(async () => {
  await Promise.all([...clients].map(async (client) => client.close()));
  clients.clear();
});

async function started(): Promise<Client> {
  const client = await startClient();
  clients.add(client);
  return client;
}

/** An answer without what differs from server to server; a refusal is an answer too. */
async function answer(client: Client, { method, params }: Question): Promise<string> {
  try {
    const result = await client.connection.sendRequest<object | null>(method, params);
    return JSON.stringify(result, (key, value: unknown) => (key === "resultId" ? undefined : value));
  } catch (error) {
    if (error instanceof ResponseError && error.code === LSPErrorCodes.RequestFailed) return `refused: ${error.message}`;
    throw error;
  }
}

describe("edits and requests at random", () => {
  it(`${edits} of them: nothing breaks, nothing stays unanswered, and nothing is remembered that should not be`, async () => {
    const below = numbers(seed);
    const any = <T>(list: readonly T[]): T => list[below(list.length)]!;
    const client = await started();
    const documents = new Map<string, TextDocument>();
    for (const path of paths) {
      const text = texts[path]![0]!;
      client.open(path, text);
      documents.set(`${root}/${path}`, TextDocument.create(`${root}/${path}`, "lvm", 1, text));
    }
    /** Now and then a place that no text has: editors race. */
    const somewhere = (document: TextDocument): Position => (below(50) === 0 ? { line: below(1000), character: below(1000) } : document.positionAt(below(document.getText().length + 1)));
    const stretch = (document: TextDocument, longest: number): Range => {
      const start = below(document.getText().length + 1);
      return { start: document.positionAt(start), end: document.positionAt(start + below(longest)) };
    };
    /** Methods that had something to say. */
    const useful = new Set<string>();
    let waiting: Promise<void>[] = [];
    for (let step = 1; step <= edits; step++) {
      const path = below(4) === 0 ? paths[1] : paths[0];
      const uri = `${root}/${path}`;
      const document = documents.get(uri)!;
      const kind = below(60);
      const long = document.getText().length > 4000;
      const change = kind < 4 || long ? { text: any(texts[path]!) } : { range: stretch(document, kind < 20 ? 30 : 1), text: kind < 20 && kind % 2 === 0 ? "" : Array.from({ length: 1 + below(3) }, () => any(words)).join(below(2) === 0 ? " " : "") };
      const version = document.version + 1;
      documents.set(uri, TextDocument.update(document, [change], version));
      void client.connection.sendNotification("textDocument/didChange", { textDocument: { uri, version }, contentChanges: [change] });
      const asked = documents.get(uri)!;
      const choice = questions(client, uri, somewhere(asked), stretch(asked, 200), any(words));
      for (let count = below(3); count > 0; count--) {
        const question = any(choice);
        const source = new CancellationTokenSource();
        waiting.push(
          client.connection.sendRequest(question.method, question.params, source.token).then(
            (result: unknown) => void (result !== null && (!Array.isArray(result) || result.length > 0) && useful.add(question.method)),
            (error: unknown) => {
              if (error instanceof ResponseError && (error.code === LSPErrorCodes.RequestCancelled || error.code === LSPErrorCodes.RequestFailed)) return;
              throw new Error(`seed ${seed}, step ${step}: ${question.method} ${JSON.stringify(question.params)} of\n${asked.getText()}`, { cause: error });
            },
          ),
        );
        if (below(8) === 0) source.cancel();
      }
      if (step % 50 === 0 || step === edits) {
        // None is lost: this would wait for ever.
        await Promise.all(waiting);
        waiting = [];
      }
      if (step % each === 0 || step === edits) await compare(client, documents, below, `seed ${seed}, step ${step}`);
    }
    // Else nothing would have been tried. In a short run chance decides which methods find something to say.
    if (edits >= 300) expect(useful.size).toBeGreaterThan(8);
    if (edits >= 3000) expect([...useful]).toEqual(expect.arrayContaining(["textDocument/definition", "textDocument/references", "textDocument/rename", "textDocument/formatting", "textDocument/documentSymbol", "textDocument/semanticTokens/full"]));
  }, 24 * 3600_000);
});

/** Asks this server and a fresh one the same. */
async function compare(client: Client, documents: ReadonlyMap<string, TextDocument>, below: (n: number) => number, where: string): Promise<void> {
  const fresh = await started();
  for (const path of paths) fresh.open(path, documents.get(`${root}/${path}`)!.getText());
  for (const [uri, document] of documents) {
    const text = document.getText();
    await fresh.diagnostics(uri);
    for (let round = 0; round < 3; round++) {
      const place = document.positionAt(below(text.length + 1));
      const range = { start: document.positionAt(below(text.length + 1)), end: document.positionAt(text.length) };
      for (const question of questions(fresh, uri, place, range, "w")) expect(await answer(client, question), `${where}: ${question.method} ${JSON.stringify(question.params)} of\n${text}`).toBe(await answer(fresh, question));
    }
    // A change of the one file sends messages of the other again, a moment later.
    const messages = (each: Client): string => JSON.stringify(each.published.get(uri)?.diagnostics);
    for (let wait = 0; wait < 2000 && messages(client) !== messages(fresh); wait++) await new Promise((wake) => setTimeout(wake, 5));
    expect(messages(client), where).toBe(messages(fresh));
  }
  await fresh.close();
  clients.delete(fresh);
}

describe("cancelling", () => {
  // Guards the order: what is cancelled while it waits is answered before what was asked before it, and not computed.
  it("is answered without waiting for the requests before", async () => {
    const client = await started();
    const uri = client.open("a.lvm", models[0]!);
    const done: string[] = [];
    const ask = async (name: string, source = new CancellationTokenSource()): Promise<void> =>
      client.connection.sendRequest("textDocument/references", { textDocument: { uri }, position: { line: 9, character: 10 }, context: { includeDeclaration: true } }, source.token).then(
        () => void done.push(name),
        (error: unknown) => void done.push(`${name} ${error instanceof ResponseError && error.code === LSPErrorCodes.RequestCancelled ? "cancelled" : String(error)}`),
      );
    const before = Array.from({ length: 20 }, async (_, at) => ask(`request ${at}`));
    const source = new CancellationTokenSource();
    const last = ask("the last", source);
    source.cancel();
    await Promise.all([...before, last]);
    expect(done.indexOf("the last cancelled")).toBeGreaterThanOrEqual(0);
    expect(done.indexOf("the last cancelled")).toBeLessThan(done.indexOf("request 19"));
    expect(done).toHaveLength(21);
  });
});

describe("differences of tokens", () => {
  it("add up to what a whole answer says, edit by edit", async () => {
    const below = numbers(3);
    const client = await started();
    const uri = client.open("a.lvm", models[0]!);
    let text = models[0]!;
    const full = async (): Promise<SemanticTokens> => client.connection.sendRequest("textDocument/semanticTokens/full", { textDocument: { uri } });
    let { data, resultId } = await full();
    for (let step = 0; step < 30; step++) {
      const at = below(text.length);
      text = text.slice(0, at) + words[below(words.length)]! + text.slice(at + below(9));
      client.replace(uri, text);
      const answered = await client.connection.sendRequest<SemanticTokens | SemanticTokensDelta>("textDocument/semanticTokens/full/delta", { textDocument: { uri }, previousResultId: resultId });
      if (!("edits" in answered)) throw new Error("a difference to the result before is asked for");
      for (const edit of answered.edits) data.splice(edit.start, edit.deleteCount, ...(edit.data ?? []));
      const whole = await full();
      expect(data).toEqual(whole.data);
      ({ data, resultId } = whole);
    }
    // What was not the last result is no base: the whole is sent.
    expect(await client.connection.sendRequest<SemanticTokens | SemanticTokensDelta>("textDocument/semanticTokens/full/delta", { textDocument: { uri }, previousResultId: "none" })).toHaveProperty("data");
  });
});
