import { type Diagnostic as ProtocolDiagnostic, DiagnosticSeverity, DocumentDiagnosticReportKind } from "vscode-languageserver";
import type { Diagnostic, Severity } from "../../diagnostics/diagnostic.js";
import type { Analysis } from "../analysis.js";
import type { Feature } from "../feature.js";
import { rangeOf } from "../positions.js";
import type { Workspace } from "../workspace.js";

const severities: Readonly<Record<Severity, DiagnosticSeverity>> = { error: DiagnosticSeverity.Error, warning: DiagnosticSeverity.Warning, information: DiagnosticSeverity.Information };

/** Milliseconds without a keystroke after which messages are sent. */
const pause = 15;

/** Messages: sent after each change, or, to a client that asks for them, when it asks. */
export const diagnostics: Feature = {
  capabilities: (client) => (client.textDocument?.diagnostic ? { diagnosticProvider: { identifier: "lvmc", interFileDependencies: true, workspaceDiagnostics: false } } : {}),
  register(server) {
    const { connection, workspace } = server;
    const pulls = server.client.textDocument?.diagnostic !== undefined;
    const waiting = new Map<string, ReturnType<typeof setTimeout>>();
    const send = (uri: string): void => {
      const document = workspace.documents.get(uri);
      const analysis = document && workspace.analysis(uri);
      if (document && analysis) void connection.sendDiagnostics({ uri, version: document.version, diagnostics: protocolDiagnostics(workspace, analysis) });
    };
    const later = (uri: string): void => {
      clearTimeout(waiting.get(uri));
      waiting.set(uri, setTimeout(() => (waiting.delete(uri), send(uri)), pause));
    };
    const changed = (uris: readonly string[]): void => {
      if (!pulls) for (const uri of uris) later(uri);
      else if (uris.length > 1 && server.client.workspace?.diagnostics?.refreshSupport) void connection.languages.diagnostics.refresh();
    };
    connection.onDidOpenTextDocument(({ textDocument: { uri, version, text } }) => {
      workspace.open(uri, version, text);
      changed(workspace.readers(uri));
    });
    connection.onDidChangeTextDocument(({ textDocument: { uri, version }, contentChanges }) => {
      workspace.change(uri, version, contentChanges);
      changed(workspace.readers(uri));
    });
    connection.onDidCloseTextDocument(({ textDocument: { uri } }) => {
      workspace.close(uri);
      clearTimeout(waiting.get(uri));
      waiting.delete(uri);
      void connection.sendDiagnostics({ uri, diagnostics: [] });
      changed(workspace.readers(uri));
    });
    connection.onDidChangeWatchedFiles(() => {
      workspace.forgetDisk();
      changed([...workspace.documents.keys()]);
    });
    if (pulls) {
      connection.languages.diagnostics.on(({ textDocument }) => {
        const analysis = workspace.analysis(textDocument.uri);
        return { kind: DocumentDiagnosticReportKind.Full, items: analysis ? protocolDiagnostics(workspace, analysis) : [] };
      });
    }
    connection.onShutdown(() => {
      for (const timer of waiting.values()) clearTimeout(timer);
    });
  },
};

/** The messages of a file, and what its imports say at the place of the import. */
export function protocolDiagnostics(workspace: Workspace, { source, diagnostics: found }: Analysis): ProtocolDiagnostic[] {
  return found.filter(({ primary }) => primary.span.source === source).map((each) => protocolDiagnostic(workspace, each));
}

/** A message as the protocol has it. */
export function protocolDiagnostic(workspace: Workspace, { code, severity, message, primary, related, notes, help }: Diagnostic): ProtocolDiagnostic {
  const rest = [...notes.map((note) => `= ${note}`), ...(help === undefined ? [] : [`help: ${help}`])];
  const href = workspace.host.pageOf(code);
  return {
    range: rangeOf(primary.span),
    severity: severities[severity],
    code,
    ...(href === undefined ? {} : { codeDescription: { href } }),
    source: "lvmc",
    message: [primary.text === "" ? message : `${message}: ${primary.text}`, ...rest].join("\n"),
    relatedInformation: related.map(({ span, text }) => ({ location: { uri: workspace.uriOf(span.source), range: rangeOf(span) }, message: text })),
  };
}
