import type * as ast from "../../parser/ast.js";
import type { Optimizer, Schedule } from "../../ir/model/model.js";
import { correction, insertion } from "../../diagnostics/fix.js";
import type { Context } from "../context.js";
import { assignOptions, isMissing, list, type NumberRange, readChoice, readNumber } from "./options.js";
import { suggestion } from "./suggestion.js";

export const defaultOptimizer: Optimizer = {
  kind: "adam",
  rate: { kind: "constant", value: 1e-3 },
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  decay: 0,
  momentum: 0,
};

/** Options of each optimizer in positional order; `rate` may be a schedule. */
export const optimizers: Readonly<Record<Optimizer["kind"], readonly string[]>> = {
  adam: ["rate", "beta1", "beta2", "epsilon"],
  adamw: ["rate", "decay", "beta1", "beta2", "epsilon"],
  sgd: ["rate", "momentum", "decay"],
};

const ranges: Readonly<Record<string, NumberRange>> = {
  beta1: { atLeast: 0, below: 1 },
  beta2: { atLeast: 0, below: 1 },
  epsilon: { above: 0 },
  decay: { atLeast: 0 },
  momentum: { atLeast: 0, below: 1 },
};

/** Schedules of a rate. */
export const schedules: Readonly<Record<Exclude<Schedule["kind"], "constant">, { readonly options: readonly string[]; readonly needs: readonly string[] }>> = {
  cosine: { options: ["rate", "steps", "end", "warmup"], needs: ["rate", "steps"] },
  exponential: { options: ["rate", "factor", "every"], needs: ["rate", "factor", "every"] },
  linear: { options: ["rate", "steps", "end", "warmup"], needs: ["rate", "steps"] },
};

/** What a fix writes for an option that was left out. */
const examples: Readonly<Record<string, string>> = { rate: "1e-3", steps: "10000", factor: "0.5", every: "1000" };

const scheduleRanges: Readonly<Record<string, NumberRange>> = {
  rate: { above: 0 },
  steps: { whole: true, atLeast: 1 },
  end: { atLeast: 0 },
  warmup: { whole: true, atLeast: 0 },
  factor: { above: 0, atMost: 1 },
  every: { whole: true, atLeast: 1 },
};

/** `adam(rate = 1e-3)`; what is wrong with it keeps its default. */
export function readOptimizer(context: Context, expression: ast.Expression): Optimizer {
  const choice = readChoice(expression);
  const known = Object.keys(optimizers) as Optimizer["kind"][];
  const kind = known.find((name) => name === choice?.name);
  if (!choice || !kind) {
    if (!isMissing(expression)) {
      context.error({
        code: "LVM5004",
        message: choice ? `unknown optimizer \`${choice.name}\`` : "this is not an optimizer",
        span: choice?.nameSpan ?? expression.span,
        label: choice ? "unknown" : "an optimizer is expected here",
        notes: [`the optimizers are ${list(known)}`],
        help: (choice && suggestion(choice.name, known)) ?? "write for example `optimizer = adam(rate = 1e-3)`",
        fixes: choice && correction(choice.nameSpan, choice.name, known),
      });
    }
    return defaultOptimizer;
  }
  const given = assignOptions(context, choice, optimizers[kind], 1);
  const number = (name: keyof Optimizer & string, fallback: number): number => {
    const argument = given.get(name);
    return argument ? (readNumber(context, name, argument.value, ranges[name] ?? {}) ?? fallback) : fallback;
  };
  const rate = given.get("rate");
  return {
    kind,
    rate: rate ? readSchedule(context, rate.value) : { kind: "constant", value: kind === "sgd" ? 1e-2 : 1e-3 },
    beta1: number("beta1", defaultOptimizer.beta1),
    beta2: number("beta2", defaultOptimizer.beta2),
    epsilon: number("epsilon", defaultOptimizer.epsilon),
    decay: number("decay", kind === "adamw" ? 1e-2 : 0),
    momentum: number("momentum", 0),
  };
}

/** A positive number, or `cosine(1e-3, steps = 10000, warmup = 500)` and the like. */
function readSchedule(context: Context, expression: ast.Expression): Schedule {
  const fallback: Schedule = { kind: "constant", value: 1e-3 };
  const choice = expression.kind === "call" ? readChoice(expression) : undefined;
  if (!choice) {
    const value = readNumber(context, "rate", expression, { above: 0 });
    return value === undefined ? fallback : { kind: "constant", value };
  }
  const known = Object.keys(schedules) as (keyof typeof schedules)[];
  const kind = known.find((name) => name === choice.name);
  if (!kind) {
    context.error({
      code: "LVM5004",
      message: `unknown schedule \`${choice.name}\``,
      span: choice.nameSpan,
      label: "unknown",
      notes: [`the schedules are ${list(known)}`],
      help: suggestion(choice.name, known) ?? "write a number, or for example `cosine(1e-3, steps = 10000)`",
      fixes: correction(choice.nameSpan, choice.name, known),
    });
    return fallback;
  }
  const { options, needs } = schedules[kind];
  const given = assignOptions(context, choice, options, 1);
  const values = new Map<string, number>();
  for (const [name, argument] of given) {
    const value = readNumber(context, name, argument.value, scheduleRanges[name] ?? {});
    if (value !== undefined) values.set(name, value);
  }
  const missing = needs.filter((name) => !given.has(name));
  if (missing.length > 0) {
    context.error({
      code: "LVM5014",
      message: `\`${kind}\` needs ${list(missing)}`,
      span: choice.span,
      label: `${list(missing)} ${missing.length > 1 ? "are" : "is"} not given`,
      help: kind === "exponential" ? "write for example `exponential(1e-3, factor = 0.5, every = 1000)`" : `write for example \`${kind}(1e-3, steps = 10000)\``,
      fixes: choice.args.length > 0 ? [insertion(choice.args.at(-1)!.span, missing.map((name) => `, ${name} = ${examples[name]}`).join(""), `Add ${list(missing)}`)] : undefined,
    });
    return fallback;
  }
  const value = values.get("rate") ?? 1e-3;
  if (kind === "exponential") return { kind, value, factor: values.get("factor") ?? 1, every: values.get("every") ?? 1 };
  return { kind, value, steps: values.get("steps") ?? 1, end: values.get("end") ?? 0, warmup: values.get("warmup") ?? 0 };
}
