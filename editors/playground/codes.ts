/** The page of all codes, which lies beside this one. */
export function explainedAt(code: string): string {
  return new URL(`./diagnostics.html#${code.toLowerCase()}`, location.href).href;
}
