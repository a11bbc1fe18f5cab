import type * as ast from "../parser/ast.js";
import type { Fix } from "../diagnostics/diagnostic.js";
import { replacement } from "../diagnostics/fix.js";
import type { Span } from "../diagnostics/span.js";
import { suggest } from "../diagnostics/suggest.js";
import { type Column, isContinuous, letterOf, type ModelProgram, type Site, type Stage } from "../ir/model/model.js";
import { frozenName } from "../ir/model/stages.js";
import { printSupport } from "../types/support.js";
import { printType, sameShape, type Type } from "../types/type.js";
import type { Context } from "./context.js";
import { list } from "./rules/options.js";

/** A second stage while its models are looked at. */
interface Draft {
  readonly context: Context;
  readonly program: ModelProgram;
  /** Its name in its head. */
  readonly head: Span;
  readonly on: Span;
}

/** `vae.z` as model and latent, or undefined for another expression. */
export function stageNames(on: ast.Expression): { readonly model: ast.NameExpression; readonly site: ast.Identifier } | undefined {
  return on.kind === "member" && on.target.kind === "name" ? { model: on.target, site: on.name } : undefined;
}

/**
 * Links `train prior on vae.z`: the rows of `prior` are what the model before makes of its own. `first` has the programs without errors of models that are no second stage, `models` all of the file.
 * Undefined where the link is wrong (reported), or where the model before has mistakes of its own.
 */
export function linkStage(context: Context, program: ModelProgram, on: ast.Expression, first: ReadonlyMap<string, ModelProgram>, models: readonly ast.ModelItem[], second: ReadonlySet<string>): ModelProgram | undefined {
  if (on.kind === "missing") return undefined;
  const named = stageNames(on);
  if (!named) return refuse(context, "LVM4080", "a stage is trained on a latent of another model", on.span, "no latent of a model", "write `train prior on vae.z`, with the model and its latent");
  const { model, site } = named;
  const item = models.find((each) => each.name.name === model.name);
  if (!item) {
    const near = suggest(model.name, models.map(({ name }) => name.name));
    return refuse(context, "LVM4080", `there is no model \`${model.name}\``, model.span, "the stage before", near === undefined ? "name a model of this file that is trained before" : `did you mean \`${near}.${site.name}\`?`, undefined, undefined, near === undefined ? undefined : [replacement(model.span, near)]);
  }
  if (model.name === program.name) return refuse(context, "LVM4080", `\`${program.name}\` would be trained on itself`, on.span, "the same model", "a stage is trained on a latent of another model: give the second stage a model of its own", item.name.span);
  if (second.has(model.name)) return refuse(context, "LVM4080", `\`${model.name}\` is itself a second stage`, model.span, "has a `train … on` of its own", "there are two stages: the first learns from data alone", item.name.span);
  const before = first.get(model.name);
  if (!before) return undefined;
  const draft: Draft = { context, program, head: models.find(({ name }) => name.name === program.name)?.name.span ?? program.origin, on: on.span };
  const stage = before.diffusion ? noisedStage(draft, before, site) : latentStage(draft, before, site, item);
  if (!stage) return undefined;
  const columns = joinColumns(draft, before, stage);
  if (!columns) return undefined;
  if (program.length) return refuse(context, "LVM4081", "the rows of a second stage have no lengths of their own", program.origin, "with `where length(…)`", "remove `where …`");
  const { training } = program;
  const data = training.data ?? before.training.data;
  return { ...program, columns, ...(before.length ? { length: before.length } : {}), stage, training: { ...training, binarize: before.training.binarize, observe: [...before.training.observe, ...training.observe], ...(data ? { data } : {}) } };
}

function refuse(context: Context, code: "LVM4080" | "LVM4081" | "LVM4082", message: string, span: Span, label: string, help: string, related?: Span, what = "the model", fixes?: readonly Fix[]): undefined {
  context.error({ code, message, span, label, related: related ? [{ span: related, text: what }] : [], help, fixes });
  return undefined;
}

/** A draw of a latent from the guide. */
function latentStage(draft: Draft, before: ModelProgram, name: ast.Identifier, item: ast.ModelItem): Stage | undefined {
  const { context, program, on } = draft;
  const sites = before.model.filter((step): step is Site => step.kind === "site");
  const latents = sites.filter((each) => each.role === "latent" && each.scope === "row");
  const site = sites.find((each) => each.name === name.name);
  const wrong = (message: string, label: string, help?: string, fixes?: readonly Fix[]): undefined => refuse(context, "LVM4081", message, name.span, label, help ?? choose(before, latents), site?.origin ?? item.name.span, site ? `\`${name.name}\`` : `\`${before.name}\``, fixes);
  if (!site) {
    const near = suggest(name.name, latents.map((each) => each.name));
    const column = before.columns.find((each) => each.name === name.name);
    return wrong(column ? `\`${name.name}\` is a column of \`${before.name}\`, not a latent` : `\`${before.name}\` has no latent \`${name.name}\``, column ? "an input" : "unknown", near === undefined ? undefined : `did you mean \`${before.name}.${near}\`?`, near === undefined ? undefined : [replacement(name.span, near)]);
  }
  if (site.role === "observed") return wrong(`\`${name.name}\` is a column of \`${before.name}\`, not a latent`, "observed", latents.length === 0 ? "train the second model on the data itself: remove `on …`" : undefined);
  if (site.scope === "global") return wrong(`\`${name.name}\` is one for all rows of \`${before.name}\`, so there are no rows of it`, "global");
  if (site.sequence || site.plates.some((plate) => plate.chain)) return wrong(`\`${name.name}\` is a chain, whose steps need a model of their own kind`, "a chain", "let the model itself have such a chain as prior: write it into its body");
  if (before.guide.some((step) => step.kind === "marginalized" && step.site === name.name)) return wrong(`\`${name.name}\` is summed out, so the guide draws none`, "summed out", `let the guide draw it: \`${name.name} ~ …\``);
  const perRow = before.parameters.find((parameter) => parameter.perRow);
  if (perRow) return refuse(context, "LVM4081", `the guide of \`${before.name}\` has parameters for each row, so it knows the latents of its own rows alone`, on, "its latents have no rows but those", "let networks of the columns say the guide's parameters", perRow.origin, "one value for each row");
  const plates = site.plates.map(({ size }) => ({ value: size }));
  const type: Type = { support: site.type.support, shape: [...plates, ...site.type.shape] };
  if (!fits(draft, before, type, name, site.origin, `\`${name.name}\` of \`${before.name}\``)) return undefined;
  return { kind: "latent", model: before, site: name.name, columns: program.columns, origin: on, ...(type.support.kind === "real" ? { scale: frozenName(before, `${name.name}.scale`) } : {}) };
}

