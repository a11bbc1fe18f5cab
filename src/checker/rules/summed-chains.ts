import type { Span } from "../../diagnostics/span.js";
import type { Expr, Network, Site } from "../../ir/model/model.js";
import { placeKey } from "../../ir/model/positions.js";
import { isProblem, layoutOf, type LayoutProblem, placedSites, stepTable, type SummedLayout, summedComponents } from "../../ir/model/summed-chains.js";
import { cardinality } from "../../types/support.js";
import { elementCount } from "../../types/type.js";
import type { Context } from "../context.js";
import type { CheckedModel, ModelSite } from "../model.js";
import { largestEnumeration, printStates } from "./enumeration-size.js";
import { checkLinearGaussian } from "./linear-gaussian.js";

type Entries = ReadonlyMap<string, { readonly span: Span }>;

/** Latents whose steps are summed out one after the other: that they can be, and what it costs. */
export function checkSummedChains(context: Context, model: CheckedModel, summed: readonly ModelSite[], entries: Entries): void {
  if (!model.sound || context.diagnostics.some(({ severity }) => severity === "error")) return;
  const names = new Set(summed.map(({ name }) => name));
  const placed = placedSites(model.steps, names);
  for (const { sites, factors } of summedComponents(model.steps, names)) {
    const own = sites.filter((name) => placed.has(name));
    const continuous = sites.filter((name) => isContinuous(model, name));
    const discrete = sites.find((name) => !continuous.includes(name));
    if (continuous[0] !== undefined && discrete !== undefined) {
      reportSwitching(context, model, continuous[0], discrete, entries);
      continue;
    }
    if (own.length === 0) continue;
    const layout = layoutOf(model.steps, new Set(own), factors);
    if (isProblem(layout)) reportProblem(context, model, layout, entries);
    else if (continuous.length > 0) checkLinearGaussian(context, model, layout, entries, networkOf(context));
    else if (!looksBackTwiceFromEnds(context, model, layout, entries)) checkTable(context, model, layout, entries);
  }
}

function isContinuous(model: CheckedModel, name: string): boolean {
  return model.sites.get(name)?.type.support.kind === "real";
}

const networkOf = (context: Context) => (name: string): Network | undefined => context.networks.get(name)?.network;

function declared(model: CheckedModel, name: string): Span {
  return model.latents.get(name)?.name.span ?? model.sites.get(name)!.origin;
}

function reportSwitching(context: Context, model: CheckedModel, continuous: string, discrete: string, entries: Entries): void {
  context.error({
    code: "LVM5026",
    message: `\`${continuous}\` and \`${discrete}\` cannot both be summed out`,
    span: entries.get(continuous)?.span ?? declared(model, continuous),
    label: `the posterior would be a mixture of as many Gaussians as \`${discrete}\` has paths`,
    related: [{ span: declared(model, discrete), text: "summed out too, and one density reads both" }],
    help: `draw one of them in the guide: \`${continuous} ~ Normal(…)\``,
  });
}

const reasons: Readonly<Record<LayoutProblem["kind"], (name: string) => string>> = {
  whole: () => "reads all of its steps at once",
  "two-loops": () => "reads its steps in two loops at once",
  mixed: () => "reads a fixed step of it beside those of a loop",
  "two-chains": () => "looks back in two loops",
};

function reportProblem(context: Context, model: CheckedModel, { kind, site, factor, expr }: LayoutProblem, entries: Entries): void {
  const continuous = isContinuous(model, site);
  context.error({
    code: "LVM5026",
    message: `\`${site}\` cannot be summed out step by step`,
    span: expr?.origin ?? declared(model, site),
    label: `the density of \`${factor}\` ${reasons[kind](site)}`,
    related: [{ span: entries.get(site)?.span ?? declared(model, site), text: entries.has(site) && entries.get(site)!.span !== model.sites.get(site)?.origin ? "summed out here" : "drawn here, and summed out as the guide does not draw it" }],
    notes: ["a sum over a chain goes from step to step: a density may read a few steps that lie at fixed distances"],
    help: continuous ? `draw it in the guide: \`${site} ~ Normal(…)\`` : `draw it in the guide: \`${site} ~ … by score(baseline = leave_one_out)\``,
  });
}

/** A chain that goes down from the end of a row of its own length begins with as many steps as it looks back: more than one of them is not supported. */
function looksBackTwiceFromEnds(context: Context, model: CheckedModel, { variables, direction }: SummedLayout, entries: Entries): boolean {
  const found = direction === "down" ? variables.find(({ site, depth }) => depth > 1 && (site.sequence?.chain ?? site.plates.at(-1))?.length !== undefined) : undefined;
  if (!found) return false;
  const { name } = found.site;
  context.error({
    code: "LVM5026",
    message: `\`${name}\` cannot be summed out step by step`,
    span: entries.get(name)?.span ?? declared(model, name),
    label: `goes down, looks back ${found.depth} steps, and begins where its row ends`,
    help: `let it look back one step, or draw it in the guide: \`${name} ~ … by score(baseline = leave_one_out)\``,
  });
  return true;
}

/** K^(D+1) for a chain of K labels that looks back D steps; of several chains that share densities, the product of what one table holds. */
function checkTable(context: Context, model: CheckedModel, layout: SummedLayout, entries: Entries): void {
  const { powers, log10 } = stepTable(layout, ({ type }: Site) => cardinality(type.support)! ** elementCount(type));
  if (log10 <= Math.log10(largestEnumeration) + 1e-9) return;
  const text = powers.map(({ values, power }) => (power === 1 ? String(values) : `${values}^${power}`)).join(" × ");
  const names = powers.map(({ site }) => site);
  const [first] = names;
  if (first === undefined) return;
  const far = layout.factors.flatMap(({ reads, lags }) => reads.map((read) => ({ read, lag: lags.get(placeKey(read.site, read.at))! }))).reduce<{ expr: Expr; lag: number } | undefined>((most, { read, lag }) => (lag > (most?.lag ?? 0) ? { expr: read.expr, lag } : most), undefined);
  context.error({
    code: "LVM5022",
    message: `summing out ${names.map((name) => `\`${name}\``).join(", ")} visits ${printStates({ log10, text, names })} at each step, for each row`,
    span: entries.get(first)?.span ?? declared(model, first),
    label: `at most ${largestEnumeration} are summed`,
    related: far && far.lag > 1 ? [{ span: far.expr.origin, text: `${far.lag} steps back: the table of a step has the labels of ${far.lag + 1}` }] : [],
    help: `draw ${names.length > 1 ? "one of them" : `\`${first}\``} in the guide: \`${first} ~ … by score(baseline = leave_one_out)\`, or make ${names.length > 1 ? "them" : "it"} smaller`,
  });
}
