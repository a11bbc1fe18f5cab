import type { Fix } from "../../diagnostics/diagnostic.js";
import { choice as unasked, replacement } from "../../diagnostics/fix.js";
import { textOf } from "../../diagnostics/span.js";
import type * as ast from "../../parser/ast.js";
import { printSupport, type Support } from "../../types/support.js";
import type { Type } from "../../types/type.js";
import type { Column, DistributionCall, Site } from "../../ir/model/model.js";
import type { Context } from "../context.js";
import { anyOf, distributionsOn, likelihoodFits, likelihoodsOn, otherFamilies, priorFits, supportWords } from "./support-rules.js";

/** The type that a draw would have as a latent: the support as a user can write it. */
export function typeOfDraw(call: DistributionCall): Type {
  return call.type.support.kind === "nonnegative" ? { ...call.type, support: { kind: "positive" } } : call.type;
}

/** The prior of a latent against its declared type. */
export function checkPrior(context: Context, site: Site, statement: ast.SampleStatement): boolean {
  const call = site.distribution;
  const declared = statement.type?.span ?? statement.name.span;
  if (call.distribution === "Delta") return reportDelta(context, site, statement);
  if (!priorFits(site.type.support, call.type.support)) {
    const written = writable(call.type.support);
    const known = distributionsOn(site.type.support);
    context.error({
      code: "LVM4023",
      message: `the prior of \`${site.name}\` does not fit its type`,
      span: statement.distribution.span,
      label: `draws ${supportWords(call.type.support)}`,
      related: [{ span: declared, text: `\`${printSupport(site.type.support)}\` means ${supportWords(site.type.support)}` }],
      help: [known.length > 0 ? `use ${anyOf(known)}` : undefined, written ? `declare \`${site.name}\` as \`${written}\`` : undefined].filter((part) => part !== undefined).join(", or ") || "use another prior",
      fixes: [...otherFamilies(statement.distribution, known), ...(written && statement.type && priorFits({ kind: "real" }, site.type.support) ? [unasked(replacement(supportSpan(statement.type), written, `Declare \`${site.name}\` as \`${written}\``))] : [])],
    });
    return false;
  }
  return true;
}

/** The likelihood of a column against the column's type. */
export function checkLikelihood(context: Context, site: Site, column: Column, statement: ast.SampleStatement): boolean {
  const call = site.distribution;
  if (call.distribution === "Delta") return reportDelta(context, site, statement);
  const data = site.type.support;
  if (!likelihoodFits(data, call.type.support)) {
    const sizes = data.kind === "index" && call.type.support.kind === "index";
    context.error({
      code: "LVM4024",
      message: `${call.distribution} is no likelihood of \`${printSupport(data)}\` data`,
      span: statement.distribution.span,
      label: `scores ${supportWords(call.type.support)}`,
      related: [{ span: column.origin, text: `\`${site.name}\` has ${supportWords(data)}` }],
      help: sizes ? `give it ${data.kind === "index" ? data.size : ""} classes` : `use ${anyOf(likelihoodsOn(data)) || "another distribution"}${data.kind === "unit" && call.type.support.kind === "binary" ? `, or declare \`${site.name}\` as \`binary\`, which binarizes the data` : ""}`,
      fixes: sizes ? undefined : [...otherFamilies(statement.distribution, likelihoodsOn(data)), ...(data.kind === "unit" && call.type.support.kind === "binary" ? binaryColumn(column) : [])],
    });
    return false;
  }
  return true;
}

/** `unit` in a column's head becomes `binary`. */
function binaryColumn({ name, origin }: Column): readonly Fix[] {
  const at = /:\s*unit\b/.exec(textOf(origin));
  if (!at) return [];
  const end = origin.start + at.index + at[0].length;
  return [unasked(replacement({ ...origin, start: end - "unit".length, end }, "binary", `Declare \`${name}\` as \`binary\``))];
}

function reportDelta(context: Context, site: Site, statement: ast.SampleStatement): boolean {
  context.error({
    code: "LVM4026",
    message: "`Delta` has no density, so it cannot stand in a model",
    span: statement.distribution.span,
    label: site.role === "observed" ? "the data would have probability 0" : "nothing is random here",
    related: [{ span: statement.name.span, text: `the ${site.role === "observed" ? "likelihood" : "prior"} of \`${site.name}\`` }],
    help: site.role === "observed" ? "use a density with a width: `Normal(…, 0.1)`" : `write a binding: \`${site.name} = …\``,
    fixes: insteadOfDelta(site, statement),
  });
  return false;
}

function insteadOfDelta(site: Site, { distribution, name, span }: ast.SampleStatement): readonly Fix[] | undefined {
  const value = distribution.kind === "call" && distribution.args.length === 1 ? distribution.args[0]!.value.span : undefined;
  if (!value) return undefined;
  if (site.role === "observed") return site.type.support.kind === "real" ? [unasked(replacement(distribution.span, `Normal(${textOf(value)}, 0.1)`))] : undefined;
  return [unasked(replacement({ ...span, start: name.span.end }, ` = ${textOf(value)}`, `Write \`${site.name} = …\``))];
}

/** A support as a type that can be written. */
function writable(support: Support): string | undefined {
  switch (support.kind) {
    case "nonnegative":
      return "positive";
    default:
      return printSupport(support);
  }
}

function supportSpan(type: ast.TypeExpression): Site["origin"] {
  const [size] = type.sizes;
  const end = size ? type.span.source.text.lastIndexOf("[", size.span.start) : type.span.end;
  return { ...type.span, end: end > type.span.start ? end : type.name.span.end };
}
