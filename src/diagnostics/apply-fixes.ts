import type { Diagnostic, Fix } from "./diagnostic.js";
import type { SourceFile } from "./span.js";

/** The fix that is taken unasked: the first of a mistake, unless it is a matter of choice or reaches into another file. */
export function safeFix({ fixes, primary }: Diagnostic): Fix | undefined {
  const first = fixes?.[0];
  return first && !first.choice && first.edits.every(({ span }) => span.source === primary.span.source) ? first : undefined;
}

/** The safe fixes of a file's mistakes that do not touch each other's places, in the order of the mistakes. */
export function safeFixes(source: SourceFile, diagnostics: readonly Diagnostic[]): readonly { readonly diagnostic: Diagnostic; readonly fix: Fix }[] {
  const taken: Fix["edits"][number][] = [];
  return diagnostics.flatMap((diagnostic) => {
    const fix = diagnostic.primary.span.source === source ? safeFix(diagnostic) : undefined;
    if (!fix || fix.edits.some(({ span }) => taken.some((other) => span.start <= other.span.end && other.span.start <= span.end))) return [];
    taken.push(...fix.edits);
    return [{ diagnostic, fix }];
  });
}

/** A text with fixes applied that do not touch each other's places. */
export function applyFixes(text: string, fixes: readonly Fix[]): string {
  const edits = fixes.flatMap((fix) => fix.edits).sort((left, right) => right.span.start - left.span.start);
  return edits.reduce((all, { span, text: written }) => all.slice(0, span.start) + written + all.slice(span.end), text);
}
