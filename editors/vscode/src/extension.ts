import * as vscode from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import { chosenServer, languageClient } from "./language-client.js";
import { train } from "./train.js";
import { ModelView, type ViewKind } from "./views/model-view.js";

let client: LanguageClient | undefined;

/** Starts the server and its client, and registers the commands. */
export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const log = vscode.window.createOutputChannel("lvm", { log: true });
  context.subscriptions.push(log);
  const views = new Map<ViewKind, ModelView>();

  // Starts and stops follow each other: two servers never run.
  let turn = Promise.resolve();
  const restart = (): Promise<void> =>
    (turn = turn.then(async () => {
      await client?.dispose();
      client = languageClient(context, log);
      try {
        await client.start();
      } catch (error) {
        log.error(String(error));
        void vscode.window.showErrorMessage("The lvm language server did not start: its log says why.", "Show the log").then((choice) => choice && log.show());
      }
    }));

  const show = (kind: ViewKind) => (uri?: unknown, model?: unknown): void => {
    const document = addressOf(uri);
    if (!document) return;
    let view = views.get(kind);
    if (!view) {
      view = new ModelView(kind, context.extensionUri, (method, params) => (client?.isRunning() ? client.sendRequest(method, params) : Promise.resolve(null)));
      views.set(kind, view);
      view.onDidClose(() => views.delete(kind));
    }
    view.show(document, typeof model === "string" ? model : undefined);
  };

  const commands: Readonly<Record<string, (...args: readonly unknown[]) => unknown>> = {
    "lvmc.train": (uri, model) => {
      const document = addressOf(uri);
      return document && train(document, typeof model === "string" ? model : undefined);
    },
    "lvmc.showObjective": show("objective"),
    "lvmc.showGraph": show("graph"),
    "lvmc.format": () => vscode.commands.executeCommand("editor.action.formatDocument"),
    "lvmc.restartServer": restart,
    "lvmc.showLog": () => log.show(),
  };
  for (const [name, run] of Object.entries(commands)) context.subscriptions.push(vscode.commands.registerCommand(name, run));
  context.subscriptions.push(
    { dispose: () => views.forEach((view) => view.dispose()) },
    vscode.workspace.onDidGrantWorkspaceTrust(() => void (chosenServer(context).origin === "extension" ? undefined : restart())),
    vscode.workspace.onDidChangeConfiguration((event) => void (event.affectsConfiguration("lvmc.server") ? restart() : undefined)),
  );
  await restart();
}

/** Stops the server. */
export async function deactivate(): Promise<void> {
  await client?.dispose();
  client = undefined;
}

/** The file that a command is about: what a code lens says, else what the editor's title bar says, else the active one. */
function addressOf(given: unknown): vscode.Uri | undefined {
  if (typeof given === "string") return vscode.Uri.parse(given);
  if (given instanceof vscode.Uri) return given;
  const active = vscode.window.activeTextEditor?.document;
  return active?.languageId === "lvm" ? active.uri : undefined;
}
