import type { DiagnosticCode } from "./catalog.js";
import type { Diagnostic, Severity } from "./diagnostic.js";
import { positionAt, type Position, type Span } from "./span.js";

/** A place in a file: 1-based lines and columns (UTF-16 units), and offsets; the end is exclusive. */
export interface JsonRange {
  readonly file: string;
  readonly start: Position & { readonly offset: number };
  readonly end: Position & { readonly offset: number };
}

export interface JsonDiagnostic {
  readonly version: 1;
  readonly type: "diagnostic";
  readonly code: DiagnosticCode;
  readonly severity: Severity;
  readonly message: string;
  readonly range: JsonRange;
  readonly label: string;
  readonly related: readonly { readonly range: JsonRange; readonly text: string }[];
  readonly notes: readonly string[];
  readonly help?: string;
  readonly fixes: readonly { readonly title: string; readonly edits: readonly { readonly range: JsonRange; readonly text: string }[] }[];
}

/** A diagnostic as plain data for `--json`; the shape changes only with `version`. */
export function renderJson(diagnostic: Diagnostic): JsonDiagnostic {
  return {
    version: 1,
    type: "diagnostic",
    code: diagnostic.code,
    severity: diagnostic.severity,
    message: diagnostic.message,
    range: rangeOf(diagnostic.primary.span),
    label: diagnostic.primary.text,
    related: diagnostic.related.map((label) => ({ range: rangeOf(label.span), text: label.text })),
    notes: [...diagnostic.notes],
    ...(diagnostic.help === undefined ? {} : { help: diagnostic.help }),
    fixes: (diagnostic.fixes ?? []).map((fix) => ({
      title: fix.title,
      edits: fix.edits.map((edit) => ({ range: rangeOf(edit.span), text: edit.text })),
    })),
  };
}

function rangeOf(span: Span): JsonRange {
  const { source } = span;
  return {
    file: source.path,
    start: { ...positionAt(source, span.start), offset: span.start },
    end: { ...positionAt(source, span.end), offset: span.end },
  };
}
