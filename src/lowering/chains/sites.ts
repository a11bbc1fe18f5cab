import type { DistributionCall, GuideSite, Plate, Site } from "../../ir/model/model.js";
import { InternalError } from "../../util/internal-error.js";
import type { ChainRunner, LoweringContext } from "../context.js";
import type { LoweredDistribution } from "../lowered-distribution.js";
import type { Value } from "../value.js";
import { recurrentGroup } from "./bindings.js";
import { type ChainJob, type ChainValue, lowerLoop, lowerPlain } from "./loop.js";
import type { Start } from "./sequence.js";
import { type ChainVariable, isRecurrent, loopsOf, variablesOf } from "./variables.js";

export type DrawnSite = Site | GuideSite;

export interface SiteDraws {
  /** Draws a site from one of its distributions; `plates` are those around it; `position`: of a start. */
  readonly draw: (inside: LoweringContext, step: DrawnSite, call: DistributionCall, plates: readonly Plate[], position?: number) => { readonly value: Value; readonly distribution: LoweredDistribution };
  readonly zeros?: ChainJob["zeros"];
}

interface Drawn {
  readonly value: Value;
  readonly distribution: LoweredDistribution;
}

/** A job that draws sites as well as it computes bindings. */
export interface SiteJob extends ChainJob {
  /** The draws before the first step, one after the other: a later one may read an earlier one. Once for each context. */
  readonly drawnStarts: (context: LoweringContext, variable: ChainVariable, most?: number) => readonly Start<Drawn>[];
}

export function siteJob(bindings: ChainJob, { draw, zeros }: SiteDraws): SiteJob {
  const drawn = new WeakMap<LoweringContext, Map<string, Start<Drawn>[]>>();
  const drawnStarts: SiteJob["drawnStarts"] = (inside, variable, most) => {
    const step = siteOf(variable.step);
    const known = drawn.get(inside) ?? new Map<string, Start<Drawn>[]>();
    drawn.set(inside, known);
    const made = known.get(variable.key) ?? [];
    known.set(variable.key, made);
    const starts = step.sequence?.starts ?? [];
    for (const { position, value, origin } of starts.slice(made.length, most)) {
      const one = inside.b.at(origin, () => draw(inside, step, value, step.plates.slice(0, -1), position));
      made.push({ position, value: one });
    }
    return made;
  };
  return {
    step: (inside, variable): ChainValue => (variable.step.kind === "binding" ? bindings.step(inside, variable) : inside.b.at(variable.step.origin, () => draw(inside, siteOf(variable.step), siteOf(variable.step).distribution, loopsOf(variable.step)))),
    starts: (inside, variable) => (variable.step.kind === "binding" ? bindings.starts(inside, variable) : drawnStarts(inside, variable)),
    zeros: (inside, variable) => zeros?.(inside, variable),
    drawnStarts,
  };
}

function siteOf(step: ChainVariable["step"]): DrawnSite {
  if (step.kind === "binding") throw new InternalError(`${step.name} is no site`);
  return step;
}

/** What runs the chains of a guide, or of a model in ancestral sampling. `finish` gets each site with its draws and its distribution at all positions. */
export function chainRunner(context: LoweringContext, of: "model" | "guide", isUnknown: ChainRunner["isUnknown"], job: SiteJob, finish: (step: DrawnSite, value: Value, distribution: LoweredDistribution) => void): ChainRunner {
  const variables = new Map(variablesOf(context.program, of, isUnknown).map((variable) => [variable.key, variable]));
  const run = (key: string): boolean => {
    const variable = variables.get(key);
    const group = recurrentGroup(context, of, key) ?? (variable?.step.sequence ? [variable] : undefined);
    if (!group || !variable) return false;
    const made = [...(isRecurrent(group, 0) ? lowerLoop(context, job, group) : new Map([[variable, lowerPlain(context, job, variable)]]))];
    for (const [{ step, name }, { value }] of made) if (step.kind === "binding") context.bind(of, name, value);
    for (const [{ step }, { value, distribution }] of made) if (step.kind !== "binding" && distribution) finish(step, value, distribution);
    return true;
  };
  const start = (key: string, at: number): Value | undefined => {
    const variable = variables.get(key);
    const starts = variable?.plates.length === 1 ? (variable.step.sequence?.starts ?? []) : [];
    const which = starts.findIndex(({ position }) => position - variable!.plates[0]!.from === at);
    return which < 0 ? undefined : job.drawnStarts(context, variable!, which + 1)[which]!.value.value;
  };
  return { isUnknown, run, start };
}
