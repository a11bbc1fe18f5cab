import { suggest } from "../diagnostics/suggest.js";
import type { Span } from "../diagnostics/span.js";
import type * as ast from "../parser/ast.js";
import type { ConstantValue, Context } from "./context.js";

/**
 * Noise schedules of diffusion as constant arrays α₁ … α_T, the shares of the variance that a step keeps: α = 1 − β in the notation of Ho et al. 2020, and ᾱ_t = α₁ ⋯ α_t.
 * Computed in float64 when the file is checked.
 */
export interface Schedule {
  /** Markdown, one or two sentences. */
  readonly doc: string;
  readonly parameters: readonly ScheduleParameter[];
  /** The values by the parameters' names; in bounds. A fault between them is told. */
  readonly values: (given: Readonly<Record<string, number>>, array: readonly number[]) => Found | Fault;
}

export interface ScheduleParameter {
  readonly name: string;
  readonly doc: string;
  /** `steps`: a whole number ≥ 1 · `number` · `shares`: an array of at least two numbers above 0 and at most 1. */
  readonly kind: "steps" | "number" | "shares";
  readonly default?: number;
  /** Bounds of a number, neither included; `least` is. */
  readonly above?: number;
  readonly least?: number;
  readonly below?: number;
}

interface Found {
  readonly kind: "values";
  readonly values: readonly number[];
}

interface Fault {
  readonly kind: "fault";
  /** The parameter that is to blame. */
  readonly at: string;
  readonly message: string;
  readonly label: string;
  readonly help: string;
}

/** Most steps of a schedule. */
const mostSteps = 1_000_000;
/** β is at most this, so that a step keeps something (Nichol & Dhariwal 2021). */
const largestBeta = 0.999;

const T: ScheduleParameter = { name: "T", doc: "steps", kind: "steps" };
const number = (name: string, doc: string, value: number, bounds: Pick<ScheduleParameter, "above" | "least" | "below"> = {}): ScheduleParameter => ({ name, doc, kind: "number", default: value, ...bounds });

const found = (values: readonly number[]): Found => ({ kind: "values", values });

