import { type ClientCapabilities, type Connection, type ConnectionOptions, DidChangeWatchedFilesNotification, LSPErrorCodes, Message, TextDocumentSyncKind } from "vscode-languageserver";
import type { Feature, Server } from "./feature.js";
import { features } from "./features.js";
import { defaultSettings, readSettings, type Settings } from "./settings.js";
import { type Host, Workspace } from "./workspace.js";

/** For `createConnection`: a request that is cancelled while it waits for its turn is answered at once, and nothing is computed. */
export const connectionOptions: ConnectionOptions = {
  connectionStrategy: {
    cancelUndispatched: (message) => (Message.isRequest(message) ? { jsonrpc: "2.0", id: message.id, error: { code: LSPErrorCodes.RequestCancelled, message: "cancelled" } } : undefined),
  },
};

/** Answers one client until it goes: the same in a process, in a worker and in tests. It reads model files, and runs nothing. */
export function serve(connection: Connection, host: Host, version: string): void {
  const workspace = new Workspace(host);
  let client: ClientCapabilities = {};
  let settings: Settings = defaultSettings;
  const server: Server = {
    connection,
    workspace,
    get client() {
      return client;
    },
    settings: () => settings,
  };

  connection.onInitialize((params) => {
    client = params.capabilities;
    settings = readSettings(params.initializationOptions);
    workspace.folders = (params.workspaceFolders ?? (params.rootUri ? [{ uri: params.rootUri }] : [])).map(({ uri }) => uri.replace(/\/$/, ""));
    for (const feature of features) feature.register(server);
    return {
      serverInfo: { name: "lvmc", version },
      capabilities: Object.assign({ textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental } }, ...features.map((feature: Feature) => feature.capabilities(client))),
    };
  });
  connection.onInitialized(() => {
    if (client.workspace?.configuration) void askSettings();
    // Files that are not open are read once, and again when the client says that they have changed.
    if (client.workspace?.didChangeWatchedFiles?.dynamicRegistration) void connection.client.register(DidChangeWatchedFilesNotification.type, { watchers: [{ globPattern: "**/*.lvm" }] });
  });
  connection.onDidChangeConfiguration(({ settings: given }) => {
    if (client.workspace?.configuration) void askSettings();
    else settings = readSettings((given as { readonly lvmc?: unknown } | null)?.lvmc);
  });

  async function askSettings(): Promise<void> {
    settings = readSettings(await connection.workspace.getConfiguration("lvmc"));
    if (client.workspace?.inlayHint?.refreshSupport) connection.languages.inlayHint.refresh();
    if (client.workspace?.codeLens?.refreshSupport) void connection.sendRequest("workspace/codeLens/refresh");
  }

  connection.listen();
}
