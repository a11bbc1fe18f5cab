import type { Family } from "../../checker/auto.js";
import { dataSources, type DataSource, settingNames, type SettingName } from "../../checker/training.js";
import type { EstimatorName } from "../../checker/rules/estimator.js";
import { diffusionOptionNames, objectiveNames, optionNames, type OptionName } from "../../checker/rules/objective.js";
import { optimizers, schedules } from "../../checker/rules/optimizer.js";
import type { Optimizer, Schedule } from "../../ir/model/model.js";
import type { Documented, DocumentedKind, Form, FormParameter } from "./documented.js";

/** The words of guides and train blocks. The tables are total over the checker's names; a test holds them against docs/language.md and docs/data.md. */

const constant = (name: string, doc: string, value?: string): FormParameter => ({ name, doc, takes: "constant", ...(value === undefined ? {} : { default: value }) });
const word = (name: string, doc: string, choices: readonly string[], value: string): FormParameter => ({ name, doc, takes: "word", choices, default: value });
const table = (kind: DocumentedKind, entries: Readonly<Record<string, { readonly doc: string; readonly forms?: readonly Form[] }>>): ReadonlyMap<string, Documented> =>
  new Map(Object.entries(entries).map(([name, { doc, forms = [] }]) => [name, { kind, name, doc, forms }]));

/** A setting, with what it takes. */
export interface Setting extends Documented {
  /** Words and calls that may stand behind `=`; none where a number is meant. */
  readonly values: ReadonlyMap<string, Documented>;
  /** As documentation says it. */
  readonly default: string;
}

export const estimatorCalls = table("estimator", {
  reparameterization: { doc: "The gradient goes through the draw: z = f(ε; φ) with noise ε (Kingma & Welling 2013; Figurnov et al. 2018 for Gamma and its kin). Unbiased. Legal for continuous families with a reparameterization." },
  enumeration: { doc: "The expectation is a sum over all values: exact. Legal for finite discrete latents of rows, at most 10⁶ states a row." },
  score: {
    doc: "The score-function gradient, ∇ log q(z) · (f(z) − baseline) (Williams 1992). Unbiased. Legal for any family with a density. `leave_one_out` takes the mean of the row's other draws as baseline (Kool et al. 2019), so it needs two of them.",
    forms: [{ positional: 0, parameters: [word("baseline", "`leave_one_out` or `none`", ["leave_one_out", "none"], "leave_one_out"), constant("samples", "draws for each row, at least 2 with `leave_one_out`", "2")] }],
  },
  relaxation: { doc: "The Gumbel-softmax or binary concrete variable at a constant temperature (Jang, Gu & Poole 2017; Maddison, Mnih & Teh 2017). Biased. Legal for `Bernoulli` and `Categorical`.", forms: [{ positional: 1, parameters: [constant("temperature", "above 0; lower is closer to a label, with more variance")] }] },
  straight_through: { doc: "A true draw with the gradient of the probabilities (Bengio, Léonard & Courville 2013). Biased. Legal for `Bernoulli` and `Categorical`." },
} satisfies Record<EstimatorName, unknown>);

export const familyCalls = table("family", {
  mean_field: { doc: "One Gaussian with a diagonal covariance over the unconstrained values: 2 P numbers for P coordinates (Kucukelbir et al. 2017)." },
  full_rank: { doc: "One Gaussian with any covariance: P + P (P + 1) / 2 numbers for P coordinates, at most 2048 (Kucukelbir et al. 2017)." },
  low_rank: { doc: "One Gaussian whose covariance is diagonal plus rank k: P (k + 2) numbers for P coordinates (Ong, Nott & Smith 2018).", forms: [{ positional: 1, parameters: [constant("rank", "the number of directions")] }] },
} satisfies Record<Family, unknown>);

