import { LvmError } from "../error.js";
import type { Columns, CreateOptions, DrawOptions, EvaluateOptions, Evaluation, Model, ModelDescription, Outputs, ParameterOptions, PlanOptions, SampleOptions, TrainOptions, TrainResult, TrainStep, Value } from "../model.js";
import { type History, type LatentModel, latentRows, planHistory, type Planned, type PlanningColumns } from "../planning/index.js";
import { createRandom, type Random } from "../random/index.js";
import { resumeBackend, selectBackend } from "./backend.js";
import { bindData, type BoundData, repeatedRows } from "../train/bind-data.js";
import type { RowProgram } from "../train/definition.js";
import { describe, lacks, otherRows } from "../train/describe.js";
import { loadState, saveState, seedOf } from "./checkpoint.js";
import type { Definition } from "./definition.js";
import { drawOutputs } from "../train/draw-outputs.js";
import { evaluateModel } from "../train/evaluate-model.js";
import { disposeRefit, refit } from "./refit.js";
import { rowRunner } from "./row-runner.js";
import { constrainValues } from "../train/constrain.js";
import { type AnyDefinition, createState, disposeState, hasPerRow, materialize, type ModelState } from "./state.js";
import { trainLoop } from "./train-loop.js";

/** A model on a device, from what the compiler emitted. The type parameters are the module's promise about its own tables. */
export async function createModel<W, T, S, Data, Term extends string, Sample, Inference, Reconstruction>(
  definition: Definition<W, T, S>,
  options: CreateOptions,
): Promise<Model<Data, Term, Sample, Inference, Reconstruction>> {
  const device = await selectBackend(options.device, options.wasmPaths);
  const model: unknown = new TfjsModel(definition, device, options.seed ?? definition.training.seed);
  return model as Model<Data, Term, Sample, Inference, Reconstruction>;
}

/** Steps that fit the parameters of validation rows, where rows have their own. */
const defaultRefitSteps = 200;

/** Owns the tensors of one run. */
class TfjsModel implements Model {
  readonly description: ModelDescription;
  private state: ModelState;
  private disposed = false;

  constructor(
    private readonly definition: AnyDefinition,
    readonly device: string,
    seed: number,
  ) {
    this.description = describe(definition);
    this.state = createState(definition, createRandom(seed));
    materialize(this.state, undefined);
  }

  get step(): number {
    return this.state.step;
  }

  async *train(data: Columns, options: TrainOptions = {}): AsyncGenerator<TrainStep, TrainResult, void> {
    await this.use();
    const bound = bindData(this.definition, data);
    this.bindRows(bound);
    const validation = options.validation === undefined ? undefined : bindData(this.definition, options.validation);
    const result = yield* trainLoop(this.state, bound, options, {
      // Validation rows are others than those of training, however many there are.
      evaluate: () => this.evaluateBound(validation ?? bound, hasPerRow(this.definition) ? { refitSteps: options.refitSteps ?? defaultRefitSteps } : {}),
      save: () => this.save(),
      resume: () => this.use(),
    });
    return result;
  }

  async evaluate(data: Columns, options: EvaluateOptions = {}): Promise<Evaluation> {
    await this.use();
    return this.evaluateBound(bindData(this.definition, data), options);
  }

  async sample(rows: number, options: SampleOptions = {}): Promise<Outputs> {
    await this.use();
    if (!(Number.isInteger(rows) && rows > 0)) throw new LvmError("LVM7105", `cannot sample ${rows} rows`, { facts: { rows } });
    materialize(this.state, undefined);
    return this.drawn(repeatedRows(this.definition, rows, options.inputs), "sample", options);
  }

  async infer(data: Columns, options: DrawOptions = {}): Promise<Outputs> {
    await this.use();
    return this.drawn(this.boundForRows(data), this.definition.inferRows ? "infer" : lacks(this.definition, "infer"), options);
  }

  async reconstruct(data: Columns, options: DrawOptions = {}): Promise<Outputs> {
    await this.use();
    return this.drawn(this.boundForRows(data), this.definition.reconstructRows ? "reconstruct" : lacks(this.definition, "reconstruct"), options);
  }

  latentModel(columns: PlanningColumns): LatentModel {
    return latentRows(rowRunner(this.state), columns) as LatentModel;
  }

  async plan(history: History, options: PlanOptions): Promise<Planned> {
    return planHistory(this.definition, this.latentModel(options), history, options);
  }

  async save(): Promise<Uint8Array> {
    await this.use();
    return saveState(this.state, this.state.random.seed);
  }

  async load(bytes: Uint8Array): ReturnType<Model["load"]> {
    await this.use();
    const { seed, ...report } = loadState(this.state, bytes);
    const random: Random = createRandom(seedOf(seed));
    this.state = { ...this.state, random };
    return report;
  }

  async parameters({ constrained = false }: ParameterOptions = {}): Promise<Readonly<Record<string, Value>>> {
    await this.use();
    const supports = new Map(this.definition.parameters.map(({ name, support }) => [name, support]));
    const values: [string, Value][] = [];
    for (const [name, variable] of this.state.parameters) values.push([name, constrainValues(await variable.data(), variable.shape, constrained ? supports.get(name) : undefined)]);
    return Object.fromEntries(values);
  }

  dispose(): void {
    if (!this.disposed) disposeState(this.state);
    this.disposed = true;
  }

  private async use(): Promise<void> {
    if (this.disposed) throw new LvmError("LVM7106", `the model ${this.definition.name} was disposed`);
    await resumeBackend(this.device);
  }

  private drawn(data: BoundData, program: RowProgram, options: SampleOptions): Promise<Outputs> {
    return drawOutputs(rowRunner(this.state), data, program, { ...options, draw: options.draw ?? this.state.draws++ });
  }

  private async evaluateBound(bound: BoundData, options: EvaluateOptions): Promise<Evaluation> {
    const own = options.refitSteps === undefined && this.state.dataset === bound.rows;
    if (!hasPerRow(this.definition) || own) {
      materialize(this.state, hasPerRow(this.definition) ? bound.rows : undefined);
      return evaluateModel(rowRunner(this.state), bound, options);
    }
    if (options.refitSteps === undefined) throw otherRows(this.definition, this.state.dataset, bound.rows);
    const fitted = await refit(this.state, bound, options.refitSteps);
    try {
      return await evaluateModel(rowRunner(fitted), bound, options);
    } finally {
      disposeRefit(fitted);
    }
  }

  private boundForRows(data: Columns): BoundData {
    const bound = bindData(this.definition, data);
    if (hasPerRow(this.definition) && this.state.dataset !== bound.rows) throw otherRows(this.definition, this.state.dataset, bound.rows);
    return bound;
  }

  /** The first training data fixes the rows of parameters per row; the number of rows also weighs the terms of global latents. */
  private bindRows(bound: BoundData): void {
    if (hasPerRow(this.definition) && this.state.dataset !== undefined && this.state.dataset !== bound.rows) throw otherRows(this.definition, this.state.dataset, bound.rows);
    this.state.dataset = bound.rows;
    materialize(this.state, bound.rows);
  }
}
