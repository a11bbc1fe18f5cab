import type * as ast from "../parser/ast.js";
import type { Fix } from "../diagnostics/diagnostic.js";
import { choice as unasked, move, removal, removalFromList, replacement } from "../diagnostics/fix.js";
import type { Span } from "../diagnostics/span.js";
import { isDiscrete, cardinality } from "../types/support.js";
import type { AutoGroup, GuideSite, GuideStep, Marginalized, Parameter } from "../ir/model/model.js";
import { elaborateAuto } from "./auto.js";
import { addDefined, type Body, chainedBy, createBody, declareBroken, elaborateLet, enterLoop, indicesFit, isFree, platesOf, startOf, statementScope } from "./body.js";
import type { Context } from "./context.js";
import { elaborateDistribution } from "./expressions/distribution-calls.js";
import { loopWord, sequencePlates } from "./loop-plates.js";
import type { CheckedModel, ModelSite } from "./model.js";
import { elaborateLocal } from "./rules/local.js";
import { readBy } from "./rules/estimator.js";
import { checkEnumerationSize, checkGlobalGuide, checkGuideFit, checkGuidePlates, checkPartlyObserved } from "./rules/guide-site.js";
import { checkSummedChains } from "./rules/summed-chains.js";
import { entryFor, reportMissingGuide, reportMissingSite } from "./rules/missing-guide.js";
import { namesRead } from "./rules/expressions-within.js";
import { type Starts, sequenceOf } from "./rules/sequence-of.js";
import { definitionsIn, expressionsOf } from "./rules/statement-order.js";
import { suggest } from "../diagnostics/suggest.js";
import { isUnsupportedDistribution, isUnsupportedMissing } from "./rules/unsupported.js";
import { createScope, declare, lookup, type Scope } from "./scope.js";

/** A guide after its checks. */
export interface CheckedGuide {
  readonly steps: readonly GuideStep[];
  /** Parameters of `local` declarations and automatic groups. */
  readonly parameters: readonly Parameter[];
  readonly entries: ReadonlyMap<string, GuideEntry>;
  readonly sound: boolean;
}

/** How one latent is inferred, and where that is written. */
export interface GuideEntry {
  readonly how: "point" | "distribution" | "auto" | "marginalized" | "unknown";
  readonly span: Span;
}

interface Draft {
  readonly model: CheckedModel;
  readonly body: Body;
  readonly guide: ast.GuideItem;
  readonly steps: GuideStep[];
  readonly parameters: Map<string, Parameter>;
  readonly entries: Map<string, GuideEntry>;
  /** Distributions before the first step of a chain, by site. */
  readonly starts: Starts;
  /** Checks of global latents, made when all computed values are known. */
  readonly globals: (() => void)[];
  /** Names on the left of `~` and `=`, anywhere in the guide. */
  readonly drawn: ReadonlySet<string>;
  /** False where a part was skipped: then a missing entry may stand there. */
  complete: boolean;
}

/** Checks the guide of a model; without a `guide` item, that none is needed. */
export function checkGuide(context: Context, model: CheckedModel, guide: ast.GuideItem | undefined, fileScope: Scope): CheckedGuide {
  const partly = model.columns.filter(({ partlyObserved }) => partlyObserved);
  if (!guide) {
    const summed = summedChains(model);
    if (model.latents.size + partly.length > summed.length) {
      reportMissingGuide(context, model);
      return { steps: [], parameters: [], entries: new Map(), sound: false };
    }
    checkEnumerationSize(context, model, summed, new Map());
    checkSummedChains(context, model, summed, new Map());
    return { steps: summed.map(summedChain), parameters: [], entries: new Map(summed.map((site) => [site.name, { how: "marginalized", span: site.origin }])), sound: true };
  }
  const before = context.diagnostics.length;
  const outer = guideScope(model, fileScope);
  const body = createBody(context, "guide", outer, guide.body, model.plates, {
    invisible: (scope, statement) => undrawn(draft, scope, statement),
    given: (name) => model.columns.some((column) => column.name === name && !column.partlyObserved),
    length: model.length,
  });
  const draft: Draft = { model, body, guide, steps: [], parameters: new Map(), entries: new Map(), starts: new Map(), globals: [], drawn: new Set(definitionsIn(guide.body).map(({ name }) => name)), complete: true };
  checkStatements(draft, guide.body, body.scope);
  for (const checkDeferred of draft.globals) checkDeferred();
  if (draft.complete) {
    for (const site of summedChains(model)) {
      if (draft.entries.has(site.name) || draft.drawn.has(site.name)) continue;
      draft.entries.set(site.name, { how: "marginalized", span: site.origin });
      draft.steps.push(summedChain(site));
    }
    for (const name of [...model.latents.keys(), ...partly.map((column) => column.name)]) {
      if (!draft.entries.has(name) && (model.sites.has(name) || model.latents.has(name))) reportMissingSite(context, model, guide, name);
    }
  }
  checkSummed(draft);
  if (model.latents.size + partly.length === 0 && draft.entries.size === 0 && model.sound && !context.diagnostics.slice(before).some(({ severity }) => severity === "error")) {
    context.warning({
      code: "LVM4010",
      message: `\`${model.item.name.name}\` has no latent, so its guide has no effect`,
      span: guide.name.span,
      label: "nothing to infer",
      related: [{ span: model.item.name.span, text: "the model" }],
      help: "remove the guide, or draw a latent in the model",
      fixes: [unasked(removal(guide.span, "Remove the guide"))],
    });
  }
  const sound = draft.complete && !context.diagnostics.slice(before).some(({ severity }) => severity === "error");
  return { steps: draft.steps, parameters: [...draft.parameters.values()], entries: draft.entries, sound };
}