const optionParameters: Readonly<Record<OptionName, FormParameter>> = {
  beta: constant("beta", "weight of the terms that pull latents towards their prior (Higgins et al. 2017)", "1"),
  samples: constant("samples", "importance samples of a row: above 1, the bound of Burda et al. 2015", "1"),
  free_bits: constant("free_bits", "least nats of each latent coordinate (Kingma et al. 2016)", "0"),
  anneal: { ...constant("anneal", "steps over which β rises from 0; `cyclical(1000, 4)` is four cycles within 1000 steps", "0"), choices: ["cyclical"] },
  supervision: constant("supervision", "weight of log q of a partly observed column where it is known", "0"),
  balance: { ...constant("balance", "share of a KL's gradient that goes to the prior, the rest to the guide (Hafner et al. 2021)"), optional: true },
  overshooting: constant("overshooting", "how many steps ahead the prior of a chain is held against the guide (Hafner et al. 2019)", "1"),
  gradient: word("gradient", "`path`: the guide's parameters learn through the draws alone, without variance where the guide is the posterior (Roeder et al. 2017)", ["total", "path"], "total"),
};

const diffusionParameters: Readonly<Record<(typeof diffusionOptionNames)[number], FormParameter>> = {
  weight: word("weight", "how the squared errors of the steps are weighed: as the bound has it, all alike (`simple`, Ho et al. 2020), or by min(snr, γ) (`min_snr(5)`, Hang et al. 2023)", ["bound", "simple", "min_snr"], "bound"),
  timesteps: word("timesteps", "how training draws the step of each row: evenly, or by its expected share of the bound", ["uniform", "importance"], "uniform"),
  hybrid: { ...constant("hybrid", "of a learnt variance, where `weight` is not `bound`: the share of the bound that trains it (Nichol & Dhariwal 2021)", "0.001"), optional: true },
};

export const elboForm: Form = { positional: 0, parameters: optionNames.map((name) => optionParameters[name]) };
export const diffusionForm: Form = { positional: 0, parameters: diffusionOptionNames.map((name) => diffusionParameters[name]) };

export const objectives = table("objective", {
  elbo: { doc: "For models with latents or partly observed columns: a lower bound on the log evidence, E_q[log p(x, z) − log q(z)].", forms: [elboForm, diffusionForm] },
  likelihood: { doc: "log p(x), exact: for models whose latents and partly observed columns, if any, are all marginalized." },
  posterior: { doc: "The most probable latents: for guides of `auto` groups, `Delta` sites and `marginalize`." },
  map: { doc: "Another name of `posterior`." },
} satisfies Record<(typeof objectiveNames)[number] | "map", unknown>);

/** What constraints bound. */
export const termCalls = table("term", {
  kl: { doc: "The divergence of a latent's guide from its prior, in nats per row: `kl(z) <= 12`.", forms: [{ unnamed: true, parameters: [{ name: "site", doc: "a latent", takes: "name" }] }] },
  reconstruction: { doc: "The expected log likelihood of a column, in nats per row: `reconstruction(x) >= -80`.", forms: [{ unnamed: true, parameters: [{ name: "site", doc: "an observed column", takes: "name" }] }] },
});

const rate = (value: string): FormParameter => ({ name: "rate", doc: "the step size: a positive number or a schedule", takes: "rate", default: value });
const optimizerOptions: Readonly<Record<string, FormParameter>> = {
  beta1: constant("beta1", "decay of the mean of gradients", "0.9"),
  beta2: constant("beta2", "decay of the mean of squared gradients", "0.999"),
  epsilon: constant("epsilon", "added to the root of the mean square", "1e-8"),
};
const decays: Readonly<Record<Optimizer["kind"], string>> = { adam: "0", adamw: "1e-2", sgd: "0" };
const optimizerDocs: Readonly<Record<Optimizer["kind"], string>> = {
  adam: "Adam (Kingma & Ba 2015): steps along the mean gradient over the root of its mean square.",
  adamw: "Adam with decoupled weight decay (Loshchilov & Hutter 2019).",
  sgd: "Stochastic gradient descent, with momentum (Polyak 1964) where it is given.",
};

