import { gradientsOf } from "../../autodiff/gradients-of.js";
import { evaluate } from "../../ir/tensor/evaluate.js";
import type { ContinuousTime, Expr, ModelProgram } from "../../ir/model/model.js";
import type { TensorNode } from "../../ir/tensor/nodes.js";
import { type Frame, LoweringContext } from "../context.js";
import { lowerExpression } from "../expressions.js";
import { expanded, type Value } from "../value.js";

/** The schedule of continuous time at some t, with t's axes: q(x_t | x_0) = Normal(signal x_0, variance), and d/dt of both. */
export interface Schedule<Number> {
  readonly signal: Number;
  readonly variance: Number;
  readonly signalSlope: Number;
  readonly varianceSlope: Number;
}

/** Lowers the expressions of a schedule, in which every loop variable is t. */
class TimeContext extends LoweringContext {
  constructor(around: LoweringContext, private readonly t: Value) {
    super(around.program, around.mode, around.streamPrefix, undefined, around);
  }

  override resolve(_frame: Frame, expr: Expr): Value | undefined {
    return expr.kind === "loop-variable" ? this.t : undefined;
  }
}

/** The schedule at t, f32 numbers with axes. Slopes are exact: reverse mode through the expressions, each number of which depends on its own t alone. */
export function lowerSchedule(context: LoweringContext, { signal, variance }: ContinuousTime, t: Value): Schedule<TensorNode> {
  const { b, space } = context;
  const inside = new TimeContext(context, t);
  const at = (expr: Expr): TensorNode => expanded(b, space, lowerExpression(inside, { of: "guide" }, expr), t.axes);
  const slope = (of: TensorNode): TensorNode => gradientsOf(b, b.sum(of), [t.node])[0]!;
  const [s, v] = [at(signal), at(variance)];
  return { signal: s, variance: v, signalSlope: slope(s), varianceSlope: slope(v) };
}

/** The same at given times, in float64. */
export function scheduleNumbers(program: ModelProgram, time: ContinuousTime, times: readonly number[]): Schedule<readonly number[]> {
  const context = new LoweringContext(program, "evaluate", "", times.length);
  const { b } = context;
  const found = evaluate(b.program("schedule", { ...lowerSchedule(context, time, { node: b.constant(times, [times.length]), axes: ["rows"] }) }), { inputs: {} });
  const numbers = (name: keyof Schedule<unknown>): readonly number[] => [...found[name]!.values];
  return { signal: numbers("signal"), variance: numbers("variance"), signalSlope: numbers("signalSlope"), varianceSlope: numbers("varianceSlope") };
}
