// Runs the extension's bundled main file in a plain Node: `vscode` is a stand-in that knows what the extension uses by name, and answers everything else with nothing in particular.
// node run-extension.cjs FOLDER JSON: prints, as JSON, what the extension did.
const Module = require("node:module");
const { join } = require("node:path");
const { pathToFileURL, fileURLToPath } = require("node:url");

const [folder, given] = process.argv.slice(2);
const { trusted, folders, path, text, commands } = JSON.parse(given);
const did = { commands: [], providers: [], log: [], errors: [], pages: [], messages: [], shown: [], tasks: [], warnings: [] };

/** Anything: can be called, made, read and gone through; nothing is in it. */
function anything() {
  const self = new Proxy(class {}, {
    get: (target, name) => {
      if (name === "then") return undefined;
      if (name === Symbol.toPrimitive) return () => "";
      if (name === Symbol.iterator) return [][Symbol.iterator].bind([]);
      if (name === "prototype") return target.prototype;
      return (target[name] ??= anything());
    },
    apply: () => anything(),
  });
  return self;
}

/** Known members first. */
const known = (members) => new Proxy(members, { get: (target, name) => (name in target || name === "then" ? target[name] : (target[name] = anything())) });

class Uri {
  constructor(href) {
    this.href = href;
    this.scheme = href.slice(0, href.indexOf(":"));
    this.path = href.slice(href.indexOf(":") + 1).replace(/^\/\/[^/]*/, "");
  }
  get fsPath() {
    return fileURLToPath(this.href);
  }
  toString() {
    return this.href;
  }
  static parse(href) {
    return new Uri(href);
  }
  static file(path) {
    return new Uri(pathToFileURL(path).href);
  }
  static joinPath(base, ...parts) {
    return new Uri([base.href, ...parts].join("/"));
  }
}
class Range {
  constructor(a, b, c, d) {
    Object.assign(this, { start: { line: a, character: b }, end: { line: c, character: d } });
  }
}
class EventEmitter {
  constructor() {
    this.listeners = [];
    this.event = (listener) => (this.listeners.push(listener), { dispose: () => {} });
  }
  fire(value) {
    for (const each of this.listeners) each(value);
  }
  dispose() {}
}
const made = (kind) => class { constructor(...args) { Object.assign(this, { kind, args }); } };

const document = { uri: Uri.file(path), languageId: "lvm", version: 1, isDirty: false, getText: () => text, fileName: path, lineCount: text.split("\n").length };
const editor = { document, selection: { active: { line: 0, character: 0 } }, viewColumn: 1 };
const handlers = new Map();
const selection = new EventEmitter();
let hear;

const vscode = known({
  Uri, Range, EventEmitter,
  Disposable: class { constructor(dispose) { this.dispose = dispose ?? (() => {}); } static from() { return { dispose() {} }; } },
  ShellExecution: made("shell"), ProcessExecution: made("process"), Task: made("task"),
  CancellationTokenSource: class { token = { isCancellationRequested: false, onCancellationRequested: () => ({ dispose() {} }) }; cancel() {} dispose() {} },
  version: "1.100.0",
  ViewColumn: { Beside: -2 }, ShellQuoting: { Strong: 2 }, TaskScope: { Workspace: 2 }, TaskRevealKind: { Always: 1 }, TaskPanelKind: { Dedicated: 2 },
  workspace: known({
    isTrusted: trusted,
    workspaceFolders: folders.map((each, index) => ({ uri: Uri.file(each), name: "folder", index })),
    getWorkspaceFolder: () => ({ uri: Uri.file(folders[0]), name: "folder", index: 0 }),
    textDocuments: [document],
    getConfiguration: () => ({ get: (_name, otherwise) => otherwise, inlayHints: { shapes: true, estimators: true }, codeLens: true }),
  }),
  languages: known({ match: () => 10 }),
  tasks: known({ executeTask: async ({ args: [definition, , name, , execution] }) => void did.tasks.push({ definition, name, kind: execution.kind, args: execution.args }) }),
  commands: known({ registerCommand: (name, run) => (did.commands.push(name), handlers.set(name, run), { dispose: () => {} }) }),
  window: known({
    activeTextEditor: editor,
    visibleTextEditors: [editor],
    onDidChangeTextEditorSelection: selection.event,
    createOutputChannel: () => known({ info: (line) => did.log.push(line), error: (line) => did.errors.push(line), appendLine: (line) => did.log.push(line), logLevel: 3 }),
    showErrorMessage: async (line) => void did.errors.push(line),
    showWarningMessage: async (line) => void did.warnings.push(line),
    showTextDocument: async (uri, { selection: range }) => void did.shown.push({ uri: uri.toString(), range }),
    createWebviewPanel: (type, title, _place, options) => ({
      title,
      reveal() {},
      dispose() {},
      onDidDispose: () => ({ dispose() {} }),
      webview: {
        cspSource: "https://page.test",
        asWebviewUri: (uri) => ({ toString: () => `https://page.test${uri.path}` }),
        onDidReceiveMessage: (listener) => ((hear = listener), { dispose() {} }),
        postMessage: async (message) => void did.messages.push(message),
        set html(html) {
          did.pages.push({ type, html, scripts: options.enableScripts, roots: options.localResourceRoots.map((each) => each.fsPath) });
        },
      },
    }),
  }),
});
for (const name of ["registerHoverProvider", "registerCompletionItemProvider", "registerCodeLensProvider", "registerInlayHintsProvider", "registerDocumentSemanticTokensProvider", "registerDefinitionProvider"]) {
  vscode.languages[name] = () => (did.providers.push(name), { dispose: () => {} });
}

const load = Module._load;
Module._load = function (request, ...rest) {
  return request === "vscode" ? vscode : load.call(this, request, ...rest);
};

const until = async (holds) => {
  for (let turn = 0; turn < 3000 && !holds(); turn++) await new Promise((wake) => setTimeout(wake, 10));
};

(async () => {
  const extension = require(join(folder, "dist", "extension.cjs"));
  await extension.activate({ subscriptions: [], extensionUri: Uri.file(folder), asAbsolutePath: (name) => join(folder, name) });
  for (const { name, args = [], target, line } of commands) {
    const before = did.messages.length;
    await handlers.get(name)(...args);
    if (name.startsWith("lvmc.show")) {
      hear({ kind: "ready" });
      await until(() => did.messages.length > before);
      if (target) {
        hear({ kind: "open", target });
        hear({ kind: "open", target: "nothing of that name" });
        hear("no message");
        await until(() => did.shown.length > 0);
      }
      if (line !== undefined) {
        const sent = did.messages.length;
        editor.selection = { active: { line, character: 3 } };
        selection.fire({ textEditor: editor, kind: 1 });
        await until(() => did.messages.length > sent);
      }
    }
  }
  await extension.deactivate();
  process.stdout.write(JSON.stringify(did), () => process.exit(0));
})().catch((error) => {
  process.stderr.write(String(error?.stack ?? error));
  process.exit(1);
});
