import type { SourceFileStructure, StatementStructures } from "ts-morph";
import { tsMorph } from "./ts-morph.js";

/** A module's text from its statements. The tree is printed once: no types are computed, so it takes milliseconds. */
export function printModule(statements: readonly (StatementStructures | string)[], header: string): string {
  const { IndentationText, Project } = tsMorph();
  const project = new Project({
    useInMemoryFileSystem: true,
    skipLoadingLibFiles: true,
    skipFileDependencyResolution: true,
    manipulationSettings: { indentationText: IndentationText.TwoSpaces },
  });
  const structure: Omit<SourceFileStructure, "kind"> = { statements: [...statements] };
  const file = project.createSourceFile("model.ts", structure);
  return `${header}${file.getFullText()}`;
}
