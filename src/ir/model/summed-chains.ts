import type { Binding, DistributionCall, Expr, Plate, Site, Step } from "./model.js";
import { loopsAround, type LoopVariables, placeKey, type PlacedRead, type Position, readsOf } from "./positions.js";
import { argumentsOf } from "./walk.js";

/**
 * Loops whose steps are the same: those in which one density reads the variables of each other. They share one axis, whose positions are those of the variables.
 */
export interface PlateClass {
  readonly name: string;
  readonly from: number;
  readonly size: number;
  /** Densities read a variable at several of its steps at once. */
  readonly chain: boolean;
  readonly slots: readonly { readonly site: string; readonly at: number }[];
}

/** A latent that is summed out, with what is summed at one position of its chain. */
export interface SummedVariable {
  readonly site: Site;
  /** The classes of its plates. */
  readonly classes: readonly PlateClass[];
  /** How many positions back a density reads it: 0 for one whose steps nothing couples. */
  readonly depth: number;
}

export type StepRead = Omit<PlacedRead, "at"> & { readonly at: readonly Position[] };

/** The density of a site, of its steps or of one of its starts. */
export interface SummedFactor {
  readonly site: Site;
  readonly call: DistributionCall;
  /** Position of a start. */
  readonly start?: number;
  readonly loops: readonly Plate[];
  /** Itself included, where it is summed. */
  readonly reads: readonly StepRead[];
  /** Where it stands in each class: at `shift` beyond the loop variable of `plate`, or at the position `shift`. */
  readonly places: readonly { readonly class: PlateClass; readonly plate?: Plate; readonly shift: number }[];
  /** How far back each read is, by `placeKey`. */
  readonly lags: ReadonlyMap<string, number>;
}

export interface SummedLayout {
  readonly variables: readonly SummedVariable[];
  readonly factors: readonly SummedFactor[];
  readonly classes: readonly PlateClass[];
  /** The class whose positions are eliminated one after the other, if any. */
  readonly chain?: PlateClass;
  /** Downwards where a chain goes down: only with rows of their own lengths it matters. */
  readonly direction: "up" | "down";
}

/** Why latents cannot be summed out step by step. */
export interface LayoutProblem {
  readonly kind: "whole" | "two-loops" | "mixed" | "two-chains";
  readonly site: string;
  readonly factor: string;
  readonly expr?: Expr;
}

export function loopVariables(steps: readonly Step[]): LoopVariables {
  return {
    sites: new Map(steps.flatMap((step) => (step.kind === "site" ? [[step.name, step] as const] : []))),
    bindings: new Map(steps.flatMap((step) => (step.kind === "binding" ? [[step.name, step as Binding] as const] : []))),
  };
}

/** Sites of loops whose steps some density reads other than at its own step of the same loop. */
export function placedSites(steps: readonly Step[], summed: ReadonlySet<string>): ReadonlySet<string> {
  const variables = loopVariables(steps);
  const placed = new Set<string>();
  for (const site of variables.sites.values() as Iterable<Site>) {
    if (summed.has(site.name) && site.sequence) placed.add(site.name);
    const exprs = [site.distribution, ...(site.sequence?.starts ?? []).map(({ value }) => value)].flatMap(argumentsOf);
    for (const read of readsOf(exprs, variables, (name) => summed.has(name))) {
      const { plates } = variables.sites.get(read.site)!;
      const own = read.at !== "whole" && read.at.every(({ plate, offset }, at) => plate?.name === plates[at]!.name && offset === 0);
      if (plates.length > 0 && !own) placed.add(read.site);
    }
  }
  return placed;
}

/** Summed latents that share densities, and the sites of those densities, in the model's order. */
export function summedComponents(steps: readonly Step[], summed: ReadonlySet<string>): readonly { readonly sites: readonly string[]; readonly factors: readonly string[] }[] {
  const variables = loopVariables(steps);
  const touched = [...(variables.sites.values() as Iterable<Site>)].map((site) => {
    const exprs = [site.distribution, ...(site.sequence?.starts ?? []).map(({ value }) => value)].flatMap(argumentsOf);
    return { name: site.name, reads: new Set([...(summed.has(site.name) ? [site.name] : []), ...readsOf(exprs, variables, (name) => summed.has(name)).map((read) => read.site)]) };
  });
  let groups: { sites: Set<string>; factors: string[] }[] = [];
  for (const { name, reads } of touched) {
    if (reads.size === 0) continue;
    const joining = groups.filter((group) => [...reads].some((read) => group.sites.has(read)));
    groups = groups.filter((group) => !joining.includes(group));
    groups.push({ sites: new Set([...joining.flatMap(({ sites }) => [...sites]), ...reads]), factors: [...joining.flatMap(({ factors }) => factors), name] });
  }
  const order = touched.map(({ name }) => name);
  return groups.map(({ sites, factors }) => ({ sites: order.filter((name) => sites.has(name)), factors: order.filter((name) => factors.includes(name)) }));
}

