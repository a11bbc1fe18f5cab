import type { DiagnosticCode } from "./catalog.js";
import type { Span } from "./span.js";

export type Severity = "error" | "warning" | "information";

/** A place that a message points at, with the words that stand under it. */
export interface Label {
  readonly span: Span;
  readonly text: string;
}

/** A text replacement that mends a mistake; the editor offers it as a quick fix. */
export interface Fix {
  readonly title: string;
  readonly edits: readonly { readonly span: Span; readonly text: string }[];
  /** Offered, never taken unasked: it loses what was written, or is one of several meanings. */
  readonly choice?: true;
}

/** One mistake, as data: what is wrong, where, the other place that matters, and what to do. */
export interface Diagnostic {
  readonly code: DiagnosticCode;
  readonly severity: Severity;
  /** One line, without a full stop: `shape mismatch`. */
  readonly message: string;
  /** Where the mistake is. */
  readonly primary: Label;
  /** Other places that explain it: the declaration that fixed a size, the first of two duplicates … */
  readonly related: readonly Label[];
  /** `= …` lines: facts. */
  readonly notes: readonly string[];
  /** `help: …`: what to do about it. */
  readonly help?: string;
  readonly fixes?: readonly Fix[];
}

/** A value with what was said while it was made. User input never throws. */
export interface Checked<T> {
  readonly value: T;
  readonly diagnostics: readonly Diagnostic[];
}

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((diagnostic) => diagnostic.severity === "error");
}
