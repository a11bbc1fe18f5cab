import type { Kernel, Statement } from "./nodes.js";

export function blocksOf(statement: Statement): readonly (readonly Statement[])[] {
  return statement.kind === "for" ? [statement.body] : statement.kind === "if" ? [statement.then, statement.otherwise] : [];
}

/** Whether any statement in `body`, at any depth, passes `test`. */
export function has(body: readonly Statement[], test: (statement: Statement) => boolean): boolean {
  return body.some((statement) => test(statement) || blocksOf(statement).some((block) => has(block, test)));
}

/** Whether a kernel's groups use their memory by fours. */
export const usesFours = (body: Kernel["body"]): boolean => has(body, ({ kind }) => kind === "load-four" || kind === "store-four");
