import type * as ast from "../parser/ast.js";
import type { Fix } from "../diagnostics/diagnostic.js";
import { choice as unasked, correction, lineAbove, removalFromList, replacement } from "../diagnostics/fix.js";
import { isDiscrete, printSupport } from "../types/support.js";
import { elementCount, printType, sizeOf, type Type } from "../types/type.js";
import type { AutoGroup, Initializer, Parameter } from "../ir/model/model.js";
import type { Context } from "./context.js";
import type { ModelSite } from "./model.js";
import { assignOptions, isMissing, list, readChoice, readNumber } from "./rules/options.js";
import { suggestion } from "./rules/suggestion.js";

/** Families of `auto`. */
export const families = ["mean_field", "full_rank", "low_rank"] as const;
export type Family = (typeof families)[number];

/** Most coordinates of a full-rank Gaussian: its matrix has the square of this many numbers. */
const largestFullRank = 2048;

/** Initial standard deviation on the unconstrained scale: small, so that the first draws stay near the initial location. */
const initialScale = 0.1;

/** Number of unconstrained coordinates of one value: K − 1 for `simplex[K]`, K (K + 1) / 2 for a K × K `cholesky`. */
export function unconstrainedDimension(type: Type): number {
  const total = elementCount(type);
  const last = type.shape[type.shape.length - 1]?.value ?? 1;
  switch (type.support.kind) {
    case "simplex":
      return (total / last) * (last - 1);
    case "cholesky":
    case "covariance":
      return (total / (last * last)) * ((last * (last + 1)) / 2);
    default:
      return total;
  }
}

/** The family of `auto mean_field …`; undefined (reported) where there is none of that name. */
function readFamily(context: Context, expression: ast.Expression): { readonly family: Family; readonly rank: number } | undefined {
  if (isMissing(expression)) return undefined;
  const choice = readChoice(expression);
  const family = families.find((name) => name === choice?.name);
  if (!choice || !family) {
    context.error({
      code: "LVM4036",
      message: choice ? `unknown automatic guide \`${choice.name}\`` : "this is not an automatic guide",
      span: choice?.nameSpan ?? expression.span,
      label: "unknown",
      notes: [`the automatic guides are ${list(families)}`],
      help: (choice && suggestion(choice.name, families)) ?? "write `auto mean_field` and the names of the latents",
      fixes: choice && correction(choice.nameSpan, choice.name, families),
    });
    return undefined;
  }
  const given = assignOptions(context, choice, family === "low_rank" ? ["rank"] : [], family === "low_rank" ? 1 : 0);
  if (family !== "low_rank") return { family, rank: 0 };
  const rank = given.get("rank");
  if (!rank) {
    if (choice.args.length === 0) {
      context.error({
        code: "LVM5014",
        message: "`low_rank` needs its rank",
        span: choice.span,
        label: "the number of directions is not given",
        help: "write for example `auto low_rank(5)`",
        fixes: [replacement(choice.span, "low_rank(5)")],
      });
    }
    return undefined;
  }
  const value = readNumber(context, "rank", rank.value, { whole: true, atLeast: 1 });
  return value === undefined ? undefined : { family, rank: value };
}

/** What one `auto` statement makes: a group for each scope that its sites have, with the parameters of each. */
export interface AutoResult {
  readonly groups: readonly AutoGroup[];
  readonly parameters: readonly Parameter[];
}

