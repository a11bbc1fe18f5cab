import type { Statement } from "../../ir/kernel/nodes.js";

/**
 * A kernel whose body is written when it is first asked for. The planner runs templates twice and of the first run wants to know no more than
 * groups and memory; the bodies of products and convolutions are most of the work.
 */
export function withBody<Facts extends object>(facts: Facts, write: () => readonly Statement[]): Facts & { readonly body: readonly Statement[] } {
  let body: readonly Statement[] | undefined;
  return {
    ...facts,
    get body() {
      return (body ??= write());
    },
  };
}