/** Chains of labels: without a guide entry they are summed out by the forward algorithm. */
function summedChains(model: CheckedModel): readonly ModelSite[] {
  return [...model.sites.values()].filter(({ role, scope, type, plates, sequence }) =>
    role === "latent" && scope === "row" && (sequence !== undefined || plates.at(-1)?.chain !== undefined) && cardinality(type.support) !== undefined);
}

function summedChain(site: ModelSite): Marginalized {
  return { kind: "marginalized", site: site.name, origin: site.origin };
}

/** Columns are visible in a guide; what the model computes is not; partly observed columns and latents are when they are drawn. */
function guideScope(model: CheckedModel, fileScope: Scope): Scope {
  const outer = createScope(fileScope);
  for (const declaration of model.item.columns) {
    const { name } = declaration.name;
    const column = model.columns.find((each) => each.name === name);
    if (!column) declare(outer, { kind: "broken", name, declared: declaration.span });
    else if (!column.partlyObserved) declare(outer, { kind: "column", name, declared: declaration.span, type: column.type });
  }
  for (const [name, declared] of model.hidden) {
    declare(outer, {
      kind: "binding",
      name,
      declared,
      type: { support: { kind: "real" }, shape: [] },
      plates: [],
      indexed: false,
      hidden: "the model computes this, and a guide cannot see it",
      hiddenHelp: "compute it in the guide from columns and from what the guide has drawn, or in a network that both call",
    });
  }
  return outer;
}

/** Latents that a statement reads and the guide has not drawn: reported, once for each name and statement. */
function undrawn(draft: Draft, scope: Scope, statement: ast.Statement): readonly string[] {
  const { body, model, guide } = draft;
  if (statement.kind !== "let" && statement.kind !== "sample" && statement.kind !== "local") return [];
  const found = new Set<string>();
  for (const name of expressionsOf(statement).flatMap(namesRead)) {
    if (found.has(name.name) || body.broken.get(statement)?.has(name.name)) continue;
    const latent = model.latents.get(name.name);
    const partly = model.columns.find((column) => column.name === name.name && column.partlyObserved);
    if ((!latent && !partly) || lookup(scope, name.name)) continue;
    found.add(name.name);
    const entry = draft.entries.get(name.name);
    if (entry?.how === "unknown") continue;
    const later = guide.body.find((other) => other.kind === "auto" && other.sites.some((site) => site.name === name.name));
    body.context.error({
      code: "LVM4014",
      message: entry?.how === "marginalized" ? `\`${name.name}\` is summed out, so it has no value in the guide` : `\`${name.name}\` is not drawn yet`,
      span: name.span,
      label: "no value here",
      related: [
        { span: latent?.name.span ?? partly?.origin ?? name.span, text: latent ? "the model draws it here" : "missing in some rows" },
        ...(entry ? [{ span: entry.span, text: "marginalized here" }] : []),
      ],
      help:
        entry?.how === "marginalized"
          ? `draw it in the guide: \`${name.name} ~ …\`, or do not read it`
          : later
            ? `move the \`auto\` statement of \`${name.name}\` above this line`
            : `draw it above this line: \`${name.name} ~ …\`, or condition on the columns`,
      fixes: entry?.how !== "marginalized" && later ? [move(later.span, statement.span, `Move \`auto\` up`)].filter((fix) => fix !== undefined) : undefined,
    });
  }
  return [...found];
}

