import { type CodeAction, CodeActionKind, type CodeActionParams, type Diagnostic as ProtocolDiagnostic, type TextEdit, type WorkspaceEdit } from "vscode-languageserver";
import { safeFixes } from "../../diagnostics/apply-fixes.js";
import type { Diagnostic, Fix } from "../../diagnostics/diagnostic.js";
import type { SourceFile } from "../../diagnostics/span.js";
import type { Analysis } from "../analysis.js";
import { importFixes } from "../code-actions/import-fixes.js";
import { refactorings } from "../code-actions/refactorings.js";
import type { Feature } from "../feature.js";
import { rangeOf, spanOf } from "../positions.js";
import type { Workspace } from "../workspace.js";
import { protocolDiagnostic } from "./diagnostics.js";

/** All fixes that nobody needs to choose among. */
const fixAll = `${CodeActionKind.SourceFixAll}.lvmc`;

/** Quick fixes of mistakes, which the checker makes where it finds them, and a few refactorings. */
export const codeActions: Feature = {
  capabilities: (client) =>
    client.textDocument?.codeAction?.codeActionLiteralSupport
      ? { codeActionProvider: { codeActionKinds: [CodeActionKind.QuickFix, CodeActionKind.RefactorExtract, CodeActionKind.RefactorInline, fixAll] } }
      : {},
  register({ connection, workspace, client }) {
    connection.onCodeAction((params) => {
      const analysis = workspace.analysis(params.textDocument.uri);
      return analysis ? actionsAt(workspace, analysis, params, client.workspace?.workspaceEdit?.documentChanges === true) : [];
    });
  },
};

/** What can be done at a place. `versions`: edits name the version of the document that they were made for. */
export function actionsAt(workspace: Workspace, analysis: Analysis, { range, context }: Pick<CodeActionParams, "range" | "context">, versions = false): CodeAction[] {
  const { source, diagnostics } = analysis;
  const asked = spanOf(source, range);
  const wants = (kind: string): boolean => !context.only || context.only.some((only) => kind === only || kind.startsWith(`${only}.`));
  const edit = (edits: Fix["edits"]): WorkspaceEdit => workspaceEdit(workspace, edits, versions);
  const actions: CodeAction[] = [];
  if (wants(CodeActionKind.QuickFix)) {
    for (const diagnostic of diagnostics) {
      const { span } = diagnostic.primary;
      if (span.source !== source || span.end < asked.start || asked.end < span.start) continue;
      for (const [at, fix] of [...(diagnostic.fixes ?? []), ...importFixes(workspace, analysis, diagnostic)].entries()) {
        actions.push({ title: fix.title, kind: CodeActionKind.QuickFix, diagnostics: [sent(workspace, context.diagnostics, diagnostic)], ...(at === 0 ? { isPreferred: true } : {}), edit: edit(fix.edits) });
      }
    }
  }
  for (const { kind, fix } of refactorings(analysis, asked)) if (wants(kind)) actions.push({ title: fix.title, kind, edit: edit(fix.edits) });
  if (wants(fixAll)) {
    const safe = safeFixes(source, diagnostics);
    if (safe.length > 0) actions.push({ title: safe.length === 1 ? `Mend 1 mistake: ${safe[0]!.fix.title}` : `Mend ${safe.length} mistakes`, kind: fixAll, edit: edit(safe.flatMap(({ fix }) => fix.edits)) });
  }
  return actions;
}

/** The message as the client has it, so that it can tell which one an action mends: the same code in the same place. */
function sent(workspace: Workspace, given: readonly ProtocolDiagnostic[], diagnostic: Diagnostic): ProtocolDiagnostic {
  const { start, end } = rangeOf(diagnostic.primary.span);
  const same = (left: ProtocolDiagnostic["range"]["start"], right: ProtocolDiagnostic["range"]["start"]): boolean => left.line === right.line && left.character === right.character;
  return given.find(({ code, range }) => code === diagnostic.code && same(range.start, start) && same(range.end, end)) ?? protocolDiagnostic(workspace, diagnostic);
}

function workspaceEdit(workspace: Workspace, edits: Fix["edits"], versions: boolean): WorkspaceEdit {
  const bySource = new Map<SourceFile, TextEdit[]>();
  for (const { span, text } of edits) bySource.set(span.source, [...(bySource.get(span.source) ?? []), { range: rangeOf(span), newText: text }]);
  const changes = [...bySource].map(([source, made]) => ({ uri: workspace.uriOf(source), edits: made }));
  if (!versions) return { changes: Object.fromEntries(changes.map((each) => [each.uri, each.edits])) };
  return { documentChanges: changes.map(({ uri, edits: made }) => ({ textDocument: { uri, version: workspace.documents.get(uri)?.version ?? null }, edits: made })) };
}