/** How the placed latents of one sum lie along their loops; `factors` are the sites whose densities read them. */
export function layoutOf(steps: readonly Step[], placed: ReadonlySet<string>, factors: readonly string[]): SummedLayout | LayoutProblem {
  const variables = loopVariables(steps);
  const sites = variables.sites as ReadonlyMap<string, Site>;
  const parts = factors.flatMap((name) => partsOf(sites.get(name)!, variables, placed));
  for (const { site, reads } of parts) {
    const whole = reads.find(({ at }) => at === "whole");
    if (whole) return { kind: "whole", site: whole.site, factor: site.name, expr: whole.expr };
  }
  const known = parts as readonly Omit<SummedFactor, "places" | "lags">[];
  const members = factors.filter((name) => placed.has(name)).map((name) => sites.get(name)!);
  const groups = slotGroups(members, known);
  const shifts = new Map<string, { readonly low: number; readonly high: number }>();

  // Where each density stands in each class, and which classes are chains.
  const chains = new Set<number>();
  const direction = members.some(({ plates, sequence }) => (sequence?.chain ?? plates.at(-1))?.chain === "down") ? "down" : "up";
  for (const [index, part] of known.entries()) {
    const spans = new Map<number, { plate?: Plate | undefined; offsets: number[]; expr: Expr; site: string }>();
    for (const { site, at, expr } of part.reads) {
      for (const [slot, { plate, offset }] of at.entries()) {
        const group = groups.of(site, slot);
        const span = spans.get(group);
        if (!span) spans.set(group, { plate, offsets: [offset], expr, site });
        else if ((span.plate === undefined) !== (plate === undefined)) return { kind: "mixed", site, factor: part.site.name, expr };
        else if (span.plate?.name !== plate?.name) return { kind: "two-loops", site, factor: part.site.name, expr };
        else span.offsets.push(offset);
      }
    }
    for (const [group, { offsets }] of spans) {
      const [low, high] = [Math.min(...offsets), Math.max(...offsets)];
      shifts.set(`${index} ${group}`, { low, high });
      if (low < high) chains.add(group);
    }
  }
  if (chains.size > 1) {
    const second = [...chains][1]!;
    const member = members.find(({ plates, name }) => plates.some((_, at) => groups.of(name, at) === second))!;
    return { kind: "two-chains", site: member.name, factor: member.name };
  }

  const classes = groups.all.map((slots, group): PlateClass => {
    const plates = slots.map(({ site, at }) => sites.get(site)!.plates[at]!);
    const from = Math.min(...plates.map((plate) => plate.from));
    const size = Math.max(...plates.map((plate) => plate.from + plate.size)) - from;
    const same = plates.find((plate) => plate.from === from && plate.size === size);
    return { name: same?.name ?? `${plates[0]!.name} all`, from, size, chain: chains.has(group), slots };
  });
  const chain = classes.find((each) => each.chain);
  const placedParts = known.map((part, index): SummedFactor => {
    const places = classes.flatMap((each, group): SummedFactor["places"] => {
      const shift = shifts.get(`${index} ${group}`);
      if (!shift) return [];
      const plate = part.reads.flatMap(({ site, at }) => at.filter((_, slot) => groups.of(site, slot) === group))[0]?.plate;
      return [{ class: each, ...(plate ? { plate } : {}), shift: direction === "down" ? shift.low : shift.high }];
    });
    const lags = new Map(part.reads.map(({ site, at }) => {
      const slot = at.findIndex((_, slot) => chain !== undefined && classes[groups.of(site, slot)] === chain);
      const here = places.find((place) => place.class === chain);
      return [placeKey(site, at), slot < 0 || !here ? 0 : Math.abs(here.shift - at[slot]!.offset)];
    }));
    return { ...part, places, lags };
  });
  const depthOf = (name: string): number => Math.max(0, ...placedParts.flatMap(({ reads, lags }) => reads.filter(({ site }) => site === name).map(({ site, at }) => lags.get(placeKey(site, at))!)));
  return {
    variables: members.map((site) => ({ site, classes: site.plates.map((_, at) => classes[groups.of(site.name, at)]!), depth: depthOf(site.name) })),
    factors: placedParts, classes, ...(chain ? { chain } : {}), direction,
  };
}

export function isProblem(layout: SummedLayout | LayoutProblem): layout is LayoutProblem {
  return "kind" in layout;
}

/** The densities of a site that read placed latents, or are theirs. */
function partsOf(site: Site, variables: LoopVariables, placed: ReadonlySet<string>): readonly (Omit<SummedFactor, "places" | "lags" | "reads"> & { readonly reads: readonly PlacedRead[] })[] {
  const reads = (call: DistributionCall): readonly PlacedRead[] => readsOf(argumentsOf(call), variables, (name) => placed.has(name));
  const loops = loopsAround(site);
  const own = (at: readonly Position[]): readonly PlacedRead[] => (placed.has(site.name) ? [{ site: site.name, at, expr: { kind: "reference", to: { kind: "site", name: site.name, whole: false }, type: site.type, origin: site.origin } }] : []);
  const outer = loops.slice(0, -1).map((plate): Position => ({ plate, offset: 0 }));
  const steps = { site, call: site.distribution, loops, reads: [...own(loops.map((plate) => ({ plate, offset: 0 }))), ...reads(site.distribution)] };
  const starts = (site.sequence?.starts ?? []).map(({ position, value }) => ({ site, call: value, start: position, loops: loops.slice(0, -1), reads: [...own([...outer, { offset: position }]), ...reads(value)] }));
  return [...starts, steps];
}

