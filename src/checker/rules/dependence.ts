import { type Binding, type DistributionCall, type Expr, isDistributionCall, type Parameter, type Reference } from "../../ir/model/model.js";

/** Every reference in an expression, with where it stands. */
export function* referencesIn(value: Expr | DistributionCall): Generator<Expr & { readonly kind: "reference" }> {
  const stack: (Expr | DistributionCall)[] = [value];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if (isDistributionCall(next)) {
      stack.push(...Object.values(next.args));
      continue;
    }
    switch (next.kind) {
      case "reference":
        yield next;
        break;
      case "step":
      case "position":
      case "slice":
        stack.push(next.target);
        break;
      case "gather":
        stack.push(next.target, next.index);
        break;
      case "apply":
      case "layer":
      case "call":
        stack.push(...next.args);
        break;
      default:
        break;
    }
  }
}

/** What a value depends on, through bindings: the sites that it reads, and the first thing in it that differs from row to row. */
export interface Dependence {
  readonly sites: ReadonlySet<string>;
  /** Sites that are read with all steps of their plates at once. */
  readonly whole: ReadonlySet<string>;
  readonly rowwise?: { readonly reference: Reference; readonly words: string };
}

export interface DependenceFacts {
  readonly bindings: ReadonlyMap<string, Binding>;
  readonly scopeOf: (site: string) => "row" | "global";
  readonly parameters: ReadonlyMap<string, Parameter>;
}

/** Follows bindings to the columns, sites and parameters that a value reads. */
export function dependenceOf(value: Expr | DistributionCall, facts: DependenceFacts): Dependence {
  const sites = new Set<string>();
  const whole = new Set<string>();
  let rowwise: Dependence["rowwise"];
  const seen = new Set<string>();
  const stack: (Expr | DistributionCall)[] = [value];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    for (const { to } of referencesIn(next)) {
      if (to.kind === "site") {
        sites.add(to.name);
        if (to.whole) whole.add(to.name);
        if (facts.scopeOf(to.name) === "row") rowwise ??= { reference: to, words: `\`${to.name}\` is drawn afresh in each row` };
      } else if (to.kind === "column") {
        rowwise ??= { reference: to, words: `the column \`${to.name}\` differs from row to row` };
      } else if (to.kind === "parameter" && facts.parameters.get(to.name)?.perRow) {
        rowwise ??= { reference: to, words: "a `local` value differs from row to row" };
      } else if (to.kind === "binding" && !seen.has(to.name)) {
        seen.add(to.name);
        const binding = facts.bindings.get(to.name);
        if (binding) stack.push(binding.value, ...(binding.sequence?.starts ?? []).map((start) => start.value));
      }
    }
  }
  return { sites, whole, rowwise };
}
