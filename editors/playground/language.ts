import * as monaco from "monaco-editor/editor/editor.api.js";
import { createTransportToWorker, MonacoLspClient } from "monaco-lsp-client";
import { keywordRoles } from "../../src/parser/tokens.js";

/** Talks to the language server in its worker: Monaco's own client for what editors ask, and `ask` for lvmc's own requests. */
export interface Language {
  ask<Result>(method: string, params: unknown): Promise<Result>;
}

const ours = "playground-";

export function startLanguage(): Language {
  monaco.languages.register({ id: "lvm", extensions: [".lvm"], aliases: ["lvm"] });
  monaco.languages.setLanguageConfiguration("lvm", {
    comments: { lineComment: "//" },
    brackets: [["{", "}"], ["[", "]"], ["(", ")"]],
    autoClosingPairs: [{ open: "{", close: "}" }, { open: "[", close: "]" }, { open: "(", close: ")" }, { open: '"', close: '"', notIn: ["string", "comment"] }],
    wordPattern: /[\p{L}_][\p{L}\p{M}\p{N}_]*/u,
    onEnterRules: [{ beforeText: /^\s*\/\/\/.*$/, action: { indentAction: monaco.languages.IndentAction.None, appendText: "/// " } }],
  });
  // Colours until the server's own arrive.
  monaco.languages.setMonarchTokensProvider("lvm", {
    keywords: Object.keys(keywordRoles),
    tokenizer: {
      root: [
        [/\/\/.*$/, "comment"],
        [/"(?:[^"\\]|\\.)*"/, "string"],
        [/\d[\d_]*(?:\.\d[\d_]*)?(?:[eE][+-]?\d+)?/, "number"],
        [/[\p{L}_][\p{L}\p{M}\p{N}_]*/u, { cases: { "@keywords": "keyword", "@default": "identifier" } }],
        [/\|>|->|\.\.|[<>=!]=|[~=<>+\-*/@^|]/, "operator"],
      ],
    },
    unicode: true,
  });

  const worker = new Worker(new URL("./language-worker.ts", import.meta.url), { type: "module", name: "language" });
  const waiting = new Map<string, { done(result: unknown): void; failed(reason: Error): void }>();
  worker.addEventListener("message", ({ data }: MessageEvent<{ readonly id?: unknown; readonly result?: unknown; readonly error?: { readonly message: string } }>) => {
    const asked = typeof data.id === "string" ? waiting.get(data.id) : undefined;
    if (!asked) return;
    waiting.delete(data.id as string);
    if (data.error) asked.failed(new Error(data.error.message));
    else asked.done(data.result);
  });
  // Monaco's client sees the worker without the answers that are ours.
  const listeners = new Map<EventListener, EventListener>();
  const shared = {
    postMessage: (message: unknown) => worker.postMessage(message),
    addEventListener(kind: string, listener: (event: MessageEvent) => void) {
      const filtered = ((event: MessageEvent<{ readonly id?: unknown }>) => {
        if (!(typeof event.data.id === "string" && event.data.id.startsWith(ours))) listener(event);
      }) as EventListener;
      listeners.set(listener as EventListener, filtered);
      worker.addEventListener(kind, filtered);
    },
    removeEventListener(kind: string, listener: (event: MessageEvent) => void) {
      worker.removeEventListener(kind, listeners.get(listener as EventListener) ?? (listener as EventListener));
    },
  };
  new MonacoLspClient(createTransportToWorker(shared as unknown as Worker));
  let count = 0;
  return {
    ask<Result>(method: string, params: unknown): Promise<Result> {
      const id = `${ours}${(count += 1)}`;
      return new Promise<Result>((done, failed) => {
        waiting.set(id, { done: (result) => done(result as Result), failed });
        worker.postMessage({ jsonrpc: "2.0", id, method, params });
      });
    },
  };
}