/** Union–find over the plates of variables: those that one loop of one density reads belong together. */
function slotGroups(members: readonly Site[], parts: readonly { readonly reads: SummedFactor["reads"] }[]): { readonly all: readonly PlateClass["slots"][]; readonly of: (site: string, at: number) => number } {
  const parent = new Map<string, string>();
  const rootOf = (key: string): string => {
    const up = parent.get(key) ?? key;
    return up === key ? key : rootOf(up);
  };
  const slotKey = (site: string, at: number): string => `slot ${site} ${at}`;
  const join = (left: string, right: string): void => void parent.set(rootOf(left), rootOf(right));
  for (const { reads } of parts) for (const { site, at } of reads) for (const [slot, { plate }] of at.entries()) if (plate) join(slotKey(site, slot), `plate ${plate.name}`);
  // Variables of fixed positions in one density lie along one axis, as far as both have it last.
  for (const { reads } of parts) {
    const fixed = reads.filter(({ at }) => at.length > 0 && at.at(-1)!.plate === undefined);
    for (const { site, at } of fixed.slice(1)) join(slotKey(site, at.length - 1), slotKey(fixed[0]!.site, fixed[0]!.at.length - 1));
  }
  const all = new Map<string, { site: string; at: number }[]>();
  for (const { name, plates } of members) for (const at of plates.keys()) {
    const root = rootOf(slotKey(name, at));
    all.set(root, [...(all.get(root) ?? []), { site: name, at }]);
  }
  const roots = [...all.keys()];
  return { all: [...all.values()], of: (site, at) => roots.indexOf(rootOf(slotKey(site, at))) };
}

/** The largest table of one step: its variables with their lags, and how many entries it has; `values` of a variable at one position. */
export interface StepTable {
  readonly powers: readonly { readonly site: string; readonly values: number; readonly power: number }[];
  readonly log10: number;
}

/** What eliminating the oldest positions of a chain costs at a step, the smallest table first. */
export function stepTable(layout: SummedLayout, valuesOf: (site: Site) => number): StepTable {
  const chained = layout.variables.filter(({ depth }) => depth > 0);
  const size = new Map(layout.variables.map(({ site }) => [site.name, Math.log10(valuesOf(site))]));
  const siteOf = (axis: string): string => axis.slice(0, axis.lastIndexOf("@"));
  const cost = (axes: Iterable<string>): number => [...axes].reduce((total, axis) => total + size.get(siteOf(axis))!, 0);
  let pool = layout.factors.map(({ reads, lags }) => new Set(reads.map(({ site, at }) => `${site}@${lags.get(placeKey(site, at))}`)));
  pool.push(new Set(chained.flatMap(({ site, depth }) => Array.from({ length: depth }, (_, back) => `${site.name}@${back + 1}`))));
  const pending = new Set([...layout.variables.filter(({ depth }) => depth === 0), ...chained].map(({ site, depth }) => `${site.name}@${depth}`));
  let largest: readonly string[] = [];
  const around = (axis: string): Set<string> => new Set([axis, ...pool.filter((each) => each.has(axis)).flatMap((each) => [...each])]);
  while (pending.size > 0) {
    const local = [...pending].filter((axis) => axis.endsWith("@0"));
    const next = (local.length > 0 ? local : [...pending]).reduce((best, axis) => (cost(around(axis)) < cost(around(best)) ? axis : best));
    const joint = around(next);
    if (cost(joint) > cost(largest)) largest = [...joint];
    pending.delete(next);
    pool = pool.filter((each) => !each.has(next));
    joint.delete(next);
    pool.push(joint);
  }
  const rest = new Set(pool.flatMap((each) => [...each]));
  if (chained.length > 0 && cost(rest) > cost(largest)) largest = [...rest];
  const powers = layout.variables.flatMap(({ site }) => {
    const power = largest.filter((axis) => siteOf(axis) === site.name).length;
    return power === 0 ? [] : [{ site: site.name, values: valuesOf(site), power }];
  });
  return { powers, log10: cost(largest) };
}

/** How many positions the state of a Gaussian chain has of each variable: as many as its own steps look back, and as many as one reader reads at once. */
export function windowsOf(layout: SummedLayout): ReadonlyMap<string, number> {
  const own = new Set(layout.variables.map(({ site }) => site.name));
  return new Map([...own].map((name) => {
    const lags = layout.factors.flatMap(({ site, reads, lags: all }) => reads.filter((read) => read.site === name).map((read) => all.get(placeKey(read.site, read.at))! + (own.has(site.name) ? 0 : 1)));
    return [name, Math.max(1, ...lags)];
  }));
}
