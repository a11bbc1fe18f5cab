import type * as ast from "../../parser/ast.js";
import { cardinality, isDiscrete, printSupport } from "../../types/support.js";
import type { By, DistributionCall } from "../../ir/model/model.js";
import { distributions } from "../../distributions/registry.js";
import type { Fix } from "../../diagnostics/diagnostic.js";
import { choice as unasked, correction, replacement } from "../../diagnostics/fix.js";
import type { Context } from "../context.js";
import type { ModelSite } from "../model.js";
import { assignOptions, isMissing, list, readChoice, readNumber } from "./options.js";
import { suggestion } from "./suggestion.js";
import { largestEnumeration, largestTable, printStates } from "./enumeration-size.js";

/** What may stand after `by`. */
export const estimators = ["reparameterization", "enumeration", "score", "relaxation", "straight_through"] as const;
export type EstimatorName = (typeof estimators)[number];

export const options: Readonly<Record<EstimatorName, readonly string[]>> = {
  reparameterization: [],
  enumeration: [],
  score: ["baseline", "samples"],
  relaxation: ["temperature"],
  straight_through: [],
};

/** Estimators that are legal for a guide site, in the order in which the compiler would choose. */
export function legalFor(site: Pick<ModelSite, "scope" | "partlyObserved">, call: Pick<DistributionCall, "distribution" | "type">): readonly EstimatorName[] {
  if (call.distribution === "Delta") return [];
  const support = call.type.support;
  if (!isDiscrete(support)) return distributions[call.distribution].reparameterization === "none" ? ["score"] : ["reparameterization", "score"];
  const legal: EstimatorName[] = [];
  if (cardinality(support) !== undefined && site.scope === "row") legal.push("enumeration");
  if (!site.partlyObserved) {
    legal.push("score");
    if (call.distribution === "Bernoulli" || call.distribution === "Categorical") legal.push("relaxation", "straight_through");
  }
  return legal;
}

/** `by score(baseline = leave_one_out)` on a guide site; undefined (reported) where it is illegal. */
export function readBy(context: Context, expression: ast.Expression, site: ModelSite, call: DistributionCall): By | undefined {
  if (isMissing(expression)) return undefined;
  const choice = readChoice(expression);
  const name = estimators.find((known) => known === choice?.name);
  if (!choice || !name) {
    context.error({
      code: "LVM5020",
      message: choice ? `unknown estimator \`${choice.name}\`` : "this is not an estimator",
      span: choice?.nameSpan ?? expression.span,
      label: "unknown",
      notes: [`the estimators are ${list(estimators)}`],
      help: (choice && suggestion(choice.name, estimators)) ?? "use one of these, or remove `by` to let the compiler choose",
      fixes: [...((choice && correction(choice.nameSpan, choice.name, estimators)) ?? []), withoutBy(expression)],
    });
    return undefined;
  }
  const legal = legalFor(site, call);
  if (!legal.includes(name)) {
    context.error({
      code: "LVM5021",
      message: `\`${name}\` is no estimator for ${call.distribution}`,
      span: choice.span,
      label: whyIllegal(name, site, call),
      related: [{ span: site.origin, text: `\`${site.name}\` is ${printSupport(site.type.support)}${site.partlyObserved ? ", partly observed" : ""}` }],
      notes: [legal.length > 0 ? `legal here: ${list(legal)}` : "a point has no gradient estimator"],
      help: legal.length > 0 ? `write \`by ${legal[0]}\`, or remove \`by\`` : "remove `by`",
      fixes: [...(legal[0] ? [unasked(replacement(choice.span, legal[0], `Write \`by ${legal[0]}\``))] : []), withoutBy(expression)],
    });
    return undefined;
  }
  const given = assignOptions(context, choice, options[name], name === "relaxation" ? 1 : 0);
  const origin = expression.span;
  switch (name) {
    case "reparameterization":
    case "straight_through":
      return { estimator: name, origin };
    case "enumeration":
      return checkEnumeration(context, site, call, expression) ? { estimator: name, origin } : undefined;
    case "relaxation": {
      const temperature = given.get("temperature");
      if (!temperature) {
        context.error({
          code: "LVM5023",
          message: "`relaxation` needs its temperature",
          span: choice.span,
          label: "the temperature is not given",
          help: "write for example `by relaxation(temperature = 0.5)`",
          fixes: [replacement(choice.span, "relaxation(temperature = 0.5)")],
        });
        return undefined;
      }
      const value = readNumber(context, "temperature", temperature.value, { above: 0 });
      return value === undefined ? undefined : { estimator: name, temperature: value, origin };
    }
    case "score": {
      const baseline = readBaseline(context, given.get("baseline"));
      const samples = given.get("samples");
      const least = baseline === "leave_one_out" ? 2 : 1;
      const count = samples ? readNumber(context, "samples", samples.value, { whole: true, atLeast: least }) : least;
      return { estimator: name, baseline, samples: count ?? least, origin };
    }
  }
}