/** The datum of a diffusion at some step of its chain. */
function noisedStage(draft: Draft, before: ModelProgram, name: ast.Identifier): Stage | undefined {
  const { context, program, on } = draft;
  const diffusion = before.diffusion!;
  if (name.name !== diffusion.name) return refuse(context, "LVM4081", `\`${before.name}\` is a diffusion of \`${diffusion.name}\``, name.span, "not its datum", `write \`on ${before.name}.${diffusion.name}\``, before.columns[0]?.origin, `\`${diffusion.name}\``, [replacement(name.span, diffusion.name)]);
  if (isContinuous(diffusion)) return refuse(context, "LVM4081", `the chain of \`${before.name}\` has no steps`, on, "continuous time", `let the chain of \`${before.name}\` run over \`1..T\``, diffusion.guideOrigin, "its chain");
  const { plate } = diffusion.time;
  const letter = letterOf(plate);
  const declared = before.columns.find((each) => each.name === name.name);
  if (!fits(draft, before, diffusion.type, name, declared?.origin ?? before.origin, `\`${name.name}\` at a step of \`${before.name}\``)) return undefined;
  const step = program.columns.find((each) => each.name === letter);
  if (step && (step.type.shape.length > 0 || !["positive", "nonnegative", "real", "count"].includes(step.type.support.kind))) {
    return refuse(context, "LVM4082", `\`${letter}\` is ${printType(step.type)}, and a step of the chain is a number`, step.origin, "is told the step", `declare \`${letter}: positive\``, diffusion.guideOrigin, `\`${letter}\` of \`${before.name}\``, [replacement(step.origin, `${letter}: positive`, `Declare \`${letter}: positive\``)]);
  }
  return { kind: "noised", model: before, site: name.name, columns: program.columns, origin: on, ...(step ? { step: letter } : {}) };
}

function choose(before: ModelProgram, latents: readonly Site[]): string {
  return latents.length === 0 ? `\`${before.name}\` has no latent of its rows: train the second model on data` : `name a latent of its rows: ${list(latents.map(({ name }) => `${before.name}.${name}`), "or")}`;
}

/** Whether the second model has a column for what the first makes, of the same type. Reports it. */
function fits({ context, program, head }: Draft, before: ModelProgram, type: Type, name: ast.Identifier, origin: Span, what: string): boolean {
  const column = program.columns.find((each) => each.name === name.name);
  const wanted = `${program.diffusion ? `${name.name}[0]` : name.name}: ${printType(type)}`;
  if (!column) {
    context.error({ code: "LVM4082", message: `\`${program.name}\` has no column \`${name.name}\``, span: head, label: "nothing takes its place", related: [{ span: origin, text: what }], help: `declare \`${wanted}\` in the head of \`${program.name}\`` });
    return false;
  }
  if (sameShape(column.type, type) && printSupport(column.type.support) === printSupport(type.support) && !column.partlyObserved) return true;
  context.error({
    code: "LVM4082", message: `\`${name.name}\` is ${printType(column.type)}${column.partlyObserved ? "?" : ""} here and ${printType(type)} in \`${before.name}\``, span: column.origin, label: `of \`${program.name}\``,
    related: [{ span: origin, text: what }], help: `declare \`${wanted}\``, fixes: [replacement(column.origin, wanted, `Declare \`${wanted}\``)],
  });
  return false;
}

/** Columns of the data: those of the first stage, and what the second has beside what is made for it. */
function joinColumns({ context, program }: Draft, before: ModelProgram, stage: Stage): readonly Column[] | undefined {
  const made = new Set([stage.site, ...(stage.kind === "noised" && stage.step !== undefined ? [stage.step] : [])]);
  const own = program.columns.filter(({ name }) => !made.has(name));
  for (const column of own) {
    const same = before.columns.find(({ name }) => name === column.name);
    if (!same || (sameShape(same.type, column.type) && printSupport(same.type.support) === printSupport(column.type.support) && same.partlyObserved === column.partlyObserved)) continue;
    return refuse(context, "LVM4082", `\`${column.name}\` is ${printType(column.type)} here and ${printType(same.type)} in \`${before.name}\``, column.origin, `of \`${program.name}\``, "both read the same column of the data: give them one type", same.origin, `of \`${before.name}\``);
  }
  // What the second stage draws, or is told, it says itself; noised data is told.
  const first = before.columns.filter(({ name }) => !own.some((column) => column.name === name));
  return [...first.map((column): Column => (stage.kind === "noised" ? { ...column, role: "input" } : column)), ...own];
}
