import { gradientsOf } from "../autodiff/gradients-of.js";
import type { LoweredModel, StoredParameter } from "../ir/lowered-model.js";
import type { Optimizer, Schedule, Training } from "../ir/model/model.js";
import { TensorBuilder } from "../ir/tensor/builder.js";
import { importProgram } from "../ir/tensor/import-program.js";
import type { DType, Shape, TensorNode, TensorProgram } from "../ir/tensor/nodes.js";
import { InternalError } from "../util/internal-error.js";

/** A whole training step as one program: minibatch, binarization, draws, objective, gradients, optimizer, averages, metrics. */
export interface TrainingStep {
  readonly program: TensorProgram;
  /** Outputs that replace an input for the next step: `next.encoder.dense_1.kernel` → `encoder.dense_1.kernel`. */
  readonly aliases: Readonly<Record<string, string>>;
  /** State that lives from step to step beside the parameters, with its first value. */
  readonly slots: readonly { readonly name: string; readonly shape: Shape; readonly init: "zero" | { readonly copyOf: string } }[];
  /** Names in the order of the input `metrics`, sums over the steps since the host last zeroed it. */
  readonly metrics: readonly string[];
}

export interface StepSizes {
  /** Rows of one minibatch. */
  readonly batch: number;
  /** Minibatches that the host lays out at a time: step n reads number n mod `slots`. */
  readonly slots: number;
  /** Rows of the data set: needed where parameters have one value for each row, else the program is for any number of rows. */
  readonly dataset?: number;
  /** All rows of the data set lie where the step can read them, and it gathers those of its minibatch itself: the host lays out their numbers alone. Needs `dataset`. */
  readonly resident?: boolean;
  /** Fits the parameters per row alone: everything else is frozen, nothing is annealed or averaged. */
  readonly refit?: boolean;
}

/**
 * The training step of a model; every size is a number. Inputs beside parameters and slots: `data.<column>` [slots · batch, …] and `rows`
 * (i32, their positions in the data set), laid out by the host for `slots` steps at a time (`resident`: `data.<column>` [dataset, …], once); `step` (i32, from 0), `dataset` (its
 * rows, a number), `rate` (what the schedule's learning rate is multiplied by), `metrics`; the output `last` has the metrics of this step alone. Everything else that changes with the step is computed from `step`, so that many steps run without the host.
 */
export function lowerTrainingStep(lowered: LoweredModel, sizes: StepSizes): TrainingStep {
  const b = new TensorBuilder();
  const training = sizes.refit ? unsettled(lowered.program.training) : lowered.program.training;
  const stored = (shape: Shape): Shape => shape.map((dim) => (dim === "dataset" ? (sizes.dataset ?? missing("the rows of the data set")) : dim));
  const stepNumber = b.input("scalar", "step", [], "i32");
  const step = b.cast(stepNumber, "f32");
  const batch = minibatch(b, lowered, sizes, stepNumber);
  const parameters = new Map(lowered.parameters.map((parameter) => [parameter.name, b.input("parameter", parameter.name, stored(parameter.shape))]));
  const inputs = new Map<string, TensorNode>([...parameters, ...batch, ["anneal", annealing(b, training.objective.anneal, step)]]);

  const imported = importProgram(b, lowered.programs.train, {
    replace: ({ op }) => (op.kind === "size" && op.of === "dataset" ? b.input("scalar", "dataset", []) : inputs.get(op.kind === "input" ? op.name : "")),
    sizes: { rows: sizes.batch, dataset: sizes.dataset },
  });
  const output = (name: string): TensorNode => {
    const node = imported.get(lowered.programs.train.outputs[name] ?? missing(name));
    return node ?? missing(name);
  };

  const trained = lowered.parameters.filter(({ trainable, shape }) => trainable && (!sizes.refit || shape.includes("dataset"))).map((parameter) => ({ ...parameter, shape: stored(parameter.shape) }));
  const { gradients, norm } = clipped(b, gradientsOf(b, output("loss"), trained.map(({ name }) => parameters.get(name) ?? missing(name))), training.clip);
  const rate = b.multiply(b.input("scalar", "rate", []), learningRate(b, training.optimizer.rate, step));
  const state = new SlotWriter(b);
  const next = new Map<string, TensorNode>();
  trained.forEach((parameter, at) => {
    const value = parameters.get(parameter.name) ?? missing(parameter.name);
    next.set(parameter.name, updated(b, state, training.optimizer, parameter, value, gradients[at] ?? missing(parameter.name), step, rate));
  });
  // Running statistics belong to the model: a refit of some rows leaves them alone.
  for (const name of sizes.refit ? [] : Object.keys(lowered.programs.train.outputs)) if (name.startsWith("state.")) next.set(name.slice("state.".length), output(name));
  if (training.ema !== undefined) averages(b, state, lowered.parameters.filter(({ frozen }) => !frozen).map((parameter) => ({ ...parameter, shape: stored(parameter.shape) })), parameters, next, training.ema);

  const measured = new Map(Object.keys(lowered.programs.train.outputs).filter((name) => !name.startsWith("state.")).map((name) => [name, output(name)]));
  if (norm) measured.set("gradient_norm", norm);
  const metrics = [...measured.keys()];
  const last = b.concatenate([...measured.values()].map((node) => b.reshape(node, [1])), 0);
  const replaced = new Map<string, TensorNode>([["metrics", b.add(b.input("scalar", "metrics", [metrics.length]), last)], ...next, ...state.next]);
  return {
    program: b.program("step", { last, ...Object.fromEntries([...replaced].map(([name, node]) => [`next.${name}`, node])) }),
    aliases: Object.fromEntries([...replaced.keys()].map((name) => [`next.${name}`, name])),
    slots: state.slots,
    metrics,
  };
}

