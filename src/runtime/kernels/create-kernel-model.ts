import type { KernelDevice } from "../devices.js";
import { LvmError } from "../error.js";
import type { Columns, DrawOptions, EvaluateOptions, Evaluation, Model, ModelDescription, Outputs, ParameterOptions, PlanOptions, SampleOptions, TrainOptions, TrainResult, TrainStep, Value } from "../model.js";
import { type History, type LatentModel, latentRows, planHistory, type Planned, type PlanningColumns } from "../planning/index.js";
import { createRandom } from "../random/index.js";
import { bindData, type BoundData, repeatedRows } from "../train/bind-data.js";
import { constrainValues } from "../train/constrain.js";
import { readCheckpoint, writeCheckpoint } from "../train/checkpoint.js";
import { hasPerRow, isPerRow, type ModelTables, type RowProgram } from "../train/definition.js";
import { describe, lacks, otherRows } from "../train/describe.js";
import { drawOutputs } from "../train/draw-outputs.js";
import { evaluateModel } from "../train/evaluate-model.js";
import type { KernelPrograms, StepArtifact, StepSizes, WorkgroupLimits } from "./artifact.js";
import { createHost, type HostOptions, type KernelHost, type Opened } from "./host.js";
import { type ProfileOptions, type Profiled, profileStep, type StepProfile } from "./profile.js";
import { createRowModules, type RowModules, rowRunner } from "./row-runner.js";
import { createState, type KernelState, materialize } from "./state.js";
import { trainLoop } from "./train-loop.js";
import { createTrainer, isBinarizedHere, type Trainer } from "./trainer.js";

/** A compiled model for the kernel engine: its tables, and its programs. */
export interface KernelDefinition extends ModelTables {
  readonly programs: KernelPrograms;
}

export interface KernelOptions extends HostOptions {
  /** Instead of a device: tests run kernels in an interpreter. */
  readonly host?: KernelHost;
}

/** A model whose programs are compiled kernels. The type parameters are the module's promise about its own tables. */
export async function createKernelModel<Data, Term extends string, Sample, Inference, Reconstruction>(
  definition: KernelDefinition,
  options: KernelOptions = {},
): Promise<Model<Data, Term, Sample, Inference, Reconstruction>> {
  const host = options.host ?? createHost(options, definition.programs.devices);
  await host.prepare();
  const model: unknown = new KernelModel(definition, host, options.seed ?? definition.training.seed);
  return model as Model<Data, Term, Sample, Inference, Reconstruction>;
}

/** Steps that fit the parameters of validation rows, where rows have their own. */
const defaultRefitSteps = 200;

/** Data that the host lays out at a time, in words. */
const slotWords = 1 << 20;
const mostSlots = 256;

/** Owns the modules of one run. */
class KernelModel implements Model, Profiled {
  readonly description: ModelDescription;
  private readonly state: KernelState;
  private readonly modules: RowModules;
  private trainer: Trainer | undefined;
  private disposed = false;

  constructor(
    private readonly definition: KernelDefinition,
    private readonly host: KernelHost,
    seed: number,
  ) {
    this.description = describe(definition);
    this.state = createState(definition, createRandom(seed));
    this.modules = createRowModules(this.state, definition.programs, host);
    materialize(this.state, undefined);
  }

  get device(): string {
    return this.host.device;
  }

  get step(): number {
    return this.state.step;
  }

  async *train(data: Columns, options: TrainOptions = {}): AsyncGenerator<TrainStep, TrainResult, void> {
    this.use();
    const bound = bindData(this.definition, data);
    this.bindRows(bound);
    const validation = options.validation === undefined ? undefined : bindData(this.definition, options.validation);
    const trainer = await this.openTrainer(bound, options);
    return yield* trainLoop(this.state, trainer, options, {
      rows: bound.rows,
      // Validation rows are others than those of training, however many there are.
      evaluate: () => this.evaluateBound(validation ?? bound, hasPerRow(this.definition) ? { refitSteps: options.refitSteps ?? defaultRefitSteps } : {}),
      save: () => this.save(),
    });
  }

  async evaluate(data: Columns, options: EvaluateOptions = {}): Promise<Evaluation> {
    this.use();
    return this.evaluateBound(bindData(this.definition, data), options);
  }