function checkStatements(draft: Draft, statements: readonly ast.Statement[], scope: Scope): void {
  const { body } = draft;
  for (const statement of statements) {
    switch (statement.kind) {
      case "let": {
        draft.steps.push(...elaborateLet(body, scope, statement));
        break;
      }
      case "sample":
        checkGuideSite(draft, statement, scope);
        break;
      case "local": {
        const parameter = elaborateLocal(body, scope, statement);
        if (parameter) draft.parameters.set(parameter.name, parameter);
        break;
      }
      case "auto":
        checkAuto(draft, statement, scope);
        break;
      case "marginalize":
        for (const name of statement.sites) checkMarginalized(draft, statement, name);
        break;
      case "loop": {
        const inner = enterLoop(body, scope, statement);
        if (inner) checkStatements(draft, statement.body, inner);
        else {
          draft.complete = false;
          declareBroken(body, statement.body);
          for (const { name, statement: within } of definitionsIn(statement.body)) {
            if (within.kind === "sample") draft.entries.set(name, { how: "unknown", span: within.name.span });
          }
        }
        break;
      }
    }
  }
}

/**
 * Takes a latent for an entry of the guide. Reports names that the model does not draw, columns, and second entries; undefined then, and
 * where the model's site has a mistake of its own.
 */
function claim(draft: Draft, statement: ast.SampleStatement | ast.AutoStatement | ast.MarginalizeStatement, name: ast.Identifier, how: GuideEntry["how"]): ModelSite | undefined {
  const { model, entries } = draft;
  const { context } = draft.body;
  if (name.name === "") return undefined;
  const earlier = entries.get(name.name);
  if (earlier) {
    context.error({
      code: "LVM4003",
      message: `\`${name.name}\` has two guide entries`,
      span: name.span,
      label: "the second",
      related: [{ span: earlier.span, text: "the first is here" }],
      help: "remove one of the two",
      fixes: [unasked(withoutEntry(statement, name))],
    });
    return undefined;
  }
  const column = model.item.columns.find((each) => each.name.name === name.name);
  if (column && !column.type.optional) {
    context.error({
      code: "LVM4004",
      message: `\`${name.name}\` is a column of the data, which is given in a guide`,
      span: name.span,
      label: "nothing to infer",
      related: [{ span: column.span, text: "a column of the model" }],
      help: `remove this; the likelihood of \`${name.name}\` belongs in the model`,
      fixes: [unasked(withoutEntry(statement, name))],
    });
    return undefined;
  }
  if (!column && !model.latents.has(name.name)) {
    reportUnknown(draft, statement, name, how);
    return undefined;
  }
  entries.set(name.name, { how, span: name.span });
  return model.sites.get(name.name);
}

/** Takes an entry out of the guide: its statement, or its name where the statement has others. */
function withoutEntry(statement: ast.SampleStatement | ast.AutoStatement | ast.MarginalizeStatement, name: ast.Identifier): Fix {
  const alone = statement.kind === "sample" || statement.sites.length === 1;
  return alone ? removal(statement.span, "Remove this line") : removalFromList(name.span, `Remove \`${name.name}\``);
}

function reportUnknown(draft: Draft, statement: Parameters<typeof withoutEntry>[0], name: ast.Identifier, how: GuideEntry["how"]): void {
  const { model, entries } = draft;
  const free = [...model.latents.keys()].filter((latent) => !entries.has(latent) && !draft.drawn.has(latent));
  const near = suggest(name.name, free) ?? (free.length === 1 && model.latents.size === 1 ? free[0] : undefined);
  if (near !== undefined) entries.set(near, { how: "unknown", span: name.span });
  const hidden = model.hidden.get(name.name);
  draft.body.context.error({
    code: "LVM4002",
    message: `the model \`${model.item.name.name}\` draws no \`${name.name}\``,
    span: name.span,
    label: hidden ? "computed by the model, not drawn" : "not a latent of the model",
    related: [{ span: hidden ?? model.item.name.span, text: hidden ? "a binding of the model" : "the model" }],
    notes: model.latents.size > 0 ? [`its latents are ${[...model.latents.keys()].map((latent) => `\`${latent}\``).join(", ")}`] : ["it has no latent"],
    help: near !== undefined ? `did you mean \`${near}\`?` : how === "auto" || how === "marginalized" ? "remove it" : `draw \`${name.name}\` in the model, or compute it: \`${name.name} = …\``,
    fixes: [near !== undefined ? replacement(name.span, near) : unasked(withoutEntry(statement, name))],
  });
}

