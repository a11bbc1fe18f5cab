import type { DiagnosticCode } from "../diagnostics/catalog.js";
import type { Diagnostic, Fix, Label } from "../diagnostics/diagnostic.js";
import type { Span } from "../diagnostics/span.js";

/** A syntax error; what is left out of `details` is empty. */
export function syntaxError(
  code: DiagnosticCode,
  message: string,
  span: Span,
  details: { readonly label: string; readonly related?: readonly Label[]; readonly notes?: readonly string[]; readonly help?: string; readonly fixes?: readonly Fix[] },
): Diagnostic {
  return {
    code,
    severity: "error",
    message,
    primary: { span, text: details.label },
    related: details.related ?? [],
    notes: details.notes ?? [],
    ...(details.help === undefined ? {} : { help: details.help }),
    ...(details.fixes === undefined ? {} : { fixes: details.fixes }),
  };
}
