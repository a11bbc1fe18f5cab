import * as tf from "@tensorflow/tfjs-core";
import type { EvaluateOptions, Evaluation } from "../model.js";
import { type BoundData, rowsBatch } from "./batch.js";
import type { Program, TensorOutputs } from "./definition.js";
import { createDraws } from "./draws.js";
import { type ModelState, weightsOf } from "./state.js";

/** The evaluation objective over all rows, in nats per row; the last, smaller batch counts by its rows. */
export async function evaluateModel(state: ModelState, data: BoundData, options: EvaluateOptions): Promise<Evaluation> {
  const { definition } = state;
  const sums = new Map<string, Float64Array>();
  const global = new Map<string, number>();
  await eachBatch(state, data, definition.evaluateRows, "evaluate", 0, options, async (outputs, rows) => {
    const totals = tf.tidy(() => Object.entries(outputs).map(([name, value]) => ({ name, value: name.startsWith("global.") ? value : tf.sum(value, 0) })).map(({ name, value }) => ({ name, value: tf.keep(tf.clone(value)) })));
    for (const { name, value } of totals) {
      const values = await value.data();
      value.dispose();
      if (name.startsWith("global.")) global.set(name, values[0] ?? NaN);
      else {
        const sum = sums.get(name) ?? new Float64Array(values.length);
        for (let at = 0; at < sum.length; at++) sum[at] = (sum[at] ?? 0) + (values[at] ?? NaN);
        sums.set(name, sum);
      }
    }
    return rows;
  });
  const mean = (name: string): number => (sums.get(name)?.[0] ?? NaN) / data.rows;
  const named = (prefix: string): string[] => [...sums.keys()].filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  const terms = definition.terms.flatMap(({ name }) => {
    const perRow = sums.has(`row.${name}`) ? mean(`row.${name}`) : undefined;
    const whole = global.get(`global.${name}`);
    return perRow === undefined && whole === undefined ? [] : [[name, (perRow ?? 0) + (whole ?? 0) / (state.dataset ?? data.rows)] as const];
  });
  const coordinates = Object.fromEntries(named("coordinates.").map((site) => [site, Array.from(sums.get(`coordinates.${site}`) ?? [], (sum) => sum / data.rows)]));
  const evidence = (options.evidenceSamples ?? 0) > 0 ? await logEvidence(state, data, options) : undefined;
  const units = Object.entries(await activeUnits(state, data, coordinates, options));
  return {
    rows: data.rows,
    elbo: mean("elbo"),
    terms: Object.fromEntries(terms),
    coordinates,
    activeUnits: Object.fromEntries(units.map(([site, { active }]) => [site, active])),
    units: Object.fromEntries(units.map(([site, { of }]) => [site, of])),
    accuracy: Object.fromEntries(named("accuracy.").map((site) => [site, mean(`accuracy.${site}`)])),
    ...(evidence === undefined ? {} : { logEvidence: evidence, evidenceSamples: options.evidenceSamples ?? 0 }),
  };
}

/** log p(x) per row ≥ E log 1/K Σ w (Burda et al. 2016). With global latents the rows share each draw, and the evidence is of the whole data set. */
async function logEvidence(state: ModelState, data: BoundData, options: EvaluateOptions): Promise<number | undefined> {
  const { importanceWeights, importanceSamples, importanceRows = 256 } = state.definition;
  if (!importanceWeights) return undefined;
  const samples = options.evidenceSamples ?? 0;
  const rowSums = Array.from({ length: data.rows }, emptySum);
  const shared = new Float64Array(samples);
  let isShared = false;
  for (let from = 0, chunk = 0; from < samples; from += importanceSamples, chunk++) {
    const used = Math.min(importanceSamples, samples - from);
    let first = 0;
    await eachBatch(state, data, importanceWeights, "importance", chunk, { ...options, batch: Math.min(options.batch ?? 256, importanceRows) }, async (outputs, rows) => {
      const weights = (await outputs["log_weight"]?.data()) ?? new Float32Array(0);
      const globals = await outputs["log_weight_global"]?.data();
      for (let draw = 0; draw < used; draw++) {
        for (let row = 0; row < rows; row++) {
          const weight = weights[draw * rows + row] ?? NaN;
          if (globals) shared[from + draw] = (shared[from + draw] ?? 0) + weight;
          else addLog(rowSums[first + row], weight);
        }
        if (globals && first === 0) shared[from + draw] = (shared[from + draw] ?? 0) + (globals[draw] ?? NaN);
      }
      isShared ||= globals !== undefined;
      first += rows;
    });
  }
  if (isShared) {
    const all = emptySum();
    shared.forEach((weight) => addLog(all, weight));
    return (all.top + Math.log(all.sum) - Math.log(samples)) / data.rows;
  }
  return rowSums.reduce((total, { top, sum }) => total + top + Math.log(sum) - Math.log(samples), 0) / data.rows;
}

