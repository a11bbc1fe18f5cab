import type { CompiledModel } from "../../driver/compile.js";
import type { Columns, EvaluateOptions, Evaluation, Model } from "../../runtime/model.js";
import { bitsPerDimension } from "./bits-per-dimension.js";
import type { ModelData } from "./model-data.js";

/** Steps that fit the parameters of rows that the model was not trained on, where rows have their own. */
export const refitSteps = 200;

/** What the command line says of a model on data. */
export interface DataEvaluation extends Evaluation {
  /** Of a diffusion of bytes. */
  readonly bitsPerDimension?: number;
}

/**
 * A model's evaluation, with the accuracy of labels that training may lack (they are hidden, inferred from the other columns, and compared), and with the bits per dimension of a diffusion of bytes.
 */
export async function evaluateModel(model: Model, { program }: Pick<CompiledModel, "program">, data: ModelData, options: EvaluateOptions): Promise<DataEvaluation> {
  const evaluation = await model.evaluate(data.columns, options);
  const accuracy: Record<string, number> = { ...evaluation.accuracy };
  for (const { name, type, partlyObserved, role } of program.columns) {
    // Rows that were fitted for the evaluation are gone: their labels cannot be asked for again.
    if (options.refitSteps !== undefined && program.parameters.some(({ perRow }) => perRow)) continue;
    if (!partlyObserved || role !== "observed" || type.support.kind !== "index" || type.shape.length > 0 || accuracy[name] !== undefined) continue;
    const share = await hiddenAccuracy(model, data.columns, name);
    if (share !== undefined) accuracy[name] = share;
  }
  const bits = bitsPerDimension(program, evaluation);
  return { ...evaluation, accuracy, ...(bits === undefined ? {} : { bitsPerDimension: bits }) };
}

/** Share of the labelled rows whose label is the most probable one given the other columns; undefined without labels. */
async function hiddenAccuracy(model: Model, columns: Columns, name: string): Promise<number | undefined> {
  const labels = columns[name];
  if (!labels || !labels.values.some((value) => value >= 0)) return undefined;
  const hidden = { ...columns, [name]: { rows: labels.rows, shape: labels.shape, values: new Int32Array(labels.rows).fill(-1) } };
  const probs = (await model.infer(hidden, { draw: 0 }))[`probs.${name}`];
  if (!probs) return undefined;
  const classes = probs.values.length / labels.rows;
  let right = 0;
  let all = 0;
  for (let row = 0; row < labels.rows; row++) {
    const label = labels.values[row] ?? -1;
    if (label < 0) continue;
    const scores = probs.values.subarray(row * classes, (row + 1) * classes);
    all += 1;
    if (scores.indexOf(Math.max(...scores)) === label) right += 1;
  }
  return right / all;
}
