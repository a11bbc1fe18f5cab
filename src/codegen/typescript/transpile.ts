import { tsMorph } from "./ts-morph.js";

/**
 * Emitted TypeScript as JavaScript (types taken away, nothing checked), to be run at once. `imports` maps specifiers to what the
 * running module can load: file URLs.
 */
export function transpile(text: string, imports: Readonly<Record<string, string>> = {}): string {
  const { ts } = tsMorph();
  const { outputText } = ts.transpileModule(text, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true },
  });
  return outputText.replace(/^(import [^;]*? from )"([^"\n]+)";/gm, (whole, head: string, specifier: string) => {
    const target = Object.hasOwn(imports, specifier) ? imports[specifier] : undefined;
    return target === undefined ? whole : `${head}${JSON.stringify(target)};`;
  });
}
