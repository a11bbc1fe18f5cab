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

/** All that is known of one version of one file. What is asked for seldom is computed when it is first asked for. */
export interface Analysis {
  readonly source: SourceFile;
  readonly module: ast.Module;
  readonly names: NameTable;
  readonly facts: CheckedWithFacts;
  /** Of this file and of those that it imports. */
  readonly diagnostics: readonly Diagnostic[];
  /** Models without a mistake: a broken file has those that still make sense. */
  readonly programs: readonly ModelProgram[];
  /** What is maximized for a model. */
  objective(program: ModelProgram, mode?: Objective["mode"]): Objective;
}

/** Reads, names and checks a file. Never throws on what users write. */
export function analyze(source: SourceFile, load?: Load): Analysis {
  const parsed = parse(source);
  const checked = checkWithFacts(parsed.value, { load });
  const objectives = new Map<string, Objective>();
  return {
    source,
    module: parsed.value,
    names: nameTable(parsed.value),
    facts: checked.value,
    diagnostics: [...parsed.diagnostics, ...checked.diagnostics],
    programs: checked.value.module.programs,
    objective(program, mode = "training") {
      const key = `${program.name} ${mode}`;
      let objective = objectives.get(key);
      if (!objective) objectives.set(key, (objective = deriveObjective(program, mode)));
      return objective;
    },
  };
}

