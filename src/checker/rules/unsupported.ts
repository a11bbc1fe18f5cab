import type * as ast from "../../parser/ast.js";
import type { Span } from "../../diagnostics/span.js";
import type { Site } from "../../ir/model/model.js";
import { isDiscrete } from "../../types/support.js";
import type { Context } from "../context.js";
import { expressionsWithin } from "./expressions-within.js";

/** One message about a construct that the language has and this version cannot train yet. */
export function reportUnsupported(context: Context, what: string, span: Span, help: string): void {
  context.error({
    code: "LVM4090",
    message: `${what} not supported by this version`,
    span,
    label: "read and formatted, but not trained yet",
    help,
  });
}

/** Whether the right side of a `~` is one of the distributions that arrive later (nearest codes, flows), or a step of the guide where there is no diffusion. Reports it. */
export function isUnsupportedDistribution(context: Context, statement: ast.SampleStatement): boolean {
  if (statement.autoregressive) {
    reportUnsupported(context, "`autoregressive` is", statement.distribution.span, "write the elements as sites of their own, each given those before it");
    return true;
  }
  for (const part of expressionsWithin(statement.distribution)) {
    if (part.kind !== "call" || part.callee.kind !== "name") continue;
    if (part.callee.name === "guide") {
      context.error({ code: "LVM4060", message: "`guide(… | …)` is a step of a diffusion", span: part.span, label: "this model has no datum at step 0", help: "declare the datum as `x[0]`, the end of a chain that the guide begins there; or write the distribution of the step itself" });
      return true;
    }
    if (part.callee.name === "Nearest") {
      reportUnsupported(context, "`Nearest` is", part.span, "draw the code from a Categorical: `k ~ Categorical(logits = encoder(x))`");
      return true;
    }
  }
  if (statement.distribution.kind === "pipe" && startsWithDistribution(statement.distribution)) {
    reportUnsupported(context, "a distribution piped through layers (a flow) is", statement.distribution.span, "write a distribution without `|>`");
    return true;
  }
  return false;
}

/** Whether a partly observed column is a discrete array: its missing entries would have to be summed one by one. Reports it. */
export function isUnsupportedMissing(context: Context, site: Pick<Site, "name" | "partlyObserved" | "type" | "plates">, span: Span): boolean {
  if (!site.partlyObserved || !isDiscrete(site.type.support) || (site.type.shape.length === 0 && site.plates.length === 0)) return false;
  reportUnsupported(context, `a discrete array that is missing in some rows (\`${site.name}\`) is`, span, "give each of its entries a column of its own, or leave such rows out and remove the `?`");
  return true;
}

function startsWithDistribution(expression: ast.PipeExpression): boolean {
  let first: ast.Expression = expression;
  while (first.kind === "pipe") first = first.value;
  return first.kind === "call" && first.callee.kind === "name" && /^[A-Z]/.test(first.callee.name);
}
