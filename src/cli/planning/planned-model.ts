import type { ColumnSpec } from "../../runtime/data/index.js";
import { printSpec } from "../../runtime/data/index.js";
import type { Environment, ObservationColumn } from "../../runtime/environments/index.js";
import type { LatentModel } from "../../runtime/planning/index.js";
import { UsageError } from "../errors.js";
import type { CommandContext } from "../run.js";
import type { TrainedModelOptions } from "../training/trained-model.js";

/** A trained model that can plan, on its device. */
export interface PlannedModel {
  readonly name: string;
  readonly columns: readonly ColumnSpec[];
  /** The run's folder. */
  readonly run: string;
  /** Steps of training. */
  readonly step: number;
  readonly device: string;
  /** What imagines, compiled for these numbers. Asked for once the columns are known to fit the environment. */
  latentModel(environment: Environment, sizes: { readonly samples: number; readonly horizon: number }): Promise<LatentModel>;
  dispose(): void;
}

export type OpenPlannedModel = (context: CommandContext, file: string, options: TrainedModelOptions) => Promise<PlannedModel>;

/**
 * Whether a model has an environment's columns, each with the same time as first axis, and reads the actions without explaining them.
 * @throws UsageError that names the first column that does not fit
 */
export function checkColumns(model: string, columns: readonly ColumnSpec[], environment: Environment): void {
  const { name: world, actions, reward, observations } = environment;
  const wanted: readonly (Pick<ObservationColumn, "name" | "shape"> & { readonly what: string })[] = [
    ...observations.map(({ name, shape }) => ({ name, shape, what: "what is seen" })),
    { name: reward, shape: [], what: "the reward" },
    { name: actions.name, shape: [actions.size], what: "the action" },
  ];
  const help = `a model for ${world} begins with: model ${model}(${wanted.map(({ name, shape }) => `${name}: ${name === reward || name === actions.name ? "real" : "binary"}[${["T", ...shape].join(", ")}]`).join(", ")})`;
  const fault = (message: string): UsageError => new UsageError(`${model} cannot plan in ${world}: ${message}`, help);
  let time: { readonly name: string; readonly steps: number } | undefined;
  for (const { name, shape, what } of wanted) {
    const spec = columns.find((column) => column.name === name);
    if (!spec) throw fault(`it has no column ${name} (${what} at each step)`);
    const [steps, ...rest] = spec.shape;
    const size = shape.reduce((product, each) => product * each, 1);
    if (steps === undefined || rest.reduce((product, each) => product * each, 1) !== size) throw fault(`${name}: ${printSpec(spec)} does not have ${size === 1 ? "one number" : `${size} numbers`} (${what}) for each step`);
    if (time && time.steps !== steps) throw fault(`${name} has ${steps} steps, ${time.name} has ${time.steps}`);
    time = { name, steps };
    if (name === actions.name && spec.role !== "input") throw fault(`it draws ${name}; actions are chosen, so the model may only read them`);
    if (name !== actions.name && spec.role === "input") throw fault(`it does not draw ${name} (${what}), so it cannot imagine it`);
  }
  const other = columns.find((column) => !wanted.some(({ name }) => name === column.name) && !column.partlyObserved);
  if (other) throw fault(`${world} has no column ${other.name}`);
}
