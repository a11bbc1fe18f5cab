import type { EvaluateOptions, Evaluation } from "../model.js";
import type { BoundData } from "./bind-data.js";
import type { HostOutputs, RowRunner } from "./row-runner.js";

/** The evaluation objective over all rows, in nats per row; the last, smaller batch counts by its rows. */
export async function evaluateModel(runner: RowRunner, data: BoundData, options: EvaluateOptions): Promise<Evaluation> {
  const { definition } = runner;
  const sums = new Map<string, Float64Array>();
  const global = new Map<string, number>();
  const { evaluationRows } = definition;
  const batch = evaluationRows === undefined ? options.batch : Math.min(options.batch ?? evaluationRows, evaluationRows);
  await runner.run({ program: "evaluate", step: 0, data, batch, signal: options.signal }, (outputs, rows) => {
    for (const [name, { values }] of Object.entries(outputs)) {
      if (name.startsWith("global.")) global.set(name, values[0] ?? NaN);
      else addRows(sums, name, values, rows);
    }
  });
  const mean = (name: string): number => (sums.get(name)?.[0] ?? NaN) / data.rows;
  const named = (prefix: string): string[] => [...sums.keys()].filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  const terms = definition.terms.flatMap(({ name }) => {
    const perRow = sums.has(`row.${name}`) ? mean(`row.${name}`) : undefined;
    const whole = global.get(`global.${name}`);
    return perRow === undefined && whole === undefined ? [] : [[name, (perRow ?? 0) + (whole ?? 0) / (runner.dataset ?? data.rows)] as const];
  });
  const coordinates = Object.fromEntries(named("coordinates.").map((site) => [site, Array.from(sums.get(`coordinates.${site}`) ?? [], (sum) => sum / data.rows)]));
  const evidence = (options.evidenceSamples ?? 0) > 0 ? await logEvidence(runner, data, options) : undefined;
  const units = Object.entries(await activeUnits(runner, data, coordinates, options));
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

/** Adds each row's numbers to the sums of a name. */
function addRows(sums: Map<string, Float64Array>, name: string, values: ArrayLike<number>, rows: number): void {
  const size = values.length / rows;
  const sum = sums.get(name) ?? new Float64Array(size);
  sums.set(name, sum);
  for (let at = 0; at < values.length; at++) sum[at % size] = (sum[at % size] ?? 0) + (values[at] ?? NaN);
}

/** log p(x) per row ≥ E log 1/K Σ w (Burda et al. 2016). With global latents the rows share each draw, and the evidence is of the whole data set. */
async function logEvidence(runner: RowRunner, data: BoundData, options: EvaluateOptions): Promise<number | undefined> {
  const { importanceSamples, importanceRows = 256 } = runner.definition;
  if (!runner.has("importance")) return undefined;
  const samples = options.evidenceSamples ?? 0;
  const rowSums = Array.from({ length: data.rows }, emptySum);
  const shared = new Float64Array(samples);
  let isShared = false;
  for (let from = 0, chunk = 0; from < samples; from += importanceSamples, chunk++) {
    const used = Math.min(importanceSamples, samples - from);
    let first = 0;
    const batch = Math.min(options.batch ?? 256, importanceRows);
    await runner.run({ program: "importance", step: chunk, data, batch, signal: options.signal }, (outputs: HostOutputs, rows) => {
      const weights = outputs["log_weight"]?.values ?? new Float32Array(0);
      const globals = outputs["log_weight_global"]?.values;
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
async function activeUnits(runner: RowRunner, data: BoundData, coordinates: Readonly<Record<string, readonly number[]>>, options: EvaluateOptions): Promise<Record<string, ActiveUnits>> {
  const { sharedOutputs } = runner.definition;
  const moments = new Map<string, Moments>();
  // Coordinates of a draw: a latent whose KL has fewer numbers has a joint one.
  const sizes = new Map<string, number>();
  if (runner.has("infer")) {
    await runner.run({ program: "infer", step: 0, data, batch: options.batch, signal: options.signal }, (outputs, rows) => {
      for (const [name, { values }] of Object.entries(outputs)) {
        if (sharedOutputs.includes(name)) continue;
        sizes.set(name, values.length / rows);
        if (name.startsWith("mean.")) addMoments(moments, name.slice("mean.".length), values, rows);
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
