import { internalErrors } from "./catalog/internal.js";
import { syntaxErrors } from "./catalog/syntax.js";
import { nameErrors } from "./catalog/names.js";
import { typeErrors } from "./catalog/types.js";
import { structureErrors } from "./catalog/structure.js";
import { objectiveErrors } from "./catalog/objective.js";
import { codegenErrors } from "./catalog/codegen.js";
import { runtimeErrors } from "./catalog/runtime.js";

/**
 * Every code that lvmc can print, with what `lvmc explain CODE` says. Codes are stable: one that is no longer used stays reserved.
 * 1xxx syntax, 2xxx names, 3xxx types, shapes and supports, 4xxx model and guide structure, 5xxx objective, 6xxx code generation,
 * 7xxx run time (data, training, files), 9xxx internal.
 */
export const catalog = {
  ...syntaxErrors,
  ...nameErrors,
  ...typeErrors,
  ...structureErrors,
  ...objectiveErrors,
  ...codegenErrors,
  ...runtimeErrors,
  ...internalErrors,
} as const satisfies Record<`LVM${number}`, CatalogEntry>;

export type DiagnosticCode = keyof typeof catalog;

export interface CatalogEntry {
  /** The message's first line: `shape mismatch`. */
  readonly title: string;
  /** A paragraph or two in Markdown: why it is a mistake and how it is mended, with a small example. */
  readonly explanation: string;
}