function missing(name: string): never {
  throw new InternalError(`the training program lacks ${name}`);
}

/** The rows of this step, binarized afresh where the model says so. */
function minibatch(b: TensorBuilder, lowered: LoweredModel, { batch, slots, resident, dataset }: StepSizes, step: TensorNode): Map<string, TensorNode> {
  const slot = b.binary("modulo", step, b.scalar(slots, "i32"));
  const positions = b.add(b.multiply(slot, b.scalar(batch, "i32")), b.iota(batch));
  const inputs = new Map<string, TensorNode>();
  const perRow = lowered.parameters.some(({ shape }) => shape.includes("dataset"));
  const rows = perRow || resident ? b.gather(b.input("column", "rows", [slots * batch], "i32"), positions) : positions;
  if (perRow) inputs.set("rowIndex", rows);
  const held = resident ? (dataset ?? missing("the rows of the data set")) : slots * batch;
  for (const column of lowered.columns) {
    const origin = lowered.program.columns.find(({ name }) => name === column.name)?.origin;
    inputs.set(column.name, b.at(origin, () => {
      const data = b.gather(b.input("column", `data.${column.name}`, [held, ...column.shape], column.dtype), resident ? rows : positions);
      return isBinary(lowered, column.name) ? binarized(b, lowered.program.training, column.name, data) : data;
    }));
  }
  return inputs;
}

function isBinary(lowered: LoweredModel, column: string): boolean {
  return lowered.program.columns.some(({ name, type, partlyObserved }) => name === column && type.support.kind === "binary" && !partlyObserved);
}

/** Grey levels in [0, 1] become 0 or 1; what is 0 or 1 already stays, as uniforms are never 0 or 1. */
function binarized(b: TensorBuilder, training: Training, column: string, data: TensorNode): TensorNode {
  const { binarize } = training;
  const threshold = binarize.kind === "fresh" ? b.uniform(`binarize.${column}`, data.shape) : undefined;
  return b.cast(threshold ? b.less(threshold, data) : b.greaterEqual(data, binarize.kind === "threshold" ? binarize.at : 0.5), "f32");
}

/** As `runtime/train/schedule.ts` defines it. */
function annealing(b: TensorBuilder, plan: Training["objective"]["anneal"], step: TensorNode): TensorNode {
  if (plan.steps <= 0) return b.scalar(1);
  const length = plan.steps / Math.max(1, plan.cycles);
  const rising = plan.cycles <= 1 ? b.divide(step, plan.steps) : b.minimum(1, b.multiply(2 / length, b.binary("modulo", step, length)));
  return b.select(b.greaterEqual(step, plan.steps), 1, rising);
}

/** As `runtime/train/schedule.ts` defines it. */
function learningRate(b: TensorBuilder, schedule: Schedule, step: TensorNode): TensorNode {
  switch (schedule.kind) {
    case "constant":
      return b.scalar(schedule.value);
    case "exponential":
      return b.multiply(schedule.value, b.exp(b.multiply(step, Math.log(schedule.factor) / schedule.every)));
    case "cosine":
    case "linear": {
      const span = Math.max(1, schedule.steps - schedule.warmup);
      const share = b.minimum(1, b.divide(b.subtract(step, schedule.warmup), span));
      const left = schedule.kind === "linear" ? b.subtract(1, share) : b.multiply(0.5, b.add(1, b.unary("cos", b.multiply(share, Math.PI))));
      const falling = b.add(schedule.end, b.multiply(schedule.value - schedule.end, left));
      if (schedule.warmup <= 0) return falling;
      return b.select(b.less(step, schedule.warmup), b.multiply(b.add(step, 1), schedule.value / schedule.warmup), falling);
    }
  }
}

