import { checkWithFacts, type CheckedWithFacts } from "../checker/check.js";
import type { Load } from "../checker/imports.js";
import type { Diagnostic } from "../diagnostics/diagnostic.js";
import type { SourceFile } from "../diagnostics/span.js";
import type { ModelProgram } from "../ir/model/model.js";
import type { Objective } from "../ir/objective/objective.js";
import { deriveObjective } from "../objectives/derive.js";
import type * as ast from "../parser/ast.js";
import { parse } from "../parser/parse.js";
import { type NameTable, nameTable } from "./names.js";

/** What is known of a file without checking it. */
export interface Syntax {
  readonly source: SourceFile;
  readonly module: ast.Module;
  readonly names: NameTable;
  readonly syntaxErrors: readonly Diagnostic[];
}

/** All that is known of one version of one file. What is asked for seldom is computed when it is first asked for. */
export interface Analysis extends Syntax {
  readonly facts: CheckedWithFacts;
  /** Of this file and of those that it imports. */
  readonly diagnostics: readonly Diagnostic[];
  /** Models without a mistake: a broken file has those that still make sense. */
  readonly programs: readonly ModelProgram[];
  /** What is maximized for a model. */
  objective(program: ModelProgram, mode?: Objective["mode"]): Objective;
}

/** Reads and names a file. Never throws on what users write. */
export function readSyntax(source: SourceFile): Syntax {
  const { value: module, diagnostics: syntaxErrors } = parse(source);
  return { source, module, names: nameTable(module), syntaxErrors };
}

/** Reads, names and checks a file. Never throws on what users write. */
export function analyze(source: SourceFile, load?: Load, syntax: Syntax = readSyntax(source)): Analysis {
  const checked = checkWithFacts(syntax.module, { load });
  const objectives = new Map<string, Objective>();
  return {
    ...syntax,
    facts: checked.value,
    diagnostics: [...syntax.syntaxErrors, ...checked.diagnostics],
    programs: checked.value.module.programs,
    objective(program, mode = "training") {
      const key = `${program.name} ${mode}`;
      let objective = objectives.get(key);
      if (!objective) objectives.set(key, (objective = deriveObjective(program, mode)));
      return objective;
    },
  };
}