/** Lets the compiler choose. */
export function withoutBy({ span }: ast.Expression): Fix {
  const before = /\s*\bby\s*$/.exec(span.source.text.slice(0, span.start));
  return { title: "Remove `by`", edits: [{ span: { ...span, start: span.start - (before?.[0].length ?? 0) }, text: "" }] };
}

function readBaseline(context: Context, argument: ast.Argument | undefined): "leave_one_out" | "none" {
  const value = argument?.value;
  if (!value || isMissing(value)) return "leave_one_out";
  const known = ["leave_one_out", "none"] as const;
  const choice = readChoice(value);
  const found = known.find((name) => name === choice?.name);
  if (found) return found;
  context.error({
    code: "LVM5023",
    message: choice ? `unknown baseline \`${choice.name}\`` : "this is not a baseline",
    span: value.span,
    label: `${list(known, "or")} is expected here`,
    help: (choice && suggestion(choice.name, known)) ?? "write `baseline = leave_one_out`",
    fixes: choice && correction(choice.nameSpan, choice.name, known),
  });
  return "leave_one_out";
}

function whyIllegal(name: EstimatorName, site: ModelSite, call: DistributionCall): string {
  const discrete = isDiscrete(call.type.support);
  if (call.distribution === "Delta") return "a `Delta` is a point: there is nothing to estimate";
  if (site.partlyObserved && discrete) return "where the column is missing, its values are summed over";
  switch (name) {
    case "reparameterization":
      return discrete ? "a discrete draw is no smooth function of noise" : "no reparameterization of this family is known";
    case "enumeration":
      if (discrete && site.scope === "global") return "the sum would be over all rows at once";
      return discrete ? "there are infinitely many values" : "there are uncountably many values";
    case "relaxation":
      return discrete ? "only Bernoulli and Categorical can be relaxed" : "a continuous draw needs no relaxation";
    default:
      return discrete ? "only Bernoulli and Categorical have the probabilities that this needs" : "a continuous draw has a gradient of its own";
  }
}

/** Whether the values of an enumerated site are few enough; reports otherwise. */
export function checkEnumeration(context: Context, site: ModelSite, call: DistributionCall, at: ast.Expression): boolean {
  const states = largestTable([{ name: site.name, type: { ...site.type, support: call.type.support }, plates: site.plates, whole: false }], []);
  if (states.log10 <= Math.log10(largestEnumeration)) return true;
  context.error({
    code: "LVM5022",
    message: `enumerating \`${site.name}\` visits ${printStates(states)} for each row`,
    span: at.span,
    label: `at most ${largestEnumeration} are summed`,
    related: [{ span: site.origin, text: "declared here" }],
    help: "write `by score(baseline = leave_one_out)`, or give it a smaller shape",
    fixes: [replacement(at.span, "score(baseline = leave_one_out)", "Write `by score(baseline = leave_one_out)`")],
  });
  return false;
}
