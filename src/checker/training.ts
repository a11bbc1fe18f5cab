import type * as ast from "../parser/ast.js";
import { choice as unasked, correction, removal, replacement } from "../diagnostics/fix.js";
import type { Span } from "../diagnostics/span.js";
import type { Optimizer, Training, TrainingObjective } from "../ir/model/model.js";
import type { Context } from "./context.js";
import { defaultObjective, readObjective, type TrainedModel } from "./rules/objective.js";
import { defaultOptimizer, readOptimizer } from "./rules/optimizer.js";
import { assignOptions, isMissing, list, readChoice, readNumber } from "./rules/options.js";
import { suggestion } from "./rules/suggestion.js";

/** What `name = value` sets in a train block. */
export const settingNames = ["optimizer", "batch", "epochs", "clip", "ema", "early_stopping", "seed", "binarize", "checkpoint", "data"] as const;
export type SettingName = (typeof settingNames)[number];

/** Built-in data sets with the names of their arguments, which are those of src/runtime/builtin-data. */
export const dataSources = {
  digits: ["n"],
  moons: ["n"],
  spiral: ["n"],
  blobs: ["n", "k"],
  eight_schools: [],
  regression: ["n"],
  factors: ["n", "d", "k"],
  radon: ["n"],
  robot_room: ["n", "T"],
  bouncing_ball: ["n", "T"],
  polyphonic: ["n", "T"],
  state_sequences: ["n", "T"],
  tracking: ["n", "T"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type DataSource = keyof typeof dataSources;

/** What the settings have made so far. */
interface Draft {
  objective: TrainingObjective;
  optimizer: Optimizer;
  batch: number;
  epochs: number;
  clip?: number;
  ema?: number;
  earlyStopping?: { readonly patience: number };
  seed: number;
  binarize: Training["binarize"];
  checkpoint?: Training["checkpoint"];
  data?: Training["data"];
  observe: { readonly column: string; readonly share: number }[];
}

/** The training of a model: its `train` block over the defaults. A setting with a mistake keeps its default. */
export function checkTraining(context: Context, item: ast.TrainItem | undefined, model: TrainedModel): Training {
  const draft: Draft = {
    objective: defaultObjective(model),
    optimizer: defaultOptimizer,
    batch: 128,
    epochs: 10,
    seed: 0,
    binarize: { kind: "fresh" },
    observe: [],
  };
  const seen = new Map<string, Span>();
  for (const statement of item?.body ?? []) {
    const key = statement.kind === "maximize" ? "maximize" : statement.kind === "observe" ? `observe ${statement.name.name}` : statement.name.name;
    const earlier = seen.get(key);
    if (earlier) {
      context.error({
        code: "LVM5003",
        message: `\`${key}\` is set twice`,
        span: statement.kind === "maximize" ? statement.objective.span : statement.name.span,
        label: "set again",
        related: [{ span: earlier, text: "set here first" }],
        help: "remove one of the two",
        fixes: [unasked(removal(statement.span, "Remove this line"))],
      });
      continue;
    }
    seen.set(key, statement.kind === "maximize" ? statement.objective.span : statement.name.span);
    if (statement.kind === "maximize") draft.objective = readObjective(context, statement, model);
    else if (statement.kind === "observe") readObserve(context, statement, model, draft);
    else readSetting(context, statement, draft);
  }
  return { ...draft, origin: item?.span ?? model.origin };
}

function readSetting(context: Context, statement: ast.SettingStatement, draft: Draft): void {
  const { value } = statement;
  const name = settingNames.find((known) => known === statement.name.name);
  if (!name) {
    context.error({
      code: "LVM5002",
      message: `unknown training setting \`${statement.name.name}\``,
      span: statement.name.span,
      label: "unknown",
      notes: [`the settings are ${list(settingNames)}`],
      help: suggestion(statement.name.name, settingNames) ?? "use one of these, or remove it",
      fixes: [...(correction(statement.name.span, statement.name.name, settingNames) ?? []), unasked(removal(statement.span, "Remove this line"))],
    });
    return;
  }
  if (isMissing(value)) return;
  settingReaders[name](context, value, draft);
}

const settingReaders: Readonly<Record<SettingName, (context: Context, value: ast.Expression, draft: Draft) => void>> = {
  optimizer: (context, value, draft) => {
    draft.optimizer = readOptimizer(context, value);
  },
  batch: (context, value, draft) => {
    draft.batch = readNumber(context, "batch", value, { whole: true, atLeast: 1 }) ?? draft.batch;
  },
  epochs: (context, value, draft) => {
    draft.epochs = readNumber(context, "epochs", value, { whole: true, atLeast: 1 }) ?? draft.epochs;
  },
  clip: (context, value, draft) => {
    draft.clip = readNumber(context, "clip", value, { above: 0 });
  },
  ema: (context, value, draft) => {
    draft.ema = readNumber(context, "ema", value, { above: 0, below: 1 });
  },
  seed: (context, value, draft) => {
    draft.seed = readNumber(context, "seed", value, { whole: true, atLeast: 0, atMost: 2 ** 32 - 1 }) ?? draft.seed;
  },
  early_stopping: (context, value, draft) => {
    const patience = readSingle(context, value, "early_stopping", "patience", "10");
    const steps = patience && readNumber(context, "patience", patience, { whole: true, atLeast: 1 });
    if (steps !== undefined) draft.earlyStopping = { patience: steps };
  },
  binarize: (context, value, draft) => {
    if (value.kind === "name" && value.name === "fresh") {
      draft.binarize = { kind: "fresh" };
      return;
    }
    const threshold = readSingle(context, value, "binarize", "threshold", "0.5", "fresh");
    const at = threshold && readNumber(context, "threshold", threshold, { atLeast: 0, atMost: 1 });
    if (at !== undefined) draft.binarize = { kind: "threshold", at };
  },
  checkpoint: (context, value, draft) => {
    if (value.kind === "name" && value.name === "sqrt") draft.checkpoint = "sqrt";
    else draft.checkpoint = readNumber(context, "checkpoint", value, { whole: true, atLeast: 1 });
  },
  data: (context, value, draft) => {
    draft.data = readData(context, value);
  },
};

/** The only argument of `patience(10)`, `threshold(0.5)`. */
function readSingle(context: Context, value: ast.Expression, setting: string, call: string, example: string, orName?: string): ast.Expression | undefined {
  const choice = readChoice(value);
  const alternatives = orName ? [orName, call] : [call];
  if (!choice || choice.name !== call) {
    context.error({
      code: "LVM5004",
      message: `this is not a value of \`${setting}\``,
      span: choice?.nameSpan ?? value.span,
      label: `${list(alternatives, "or")} is expected here`,
      help: (choice && suggestion(choice.name, alternatives)) ?? `write ${orName ? `\`${setting} = ${orName}\` or ` : ""}\`${setting} = ${call}(${example})\``,
      fixes: (choice && correction(choice.nameSpan, choice.name, alternatives)) ?? [
        ...(value.kind === "number" ? [replacement(value.span, `${call}(${value.text})`)] : []),
        ...(orName ? [unasked(replacement(value.span, orName))] : []),
        ...(value.kind === "number" ? [] : [unasked(replacement(value.span, `${call}(${example})`))]),
      ],
    });
    return undefined;
  }
  const given = assignOptions(context, choice, [call === "threshold" ? "at" : "epochs"], 1);
  const only = [...given.values()][0];
  if (only) return only.value;
  if (choice.args.length > 0) return undefined;
  context.error({
    code: "LVM5014",
    message: `\`${call}\` needs a number`,
    span: choice.span,
    label: "the number is not given",
    help: `write \`${setting} = ${call}(${example})\``,
    fixes: [replacement(choice.span, `${call}(${example})`)],
  });
  return undefined;
}

/** `digits(8192)`: a built-in data set and its constant arguments. */
function readData(context: Context, value: ast.Expression): Training["data"] {
  const choice = readChoice(value);
  const names = Object.keys(dataSources);
  const options: readonly string[] | undefined = choice && Object.hasOwn(dataSources, choice.name) ? dataSources[choice.name as DataSource] : undefined;
  if (!choice || !options) {
    context.error({
      code: "LVM5013",
      message: choice ? `there is no built-in data \`${choice.name}\`` : "this is not built-in data",
      span: choice?.nameSpan ?? value.span,
      label: choice ? "unknown" : "a built-in data set is expected here",
      notes: [`built in are ${list(names)}`, "files are given on the command line: `--data x=images.npy`"],
      help: (choice && suggestion(choice.name, names)) ?? "write for example `data = digits(8192)`",
      fixes: choice && correction(choice.nameSpan, choice.name, names),
    });
    return undefined;
  }
  const given = assignOptions(context, choice, options, options.length);
  const args: number[] = [];
  for (const name of options) {
    const argument = given.get(name);
    if (!argument) {
      const later = options.slice(args.length).find((other) => given.has(other));
      if (later === undefined) break;
      context.error({
        code: "LVM5014",
        message: `\`${choice.name}\` with \`${later}\` needs \`${name}\` too`,
        span: choice.span,
        label: `\`${name}\` is not given`,
        help: `write \`${choice.name}(${options.join(", ")})\``,
      });
      return undefined;
    }
    const number = readNumber(context, name, argument.value, { whole: true, atLeast: 1 });
    if (number === undefined) return undefined;
    args.push(number);
  }
  return { source: choice.name, args, origin: value.span };
}

/** `observe y = 0.1` */
function readObserve(context: Context, statement: ast.ObserveStatement, model: TrainedModel, draft: Draft): void {
  const partly = model.observed.filter((column) => column.partly).map(({ name }) => name);
  const column = model.observed.find(({ name }) => name === statement.name.name);
  if (!column?.partly && model.sound) {
    context.error({
      code: "LVM5015",
      message: column ? `\`${column.name}\` is observed in every row` : `\`${model.name}\` observes no column \`${statement.name.name}\``,
      span: statement.name.span,
      label: "only a partly observed column can lose values",
      related: [column ? { span: column.origin, text: "declared without `?`" } : { span: model.origin, text: "the model" }],
      help: column
        ? "mark the column with `?` in the model's head, or remove this line"
        : (suggestion(statement.name.name, partly) ?? (partly.length > 0 ? `write \`observe ${partly[0]} = …\`` : "remove this line")),
      fixes: [...(correction(statement.name.span, statement.name.name, partly) ?? []), unasked(removal(statement.span, "Remove this line"))],
    });
    return;
  }
  if (isMissing(statement.value)) return;
  const share = readNumber(context, `observe ${statement.name.name}`, statement.value, { atLeast: 0, atMost: 1 });
  if (share !== undefined && column) draft.observe.push({ column: column.name, share });
}
