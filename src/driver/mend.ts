import { applyFixes, safeFixes } from "../diagnostics/apply-fixes.js";
import type { Diagnostic, Fix } from "../diagnostics/diagnostic.js";
import type { SourceFile } from "../diagnostics/span.js";

/** A fix that was applied, with the mistake that it mended. */
export interface Mended {
  readonly diagnostic: Diagnostic;
  readonly fix: Fix;
}

/** Most rounds: one fix can bring the next mistake to light. */
const mostRounds = 50;

/**
 * Applies the fixes of a file that need no choice, over again while that leaves fewer messages. `check` says what is wrong with a text. Where all of a round together make more errors
 * (two fixes of one cause), each is tried alone.
 */
export function mend(source: SourceFile, check: (source: SourceFile) => readonly Diagnostic[]): { readonly source: SourceFile; readonly mended: readonly Mended[]; readonly diagnostics: readonly Diagnostic[] } {
  const mended: Mended[] = [];
  let [text, diagnostics] = [source, check(source)];
  for (let round = 0; round < mostRounds; round++) {
    const all = safeFixes(text, diagnostics);
    const tries = all.length > 1 ? [all, ...all.map((each) => [each])] : all.length === 1 ? [all] : [];
    let better: { readonly source: SourceFile; readonly fixes: readonly Mended[]; readonly diagnostics: readonly Diagnostic[] } | undefined;
    for (const fixes of tries) {
      const changed: SourceFile = { path: source.path, text: applyFixes(text.text, fixes.map(({ fix }) => fix)) };
      const left = check(changed);
      if (errorsIn(left) > errorsIn(diagnostics) || left.length >= diagnostics.length) continue;
      better = { source: changed, fixes, diagnostics: left };
      break;
    }
    if (!better) break;
    mended.push(...better.fixes);
    [text, diagnostics] = [better.source, better.diagnostics];
  }
  return { source: text, mended, diagnostics };
}

function errorsIn(diagnostics: readonly Diagnostic[]): number {
  return diagnostics.filter(({ severity }) => severity === "error").length;
}
