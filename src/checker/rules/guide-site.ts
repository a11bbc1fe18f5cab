import type * as ast from "../../parser/ast.js";
import type { Fix } from "../../diagnostics/diagnostic.js";
import { choice as unasked, replacement } from "../../diagnostics/fix.js";
import type { Span } from "../../diagnostics/span.js";
import { cardinality, isDiscrete, printSupport } from "../../types/support.js";
import { printType } from "../../types/type.js";
import { type DistributionCall, letterOf, type Plate } from "../../ir/model/model.js";
import { distributions } from "../../distributions/registry.js";
import type { Context } from "../context.js";
import type { CheckedModel, ModelSite } from "../model.js";
import { dependenceOf, type DependenceFacts } from "./dependence.js";
import { largestEnumeration, largestTable, printStates } from "./enumeration-size.js";
import { isUnsupportedMissing } from "./unsupported.js";
import { rangeEdit } from "../loop-plates.js";
import { anyOf, distributionsOn, guideFit, otherFamilies, supportWords } from "./support-rules.js";

/** The place that gives a latent its type. */
function declaredAt(model: CheckedModel, site: ModelSite): Span {
  const statement = model.latents.get(site.name);
  if (statement) return statement.type ? { ...statement.name.span, end: statement.type.span.end } : statement.name.span;
  return model.columns.find((column) => column.name === site.name)?.origin ?? site.origin;
}

/** The support and the shape of a guide's draw against those of the latent. */
export function checkGuideFit(context: Context, site: ModelSite, call: DistributionCall, statement: ast.SampleStatement, model: CheckedModel): boolean {
  const latent = site.type.support;
  const guide = call.type.support;
  const fit = guideFit(latent, guide);
  const declared = { span: declaredAt(model, site), text: `\`${site.name}\` has ${supportWords(latent)}` };
  if (fit === "outside" || fit === "discrete" || fit === "continuous") {
    const known = distributionsOn(latent).filter((name) => name !== "Normal" || latent.kind === "real");
    const ways = [known.length > 0 ? anyOf(known) : undefined, isDiscrete(latent) ? (cardinality(latent) !== undefined ? `\`marginalize ${site.name}\`` : undefined) : `\`auto mean_field ${site.name}\``];
    context.error({
      code: "LVM4020",
      message: fit === "outside" ? `the guide of \`${site.name}\` leaves its support` : `the guide of \`${site.name}\` is ${fit}, and \`${site.name}\` is ${fit === "discrete" ? "continuous" : "discrete"}`,
      span: statement.distribution.span,
      label: `draws ${supportWords(guide)}`,
      related: [declared],
      help: `use ${ways.filter((way) => way !== undefined).join(", or ") || "a distribution on the same values"}`,
      fixes: [...otherFamilies(statement.distribution, known), ...otherEntry(site, statement)],
    });
    return false;
  }
  if (fit === "narrower" && call.distribution !== "Delta") {
    context.warning({
      code: "LVM4021",
      message: `the guide of \`${site.name}\` covers less than its prior`,
      span: statement.distribution.span,
      label: `draws ${supportWords(guide)} only`,
      related: [declared],
      help: `use ${anyOf(distributionsOn(latent)) || "a distribution on the same values"}, if all of them are possible`,
      fixes: otherFamilies(statement.distribution, distributionsOn(latent)),
    });
  }
  return true;
}

/** The automatic entry for a latent, instead of a draw of it. */
function otherEntry(site: ModelSite, statement: ast.SampleStatement): readonly Fix[] {
  if (site.plates.length > 0 || site.partlyObserved || statement.indices.length > 0) return [];
  const discrete = isDiscrete(site.type.support);
  if (discrete && (cardinality(site.type.support) === undefined || site.scope === "global")) return [];
  const entry = `${discrete ? "marginalize" : "auto mean_field"} ${site.name}`;
  return [unasked(replacement(statement.span, entry, `Write \`${entry}\``))];
}

/** A guide site stands in the same loops as the model's; what a chain draws has the same positions, however many of them are starts. */
export function checkGuidePlates(context: Context, site: ModelSite, plates: readonly Plate[], statement: ast.SampleStatement, hasStarts: boolean): boolean {
  if (plates.length === site.plates.length && plates.every((plate, at) => plate.from === site.plates[at]?.from && plate.size === site.plates[at]?.size)) return true;
  const loops = plates.length === 0 ? "outside of loops" : `in ${plates.map((plate) => `\`${rangeText(plate)}\``).join(", ")}`;
  const wanted = site.plates.map((plate, at) => `${at === site.plates.length - 1 && (site.sequence || hasStarts) ? "chain" : "each"} ${rangeText(plate)}`);
  const written = `${wanted.join(" { ")} { ${site.name}[${site.plates.map(letterOf).join(", ")}] ~ …${" }".repeat(wanted.length)}`;
  const [own, last] = [site.plates.at(-1), plates.at(-1)];
  const below = own && last && !hasStarts && site.sequence && last.from === own.from + 1 && last.from + last.size === own.from + own.size ? own.from : undefined;
  context.error({
    code: "LVM4039",
    message: own === undefined ? `the model draws \`${site.name}\` outside of loops`
      : site.sequence ? `the model draws \`${site.name}\` at positions ${own.from} to ${own.from + own.size - 1}, its start included`
      : `the model draws \`${site.name}\` in ${wanted.map((loop) => `\`${loop}\``).join(", ")}`,
    span: statement.name.span,
    label: hasStarts && last ? `at ${last.from} to ${last.from + last.size - 1} here` : `${loops} here`,
    related: [{ span: { ...site.origin, end: site.origin.start + site.name.length }, text: "the model's site" }],
    help: wanted.length === 0 ? "move the statement out of the loop" : below !== undefined ? `write \`${written}\`, or draw \`${site.name}[${below}] ~ …\` above the loop, which is then a \`chain\`` : `write \`${written}\``,
    fixes: !hasStarts && !site.sequence && plates.length === site.plates.length ? otherRanges(plates, site.plates) : undefined,
  });
  return false;
}