  async sample(rows: number, options: SampleOptions = {}): Promise<Outputs> {
    this.use();
    if (!(Number.isInteger(rows) && rows > 0)) throw new LvmError("LVM7105", `cannot sample ${rows} rows`, { facts: { rows } });
    return this.drawn(repeatedRows(this.definition, rows, options.inputs), "sample", options);
  }

  async infer(data: Columns, options: DrawOptions = {}): Promise<Outputs> {
    this.use();
    return this.drawn(this.boundForRows(data), this.definition.programs.has("infer") ? "infer" : lacks(this.definition, "infer"), options);
  }

  async reconstruct(data: Columns, options: DrawOptions = {}): Promise<Outputs> {
    this.use();
    return this.drawn(this.boundForRows(data), this.definition.programs.has("reconstruct") ? "reconstruct" : lacks(this.definition, "reconstruct"), options);
  }

  latentModel(columns: PlanningColumns): LatentModel {
    this.use();
    const runner = rowRunner(this.state, this.definition.programs, this.modules);
    return latentRows({ ...runner, run: async (request, visit) => {
      await this.trainer?.fetchState();
      return runner.run(request, visit);
    } }, columns) as LatentModel;
  }

  plan(history: History, options: PlanOptions): Promise<Planned> {
    return planHistory(this.definition, this.latentModel(options), history, options);
  }

  async save(): Promise<Uint8Array> {
    this.use();
    await this.trainer?.fetchState();
    return writeCheckpoint({ ...this.state, seed: this.state.random.seed }, this.state.tensors);
  }

  async load(bytes: Uint8Array): ReturnType<Model["load"]> {
    this.use();
    await this.closeTrainer();
    const { tensors, report, seed, position, ...run } = readCheckpoint(this.state, bytes);
    const { state } = this;
    state.tensors.clear();
    for (const [name, tensor] of tensors) state.tensors.set(name, { ...tensor });
    Object.assign(state, run);
    Object.assign(state.position, position);
    state.random = createRandom((BigInt(seed[1]) << 32n) | BigInt(seed[0]));
    materialize(state, run.dataset);
    return report;
  }

  async parameters({ constrained = false }: ParameterOptions = {}): Promise<Readonly<Record<string, Value>>> {
    this.use();
    await this.trainer?.fetchState();
    return Object.fromEntries(this.definition.parameters.flatMap(({ name, support }): [string, Value][] => {
      const tensor = this.state.tensors.get(name);
      return tensor ? [[name, constrainValues(tensor.values, tensor.shape, constrained ? support : undefined)]] : [];
    }));
  }

  /** What each kernel of the training step costs on the data of the last training; undefined before there was one. */
  async profile(options: ProfileOptions = {}): Promise<StepProfile | undefined> {
    this.use();
    await this.trainer?.fetchState();
    return this.trainer && profileStep(this.trainer.artifact, this.trainer.module, options);
  }

  dispose(): void {
    if (!this.disposed) {
      this.trainer?.module.dispose();
      this.modules.dispose();
      this.host.dispose?.();
    }
    this.disposed = true;
  }

  private use(): void {
    if (this.disposed) throw new LvmError("LVM7106", `the model ${this.definition.name} was disposed`);
  }

  private async closeTrainer(): Promise<void> {
    const { trainer } = this;
    this.trainer = undefined;
    await trainer?.dispose();
  }

  /** The program of a training step for this data. The one before is taken again where the sizes are the same; else it goes, and its state stays. */
  private async openTrainer(data: BoundData, { batch: asked, learningRate }: TrainOptions): Promise<Trainer> {
    const { definition, state } = this;
    const batch = Math.min(asked ?? definition.training.batch, data.rows);
    const sizes = { batch, dataset: data.rows };
    const before = this.trainer;
    const fits = before?.batch === batch && before.dataset === data.rows;
    if (fits) await before.fetchState();
    else await this.closeTrainer();
    const { artifact, module } = before && fits ? before : await this.openStep(sizes, data);
    this.trainer = createTrainer(state, artifact, module, data, { dataset: data.rows, rate: rateScale(definition, learningRate) });
    return this.trainer;
  }

