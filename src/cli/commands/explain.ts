import { catalog, type CatalogEntry, type DiagnosticCode } from "../../diagnostics/catalog.js";
import { suggest } from "../../diagnostics/suggest.js";
import type { DerivedModel } from "../../driver/derive.js";
import { UsageError } from "../errors.js";
import { exitCodes } from "../exit-codes.js";
import { accept, openModel, type ModelOptions } from "../front.js";
import type { CommandContext, CommandResult } from "../run.js";
import { stageNames } from "../training/stages.js";

export interface ExplainCommandOptions extends ModelOptions {
  readonly latex?: boolean;
  readonly mathml?: boolean;
  readonly html?: boolean;
  readonly evaluation?: boolean;
}

/** `lvmc explain objective FILE`, `lvmc explain FILE`, `lvmc explain LVM3004`. */
export async function explain(context: CommandContext, what: readonly string[], options: ExplainCommandOptions): Promise<CommandResult> {
  const [first = "", second, ...rest] = what;
  if (rest.length > 0) throw new UsageError(`explain takes one thing at a time, not ${what.join(" ")}`);
  if (first === "objective") {
    if (second === undefined) throw new UsageError("explain objective: of which file?", "lvmc explain objective models/vae.lvm");
    return explainFile(context, second, options);
  }
  if (second !== undefined) throw new UsageError(`there is nothing called ${first} to explain`, "lvmc explain objective FILE, or lvmc explain LVM3004");
  if (/^(?:lvm)?\d+$/i.test(first)) return explainCode(context, first);
  return explainFile(context, first, options);
}

function explainCode({ report }: CommandContext, written: string): CommandResult {
  const code = `LVM${written.replace(/^lvm/i, "")}`;
  if (!isCode(code)) {
    const near = suggest(code, Object.keys(catalog));
    throw new UsageError(`there is no message ${code}`, near === undefined ? undefined : `did you mean ${near}?`);
  }
  const { title, explanation }: CatalogEntry = catalog[code];
  report.say(`${report.color.bold(`${code}: ${title}`)}\n\n${explanation}`);
  return { exit: exitCodes.ok, facts: { code, title, explanation } };
}

function isCode(code: string): code is DiagnosticCode {
  return Object.hasOwn(catalog, code);
}

async function explainFile(context: CommandContext, file: string, options: ExplainCommandOptions): Promise<CommandResult> {
  const input = openModel(context, file, options);
  const { explainObjective } = await import("../../driver/explain.js");
  const format = options.latex ? "latex" : options.mathml ? "mathml" : options.html ? "html" : "text";
  const mode = options.evaluation ? "evaluation" : "training";
  // Of stages each has an objective; a page has one.
  const stages = options.model === undefined && format !== "html" ? await stageNames(context, file, options) : [];
  const wanted = stages.length === 0 ? [input.options.model] : stages.map(({ name }) => name);
  const explained = wanted.map((model) => accept(context, explainObjective(input.source, { ...input.options, model, format, mode })));
  const text = explained.map((each) => each.text.trimEnd()).join("\n\n");
  context.report.say(text);
  const objectives = explained.map(({ derived }) => factsOf(mode === "evaluation" ? derived.evaluation : derived.training));
  return { exit: exitCodes.ok, facts: { file, mode, format, ...objectives.at(-1), ...(stages.length > 0 ? { stages: objectives } : {}), text } };
}

function factsOf({ model, bound, terms }: DerivedModel["training"]): Readonly<Record<string, unknown>> {
  return { model, bound, terms: terms.map(({ name, kind, sites, weight, estimator, exactness, reason }) => ({ name, kind, sites, weight, estimator, exactness, reason })) };
}
