import type { Binding } from "../../ir/model/model.js";
import { InternalError } from "../../util/internal-error.js";
import type { Frame, Lower, LoweringContext } from "../context.js";
import { asNumber } from "../elementwise.js";
import type { Value } from "../value.js";
import { type ChainJob, type ChainValue, lowerLoop, lowerPlain } from "./loop.js";
import type { Start } from "./sequence.js";
import { type ChainVariable, groupsOf, isRecurrent, variablesOf } from "./variables.js";

/** The value of a binding: with its starts where it is a sequence, by a loop where its steps read steps before. */
export function lowerBinding(context: LoweringContext, of: "model" | "guide", binding: Binding, lower: Lower): Value {
  const key = `binding ${binding.name}`;
  const runner = context.chains.get(of);
  const group = recurrentGroup(context, of, key);
  if (group && group.some(({ step }) => step.kind !== "binding")) {
    if (!runner?.run(key)) throw new InternalError(`nothing draws what ${key} reads`);
    return context.binding(of, binding.name, () => {
      throw new InternalError(`${key} has no value after its chain`);
    });
  }
  const frame: Frame = { of };
  const job = bindingJob(frame, lower);
  if (!group) {
    if (!binding.sequence) return lower(context, frame, binding.value);
    return lowerPlain(context, job, variablesOf(context.program, of, () => false).find((variable) => variable.key === key)!).value;
  }
  const values = [...lowerLoop(context, job, group)];
  for (const [variable, { value }] of values) context.bind(of, variable.name, value);
  return values.find(([variable]) => variable.key === key)![1].value;
}

/** Steps and starts of bindings. */
export function bindingJob(frame: Frame, lower: Lower): ChainJob {
  return {
    step: (context, { step }) => ({ value: asNumber(context, lower(context, frame, bindingOf(step).value)) }),
    starts: (context, { step }) => (bindingOf(step).sequence?.starts ?? []).map(({ position, value }): Start<ChainValue> => ({ position, value: { value: asNumber(context, lower(context, frame, value)) } })),
    zeros: () => undefined,
  };
}

function bindingOf(step: ChainVariable["step"]): Binding {
  if (step.kind !== "binding") throw new InternalError("a site stands among bindings");
  return step;
}

const groups = new WeakMap<LoweringContext, Map<string, readonly (readonly ChainVariable[])[]>>();

/** The variables of a program that read each other's steps before, this one among them; undefined where it reads none. */
export function recurrentGroup(context: LoweringContext, of: "model" | "guide", key: string): readonly ChainVariable[] | undefined {
  const known = groups.get(context) ?? new Map<string, readonly (readonly ChainVariable[])[]>();
  groups.set(context, known);
  let all = known.get(of);
  if (!all) {
    const isUnknown = context.chains.get(of)?.isUnknown ?? (() => false);
    all = groupsOf(variablesOf(context.program, of, isUnknown), 0).filter((group) => isRecurrent(group, 0));
    known.set(of, all);
  }
  return all.find((group) => group.some((variable) => variable.key === key));
}