  /** A step with the whole data set in its arena, where the device has room for both; else with some minibatches. */
  private openStep(sizes: Omit<StepSizes, "slots" | "resident">, data: BoundData): Promise<Opened<StepArtifact>> {
    const { definition, host } = this;
    const step = (residentWords: number) => (device: KernelDevice, workgroup?: WorkgroupLimits) => definition.programs.step({ ...sizes, ...layOutFor(definition, sizes.batch, data, residentWords) }, device, workgroup);
    return layOutFor(definition, sizes.batch, data, host.residentWords).resident ? host.open(step(host.residentWords), step(0)) : host.open(step(0));
  }

  private async drawn(data: BoundData, program: RowProgram, options: SampleOptions): Promise<Outputs> {
    await this.trainer?.fetchState();
    return drawOutputs(rowRunner(this.state, this.definition.programs, this.modules), data, program, { ...options, draw: options.draw ?? this.state.draws++ });
  }

  private async evaluateBound(bound: BoundData, options: EvaluateOptions): Promise<Evaluation> {
    const { definition, state } = this;
    await this.trainer?.fetchState();
    const own = options.refitSteps === undefined && state.dataset === bound.rows;
    if (!hasPerRow(definition) || own) return evaluateModel(rowRunner(state, definition.programs, this.modules), bound, options);
    if (options.refitSteps === undefined) throw otherRows(definition, state.dataset, bound.rows);
    const fitted = await this.refit(bound, options.refitSteps);
    const modules = createRowModules(fitted, definition.programs, this.host);
    try {
      return await evaluateModel(rowRunner(fitted, definition.programs, modules), bound, options);
    } finally {
      modules.dispose();
    }
  }

  /** A state for other rows than those it was trained on: fresh parameters for each row, fitted for `steps` steps, while everything else stays as it is. */
  private async refit(data: BoundData, steps: number): Promise<KernelState> {
    const { definition, state } = this;
    const fitted = createState({ ...definition, training: { ...definition.training, ema: undefined, anneal: { steps: 0, cycles: 1 } } }, state.random);
    for (const parameter of definition.parameters) {
      const tensor = state.tensors.get(`average/${parameter.name}`) ?? state.tensors.get(parameter.name);
      if (!isPerRow(parameter) && tensor) fitted.tensors.set(parameter.name, { shape: tensor.shape, values: tensor.values.slice() });
    }
    materialize(fitted, data.rows);
    // Terms of global latents weigh as they did in training: they were learnt from that many rows.
    fitted.dataset = state.dataset ?? data.rows;
    const batch = Math.min(definition.training.batch, data.rows);
    const { artifact, module } = await this.openStep({ batch, dataset: data.rows, refit: true }, data);
    const trainer = createTrainer(fitted, artifact, module, data, { dataset: fitted.dataset, rate: 1 });
    for (let left = steps; left > 0; left -= 100) {
      trainer.run(Math.min(100, left));
      await module.finished();
      await new Promise<void>((resolve) => setTimeout(resolve, 0));
    }
    await trainer.dispose();
    return fitted;
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

/**
 * Where a step's rows come from. A data set that fits lies in the arena, and steps gather theirs; else the host lays out as many minibatches at a time as
 * are small. One that takes all rows needs neither.
 */
function layOutFor(definition: ModelTables, batch: number, data: BoundData, residentWords: number): { readonly slots: number; readonly resident?: boolean } {
  if (batch === data.rows) return { slots: 1 };
  const words = definition.columns.reduce((sum, { shape }) => sum + shape.reduce((product, dim) => product * dim, 1), 1);
  const resident = data.rows * words <= residentWords && !data.columns.some(isBinarizedHere);
  return { slots: Math.max(1, Math.min(mostSlots, Math.floor(slotWords / (batch * (resident ? 1 : words))))), ...(resident ? { resident } : {}) };
}

/** What the schedule's rate is multiplied by, where another peak was asked for. */
function rateScale({ training }: ModelTables, peak: number | undefined): number {
  const { value } = training.optimizer.rate;
  return peak === undefined || value === 0 ? 1 : peak / value;
}
