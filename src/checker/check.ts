import type * as ast from "../parser/ast.js";
import { type Checked, type Diagnostic, hasErrors } from "../diagnostics/diagnostic.js";
import { choice as unasked, removal, replacement } from "../diagnostics/fix.js";
import { sortDiagnostics } from "../diagnostics/sort.js";
import { suggest } from "../diagnostics/suggest.js";
import { maxDiagnostics } from "../parser/parse.js";
import type { CheckedModule, ModelProgram } from "../ir/model/model.js";
import type { Context } from "./context.js";
import { type CheckedGuide, checkGuide } from "./guide.js";
import { checkDiffusionProgram } from "./diffusion/diffusion-program.js";
import { isDiffusion } from "./diffusion/check-diffusion.js";
import { type CheckedFile, checkItems, type ImportSession, type Load } from "./imports.js";
import { type CheckedModel, checkModel } from "./model.js";
import { assembleProgram } from "./program.js";
import { createScope } from "./scope.js";
import { checkTraining } from "./training.js";
import type { TrainedModel } from "./rules/objective.js";
import { checkBatchStatistics } from "./rules/batch-statistics.js";
import { isWhole } from "./rules/whole-program.js";
import { checkRelaxedReads } from "./rules/relaxed-reads.js";
import { definitionsIn } from "./rules/statement-order.js";
import { linkStage } from "./stages.js";

export interface CheckOptions {
  /** `--set NAME=VALUE`: values of constants, as numbers or as their text. */
  readonly set?: Readonly<Record<string, string | number>>;
  /** Reads imported files. Without it imports cannot be read. */
  readonly load?: Load;
}

/** A checked file with the tables of its check, for editors. */
export interface CheckedWithFacts {
  readonly module: CheckedModule;
  readonly context: Context;
  /** Imported files by path. */
  readonly files: ReadonlyMap<string, CheckedFile>;
}

/**
 * Checks a file: imports, constants, parameters and networks in any order, then each model with its guide and its training. Gives one
 * program for each model without errors; never throws on user input. Diagnostics are in reading order, those of imported files included.
 */
export function check(module: ast.Module, options: CheckOptions = {}): Checked<CheckedModule> {
  const { value, diagnostics } = checkWithFacts(module, options);
  return { value: value.module, diagnostics };
}

/** `check`, with what an editor shows at each node. */
export function checkWithFacts(module: ast.Module, options: CheckOptions = {}): Checked<CheckedWithFacts> {
  const early: Diagnostic[] = [];
  const set = readOverrides(module, options.set ?? {}, early);
  const session: ImportSession = { load: options.load, set, files: new Map(), diagnostics: [], main: new Set(), consumed: new Set() };
  const context = checkItems(module, session, [module.source.path]);
  reportUnusedOverrides(context, module, session);
  const programs = checkModels(context, module);
  const diagnostics = limit(sortDiagnostics([...early, ...session.diagnostics, ...context.diagnostics]));
  return { value: { module: { source: module.source, programs }, context, files: session.files }, diagnostics };
}

/** No more messages than the parser gives: nobody reads the rest. */
function limit(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const next = diagnostics[maxDiagnostics];
  if (!next) return diagnostics;
  return [
    ...diagnostics.slice(0, maxDiagnostics),
    {
      code: "LVM1010",
      severity: "error",
      message: `too many mistakes: ${diagnostics.length - maxDiagnostics} more are not shown`,
      primary: { span: next.primary.span, text: "the next one" },
      related: [],
      notes: [],
      help: "mend the first ones, then check again",
    },
  ];
}

function readOverrides(module: ast.Module, set: Readonly<Record<string, string | number>>, diagnostics: Diagnostic[]): Readonly<Record<string, number>> {
  const numbers: [string, number][] = [];
  for (const [name, given] of Object.entries(set)) {
    const value = typeof given === "number" ? given : given.trim() === "" ? Number.NaN : Number(given);
    if (Number.isFinite(value)) numbers.push([name, value]);
    else {
      const item = module.items.find((each) => each.kind === "const" && each.name.name === name);
      diagnostics.push({
        code: "LVM4056",
        severity: "error",
        message: `\`--set ${name}=${given}\`: the value is not a number`,
        primary: { span: item?.span ?? { source: module.source, start: 0, end: 0 }, text: item ? "this would be replaced" : "in this file" },
        related: [],
        notes: [],
        help: `write for example \`--set ${name}=10\``,
      });
    }
  }
  return Object.fromEntries(numbers);
}

function reportUnusedOverrides(context: Context, module: ast.Module, session: ImportSession): void {
  const known = [context, ...[...session.files.values()].map((file) => file.context)].flatMap((each) => [...each.constantItems.keys()]);
  for (const name of Object.keys(session.set)) {
    if (session.consumed.has(name)) continue;
    const near = suggest(name, known);
    context.error({
      code: "LVM2007",
      message: `\`--set ${name}\`: the file has no constant of that name`,
      span: { source: module.source, start: 0, end: 0 },
      label: "in this file",
      notes: known.length > 0 ? [`its constants: ${known.map((each) => `\`${each}\``).join(", ")}`] : ["it has no `const` at all"],
      help: near ? `did you mean \`${near}\`?` : `declare \`const ${name} = …\``,
    });
  }
}

