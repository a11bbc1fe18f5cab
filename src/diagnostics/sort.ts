import type { Diagnostic } from "./diagnostic.js";

/** In reading order (file, place, code), with exact repetitions left out. */
export function sortDiagnostics(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const order = [...diagnostics].sort(
    (a, b) =>
      compare(a.primary.span.source.path, b.primary.span.source.path) ||
      a.primary.span.start - b.primary.span.start ||
      a.primary.span.end - b.primary.span.end ||
      compare(a.code, b.code) ||
      compare(a.message, b.message),
  );
  return order.filter((diagnostic, index) => {
    const previous = order[index - 1];
    return (
      !previous ||
      previous.code !== diagnostic.code ||
      previous.message !== diagnostic.message ||
      previous.primary.span.start !== diagnostic.primary.span.start ||
      previous.primary.span.end !== diagnostic.primary.span.end ||
      previous.primary.span.source.path !== diagnostic.primary.span.source.path
    );
  });
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
