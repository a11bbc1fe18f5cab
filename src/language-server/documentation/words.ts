import { type Keyword, keywordRoles } from "../../parser/tokens.js";
import type { Documented } from "./documented.js";

const docs: Readonly<Record<Keyword, string>> = {
  import: "`import encoder, decoder from \"vae.lvm\"`: brings constants, parameters and networks of another file. The path is relative to this one.",
  const: "`const K = 10`: a number or an array that is known before anything runs. `--set K=20` replaces it.",
  param: "`param w: real[K] = normal(0, 1)`: a learnt array, shared by all rows. Its value stays inside the declared support.",
  network: "`network f(x: real[K]) -> (y: real) { … }`: a function with weights; its body assigns every output exactly once.",
  model: "`model m(x: real[K]) { … }`: how a row of the data comes about. The head lists the columns.",
  guide: "`guide m { … }`: how the latents of the model `m` are inferred. Every latent has one entry.",
  train: "`train m { … }`: what is maximized for the model `m`, and how. `train prior on vae.z` learns the density of a latent of a model that was trained before.",
  global: "`global w: real ~ Normal(0, 1)`: a latent with one value for the whole data set. Its terms count 1/N.",
  local: "`local mean: real[20] = 0`: one learnt value for each data row. It is what amortization replaces.",
  auto: "`auto mean_field a, b`: one Gaussian over the unconstrained values of these latents, through a bijection to each support.",
  marginalize: "`marginalize k`: a finite discrete latent is summed out, exactly, by variable elimination; a linear-Gaussian chain by the Kalman filter.",
  chain: "`chain t in 2..T { … }`: the statements once for each `t`, in order; each step may read those before: `z[t - 1]`.",
  each: "`each t in 1..T { … }`: a plate: the statements once for each `t`, independent of each other.",
  maximize: "`maximize elbo`: the objective. Without it: `elbo` where there are latents or partly observed columns, else `likelihood`.",
  observe: "`observe y = 0.1`: keep this share of a partly observed column's values.",
  from: "`import a from \"file.lvm\"`: the file that they are declared in.",
  where: "`model m(x: real[T]) where length(x) <= T`: rows have lengths of their own, of T at most.",
  on: "`train prior on vae.z`: the rows are draws of that latent, of a model that was trained before.",
  in: "`each t in 1..T`: the range of a loop.",
  by: "`k ~ Categorical(…) by enumeration`: asks for a gradient estimator. Without it the compiler takes the best that is legal.",
  subject: "`maximize elbo subject to kl(z) <= 12`: bounds terms, in nats per row; a multiplier for each is learnt (Rezende & Viola 2018).",
  to: "`maximize elbo subject to kl(z) <= 12`: bounds terms, in nats per row.",
  dropout: "`label: index(10) dropout 0.1`: training leaves a condition of a diffusion out of that share of the rows, so that sampling can be guided (Ho & Salimans 2022).",
  autoregressive: "Reserved: this version does not train autoregressive sites.",
};

export const keywords: ReadonlyMap<string, Documented> = new Map((Object.keys(keywordRoles) as Keyword[]).map((name) => [name, { kind: "keyword", name, doc: docs[name], forms: [] }]));

const signDocs: Readonly<Record<string, string>> = {
  "~": "`x ~ Normal(0, 1)`: in a model, how x is drawn; in a guide, how it is inferred.",
  "|>": "`x |> f(a)` is `f(x, a)`. Pipes go from left to right and bind loosest of all.",
  "@": "`a @ b`: matrix times matrix, matrix times vector, or the inner product of two vectors.",
  "..": "`1..T`: a range, both ends included.",
  "->": "The outputs of a network follow.",
  "?": "The column is known in some rows only; where it is missing it is a latent.",
};

export const signs: ReadonlyMap<string, Documented> = new Map(Object.entries(signDocs).map(([name, doc]) => [name, { kind: "sign", name, doc, forms: [] }]));