function checkGuideSite(draft: Draft, statement: ast.SampleStatement, scope: Scope): void {
  const { body, model } = draft;
  const { context } = body;
  const { name } = statement;
  if (statement.global) {
    context.error({
      code: "LVM4032",
      message: "`global` is said in the model",
      span: { ...statement.span, end: statement.name.span.end },
      label: "said again",
      related: [{ span: model.latents.get(name.name)?.name.span ?? model.item.name.span, text: "the model's latent" }],
      help: `write \`${name.name} ~ …\``,
      fixes: [{ title: "Remove `global`", edits: [{ span: { ...statement.span, end: statement.name.span.start }, text: "" }] }],
    });
  }
  if (statement.type) {
    context.error({
      code: "LVM4038",
      message: `the type of \`${name.name}\` stands in the model`,
      span: statement.type.span,
      label: "said again",
      related: [{ span: model.latents.get(name.name)?.type?.span ?? model.item.name.span, text: "the type that counts" }],
      help: `write \`${name.name} ~ …\``,
      fixes: statement.type.name.name === "" ? undefined : [{ title: "Remove the type", edits: [{ span: { ...statement.type.span, start: statement.name.span.end }, text: "" }] }],
    });
  }
  const unsupported = isUnsupportedDistribution(context, statement);
  const isDelta = statement.distribution.kind === "call" && statement.distribution.callee.kind === "name" && statement.distribution.callee.name === "Delta";
  const start = startOf(body, scope, statement);
  const text = body.sequences.get(name.name);
  const earlier = body.scope.entities.get(name.name);
  const known = text && earlier?.kind === "site" ? earlier : undefined;
  // Another part of the same chain has a mistake, and was reported.
  const failed = text !== undefined && earlier?.kind === "broken" && draft.entries.has(name.name);
  const site = text && draft.entries.get(name.name)?.how !== undefined && earlier ? model.sites.get(name.name) : claim(draft, statement, name, isDelta ? "point" : "distribution");
  const frame = statementScope(body, scope, statement);
  const target = site && { type: site.type, name: site.name, declared: model.latents.get(site.name)?.name.span ?? site.origin };
  const distribution = unsupported ? undefined : elaborateDistribution(context, frame, statement.distribution, target);
  if (unsupported) draft.complete = false;
  const plates = start === "none" ? platesOf(body, scope, name.name) : start && [...scope.plates, start.plates.own];
  const fits = site && plates && !failed ? known !== undefined || checkGuidePlates(context, site, plates, statement, text !== undefined) : false;
  const indexed = !site || !fits || start !== "none" || indicesFit(body, scope, name, statement.indices, true);
  if (!site || !plates || !fits || !indexed) {
    if (!lookup(body.scope, name.name)) declare(body.scope, { kind: "broken", name: name.name, declared: name.span });
    return;
  }
  if (!known && !isFree(body, scope, name, "latent")) return;
  if (!known) declare(body.scope, { kind: "site", name: site.name, declared: name.span, type: site.type, plates, indexed: plates.length > 0, chained: chainedBy(body, name.name, plates), ...(start !== "none" && start ? { defined: new Set([start.position]) } : {}) });
  if (start === "none") addDefined(body, name.name, "all");
  else if (start) addDefined(body, name.name, start.position);
  context.hover.set(name, { span: name.span, what: "guide site", name: site.name, type: site.type, declared: site.origin });
  if (!distribution) return;
  if (!checkGuideFit(context, site, distribution, statement, model)) return;
  const by = statement.by ? readBy(context, statement.by, site, distribution) : undefined;
  if (site.partlyObserved && !checkPartlyObserved(context, site, distribution, statement)) return;
  if (site.scope === "global") {
    const facts = {
      bindings: body.bindings,
      scopeOf: (other: string) => model.sites.get(other)?.scope ?? "row",
      parameters: new Map([...context.parameters, ...draft.parameters]),
    };
    draft.globals.push(() => void checkGlobalGuide(context, site, distribution, statement, facts));
  }
  if (start !== "none") {
    if (start) draft.starts.set(site.name, [...(draft.starts.get(site.name) ?? []), { position: start.position, value: distribution, origin: statement.span }]);
    return;
  }
  const sequence = text ? sequenceOf(context, site.name, distribution, sequencePlates(body, scope, site.name)?.chain, draft.starts) : undefined;
  const made: GuideSite = { kind: "guide-site", site: site.name, plates, distribution, ...(sequence ? { sequence } : {}), by, origin: statement.span };
  draft.steps.push(made);
}