/** α_t = ᾱ(t/T) / ᾱ((t − 1)/T), at least 1 − 0.999. */
function fromCumulative(steps: number, bar: (u: number) => number): Found {
  return found(Array.from({ length: steps }, (_, i) => Math.max(1 - largestBeta, bar((i + 1) / steps) / bar(i / steps))));
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

export const schedules: Readonly<Record<string, Schedule>> = {
  linear_schedule: {
    doc: "`linear_schedule(T, from = 1e-4, to = 0.02)`: β rises evenly (Ho et al. 2020, whose T is 1000; with fewer steps take a larger `to`).",
    parameters: [T, number("from", "β of the first step", 1e-4, { above: 0, below: 1 }), number("to", "β of the last step", 0.02, { above: 0, below: 1 })],
    values: ({ T: steps = 1, from = 0, to = 0 }) => {
      if (from > to) return { kind: "fault", at: "from", message: "`from` of `linear_schedule` lies above `to`", label: `${from} is above ${to}`, help: "noise grows with the step: give the smaller β first" };
      return found(Array.from({ length: steps }, (_, i) => 1 - (from + ((to - from) * i) / Math.max(1, steps - 1))));
    },
  },
  cosine_schedule: {
    doc: "`cosine_schedule(T, s = 0.008)`: ᾱ(u) = cos²((u + s)/(1 + s) · π/2), divided by its value at 0, with u = t/T; β at most 0.999 (Nichol & Dhariwal 2021).",
    parameters: [T, number("s", "offset that keeps the first β from being too small", 0.008, { least: 0 })],
    values: ({ T: steps = 1, s = 0 }) => fromCumulative(steps, (u) => Math.cos((((u + s) / (1 + s)) * Math.PI) / 2) ** 2),
  },
  sigmoid_schedule: {
    doc: "`sigmoid_schedule(T, start = -3, end = 3, tau = 1)`: with σ(v) = 1 / (1 + exp(−v/tau)), ᾱ(u) = (σ(end) − σ(start + u (end − start))) / (σ(end) − σ(start)), u = t/T; β at most 0.999 (Jabri et al. 2022).",
    parameters: [T, number("start", "where the sigmoid begins", -3), number("end", "where it ends", 3), number("tau", "its temperature", 1, { above: 0 })],
    values: ({ T: steps = 1, start = 0, end = 0, tau = 1 }) => {
      if (start >= end) return { kind: "fault", at: "start", message: "`start` of `sigmoid_schedule` must lie below `end`", label: `${start} is not below ${end}`, help: "for example `start = -3, end = 3`" };
      // σ(end) − σ(v) = (σ(−v) − σ(−end)): the smaller sides, so that nothing cancels where the sigmoid is near 1.
      const left = (v: number): number => sigmoid(-v / tau) - sigmoid(-end / tau);
      if (!(left(start) > 0)) return { kind: "fault", at: "tau", message: "the sigmoid of `sigmoid_schedule` is flat", label: "its ends are equal", help: "take a larger `tau`, or ends nearer to 0" };
      return fromCumulative(steps, (u) => Math.max(left(start + u * (end - start)), 0));
    },
  },
  zero_terminal_snr: {
    doc: "`zero_terminal_snr(alpha)`: the schedule with √ᾱ shifted and scaled so that the first stays and the last is 0: after T steps nothing of the data is left, and α_T = 0 (Lin et al. 2024, algorithm 1).",
    parameters: [{ name: "alpha", doc: "a schedule of at least two steps", kind: "shares" }],
    values: (_, alpha) => {
      let product = 1;
      const roots = alpha.map((each) => Math.sqrt((product *= each)));
      const [first, last] = [roots[0]!, roots.at(-1)!];
      if (first === last) return { kind: "fault", at: "alpha", message: "this schedule adds no noise after its first step", label: "nothing to rescale", help: "take a schedule whose later values lie below 1" };
      const bars = roots.map((root) => (((root - last) * first) / (first - last)) ** 2);
      return found(bars.map((bar, i) => (i === 0 ? bar : bar / bars[i - 1]!)));
    },
  },
};

/** The array that a call of a schedule names; undefined (reported) where its arguments are wrong. `evaluate` gives the value of an argument. */
export function evaluateSchedule(context: Context, call: ast.CallExpression, name: string, schedule: Schedule, evaluate: (expression: ast.Expression) => ConstantValue | undefined): ConstantValue | undefined {
  const written = `\`${name}(${schedule.parameters.map((each) => (each.default === undefined ? each.name : `${each.name} = ${each.default}`)).join(", ")})\``;
  const given = assign(context, call, name, schedule, `write ${written}`);
  const numbers: Record<string, number> = {};
  let array: readonly number[] = [];
  let fine = given !== undefined;
  for (const parameter of given ? schedule.parameters : []) {
    const argument = given?.get(parameter.name);
    const value = argument ? evaluate(argument.value) : ({ kind: "number", value: parameter.default ?? 0 } as const);
    if (!value || !fits(context, name, parameter, value, argument?.value.span ?? call.span)) fine = false;
    else if (value.kind === "number") numbers[parameter.name] = value.value;
    else array = value.values;
  }
  if (!fine || !given) return undefined;
  const result = schedule.values(numbers, array);
  if (result.kind === "values") return { kind: "array", values: result.values, shape: [result.values.length] };
  context.error({ code: "LVM3016", message: result.message, span: given.get(result.at)?.value.span ?? call.span, label: result.label, help: result.help });
  return undefined;
}

function assign(context: Context, call: ast.CallExpression, name: string, schedule: Schedule, help: string): ReadonlyMap<string, ast.Argument> | undefined {
  const given = new Map<string, ast.Argument>();
  const names = schedule.parameters.map((each) => each.name);
  for (const argument of call.args) {
    const wanted = argument.name?.name ?? names.find((each) => !given.has(each));
    if (argument.name && !names.includes(argument.name.name)) {
      const similar = suggest(argument.name.name, names);
      context.error({ code: "LVM2011", message: `\`${name}\` has no parameter \`${argument.name.name}\``, span: argument.name.span, label: "not one of its parameters", help: similar ? `did you mean \`${similar}\`?` : help });
      return undefined;
    }
    if (wanted === undefined || given.has(wanted)) {
      context.error({ code: "LVM3007", message: wanted === undefined ? `too many arguments for \`${name}\`` : `\`${wanted}\` is given twice`, span: argument.span, label: "one too many", help });
      return undefined;
    }
    given.set(wanted, argument);
  }
  const missing = schedule.parameters.find((each) => each.default === undefined && !given.has(each.name));
  if (!missing) return given;
  context.error({ code: "LVM3007", message: `\`${name}\` needs \`${missing.name}\``, span: call.span, label: "an argument is missing", notes: [`\`${missing.name}\`: ${missing.doc}`], help });
  return undefined;
}

/** Whether a value is one that the parameter takes; reported where it is not. */
function fits(context: Context, name: string, parameter: ScheduleParameter, value: ConstantValue, span: Span): boolean {
  const fail = (needs: string, label: string): false => {
    context.error({ code: "LVM3016", message: `\`${parameter.name}\` of \`${name}\` must be ${needs}`, span, label, help: `${parameter.doc}: ${needs}` });
    return false;
  };
  if (parameter.kind === "shares") {
    if (value.kind === "number" || value.shape.length !== 1 || value.values.length < 2) return fail("a vector of at least two numbers", value.kind === "number" ? "a single number" : `this has the shape [${value.shape.join(", ")}]`);
    const odd = value.values.find((each) => !(each > 0 && each <= 1));
    return odd === undefined || fail("numbers above 0 and at most 1", `one of them is ${odd}`);
  }
  if (value.kind !== "number") return fail("a single number", `this is an array of ${value.values.length}`);
  const { value: at } = value;
  if (parameter.kind === "steps") return (Number.isInteger(at) && at >= 1 && at <= mostSteps) || fail(`a whole number from 1 to ${mostSteps}`, `this is ${at}`);
  const { above = -Infinity, least = -Infinity, below = Infinity } = parameter;
  if (at > above && at >= least && at < below) return true;
  return fail(least > -Infinity ? `at least ${least}` : below < Infinity ? `between ${above} and ${below}` : `above ${above}`, `this is ${at}`);
}
