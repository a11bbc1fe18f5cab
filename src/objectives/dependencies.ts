import type { AutoGroup, Binding, DistributionCall, Expr, GuideSite, GuideStep, Marginalized, ModelProgram, Reference, Site, Step } from "../ir/model/model.js";
import { isDistributionCall } from "../ir/model/model.js";
import { InternalError } from "../util/internal-error.js";

/** What a density or a binding reads, through bindings and network calls. */
export interface Reads {
  /** Latent sites whose draws it depends on. */
  readonly latents: ReadonlySet<string>;
  /** Columns of the data: inputs and observed sites. */
  readonly columns: ReadonlySet<string>;
  /** The latent sites among them that are read with all steps of their plates at once, so that the steps are coupled. */
  readonly coupled: ReadonlySet<string>;
}

export type GuideEntry = GuideSite | AutoGroup | Marginalized;

/** The factor graph of a program: which draws each site's density depends on, in the model and in the guide. */
export interface FactorGraph {
  /** Sites of the model, in order. */
  readonly sites: readonly Site[];
  /** Latent sites in the guide's order (then any that the guide does not name). A partly observed site with a guide entry is one. */
  readonly latents: readonly string[];
  site(name: string): Site;
  isLatent(name: string): boolean;
  isMarginalized(name: string): boolean;
  entryOf(name: string): GuideEntry | undefined;
  /** What log p(site | …) reads beside the site itself. */
  modelReads(site: string): Reads;
  /** What log q(site | …) reads beside the site itself. */
  guideReads(site: string): Reads;
  /** What these distributions of the model or of the guide read. */
  readsOf(side: "model" | "guide", calls: readonly DistributionCall[]): Reads;
  /**
   * The latents that are drawn when these are drawn: themselves and their ancestors in the guide, in the guide's order, without
   * marginalized sites. An expectation of anything that reads `names` stands under the guide of exactly these.
   */
  drawnWith(names: Iterable<string>): readonly string[];
}

