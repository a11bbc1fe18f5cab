import { LvmError } from "../error.js";
import type { ModelTables } from "./definition.js";

/** The first value that is not finite: a term before the loss, the loss before the rest. */
export function firstBad(values: ReadonlyMap<string, number>): { name: string; value: number } | undefined {
  const bad = [...values].filter(([, value]) => !Number.isFinite(value));
  const [name, value] = bad.find(([each]) => each.startsWith("term.")) ?? bad.find(([each]) => each === "loss") ?? bad[0] ?? [];
  return name === undefined || value === undefined ? undefined : { name, value };
}

/** `step` counts from 1. */
export function lossError(definition: ModelTables, step: number, { name, value }: { name: string; value: number }): LvmError {
  const term = name.startsWith("term.") ? definition.terms.find((each) => `term.${each.name}` === name) : undefined;
  const what = term ? `term ${term.name}` : name === "loss" ? "the loss" : name.replace(/^term\./, "term ");
  return new LvmError("LVM7101", `${what} is ${value} at step ${step}${term ? ` (${definition.source}, line ${term.line})` : ""}; the state before this step is kept`, {
    exitCode: 4,
    facts: { step, value: String(value), ...(term ? { term: term.name, line: term.line, site: term.name.slice(term.name.indexOf(".") + 1) } : {}) },
    help: "a smaller learning rate, `clip`, or a bounded scale often helps",
  });
}

/** The state (`broken`: names as in checkpoints) is no longer finite after a step whose values were. */
export function updateError(definition: ModelTables, step: number, broken: readonly string[]): LvmError {
  const parameter = definition.parameters.find(({ name }) => broken.some((each) => each === name || each.startsWith(`optimizer/${name}/`)));
  const name = parameter?.name ?? broken[0] ?? "a parameter";
  const line = parameter?.line ?? 0;
  return new LvmError("LVM7101", `the gradient for ${name} is not finite at step ${step} (${definition.source}, line ${line}), though the loss is; the state before this step is kept`, {
    exitCode: 4,
    facts: { step, parameter: name, line },
    help: "a smaller learning rate, `clip`, or a bounded scale often helps",
  });
}

/** A loss that was not finite is finite when its steps are taken again. */
export function unrepeatedError(step: number, help: string): LvmError {
  return new LvmError("LVM7101", `the loss was not finite before step ${step}, and was finite when the steps were repeated`, { exitCode: 4, facts: { step }, help });
}