/** The ranges of the model's loops, in those of the guide. */
function otherRanges(plates: readonly Plate[], wanted: readonly Plate[]): readonly Fix[] {
  const edits = plates.flatMap((plate, at) => {
    const model = wanted[at]!;
    if (plate.from === model.from && plate.size === model.size) return [];
    const [low, high] = [model.from, model.from + model.size - 1];
    return rangeEdit(plate, plate.chain === "down" ? `${high}..${low}` : `${low}..${high}`) ?? [];
  });
  return edits.length === 0 ? [] : [{ title: `Let the loop run over ${edits.map(({ text }) => text).join(", ")}`, edits }];
}

/** `t in 1..10`. */
function rangeText(plate: Plate): string {
  return `${letterOf(plate)} in ${plate.from}..${plate.from + plate.size - 1}`;
}

/** A global latent's guide may read parameters and other global latents only. */
export function checkGlobalGuide(context: Context, site: ModelSite, call: DistributionCall, statement: ast.SampleStatement, facts: DependenceFacts): boolean {
  const { rowwise } = dependenceOf(call, facts);
  if (!rowwise) return true;
  context.error({
    code: "LVM4015",
    message: `the guide of the global latent \`${site.name}\` depends on a row`,
    span: statement.distribution.span,
    label: rowwise.words,
    related: [{ span: { ...site.origin, end: site.origin.start + "global".length }, text: `\`${site.name}\` is shared by all rows` }],
    help: `use parameters (\`param\`), other global latents, or \`auto mean_field ${site.name}\``,
    fixes: otherEntry(site, statement),
  });
  return false;
}

/** Where a partly observed column is missing, its guide site is summed over (discrete) or reparameterized (continuous). */
export function checkPartlyObserved(context: Context, site: ModelSite, call: DistributionCall, statement: ast.SampleStatement): boolean {
  const support = site.type.support;
  const sum = isDiscrete(support);
  if (isUnsupportedMissing(context, site, statement.distribution.span)) return false;
  const fine = sum ? cardinality(support) !== undefined : call.distribution !== "Delta" && distributions[call.distribution].reparameterization !== "none";
  if (fine) return true;
  context.error({
    code: "LVM4033",
    message: `\`${site.name}\` is observed in some rows, and cannot be ${sum ? "summed out" : "reparameterized"} in the others`,
    span: statement.distribution.span,
    label: sum ? `\`${printSupport(support)}\` has infinitely many values` : `\`${call.distribution}\` has no reparameterization`,
    related: [{ span: { ...site.origin, end: site.origin.start + site.name.length }, text: "the model's site" }],
    help: sum ? "remove the `?` and leave such rows out" : `use ${anyOf(distributionsOn(support))}`,
    fixes: sum ? undefined : otherFamilies(statement.distribution, distributionsOn(support)),
  });
  return false;
}

/** Steps of a chain are summed one after the other: a table holds those that a step reads. */
function isChain(site: ModelSite | undefined): boolean {
  return site?.sequence !== undefined || site?.plates.at(-1)?.chain !== undefined;
}

/** The largest table of the sum over all marginalized latents. */
export function checkEnumerationSize(context: Context, model: CheckedModel, summed: readonly ModelSite[], entries: ReadonlyMap<string, { readonly span: Span }>): void {
  const names = new Set(summed.map(({ name }) => name));
  const whole = new Set<string>();
  const factors: ReadonlySet<string>[] = [];
  for (const site of model.sites.values()) {
    if (!site.distribution) continue;
    const dependence = dependenceOf(site.distribution, { bindings: model.bindings, scopeOf: () => "row", parameters: context.parameters });
    for (const name of dependence.whole) if (!isChain(model.sites.get(name))) whole.add(name);
    factors.push(new Set([...dependence.sites, site.name].filter((name) => names.has(name))));
  }
  const states = largestTable(summed.map((site) => ({ name: site.name, type: site.type, plates: site.plates, whole: whole.has(site.name) })), factors);
  if (states.log10 <= Math.log10(largestEnumeration) + 1e-9) return;
  const [first] = states.names;
  const site = summed.find(({ name }) => name === first);
  if (first === undefined || !site) return;
  const several = states.names.length > 1;
  context.error({
    code: "LVM5022",
    message: `summing out ${states.names.map((name) => `\`${name}\``).join(", ")} visits ${printStates(states)} for each row`,
    span: entries.get(first)?.span ?? site.origin,
    label: `at most ${largestEnumeration} are summed`,
    related: states.names.flatMap((name) => {
      const member = summed.find((each) => each.name === name);
      return member ? [{ span: declaredAt(model, member), text: `\`${name}\` is ${printType(member.type)}${several ? ", and shares a factor with the others" : ""}` }] : [];
    }),
    help: `draw ${several ? "one of them" : `\`${first}\``} in the guide: \`${first} ~ … by score(baseline = leave_one_out)\`, or make ${several ? "them" : "it"} smaller`,
  });
}
