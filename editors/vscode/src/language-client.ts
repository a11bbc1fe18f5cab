import * as vscode from "vscode";
import { LanguageClient, type LanguageClientOptions, type ServerOptions, TransportKind } from "vscode-languageclient/node";
import { installedProgram } from "./installed-program.js";
import { serverModule, type ServerModule } from "./server-module.js";

/** The folders of the workspace on this machine's disk. */
export function localFolders(): readonly string[] {
  return (vscode.workspace.workspaceFolders ?? []).flatMap(({ uri }) => (uri.scheme === "file" ? [uri.fsPath] : []));
}

/** Which server is started now. */
export function chosenServer(context: vscode.ExtensionContext): ServerModule {
  return serverModule({
    trusted: vscode.workspace.isTrusted,
    configured: vscode.workspace.getConfiguration("lvmc").get("server.path", ""),
    installed: () => installedProgram(localFolders()),
    bundled: context.asAbsolutePath("dist/server/main.mjs"),
  });
}

/** A client of a server that runs in the editor's own Node, over standard input and output. Not started yet. */
export function languageClient(context: vscode.ExtensionContext, log: vscode.LogOutputChannel): LanguageClient {
  const { module, args, origin } = chosenServer(context);
  log.info(`server of the ${origin}: ${module}`);
  const run = { module, args: [...args], transport: TransportKind.stdio };
  const server: ServerOptions = { run, debug: run };
  const { inlayHints, codeLens } = vscode.workspace.getConfiguration("lvmc");
  const options: LanguageClientOptions = {
    documentSelector: [{ language: "lvm" }],
    initializationOptions: { inlayHints, codeLens },
    synchronize: { fileEvents: vscode.workspace.createFileSystemWatcher("**/*.lvm") },
    outputChannel: log,
  };
  return new LanguageClient("lvmc", "lvm", server, options);
}
