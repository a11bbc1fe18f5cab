import type { BoundData } from "../train/bind-data.js";
import type { ColumnPlan, RowProgram } from "../train/definition.js";
import type { HostOutputs, RowRunner } from "../train/row-runner.js";
import { LvmError } from "../error.js";
import type { LatentModel } from "./latent-model.js";

/** Which columns of a model are what, in planning. */
export interface PlanningColumns {
  /** What is seen at each step as the reward: a column of one number a step. */
  readonly reward: string;
  /** What is chosen at each step: an input column. */
  readonly actions: string;
}

/** States of the present step by name: one row each, and its shape. */
export type LatentStates = Readonly<Record<string, { readonly values: Float32Array | Int32Array; readonly shape: readonly number[] }>>;

type BoundColumns = BoundData["columns"];

/**
 * What imagines, from the programs `belief`, `rollout` and `imagine` of a model, which run where the model does.
 * @throws LvmError LVM7111 where the model has no such programs, or not these columns
 */
export function latentRows(runner: RowRunner, { reward, actions }: PlanningColumns): LatentModel<LatentStates> {
  const { definition } = runner;
  const refuse = (message: string): LvmError =>
    new LvmError("LVM7111", `${definition.name} cannot plan: ${message}`, { facts: { model: definition.name }, help: "planning needs a chain that begins with the first observation: z[1] ~ …, chain t in 2..T { z[t] ~ …(z[t-1], a[t-1]) }, on native, wasm or webgpu" });
  if (!runner.has("belief") || !runner.has("rollout") || !runner.has("imagine")) throw refuse("it has no chain whose future can be imagined");
  const planOf = (name: string): ColumnPlan => definition.columns.find((column) => column.name === name) ?? refuseColumn(name);
  const refuseColumn = (name: string): never => {
    throw refuse(`it has no column ${name}`);
  };
  planOf(reward);
  const [window = 1, ...actionShape] = planOf(actions).shape;
  const actionSize = product(actionShape);
  const horizonFits = (horizon: number): void => {
    if (horizon >= window) throw new LvmError("LVM7111", `${definition.name} looks ahead ${window - 1} steps at most, not ${horizon}`, { facts: { horizon, most: window - 1 }, help: `plan at most ${window - 1} steps ahead, or train the model on longer sequences` });
  };

  const run = async (program: RowProgram, draw: number, rows: number, columns: BoundColumns): Promise<HostOutputs> => {
    let found: HostOutputs = {};
    const parts: Record<string, { values: Float32Array | Int32Array; shape: readonly number[] }> = {};
    await runner.run({ program, step: draw, data: { rows, columns } }, (outputs, count, first) => {
      for (const [name, { values, shape }] of Object.entries(outputs)) {
        const size = values.length / count;
        const part = (parts[name] ??= { values: values instanceof Int32Array ? new Int32Array(rows * size) : new Float32Array(rows * size), shape: [rows, ...shape.slice(1)] });
        part.values.set(values, first * size);
      }
      found = parts;
    });
    return found;
  };
  const needed = (outputs: HostOutputs, name: string): Float32Array => {
    const values = (outputs[`mean.${name}`] ?? outputs[name])?.values;
    if (!(values instanceof Float32Array)) throw refuse(`it says nothing about ${name}`);
    return values;
  };
  const future = (belief: LatentStates, plans: Float32Array, rows: number): BoundColumns => {
    const horizon = plans.length / (rows * actionSize);
    horizonFits(horizon);
    const acted = new Float32Array(rows * window * actionSize);
    for (let row = 0; row < rows; row++) acted.set(plans.subarray(row * horizon * actionSize, (row + 1) * horizon * actionSize), row * window * actionSize);
    return [column(planOf(actions), rows, acted), ...Object.entries(belief).map(([name, { values, shape }]) => column(statePlan(name, shape, values), rows, repeated(values, rows)))];
  };

  return {
    window,
    async filter({ steps, columns, actions: done }, draw) {
      const given = definition.columns.map((plan): BoundColumns[number] => {
        const values = new Float32Array(product(plan.shape));
        values.set((plan.name === actions ? done : columns[plan.name])?.subarray(0, values.length) ?? []);
        return column(plan, 1, values);
      });
      const present = column({ name: "present", support: { kind: "count" }, shape: [], partlyObserved: false, role: "input", dtype: "i32" }, 1, Int32Array.of(steps));
      const states = await run("belief", draw, 1, [...given, present]);
      return Object.fromEntries(Object.entries(states).flatMap(([name, state]) => (state ? [[name, { values: state.values, shape: state.shape.slice(1) }]] : [])));
    },
    async rewards(belief, plans, samples, draw) {
      const horizon = plans.length / (samples * actionSize);
      const seen = needed(await run("rollout", draw, samples, future(belief, plans, samples)), reward);
      const out = new Float32Array(samples * horizon);
      // The first step is the present: its reward has been seen.
      for (let row = 0; row < samples; row++) out.set(seen.subarray(row * window + 1, row * window + 1 + horizon), row * horizon);
      return out;
    },
    async imagine(belief, plan, draw) {
      const horizon = plan.length / actionSize;
      const outputs = await run("imagine", draw, 1, future(belief, plan, 1));
      const observed = definition.columns.filter(({ role, shape }) => role === "observed" && shape[0] === window);
      return { columns: Object.fromEntries(observed.map(({ name }) => {
        const values = needed(outputs, name);
        return [name, values.slice(0, (values.length / window) * (horizon + 1))];
      })) };
    },
  };
}

/** A column as the programs over rows take it. Pixels between 0 and 1 of a `binary` column are grey levels, and become 0 or 1 as in training. */
function column(plan: ColumnPlan, rows: number, values: Float32Array | Int32Array): BoundColumns[number] {
  const grey = plan.support.kind === "binary" && values.some((value) => value > 0 && value < 1);
  return { plan, bound: { name: plan.name, spec: plan, rows, size: values.length / rows, origin: "planning", values, scale: 1, grey, missingRows: 0 } };
}

function statePlan(name: string, shape: readonly number[], values: Float32Array | Int32Array): ColumnPlan {
  return { name, support: { kind: "real" }, shape, partlyObserved: false, role: "input", dtype: values instanceof Int32Array ? "i32" : "f32" };
}

function repeated(values: Float32Array | Int32Array, rows: number): Float32Array | Int32Array {
  const out = values instanceof Int32Array ? new Int32Array(rows * values.length) : new Float32Array(rows * values.length);
  for (let row = 0; row < rows; row++) out.set(values, row * values.length);
  return out;
}

function product(shape: readonly number[]): number {
  return shape.reduce((total, dim) => total * dim, 1);
}