export const optimizerCalls: ReadonlyMap<string, Documented> = new Map(
  (Object.keys(optimizers) as Optimizer["kind"][]).map((name): [string, Documented] => {
    const parameters = optimizers[name].map((option) =>
      option === "rate" ? rate(name === "sgd" ? "1e-2" : "1e-3") : option === "decay" ? constant("decay", "share of a weight that is taken off at each step, times the rate", decays[name]) : option === "momentum" ? constant("momentum", "share of the last step that goes on", "0") : optimizerOptions[option]!);
    return [name, { kind: "optimizer", name, doc: optimizerDocs[name], forms: [{ positional: 1, parameters }] }];
  }),
);

const rateOptions: Readonly<Record<string, FormParameter>> = {
  rate: constant("rate", "the rate at the beginning, after the warm-up"),
  steps: constant("steps", "the step at which it has come to `end`"),
  end: constant("end", "the rate at the end", "0"),
  warmup: constant("warmup", "steps over which the rate rises from 0", "0"),
  factor: constant("factor", "what the rate is multiplied by, above 0 and at most 1"),
  every: constant("every", "steps for one factor"),
};
const rateDocs: Readonly<Record<Exclude<Schedule["kind"], "constant">, string>> = {
  cosine: "Rises linearly over `warmup` steps, then half a cosine to `end` at `steps` (Loshchilov & Hutter 2017).",
  linear: "Rises linearly over `warmup` steps, then a straight line to `end` at `steps`.",
  exponential: "rate · factor^(step / every).",
};

export const rateSchedules: ReadonlyMap<string, Documented> = new Map(
  (Object.keys(schedules) as Exclude<Schedule["kind"], "constant">[]).map((name) => [name, { kind: "rate schedule", name, doc: rateDocs[name], forms: [{ positional: 1, parameters: schedules[name].options.map((option) => rateOptions[option]!) }] }]),
);

const rows = "how many rows";
const steps = "steps of a row";
/** Of each argument: what it means and its default. */
const dataArguments: Readonly<Record<string, string>> = { n: rows, T: steps, k: "clusters or factors", d: "dimensions" };
const dataDocs: Readonly<Record<DataSource, { readonly doc: string; readonly defaults: readonly number[] }>> = {
  digits: { doc: "`x: byte[28, 28]`, `y: index(10)`: drawn digits with labels. Not MNIST: simpler, and made by code.", defaults: [8192] },
  moons: { doc: "`x: real[2]`, `y: index(2)`: two interleaved half circles; y says which.", defaults: [1000] },
  spiral: { doc: "`x: real[2]`: a spiral of one and a half turns, a slice of the Swiss roll.", defaults: [1000] },
  blobs: { doc: "`x: real[2]`, `y: index(4)`: k normal clusters on a circle; y is the cluster.", defaults: [1000, 4] },
  eight_schools: { doc: "`y: real`, `sigma: positive`: effects of coaching in eight schools with their standard errors (Rubin 1981).", defaults: [] },
  regression: { doc: "`x: real[3]`, `y: real`: y = 1.5 x₁ − 2 x₂ + 0.5 x₃ + 0.7 + 0.5 ε.", defaults: [200] },
  factors: { doc: "`x: real[8]`: x = W z + c + 0.5 ε in d dimensions with k standard normal factors z.", defaults: [2000, 8, 2] },
  radon: { doc: "`county: index(85)`, `floor: binary`, `y: real`: houses in 85 counties, simulated with the structure of the Minnesota radon survey (Gelman & Hill 2007).", defaults: [919] },
  robot_room: { doc: "`x: byte[20, 1024]`, `r: real[20]`, `a: real[20, 2]`: trajectories of the environment of that name: pixels, rewards, actions.", defaults: [1000, 20] },
  bouncing_ball: { doc: "`x: byte[20, 256]`: films of a ball that bounces off the walls, 16×16 grey levels.", defaults: [1000, 20] },
  polyphonic: { doc: "`x: binary[32, 88]`: pieces of music, which of 88 keys sound.", defaults: [1000, 32] },
  state_sequences: { doc: "`x: real[20, 2]`, `s: index(3)[20]`: points of a hidden Markov model with 3 states; s holds the states.", defaults: [1000, 20] },
  tracking: { doc: "`x: real[20, 2]`, `p: real[20, 2]`: noisy tracks of a moving point, linear and Gaussian; p holds the true positions.", defaults: [1000, 20] },
};

