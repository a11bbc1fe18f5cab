import { PassThrough } from "node:stream";
import { type ClientCapabilities, createProtocolConnection, type ProtocolConnection, StreamMessageReader, StreamMessageWriter, type PublishDiagnosticsParams, type InitializeResult } from "vscode-languageserver-protocol/node";
import { createConnection } from "vscode-languageserver/node";
import { connectionOptions, serve } from "../../../src/language-server/server.js";
import type { Host } from "../../../src/language-server/workspace.js";

export const root = "file:///workspace";

/** A client of a server in this process, over two streams: every message is written and read as in an editor. */
export interface Client {
  readonly connection: ProtocolConnection;
  readonly initialized: InitializeResult;
  /** The latest messages by address, as they were sent. */
  readonly published: ReadonlyMap<string, PublishDiagnosticsParams>;
  /** Opens a file of the workspace; gives its address. */
  open(path: string, text: string): string;
  /** Replaces a document's text by one change of everything. */
  replace(uri: string, text: string): void;
  /** Messages of the document's present version. */
  diagnostics(uri: string): Promise<PublishDiagnosticsParams["diagnostics"]>;
  close(): Promise<void>;
}

const everything: ClientCapabilities = {
  textDocument: {
    completion: { completionItem: { snippetSupport: true, documentationFormat: ["markdown"] } },
    hover: { contentFormat: ["markdown"] },
    documentSymbol: { hierarchicalDocumentSymbolSupport: true },
    rename: { prepareSupport: true },
    codeAction: { codeActionLiteralSupport: { codeActionKind: { valueSet: ["quickfix"] } } },
  },
};

/** @param files on the server's disk, by path in the workspace */
export async function startClient(files: Readonly<Record<string, string>> = {}, capabilities: ClientCapabilities = everything, initializationOptions: unknown = {}): Promise<Client> {
  const [toServer, toClient] = [new PassThrough(), new PassThrough()];
  const disk = new Map(Object.entries(files).map(([path, text]) => [`${root}/${path}`, text]));
  const host: Host = { read: (uri) => disk.get(uri), list: () => [...disk.keys()], pageOf: (code) => `https://example.org/${code}` };
  serve(createConnection(new StreamMessageReader(toServer), new StreamMessageWriter(toClient), connectionOptions), host, "test");
  const connection = createProtocolConnection(new StreamMessageReader(toClient), new StreamMessageWriter(toServer));
  const published = new Map<string, PublishDiagnosticsParams>();
  const versions = new Map<string, number>();
  const waiting = new Map<string, (() => void)[]>();
  connection.onNotification("textDocument/publishDiagnostics", (params: PublishDiagnosticsParams) => {
    published.set(params.uri, params);
    for (const wake of waiting.get(params.uri) ?? []) wake();
    waiting.delete(params.uri);
  });
  connection.onRequest("workspace/diagnostic/refresh", () => null);
  connection.listen();
  const initialized: InitializeResult = await connection.sendRequest("initialize", { processId: null, rootUri: root, workspaceFolders: [{ uri: root, name: "workspace" }], capabilities, initializationOptions });
  void connection.sendNotification("initialized", {});
  return {
    connection,
    initialized,
    published,
    open(path, text) {
      const uri = `${root}/${path}`;
      versions.set(uri, 1);
      void connection.sendNotification("textDocument/didOpen", { textDocument: { uri, languageId: "lvm", version: 1, text } });
      return uri;
    },
    replace(uri, text) {
      const version = versions.get(uri)! + 1;
      versions.set(uri, version);
      void connection.sendNotification("textDocument/didChange", { textDocument: { uri, version }, contentChanges: [{ text }] });
    },
    async diagnostics(uri) {
      while (published.get(uri)?.version !== versions.get(uri)) await new Promise<void>((wake) => waiting.set(uri, [...(waiting.get(uri) ?? []), wake]));
      return published.get(uri)!.diagnostics;
    },
    async close() {
      await connection.sendRequest("shutdown");
      connection.end();
      connection.dispose();
    },
  };
}
