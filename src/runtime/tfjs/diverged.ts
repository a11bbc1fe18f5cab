import { LvmError } from "../error.js";
import { trainingBatch, type BoundData } from "./batch.js";
import { nonFiniteTensors, restoreSnapshot, type Snapshot, takeSnapshot, disposeSnapshot } from "./snapshot.js";
import type { ModelState } from "./state.js";
import { disposeValues, readScalars, trainStep, trainValues } from "./train-step.js";

/**
 * A loss that is not finite was read some steps after it happened. Steps repeat exactly, so they are taken again from the last good state, one
 * by one, to name the first bad step and what in it is not finite. Leaves `state` as it was before that step.
 */
export async function explainDivergence(
  state: ModelState,
  good: Snapshot,
  run: { readonly data: BoundData; readonly indicesAt: (position: ModelState["position"]) => Int32Array; readonly advance: () => void; readonly rate?: number },
): Promise<LvmError> {
  const until = state.step;
  restoreSnapshot(state, good);
  while (state.step < until) {
    const batch = trainingBatch(state, run.data, run.indicesAt(state.position), state.step);
    try {
      const values = trainValues(state, batch);
      const numbers = await readScalars(values);
      disposeValues(values);
      const bad = firstBad(numbers);
      if (bad) return lossError(state, bad);
      const before = takeSnapshot(state);
      disposeValues(trainStep(state, batch, { rate: run.rate, wanted: false }));
      const broken = await nonFiniteTensors(state);
      if (broken.length > 0) {
        const step = state.step;
        restoreSnapshot(state, before);
        disposeSnapshot(before);
        return updateError(state, step, broken);
      }
      disposeSnapshot(before);
      run.advance();
    } finally {
      batch.dispose();
    }
  }
  return new LvmError("LVM7101", `the loss was not finite before step ${until}, and was finite when the steps were repeated`, { exitCode: 4, facts: { step: until }, help: "the device does not repeat its results: try --device wasm or cpu" });
}

function firstBad(values: ReadonlyMap<string, number>): { name: string; value: number } | undefined {
  const bad = [...values].filter(([, value]) => !Number.isFinite(value));
  const [name, value] = bad.find(([each]) => each.startsWith("term.")) ?? bad.find(([each]) => each === "loss") ?? bad[0] ?? [];
  return name === undefined || value === undefined ? undefined : { name, value };
}

function lossError(state: ModelState, { name, value }: { name: string; value: number }): LvmError {
  const { definition } = state;
  const term = name.startsWith("term.") ? definition.terms.find((each) => `term.${each.name}` === name) : undefined;
  const step = state.step + 1;
  const what = term ? `term ${term.name}` : name === "loss" ? "the loss" : name.replace(/^term\./, "term ");
  return new LvmError("LVM7101", `${what} is ${value} at step ${step}${term ? ` (${definition.source}, line ${term.line})` : ""}; the state before this step is kept`, {
    exitCode: 4,
    facts: { step, value: String(value), ...(term ? { term: term.name, line: term.line, site: term.name.slice(term.name.indexOf(".") + 1) } : {}) },
    help: "a smaller learning rate, `clip`, or a bounded scale often helps",
  });
}

function updateError(state: ModelState, step: number, broken: readonly string[]): LvmError {
  const { definition } = state;
  const parameter = definition.parameters.find(({ name }) => broken.some((each) => each === name || each.startsWith(`optimizer/${name}/`)));
  const name = parameter?.name ?? broken[0] ?? "a parameter";
  const line = parameter?.line ?? 0;
  return new LvmError("LVM7101", `the gradient for ${name} is not finite at step ${step} (${definition.source}, line ${line}), though the loss is; the state before this step is kept`, {
    exitCode: 4,
    facts: { step, parameter: name, line },
    help: "a smaller learning rate, `clip`, or a bounded scale often helps",
  });
}