export const dataCalls: ReadonlyMap<string, Documented> = new Map(
  (Object.keys(dataSources) as DataSource[]).map((name) => {
    const names: readonly string[] = dataSources[name];
    return [name, { kind: "data", name, doc: `Built-in data. ${dataDocs[name].doc}`, forms: [{ parameters: names.map((each, at) => constant(each, dataArguments[each] ?? each, String(dataDocs[name].defaults[at]))) }] }];
  }),
);

const values = table("value", {
  patience: { doc: "`patience(10)`: stop after so many evaluations of the validation data without a better bound.", forms: [{ positional: 1, parameters: [constant("epochs", "how many evaluations")] }] },
  fresh: { doc: "Afresh at each visit, 1 with the probability of the grey level (Salakhutdinov & Murray 2008)." },
  threshold: { doc: "`threshold(0.5)`: 1 where the grey level is above.", forms: [{ positional: 1, parameters: [constant("at", "from 0 to 1")] }] },
  sqrt: { doc: "Memory for about 2√T of T steps (Chen et al. 2016)." },
  cyclical: { doc: "`cyclical(1000, 4)`: β rises from 0 in each of four cycles within 1000 steps (Fu et al. 2019).", forms: [{ positional: 2, parameters: [constant("steps", "length of the whole schedule"), constant("cycles", "how many cycles", "4")] }] },
  min_snr: { doc: "`min_snr(5)`: weights by the signal-to-noise ratio, at most γ (Hang et al. 2023).", forms: [{ positional: 1, parameters: [constant("gamma", "the largest weight", "5")] }] },
});
const someValues = (...names: readonly string[]): ReadonlyMap<string, Documented> => new Map([...values].filter(([name]) => names.includes(name)));

/** Calls that stand behind options of `elbo`. */
export const optionValues = someValues("cyclical", "min_snr");

const none: ReadonlyMap<string, Documented> = new Map();
const settingFacts: Readonly<Record<SettingName, Omit<Setting, "kind" | "name" | "forms">>> = {
  optimizer: { doc: "how parameters follow the gradient", default: "adam(rate = 1e-3)", values: optimizerCalls },
  batch: { doc: "rows of a minibatch", default: "128", values: none },
  epochs: { doc: "passes over the data", default: "10", values: none },
  clip: { doc: "the largest norm of the whole gradient", default: "none", values: none },
  ema: { doc: "decay of a moving average of the parameters, which evaluation then uses", default: "none", values: none },
  early_stopping: { doc: "stop after so many evaluations of the validation data without a better bound", default: "none", values: someValues("patience") },
  seed: { doc: "everything random follows from it", default: "0", values: none },
  binarize: { doc: "how grey levels become 0 or 1 in `binary` columns", default: "fresh", values: someValues("fresh", "threshold") },
  checkpoint: { doc: "of chains: every how many steps the gradient keeps their states, and computes the others again; `sqrt` takes memory for about 2√T of T steps", default: "none", values: someValues("sqrt") },
  data: { doc: "what a run trains on if `--data` names nothing else", default: "none", values: dataCalls },
};

export const settings: ReadonlyMap<string, Setting> = new Map(settingNames.map((name) => [name, { kind: "setting", name, forms: [], ...settingFacts[name] }]));

/** Everything that a train block may call or name, for hovers. */
export const trainingWords: ReadonlyMap<string, Documented> = new Map([...values, ...dataCalls, ...optimizerCalls, ...rateSchedules, ...termCalls, ...objectives]);