function checkAuto(draft: Draft, statement: ast.AutoStatement, scope: Scope): void {
  const { body } = draft;
  const { context } = body;
  if (scope.plates.length > 0) {
    context.error({
      code: "LVM4032",
      message: "`auto` stands outside of loops",
      span: statement.span,
      label: "inside a loop",
      related: scope.plates.map((plate) => ({ span: loopWord(plate), text: "this loop" })),
      help: "move it out: it fits all steps of the latents at once",
    });
  }
  const sites: { site: ModelSite; name: ast.Identifier }[] = [];
  for (const name of statement.sites) {
    const site = claim(draft, statement, name, "auto");
    if (!site) continue;
    if (site.partlyObserved) {
      context.error({
        code: "LVM4035",
        message: `\`auto\` cannot fit \`${site.name}\`, which is observed in some rows`,
        span: name.span,
        label: "partly observed",
        related: [{ span: site.origin, text: "declared here" }],
        help: isDiscrete(site.type.support) ? `write \`marginalize ${site.name}\`` : `draw it in the guide: \`${site.name} ~ Normal(…)\``,
        fixes: statement.sites.length === 1 ? [insteadOf(statement, entryFor(site.name, site.type.support, site.plates.length > 0))] : undefined,
      });
    } else sites.push({ site, name });
  }
  const made = elaborateAuto(context, statement, sites);
  for (const group of made.groups) draft.steps.push(group satisfies AutoGroup);
  for (const parameter of made.parameters) draft.parameters.set(parameter.name, parameter);
  for (const { site, name } of sites) {
    if (!lookup(body.scope, site.name)) declare(body.scope, { kind: "site", name: site.name, declared: name.span, type: site.type, plates: site.plates, indexed: site.plates.length > 0, chained: site.sequence?.chain.chain ?? site.plates.at(-1)?.chain });
  }
}

function checkMarginalized(draft: Draft, statement: ast.MarginalizeStatement, name: ast.Identifier): void {
  const { context } = draft.body;
  const site = claim(draft, statement, name, "marginalized");
  if (!site) return;
  const finite = cardinality(site.type.support) !== undefined;
  // A chain of Gaussians is integrated out by the Kalman filter.
  const gaussian = site.type.support.kind === "real" && !site.partlyObserved && (site.sequence !== undefined || site.plates.at(-1)?.chain !== undefined);
  if ((!finite && !gaussian) || site.scope === "global") {
    context.error({
      code: "LVM4035",
      message: `\`${site.name}\` cannot be summed out`,
      span: name.span,
      label: site.scope === "global" ? "it is shared by all rows" : isDiscrete(site.type.support) ? "it has infinitely many values" : "it is continuous",
      related: [{ span: draft.model.latents.get(site.name)?.name.span ?? site.origin, text: "declared here" }],
      help: isDiscrete(site.type.support) ? `draw it in the guide: \`${site.name} ~ … by score(baseline = leave_one_out)\`` : `write \`auto mean_field ${site.name}\`, or draw it: \`${site.name} ~ …\``,
      fixes: isDiscrete(site.type.support) || statement.sites.length > 1 ? undefined : [insteadOf(statement, `auto mean_field ${site.name}`)],
    });
    return;
  }
  if (isUnsupportedMissing(context, site, name.span)) return;
  draft.steps.push({ kind: "marginalized", site: site.name, origin: statement.span } satisfies Marginalized);
}

/** Another entry for the same latent. */
function insteadOf({ span }: ast.Statement, entry: string): Fix {
  return replacement(span, entry, `Write \`${entry}\``);
}

/** The cost of all sums together. */
function checkSummed(draft: Draft): void {
  const { context } = draft.body;
  const summed = draft.steps.flatMap((step) => (step.kind === "marginalized" ? (draft.model.sites.get(step.site) ?? []) : []));
  if (summed.length === 0) return;
  checkEnumerationSize(context, draft.model, summed.filter(({ type }) => cardinality(type.support) !== undefined), draft.entries);
  checkSummedChains(context, draft.model, summed, draft.entries);
}

