import { randomBytes } from "node:crypto";
import * as vscode from "vscode";
import { readFromPage, type ToPage } from "./messages.js";
import { pageHtml } from "./page-html.js";
import { type Shown, targetAt, type ViewKind, viewKinds } from "./view-kinds.js";

export type { ViewKind } from "./view-kinds.js";

type Ask = (method: string, params: object) => Promise<unknown>;

/** How long the cursor and the text rest before the view follows, in milliseconds. */
const rest = 120;

/** A panel beside the editor that shows the model at the cursor: its objective or its graph. It lives until it is closed. */
export class ModelView {
  private readonly panel: vscode.WebviewPanel;
  private readonly disposables: vscode.Disposable[] = [];
  private readonly closed = new vscode.EventEmitter<void>();
  readonly onDidClose = this.closed.event;
  private document: vscode.Uri | undefined;
  /** A model that was asked for by name, until the cursor moves. */
  private model: string | undefined;
  private shown: Shown | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** Counts questions: an answer that another one has overtaken is dropped. */
  private asked = 0;
  private ready = false;

  constructor(
    private readonly kind: ViewKind,
    extension: vscode.Uri,
    private readonly ask: Ask,
  ) {
    const media = vscode.Uri.joinPath(extension, "dist", "page");
    this.panel = vscode.window.createWebviewPanel(`lvmc.${kind}`, viewKinds[kind].title, { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true }, { enableScripts: true, localResourceRoots: [media], retainContextWhenHidden: false });
    const { webview } = this.panel;
    const address = (name: string): string => webview.asWebviewUri(vscode.Uri.joinPath(media, name)).toString();
    this.disposables.push(
      this.panel.onDidDispose(() => this.release()),
      webview.onDidReceiveMessage((message) => this.hear(message)),
      vscode.window.onDidChangeTextEditorSelection(({ textEditor, kind: cause }) => this.follow(textEditor, cause !== undefined)),
      vscode.window.onDidChangeActiveTextEditor((editor) => editor && this.follow(editor, false)),
      vscode.workspace.onDidChangeTextDocument(({ document }) => void (document.languageId === "lvm" && this.soon())),
    );
    webview.html = pageHtml({ title: viewKinds[kind].title, source: webview.cspSource, script: address("view.js"), style: address("view.css"), nonce: randomBytes(16).toString("base64url") });
  }

  /** Shows a file's model, the named one or the one at the cursor. */
  show(document: vscode.Uri, model?: string): void {
    this.document = document;
    this.model = model;
    this.panel.reveal(undefined, true);
    void this.refresh();
  }

  dispose(): void {
    this.panel.dispose();
  }

  private release(): void {
    clearTimeout(this.timer);
    this.asked++;
    for (const each of this.disposables) each.dispose();
    this.closed.fire();
    this.closed.dispose();
  }

  private follow({ document }: vscode.TextEditor, moved: boolean): void {
    if (document.languageId !== "lvm") return;
    if (moved || document.uri.toString() !== this.document?.toString()) this.model = undefined;
    this.document = document.uri;
    this.soon();
  }

  private soon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.refresh(), rest);
  }

  private editor(): vscode.TextEditor | undefined {
    return vscode.window.visibleTextEditors.find(({ document }) => document.uri.toString() === this.document?.toString());
  }

  /** Asks the server, and sends the page what is new. */
  private async refresh(): Promise<void> {
    if (!this.document) return;
    const question = ++this.asked;
    const position = this.editor()?.selection.active;
    const params = { textDocument: { uri: this.document.toString() }, ...(this.model === undefined ? {} : { model: this.model }), ...(position ? { position: { line: position.line, character: position.character } } : {}) };
    const answer = await this.ask(viewKinds[this.kind].method, params).catch(() => null);
    if (question !== this.asked) return;
    const before = this.shown;
    // A model with a mistake has no answer: what was shown stays until it has one again.
    if (answer) this.shown = viewKinds[this.kind].read(answer);
    this.panel.title = this.shown ? `${viewKinds[this.kind].title}: ${this.shown.model}` : viewKinds[this.kind].title;
    if (!this.shown) this.send({ kind: "empty" });
    else if (before?.markup === this.shown.markup) this.send({ kind: "active", active: this.active() });
    else this.sendAll();
  }

  private active(): string | undefined {
    const at = this.editor()?.selection.active;
    return this.shown && at && targetAt(this.shown, at.line, at.character);
  }

  private sendAll(): void {
    if (this.shown) this.send({ kind: "show", model: this.shown.model, markup: this.shown.markup, targets: this.shown.targets.map(({ id }) => id), active: this.active() });
  }

  private send(message: ToPage): void {
    if (this.ready) void this.panel.webview.postMessage(message);
  }

  private hear(given: unknown): void {
    const message = readFromPage(given);
    if (message?.kind === "ready") {
      // Also when a hidden page is made again.
      this.ready = true;
      if (this.shown) this.sendAll();
      else void this.refresh();
    } else if (message?.kind === "open") void this.open(message.target);
  }

  private async open(target: string): Promise<void> {
    const found = this.shown?.targets.find(({ id }) => id === target);
    if (!found || !this.document) return;
    const { start, end } = found.range;
    const selection = new vscode.Range(start.line, start.character, end.line, end.character);
    await vscode.window.showTextDocument(this.document, { selection, viewColumn: this.editor()?.viewColumn, preserveFocus: false });
  }
}