/** Σ exp, as its largest exponent and the sum relative to it. */
interface LogSum {
  top: number;
  sum: number;
}
const emptySum = (): LogSum => ({ top: -Infinity, sum: 0 });

function addLog(into: LogSum | undefined, value: number): void {
  if (!into || value === -Infinity) return;
  if (!(value <= into.top)) {
    into.sum = into.top === -Infinity ? 1 : into.sum * Math.exp(into.top - value) + 1;
    into.top = value;
  } else into.sum += Math.exp(value - into.top);
}

const activeThreshold = 0.01;

/**
 * Active units of each row latent (Burda et al. 2015, section 5.2): coordinates u whose posterior mean varies between rows, Var_x E_{q(z | x)}[z_u] > 0.01,
 * wherever the guide has a mean, also where the KL is one number for all coordinates. Without a mean, coordinates whose own KL is above 0.01 nats;
 * nothing where neither exists.
 */
async function activeUnits(state: ModelState, data: BoundData, coordinates: Readonly<Record<string, readonly number[]>>, options: EvaluateOptions): Promise<Record<string, ActiveUnits>> {
  const { inferRows, sharedOutputs } = state.definition;
  const moments = new Map<string, Moments>();
  // Coordinates of a draw: a latent whose KL has fewer numbers has a joint one.
  const sizes = new Map<string, number>();
  if (inferRows) {
    await eachBatch(state, data, inferRows, "evaluate", 0, options, async (outputs, rows) => {
      for (const [name, value] of Object.entries(outputs)) {
        if (sharedOutputs.includes(name)) continue;
        sizes.set(name, value.size / rows);
        if (name.startsWith("mean.")) addMoments(moments, name.slice("mean.".length), await value.data(), rows);
      }
    });
  }
  const found = Object.fromEntries([...moments].map(([site, { center, sum, squares }]) => {
    const variances = Array.from(center, (_, at) => (squares[at] ?? NaN) / data.rows - ((sum[at] ?? NaN) / data.rows) ** 2);
    return [site, counted(variances)];
  }));
  for (const [site, kl] of Object.entries(coordinates)) {
    const isJoint = sizes.has(site) && sizes.get(site) !== kl.length;
    if (!Object.hasOwn(found, site) && !isJoint) found[site] = counted(kl);
  }
  return found;
}

/** Sums of a latent's posterior means less those of the first row, from which variances lose no digits. */
interface Moments {
  readonly center: Float64Array;
  readonly sum: Float64Array;
  readonly squares: Float64Array;
}

function addMoments(moments: Map<string, Moments>, site: string, means: ArrayLike<number>, rows: number): void {
  const size = means.length / rows;
  const known = moments.get(site) ?? { center: Float64Array.from({ length: size }, (_, at) => means[at] ?? NaN), sum: new Float64Array(size), squares: new Float64Array(size) };
  moments.set(site, known);
  for (let i = 0; i < means.length; i++) {
    const at = i % size;
    const value = (means[i] ?? NaN) - (known.center[at] ?? NaN);
    known.sum[at] = (known.sum[at] ?? 0) + value;
    known.squares[at] = (known.squares[at] ?? 0) + value * value;
  }
}

interface ActiveUnits {
  readonly active: number;
  readonly of: number;
}

function counted(values: readonly number[]): ActiveUnits {
  return { active: values.filter((value) => value > activeThreshold).length, of: values.length };
}

/** Runs a program over all rows in order, a batch at a time. */
export async function eachBatch(
  state: ModelState,
  data: BoundData,
  program: Program<never, never, never>,
  use: string,
  step: number,
  options: { readonly batch?: number; readonly signal?: AbortSignal },
  visit: (outputs: TensorOutputs, rows: number, first: number) => Promise<unknown>,
): Promise<void> {
  const size = options.batch ?? 256;
  const weights = weightsOf(state, true);
  for (let first = 0; first < data.rows; first += size) {
    options.signal?.throwIfAborted();
    const rows = Math.min(size, data.rows - first);
    const batch = rowsBatch(state, data, first, rows);
    const outputs = tf.tidy(() => {
      const made = program({
        w: weights,
        data: batch.data,
        rowIndex: batch.rowIndex,
        rows,
        dataset: state.dataset ?? data.rows,
        random: createDraws({ seed: state.random.seed, step, use, firstRow: first, totalRows: data.rows }),
        scalars: { anneal: tf.scalar(1) } as never,
      });
      return Object.fromEntries(Object.entries(made).map(([name, value]) => [name, tf.clone(value)]));
    });
    batch.dispose();
    try {
      await visit(outputs, rows, first);
    } finally {
      for (const tensor of Object.values(outputs)) tensor.dispose();
    }
    // Timers and signals come through between batches.
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
  }
}