export function buildFactorGraph(program: ModelProgram): FactorGraph {
  const sites = program.model.filter((step): step is Site => step.kind === "site");
  const siteByName = new Map(sites.map((site) => [site.name, site]));
  const entryBySite = new Map<string, GuideEntry>();
  for (const step of program.guide) for (const name of sitesOfStep(step)) if (step.kind !== "binding") entryBySite.set(name, step);

  const isLatent = (name: string): boolean => {
    const site = siteByName.get(name);
    return site !== undefined && (site.role === "latent" || (site.partlyObserved && entryBySite.has(name)));
  };
  const latents = [...entryBySite.keys()].filter(isLatent);
  for (const site of sites) if (isLatent(site.name) && !entryBySite.has(site.name)) latents.push(site.name);

  const reader = (steps: readonly (Step | GuideStep)[]) => {
    const bindings = new Map<string, Binding>();
    for (const step of steps) if (step.kind === "binding") bindings.set(step.name, step);
    const known = new Map<string, Reads>([...bindings.keys()].map((name) => [name, nothing]));
    const readBinding = (name: string): Reads => {
      const reads = known.get(name);
      if (!reads) throw new InternalError(`unknown binding ${name}`);
      return reads;
    };
    const readExpr = (expr: Expr, into: MutableReads): void => {
      switch (expr.kind) {
        case "reference":
          if (expr.to.kind === "binding") {
            const inner = readBinding(expr.to.name);
            for (const name of inner.latents) into.latents.add(name);
            for (const name of inner.columns) into.columns.add(name);
            for (const name of expr.to.whole ? inner.latents : inner.coupled) into.coupled.add(name);
          } else if (expr.to.kind === "site" || expr.to.kind === "column") {
            if (isLatent(expr.to.name)) {
              into.latents.add(expr.to.name);
              if (expr.to.kind === "site" && expr.to.whole) into.coupled.add(expr.to.name);
            } else into.columns.add(expr.to.name);
          }
          return;
        case "step": {
          // `z[t]` at its own step does not couple the steps of the plate; `z[t - 1]` does.
          const target = collect((inner) => readExpr(expr.target, inner));
          for (const name of target.latents) into.latents.add(name);
          for (const name of target.columns) into.columns.add(name);
          const offset = expr.target.kind === "reference" ? expr.offset + (firstPosition(expr.target.to) - 1) : expr.offset;
          const own = offset === 0 && expr.target.kind === "reference";
          for (const name of offset !== 0 ? target.latents : own ? [] : target.coupled) into.coupled.add(name);
          return;
        }
        case "position":
        case "slice":
          return readExpr(expr.target, into);
        case "gather":
          readExpr(expr.target, into);
          return readExpr(expr.index, into);
        case "apply":
        case "layer":
        case "call":
          for (const arg of expr.args) readExpr(arg, into);
          return;
        case "number":
        case "constant":
        case "loop-variable":
          return;
      }
    };
    /** What an array that is read whole counts from: its plate's first position. */
    const firstPosition = (to: Reference): number => {
      const plates = to.kind === "site" ? siteByName.get(to.name)?.plates : to.kind === "binding" ? bindings.get(to.name)?.plates : undefined;
      return plates?.[0]?.from ?? 1;
    };
    // States of a chain read each other: what they read grows until it is all there.
    for (let size = -1, next = 0; size !== next; ) {
      size = next;
      next = 0;
      for (const { name, value, sequence } of bindings.values()) {
        const reads = collect((into) => [value, ...(sequence?.starts ?? []).map((start) => start.value)].forEach((expr) => readExpr(expr, into)));
        known.set(name, reads);
        next += reads.latents.size + reads.columns.size + reads.coupled.size;
      }
    }
    return (calls: readonly DistributionCall[]): Reads =>
      collect((into) => {
        const walk = (inner: DistributionCall): void => {
          for (const arg of Object.values(inner.args)) if (isDistributionCall(arg)) walk(arg); else readExpr(arg, into);
        };
        calls.forEach(walk);
      });
  };

  const readModel = reader(program.model);
  const readGuide = reader(program.guide);
  const modelReads = new Map(sites.map((site) => [site.name, readModel(callsOf(site))]));
  const guideReads = new Map<string, Reads>();
  for (const [name, entry] of entryBySite) guideReads.set(name, entry.kind === "guide-site" ? readGuide(callsOf(entry)) : nothing);

  const isMarginalized = (name: string): boolean => entryBySite.get(name)?.kind === "marginalized";
  return {
    sites,
    latents,
    site(name) {
      const site = siteByName.get(name);
      if (!site) throw new InternalError(`unknown site ${name}`);
      return site;
    },
    isLatent,
    isMarginalized,
    entryOf: (name) => entryBySite.get(name),
    modelReads: (name) => modelReads.get(name) ?? nothing,
    guideReads: (name) => guideReads.get(name) ?? nothing,
    readsOf: (side, calls) => (side === "model" ? readModel : readGuide)(calls),
    drawnWith(names) {
      const found = new Set<string>();
      const visit = (name: string): void => {
        if (found.has(name)) return;
        found.add(name);
        for (const parent of guideReads.get(name)?.latents ?? []) visit(parent);
      };
      for (const name of names) visit(name);
      return latents.filter((name) => found.has(name) && !isMarginalized(name));
    },
  };
}

/** The distributions of a site: its steps' and its starts'. */
function callsOf({ distribution, sequence }: Pick<Site, "distribution" | "sequence">): readonly DistributionCall[] {
  return [distribution, ...(sequence?.starts ?? []).map(({ value }) => value)];
}

/** The sites that a step of the guide speaks of. */
export function sitesOfStep(step: GuideStep): readonly string[] {
  if (step.kind === "binding") return [];
  return step.kind === "auto" ? step.sites.map((entry) => entry.site) : [step.site];
}

interface MutableReads {
  readonly latents: Set<string>;
  readonly columns: Set<string>;
  readonly coupled: Set<string>;
}

const nothing: Reads = { latents: new Set(), columns: new Set(), coupled: new Set() };

function collect(read: (into: MutableReads) => void): Reads {
  const into: MutableReads = { latents: new Set(), columns: new Set(), coupled: new Set() };
  read(into);
  return into;
}