function checkModels(context: Context, module: ast.Module): readonly ModelProgram[] {
  const models = module.items.filter((item) => item.kind === "model");
  const guides = pair(context, module, "guide", models);
  const trains = pair(context, module, "train", models);
  const programs: ModelProgram[] = [];
  const fileScope = createScope();
  const seen = new Set<string>();
  const onOf = (program: Pick<ModelProgram, "name">): ast.Expression | undefined => (trains.get(program.name) as ast.TrainItem | undefined)?.on;
  for (const item of models) {
    if (seen.has(item.name.name)) continue;
    seen.add(item.name.name);
    const before = context.diagnostics.length;
    if (isDiffusion(item)) {
      const program = checkDiffusionProgram(context, item, guides.get(item.name.name) as ast.GuideItem | undefined, trains.get(item.name.name) as ast.TrainItem | undefined, fileScope);
      if (program && !hasErrors(context.diagnostics.slice(before))) programs.push(program);
      continue;
    }
    const model = checkModel(context, item, fileScope);
    const guide = checkGuide(context, model, guides.get(item.name.name) as ast.GuideItem | undefined, fileScope);
    const train = trains.get(item.name.name) as ast.TrainItem | undefined;
    const training = checkTraining(context, train, trainedModel(model, guide));
    if (!hasErrors(context.diagnostics.slice(before)) && model.sound && guide.sound) {
      const program = assembleProgram(context, model, guide, training);
      if (!isWhole(program)) continue;
      checkRelaxedReads(context, program);
      checkBatchStatistics(context, program);
      if (!hasErrors(context.diagnostics.slice(before))) programs.push(program);
    }
  }
  const second = new Set(models.map(({ name }) => name.name).filter((name) => onOf({ name })));
  const first = new Map(programs.filter(({ name }) => !second.has(name)).map((program) => [program.name, program]));
  return programs.flatMap((program) => {
    const on = onOf(program);
    return on ? (linkStage(context, program, on, first, models, second) ?? []) : [program];
  });
}

/** Guides or train blocks by the model that they name; one for each model, and none without. */
function pair(context: Context, module: ast.Module, kind: "guide" | "train", models: readonly ast.ModelItem[]): ReadonlyMap<string, ast.GuideItem | ast.TrainItem> {
  const found = new Map<string, ast.GuideItem | ast.TrainItem>();
  const what = kind === "guide" ? "guide" : "train block";
  const names = models.map((model) => model.name.name);
  for (const item of module.items) {
    if (item.kind !== kind || item.name.name === "") continue;
    const { name } = item.name;
    const earlier = found.get(name);
    if (earlier) {
      context.error({
        code: kind === "guide" ? "LVM4006" : "LVM4008",
        message: `\`${name}\` has two ${what}s`,
        span: item.name.span,
        label: "the second",
        related: [{ span: earlier.name.span, text: "the first is here" }],
        help: "put everything into one block, or remove one of the two",
        fixes: [unasked(removal(item.span, "Remove the second"))],
      });
      continue;
    }
    found.set(name, item);
    if (names.includes(name)) continue;
    const missing = names.filter((model) => !module.items.some((other) => other.kind === kind && other.name.name === model));
    const near = suggest(name, names) ?? (missing.length === 1 && (kind === "train" || hasLatents(models, missing[0])) ? missing[0] : undefined);
    // The model that was meant is served, so that it is not reported again.
    if (near !== undefined && missing.includes(near)) found.set(near, item);
    const other = context.items.get(name);
    const [first] = models;
    context.error({
      code: kind === "guide" ? "LVM4005" : "LVM4007",
      message: other && other.what !== "model" ? `\`${name}\` is a ${other.what}, and a ${what} belongs to a model` : `there is no model \`${name}\``,
      span: item.name.span,
      label: "no model of this name",
      related: other ? [{ span: other.span, text: `the ${other.what}` }] : first ? [{ span: (models.find((model) => model.name.name === near) ?? first).name.span, text: "a model of this file" }] : [],
      help: near !== undefined ? `did you mean \`${near}\`?` : names.length > 0 ? `name one of the models: ${names.map((each) => `\`${each}\``).join(", ")}` : `add \`model ${name}(…) { … }\``,
      fixes: near !== undefined ? [replacement(item.name.span, near)] : missing.filter((each) => kind === "train" || hasLatents(models, each)).map((each) => unasked(replacement(item.name.span, each))),
    });
  }
  return found;
}

function hasLatents(models: readonly ast.ModelItem[], name: string | undefined): boolean {
  const model = models.find((item) => item.name.name === name);
  const columns = new Set(model?.columns.map((column) => column.name.name));
  return model !== undefined && definitionsIn(model.body).some((each) => each.statement.kind === "sample" && !columns.has(each.name));
}

function isChained({ sites }: CheckedModel, name: string): boolean {
  const site = sites.get(name);
  return site !== undefined && (site.sequence !== undefined || site.plates.at(-1)?.chain !== undefined);
}

function trainedModel(model: CheckedModel, guide: CheckedGuide): TrainedModel {
  return {
    name: model.item.name.name,
    origin: model.item.name.span,
    latents: [...model.latents].map(([name, statement]) => ({
      name,
      scope: statement.global ? "global" : "row",
      origin: statement.name.span,
      guided: guide.entries.get(name)?.how ?? "unknown",
      guideOrigin: guide.entries.get(name)?.span,
      chained: isChained(model, name),
    })),
    observed: model.columns
      .filter(({ role }) => role === "observed")
      .map(({ name, origin, partlyObserved }) => ({ name, origin, partly: partlyObserved, guided: guide.entries.get(name)?.how, guideOrigin: guide.entries.get(name)?.span })),
    sound: model.sound && guide.sound,
  };
}
