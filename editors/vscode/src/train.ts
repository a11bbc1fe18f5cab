import { dirname } from "node:path";
import * as vscode from "vscode";
import { installedProgram } from "./installed-program.js";
import { localFolders } from "./language-client.js";

/** `lvmc train FILE --model NAME` as a task in a terminal: of the lvmc that is installed beside the file, else of the one on the PATH. */
export async function train(uri: vscode.Uri, model: string | undefined): Promise<void> {
  if (!vscode.workspace.isTrusted) return void vscode.window.showWarningMessage("Models are trained in trusted folders only.");
  if (uri.scheme !== "file") return void vscode.window.showWarningMessage("Only models in files of this machine can be trained.");
  const document = vscode.workspace.textDocuments.find((each) => each.uri.toString() === uri.toString());
  if (document?.isDirty && !(await document.save())) return;
  const folder = vscode.workspace.getWorkspaceFolder(uri);
  const cwd = folder?.uri.fsPath ?? dirname(uri.fsPath);
  const args = ["train", uri.fsPath, ...(model === undefined ? [] : ["--model", model])];
  const program = installedProgram([...(folder ? [folder.uri.fsPath] : [dirname(uri.fsPath)]), ...localFolders()]);
  // Without a shell nothing needs quotes; a command on the PATH needs one, and the editor quotes for it.
  const execution = program === undefined ? new vscode.ShellExecution("lvmc", args.map((value) => ({ value, quoting: vscode.ShellQuoting.Strong })), { cwd }) : new vscode.ProcessExecution("node", [program, ...args], { cwd });
  const task = new vscode.Task({ type: "lvmc", file: uri.fsPath, model }, folder ?? vscode.TaskScope.Workspace, `train ${model ?? "model"}`, "lvmc", execution);
  task.presentationOptions = { reveal: vscode.TaskRevealKind.Always, panel: vscode.TaskPanelKind.Dedicated, clear: true };
  await vscode.tasks.executeTask(task);
}