function unsettled(training: Training): Training {
  return { ...training, ema: undefined, objective: { ...training.objective, anneal: { ...training.objective.anneal, steps: 0 } } };
}

/** Gradients scaled so that their global norm is at most `clip`, and the norm before. */
function clipped(b: TensorBuilder, gradients: readonly TensorNode[], clip: number | undefined): { readonly gradients: readonly TensorNode[]; readonly norm?: TensorNode } {
  if (clip === undefined || gradients.length === 0) return { gradients };
  const norm = b.sqrt(b.addAll(gradients.map((gradient) => b.sum(b.square(gradient)))));
  const factor = b.divide(clip, b.maximum(norm, clip));
  return { gradients: gradients.map((gradient) => b.multiply(gradient, factor)), norm };
}

/** State of the optimizer and averages: an input, and the output that replaces it. */
class SlotWriter {
  readonly slots: { name: string; shape: Shape; init: "zero" | { copyOf: string } }[] = [];
  readonly next = new Map<string, TensorNode>();

  constructor(private readonly b: TensorBuilder) {}

  input(name: string, shape: Shape, init: "zero" | { copyOf: string } = "zero", dtype: DType = "f32"): TensorNode {
    this.slots.push({ name, shape, init });
    return this.b.input("parameter", name, shape, dtype);
  }
}

/** The parameter after one update: Adam (Kingma & Ba 2015) with its bias corrections folded into rate and ε, AdamW, or SGD with momentum. */
function updated(b: TensorBuilder, state: SlotWriter, optimizer: Optimizer, parameter: StoredParameter, value: TensorNode, gradient: TensorNode, step: TensorNode, rate: TensorNode): TensorNode {
  const { name, shape } = parameter;
  const change = (): TensorNode => {
    if (optimizer.kind === "sgd") {
      if (optimizer.momentum === 0) return b.multiply(gradient, rate);
      const velocity = b.add(b.multiply(state.input(`${name}/velocity`, shape), optimizer.momentum), gradient);
      state.next.set(`${name}/velocity`, velocity);
      return b.multiply(velocity, rate);
    }
    const { beta1, beta2, epsilon } = optimizer;
    const m = withoutSubnormals(b, b.add(b.multiply(state.input(`${name}/m`, shape), beta1), b.multiply(gradient, 1 - beta1)));
    const v = withoutSubnormals(b, b.add(b.multiply(state.input(`${name}/v`, shape), beta2), b.multiply(b.square(gradient), 1 - beta2)));
    state.next.set(`${name}/m`, m);
    state.next.set(`${name}/v`, v);
    // 1 − βᵗ by expm1: the difference would lose its digits in the first steps.
    const t = b.add(step, 1);
    const rest = (beta: number): TensorNode => b.negate(b.expm1(b.multiply(t, Math.log(beta))));
    const correction = b.sqrt(rest(beta2));
    return b.multiply(b.divide(m, b.add(b.sqrt(v), b.multiply(correction, epsilon))), b.divide(b.multiply(rate, correction), rest(beta1)));
  };
  // Decoupled weight decay (Loshchilov & Hutter 2019); plain Adam has none.
  const kept = optimizer.decay > 0 && optimizer.kind !== "adam" ? b.multiply(value, b.subtract(1, b.multiply(rate, optimizer.decay))) : value;
  return b.subtract(kept, change());
}

/**
 * Moments of weights whose gradient has become 0 shrink for ever; as subnormals they would make every later step some ten times slower.
 * Far below ε² they change nothing.
 */
function withoutSubnormals(b: TensorBuilder, x: TensorNode): TensorNode {
  return b.select(b.less(b.abs(x), 1e-36), 0, x);
}

/** average ← decay · average + (1 − decay) · parameter, of running statistics as well. */
function averages(b: TensorBuilder, state: SlotWriter, all: readonly StoredParameter[], before: ReadonlyMap<string, TensorNode>, next: ReadonlyMap<string, TensorNode>, decay: number): void {
  for (const { name, shape } of all) {
    const average = state.input(`${name}/average`, shape, { copyOf: name });
    const value = next.get(name) ?? before.get(name) ?? missing(name);
    state.next.set(`${name}/average`, b.add(b.multiply(average, decay), b.multiply(value, 1 - decay)));
  }
}
