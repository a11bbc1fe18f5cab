import type * as ast from "../../parser/ast.js";
import type { Fix } from "../../diagnostics/diagnostic.js";
import { choice } from "../../diagnostics/fix.js";
import type { Span } from "../../diagnostics/span.js";
import { cardinality, isDiscrete, type Support } from "../../types/support.js";
import type { Context } from "../context.js";
import type { CheckedModel } from "../model.js";

/** A statement that would infer a latent, for help lines and quick fixes. */
export function entryFor(name: string, support: Support | undefined, loops: boolean): string {
  if (!support || loops) return support && isDiscrete(support) && cardinality(support) !== undefined ? `marginalize ${name}` : `auto mean_field ${name}`;
  switch (support.kind) {
    case "real":
      return `${name} ~ Normal(0, 1)`;
    case "positive":
    case "nonnegative":
      return `${name} ~ LogNormal(0, 1)`;
    case "unit":
      return `${name} ~ Beta(1, 1)`;
    case "count":
      return `${name} ~ Poisson(1)`;
    case "binary":
    case "index":
    case "byte":
      return `marginalize ${name}`;
    default:
      return `auto mean_field ${name}`;
  }
}

/** One latent (or partly observed column) that its guide leaves out. */
export function reportMissingSite(context: Context, model: CheckedModel, guide: ast.GuideItem, name: string): void {
  const site = model.sites.get(name);
  const statement = model.latents.get(name);
  const column = model.columns.find((each) => each.name === name);
  const entry = entryFor(name, site?.type.support, (site?.plates.length ?? 0) > 0);
  context.error({
    code: statement ? "LVM4001" : "LVM4033",
    message: statement ? `the guide says nothing about \`${name}\`` : `\`${name}\` is missing in some rows, and the guide says nothing about it`,
    span: guide.name.span,
    label: `no entry for \`${name}\``,
    related: [{ span: statement?.name.span ?? column?.origin ?? model.item.name.span, text: statement ? "the model draws it here" : "partly observed" }],
    help: `add \`${entry}\``,
    fixes: insertion(guide, entry),
  });
}

function insertion(guide: ast.GuideItem, entry: string): readonly Fix[] | undefined {
  const brace = guide.span.end - 1;
  const { text } = guide.span.source;
  if (text[brace] !== "}") return undefined;
  const last = guide.body[guide.body.length - 1];
  const at = last?.span.end ?? brace;
  const span: Span = { ...guide.span, start: at, end: at };
  return [choice({ title: `Add \`${entry}\``, edits: [{ span, text: last ? `\n  ${entry}` : `\n  ${entry}\n` }] })];
}

/** A model with latents and no guide at all: offers a whole one. */
export function reportMissingGuide(context: Context, model: CheckedModel): void {
  const names = [...model.latents.keys(), ...model.columns.filter(({ partlyObserved }) => partlyObserved).map(({ name }) => name)];
  const [summed, fitted]: [string[], string[]] = [[], []];
  for (const name of names) {
    const support = model.sites.get(name)?.type.support;
    (support && isDiscrete(support) ? summed : fitted).push(name);
  }
  const lines = [fitted.length > 0 ? `auto mean_field ${fitted.join(", ")}` : "", summed.length > 0 ? `marginalize ${summed.join(", ")}` : ""].filter((line) => line !== "");
  const { item } = model;
  const first = names[0] ?? "";
  const related = model.latents.get(first)?.name.span ?? model.columns.find(({ name }) => name === first)?.origin ?? item.name.span;
  context.error({
    code: "LVM4009",
    message: `\`${item.name.name}\` has latents and no guide`,
    span: item.name.span,
    label: `${names.map((name) => `\`${name}\``).join(", ")} must be inferred`,
    related: [{ span: related, text: `\`${first}\` is ${model.latents.has(first) ? "a latent" : "missing in some rows"}` }],
    help: `add \`guide ${item.name.name} { ${lines.join("  ")} }\``,
    fixes: [
      choice({
        title: "Add an automatic guide",
        edits: [{ span: { ...item.span, start: item.span.end }, text: `\n\nguide ${item.name.name} {\n${lines.map((line) => `  ${line}\n`).join("")}}` }],
      }),
    ],
  });
}
