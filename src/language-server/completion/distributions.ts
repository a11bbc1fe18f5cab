import { legalFor } from "../../checker/rules/estimator.js";
import { distributionsOn, likelihoodsOn } from "../../checker/rules/support-rules.js";
import { isDiffusion } from "../../checker/diffusion/check-diffusion.js";
import { distributionNames, type DistributionName } from "../../distributions/names.js";
import { isName } from "../../parser/segment.js";
import * as t from "../../parser/tokens.js";
import { CompletionItemKind } from "vscode-languageserver";
import type { Analysis } from "../analysis.js";
import type { Cursor } from "../cursor.js";
import { distributionCalls } from "../documentation/calls.js";
import { type Documented, isRequired } from "../documentation/documented.js";
import { estimatorCalls } from "../documentation/training.js";
import { boundsOf, fitOf, labelsOf, type SiteFacts } from "./fits.js";
import { callOffer, type Offer } from "./offer.js";
import { modelAround, siteAt } from "./scope.js";

/** Distributions: those that fit the site, then those that cover a part of it, then the others with what is against them. `component`: of a mixture. */
export function distributionOffers(analysis: Analysis, cursor: Cursor, component: boolean): readonly Offer[] {
  const site = siteAt(analysis, cursor);
  const bare = cursor.next?.tokenType === t.LeftParenthesis;
  const model = modelAround(analysis, cursor);
  const step = !component && model && isDiffusion(model) && cursor.blocks[0]?.[0]?.tokenType === t.keywords.model && cursor.blocks.length > 1 ? [guideStep(cursor)] : [];
  return [...step, ...distributionNames.flatMap((name) => (component && (name === "Mixture" || name === "Delta") ? [] : [distributionOffer(name, site, bare)]))];
}

function distributionOffer(name: DistributionName, site: SiteFacts | undefined, bare: boolean): Offer {
  const documented = distributionCalls.get(name)!;
  const fit = site ? fitOf(name, site) : ({ kind: "whole" } as const);
  const base: Offer = { label: name, kind: CompletionItemKind.Class, rank: fit.kind === "whole" && site && usualOn(site).includes(name) ? 1 : { whole: 2, part: 5, none: 9 }[fit.kind], about: { kind: "word", realm: "distribution", name }, ...(fit.kind === "none" ? { note: fit.why } : fit.kind === "part" ? { note: name === "Delta" ? "a point" : "covers a part" } : {}) };
  return bare ? base : { ...base, insert: { snippet: `${name}(${argumentsFor(documented, site).join(", ")})`, plain: name } };
}

/** What is drawn on such a support most of the time. */
function usualOn({ support, role }: SiteFacts): readonly string[] {
  return (role === "observed" ? likelihoodsOn(support) : distributionsOn(support)).map((call) => call.replace(/\(.*$/, ""));
}

/** The required arguments of the usual form: logits where there are any, and bounds and numbers of levels as the site has them. */
function argumentsFor({ forms }: Documented, site: SiteFacts | undefined): readonly string[] {
  const usual = forms.find((form) => form.parameters.some(({ name }) => name === "logits") && !form.parameters.some(({ takes, name }) => takes === "distribution" || name === "total")) ?? forms[0];
  const [low, high] = site ? boundsOf(site.support) : [0, 1];
  const bounds: Readonly<Record<string, number>> = { low, high };
  const levels = site && labelsOf(site.support);
  return (usual?.parameters ?? []).flatMap((parameter, at) => {
    const { name } = parameter;
    if (name === "levels" && levels !== undefined && levels !== 256) return [`levels = \${${at + 1}:${levels}}`];
    if (!isRequired(parameter)) return [];
    const written = `\${${at + 1}:${bounds[name] ?? name}}`;
    return [usual !== forms[0] ? `${name} = ${written}` : written];
  });
}

/** The reverse step of a diffusion's chain. */
function guideStep({ head }: Cursor): Offer {
  const name = isName(head[0]) ? head[0].image : "x";
  const states = `${name}[t-1] | ${name}[t]`;
  return { label: "guide", kind: CompletionItemKind.Class, rank: 0, about: { kind: "word", realm: "distribution", name: "guide" }, detail: "the guide's step backwards", insert: { snippet: `guide(${states}, noise = \${1:network}(${name}[t], t))`, plain: "guide" } };
}

/** Estimators that are legal for a guide site. */
export function estimatorOffers(analysis: Analysis, cursor: Cursor): readonly Offer[] {
  const site = siteAt(analysis, cursor);
  const at = cursor.head.findIndex(({ tokenType }) => tokenType === t.Tilde);
  const distribution = distributionNames.find((name) => name === cursor.head[at + 1]?.image);
  const legal: readonly string[] = site && distribution ? legalFor({ scope: site.global ? "global" : "row", partlyObserved: site.partly }, { distribution, type: { support: site.support, shape: [] } }) : [...estimatorCalls.keys()];
  return legal.flatMap((name, place) => {
    const documented = estimatorCalls.get(name);
    return documented ? [{ ...callOffer(documented, place, { kind: "word", realm: "estimator", name }), ...(place === 0 && legal.length > 1 ? { detail: "what the compiler would choose" } : {}) }] : [];
  });
}
