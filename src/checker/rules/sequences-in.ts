import type * as ast from "../../parser/ast.js";
import { chainOf, type Definition } from "./statement-order.js";

/** A name that a chain defines step by step, with the statements that give its first values: `h[0] = zeros[64]`. */
export interface SequenceText {
  readonly chained: Definition;
  readonly starts: readonly Definition[];
  /** The chain itself. */
  readonly loop: ast.LoopStatement;
}

/** Names that are defined in a chain and, by statements outside of it, at some positions before. */
export function sequencesIn(definitions: readonly Definition[]): ReadonlyMap<string, SequenceText> {
  const found = new Map<string, SequenceText>();
  for (const chained of definitions) {
    const loop = chainOf(chained);
    if (!loop || found.has(chained.name)) continue;
    const around = chained.loops.slice(0, -1);
    const starts = definitions.filter((other) =>
      other.name === chained.name && other !== chained && other.statement.kind !== "local" && other.loops.length === around.length && around.every((each, at) => other.loops[at] === each)
      && other.statement.indices.length === chained.loops.length);
    if (starts.length > 0) found.set(chained.name, { chained, starts, loop });
  }
  return found;
}