/** `sites` are those of the statement that the guide may fit and that no other entry has claimed. */
export function elaborateAuto(context: Context, statement: ast.AutoStatement, sites: readonly { readonly site: ModelSite; readonly name: ast.Identifier }[]): AutoResult {
  const chosen = readFamily(context, statement.family);
  const continuous = sites.filter(({ site, name }) => {
    if (!isDiscrete(site.type.support)) return true;
    context.error({
      code: "LVM4035",
      message: `\`auto\` cannot fit \`${site.name}\`, which is discrete`,
      span: name.span,
      label: `this is ${printSupport(site.type.support)}`,
      related: [{ span: site.origin, text: "declared here" }],
      help:
        site.type.support.kind === "count"
          ? `draw it in the guide: \`${site.name} ~ Poisson(…) by score(baseline = leave_one_out)\``
          : `sum it out with \`marginalize ${site.name}\`, or draw it: \`${site.name} ~ ${site.type.support.kind === "binary" ? "Bernoulli" : "Categorical"}(…)\``,
      fixes: site.type.support.kind === "count" ? undefined : marginalized(statement, name, site.scope),
    });
    return false;
  });
  if (!chosen) return { groups: [], parameters: [] };
  const groups: AutoGroup[] = [];
  const parameters: Parameter[] = [];
  for (const scope of ["global", "row"] as const) {
    const members = continuous.filter(({ site }) => site.scope === scope).map(({ site }) => site);
    if (members.length === 0) continue;
    const made = makeGroup(context, statement, chosen, scope, members);
    if (!made) continue;
    groups.push(made.group);
    parameters.push(...made.parameters);
  }
  return { groups, parameters };
}

/** `marginalize k` instead of a discrete latent in an `auto` statement. */
function marginalized(statement: ast.AutoStatement, name: ast.Identifier, scope: ModelSite["scope"]): readonly Fix[] | undefined {
  if (scope === "global") return undefined;
  const title = `Write \`marginalize ${name.name}\``;
  if (statement.sites.length === 1) return [replacement(statement.span, `marginalize ${name.name}`, title)];
  const edit = removalFromList(name.span, title).edits[0]!;
  return [{ title, edits: [edit, lineAbove(statement.span, `marginalize ${name.name}`)] }];
}

function makeGroup(
  context: Context,
  statement: ast.AutoStatement,
  { family, rank }: { readonly family: Family; readonly rank: number },
  scope: "row" | "global",
  members: readonly ModelSite[],
): { readonly group: AutoGroup; readonly parameters: readonly Parameter[] } | undefined {
  const sites = members.map((site) => ({
    site: site.name,
    dimension: unconstrainedDimension(site.type) * site.plates.reduce((product, plate) => product * plate.size, 1),
  }));
  const total = sites.reduce((sum, { dimension }) => sum + dimension, 0);
  if (family === "full_rank" && total > largestFullRank) {
    context.error({
      code: "LVM4037",
      message: `\`auto full_rank\` over ${total} coordinates learns ${total} × ${total} numbers`,
      span: statement.family.span,
      label: `at most ${largestFullRank} coordinates`,
      related: members.map((site) => ({ span: site.origin, text: `\`${site.name}\`: ${printType(site.type)}` })),
      help: "use `auto low_rank(10)` or `auto mean_field`",
      fixes: ["low_rank(10)", "mean_field"].map((family) => unasked(replacement(statement.family.span, family, `Use \`auto ${family}\``))),
    });
    return undefined;
  }
  const prefix = `auto.${sites.map(({ site }) => site).join("+")}`;
  const names = { location: `${prefix}.location`, scale: `${prefix}.scale`, ...(family === "low_rank" ? { factor: `${prefix}.factor` } : {}) };
  const parameter = (name: string, type: Type, init: Initializer): Parameter => ({ name, type, perRow: scope === "row", trainable: true, init, origin: statement.span });
  const axis = sizeOf(total);
  const parameters: Parameter[] = [parameter(names.location, { support: { kind: "real" }, shape: [axis] }, { kind: "constant", value: 0 })];
  if (family === "full_rank") parameters.push(parameter(names.scale, { support: { kind: "cholesky" }, shape: [axis, axis] }, scaledIdentity(total)));
  else parameters.push(parameter(names.scale, { support: { kind: "positive" }, shape: [axis] }, { kind: "constant", value: initialScale }));
  if (names.factor !== undefined) {
    parameters.push(parameter(names.factor, { support: { kind: "real" }, shape: [axis, sizeOf(rank)] }, { kind: "normal", mean: 0, scale: initialScale / 10 }));
  }
  return { group: { kind: "auto", family, rank: family === "low_rank" ? rank : 0, scope, sites, parameters: names, origin: statement.span }, parameters };
}

function scaledIdentity(size: number): Initializer {
  const values = new Array<number>(size * size).fill(0);
  for (let at = 0; at < size; at++) values[at * size + at] = initialScale;
  return { kind: "values", values };
}
