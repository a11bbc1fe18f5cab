import type { Binding, DistributionCall, Expr, GuideSite, ModelProgram, Plate, Reference, Site } from "../../ir/model/model.js";
import { argumentsOf, exprsWithin, steppedReference, type SteppedReference } from "../../ir/model/walk.js";

/** A binding or a site as the steps of its loops compute it. */
export interface ChainVariable {
  /** `binding h`, `site z`. */
  readonly key: string;
  readonly name: string;
  readonly step: Binding | Site | GuideSite;
  /** The plates of its value: the last one has the positions of its starts. */
  readonly plates: readonly Plate[];
  /** The loops around its statement. */
  readonly loops: readonly Plate[];
  /** What a step reads. */
  readonly reads: readonly Expr[];
  /** What its starts read: within the loops around its own chain. */
  readonly startReads: readonly Expr[];
}

export interface Starts {
  readonly position: number;
  readonly value: Expr | DistributionCall;
}

/** Which site's value a program has to compute; others are given. */
export type IsUnknown = (site: string) => boolean;

export function variablesOf(program: ModelProgram, of: "model" | "guide", isUnknown: IsUnknown): readonly ChainVariable[] {
  return program[of].flatMap((step): ChainVariable[] => {
    if (step.kind !== "binding" && step.kind !== "site" && step.kind !== "guide-site") return [];
    const name = step.kind === "guide-site" ? step.site : step.name;
    if (step.kind !== "binding" && !isUnknown(name)) return [];
    const values = step.kind === "binding" ? [step.value] : argumentsOf(step.distribution);
    const starts = (step.sequence?.starts ?? []).flatMap(({ value }) => ("distribution" in value ? argumentsOf(value) : [value]));
    return [{ key: `${step.kind === "binding" ? "binding" : "site"} ${name}`, name, step, plates: step.plates, loops: loopsOf(step), reads: values, startReads: starts }];
  });
}

/** The loops around a statement: of a sequence the chain in place of the plate of all positions. */
export function loopsOf({ plates, sequence }: Pick<Binding | Site | GuideSite, "plates" | "sequence">): readonly Plate[] {
  return sequence ? [...plates.slice(0, -1), sequence.chain] : plates;
}

/** The variable that a reference means. */
export function keyOf(to: Reference): string {
  return `${to.kind === "binding" ? "binding" : "site"} ${"name" in to ? to.name : ""}`;
}

/** How many steps back a reference looks in each loop of its variable, as far as it says. */
export function lagsOf(variable: ChainVariable, { reference, steps }: SteppedReference): readonly number[] {
  if (!isWhole(reference.to)) return variable.loops.map(() => 0);
  return steps.slice(0, variable.plates.length).map(({ offset }, at) => {
    const ahead = offset + (variable.plates[at]!.from - 1);
    return variable.loops[at]!.chain === "down" ? ahead : -ahead;
  });
}

export function isWhole(to: Reference): boolean {
  return (to.kind === "site" || to.kind === "binding" ? to.whole : true) as boolean;
}

/** What the expressions of a step read of these variables: each stepped reference, with the variable. */
export function readsAmong(reads: readonly Expr[], variables: ReadonlyMap<string, ChainVariable>): readonly { readonly variable: ChainVariable; readonly read: SteppedReference }[] {
  const found: { variable: ChainVariable; read: SteppedReference }[] = [];
  const visit = (expr: Expr): void => {
    const read = steppedReference(expr);
    const variable = read && variables.get(keyOf(read.reference.to));
    if (read && variable) found.push({ variable, read });
  };
  for (const value of reads) {
    // A reference inside of its steps is met again on its own: only the outermost counts.
    const inner = new Set<Expr>();
    for (const expr of exprsWithin(value)) {
      if (!inner.has(expr)) visit(expr);
      if (expr.kind === "step" || isStart(expr, variables)) inner.add(expr.target);
    }
  }
  return found;
}

/** `z[1]` of a chain that begins there: its value needs no step. */
function isStart(expr: Expr, variables: ReadonlyMap<string, ChainVariable>): expr is Extract<Expr, { readonly kind: "position" }> {
  if (expr.kind !== "position" || expr.target.kind !== "reference") return false;
  const variable = variables.get(keyOf(expr.target.to));
  const [own, ...others] = variable?.plates ?? [];
  return own !== undefined && others.length === 0 && (variable!.step.sequence?.starts ?? []).some(({ position }) => position - own.from === expr.at);
}

/** What a variable reads within the first `depth` loops and one more: in the loops around its chain its starts are computed anew at each step. */
export function readsWithin({ reads, startReads, loops }: ChainVariable, depth: number): readonly Expr[] {
  return depth < loops.length - 1 ? [...reads, ...startReads] : reads;
}

/** Whether a read stands in the same steps of the first `depth` loops. */
export function isSameStep(variable: ChainVariable, read: SteppedReference, depth: number): boolean {
  return lagsOf(variable, read).slice(0, depth).every((lag) => lag === 0);
}

/**
 * The variables in an order in which each stands after those that it reads, those that read each other (through steps before) together as one group: strongly
 * connected components (Tarjan 1972). Reads of steps before, in one of the first `depth` loops, do not count.
 */
export function groupsOf(variables: readonly ChainVariable[], depth: number): readonly (readonly ChainVariable[])[] {
  const byKey = new Map(variables.map((variable) => [variable.key, variable]));
  const edges = new Map(variables.map((variable) => [
    variable, readsAmong(readsWithin(variable, depth), byKey).filter(({ variable: other, read }) => isSameStep(other, read, depth)).map(({ variable: other }) => other),
  ]));
  const index = new Map<ChainVariable, number>();
  const low = new Map<ChainVariable, number>();
  const open: ChainVariable[] = [];
  const groups: ChainVariable[][] = [];
  const visit = (variable: ChainVariable): void => {
    index.set(variable, index.size);
    low.set(variable, index.get(variable)!);
    open.push(variable);
    for (const other of edges.get(variable)!) {
      if (!index.has(other)) visit(other);
      if (open.includes(other)) low.set(variable, Math.min(low.get(variable)!, low.get(other)!));
    }
    if (low.get(variable) !== index.get(variable)) return;
    const group = open.splice(open.indexOf(variable));
    groups.push(variables.filter((each) => group.includes(each)));
  };
  for (const variable of variables) if (!index.has(variable)) visit(variable);
  return groups;
}

/** Whether the steps of a group read steps before, in a loop beyond the first `depth`. */
export function isRecurrent(group: readonly ChainVariable[], depth: number): boolean {
  const byKey = new Map(group.map((variable) => [variable.key, variable]));
  return group.length > 1 || readsAmong(group[0]!.reads, byKey).some(({ variable, read }) => isSameStep(variable, read, depth));
}
