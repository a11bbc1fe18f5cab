/** 4xxx: how a file, a model and its guide must fit together. */
export const structureErrors = {
  LVM4001: {
    title: "missing guide site",
    explanation:
      "Every latent of a model needs exactly one entry in its guide: a `~` statement, an `auto` group or `marginalize`. Without one nothing says how the latent is inferred.\n\n```lvm\nmodel m(x: real) {\n  z: real ~ Normal(0, 1)\n  x ~ Normal(z, 1)\n}\nguide m { auto mean_field z }\n```",
  },
  LVM4002: {
    title: "guide site unknown to the model",
    explanation:
      "A guide may only draw the latents of its model. A name that the model does not draw has no prior, so its term in the bound does not exist. Draw the latent in the model too, or make the statement a binding: `h = f(x)`.",
  },
  LVM4003: {
    title: "two guide entries for one latent",
    explanation:
      "Each latent is inferred in one way. A latent that stands in two `~` statements, in two `auto` groups, or in `auto` and `marginalize`, would have two approximate posteriors. Remove one of the two.",
  },
  LVM4004: {
    title: "observing in a guide",
    explanation:
      "A guide describes q(z | x): the observed columns are given in it. Their `~` statement belongs in the model.\n\n```lvm\nmodel m(x: real) { z: real ~ Normal(0, 1)  x ~ Normal(z, 1) }\nguide m { z ~ Normal(x, 1) }   // not: x ~ …\n```",
  },
  LVM4005: {
    title: "guide without a model",
    explanation: "A guide carries the name of the model that it belongs to: `model vae(…) { … }` and `guide vae { … }` stand in one file.",
  },
  LVM4006: {
    title: "two guides for one model",
    explanation: "A model has one guide. Put all entries in one block, or give the second guide a model of its own.",
  },
  LVM4007: {
    title: "train without a model",
    explanation: "A `train` block carries the name of the model that it trains: `model vae(…) { … }` and `train vae { … }` stand in one file.",
  },
  LVM4008: {
    title: "two train blocks for one model",
    explanation: "A model is trained in one way. Put all settings in one block.",
  },
  LVM4009: {
    title: "missing guide",
    explanation:
      "A model with latents needs a guide: the approximate posterior under which the bound is taken. The shortest one is automatic.\n\n```lvm\nguide regression { auto mean_field weights, bias }\n```\n\nOnly a model without latents (maximum likelihood) goes without.",
  },
  LVM4010: {
    title: "guide of a model without latents",
    explanation: "The model draws no latent, so there is nothing to infer and the guide has no effect. Remove it, or declare the latent in the model.",
  },
  LVM4011: {
    title: "used before it is defined",
    explanation:
      "Statements stand in the order in which a row is generated: a name is used below the statement that defines it.\n\n```lvm\nmodel m(x: real) {\n  z: real ~ Normal(0, 1)   // first\n  x ~ Normal(z, 1)         // then\n}\n```",
  },
  LVM4012: {
    title: "cyclic dependence",
    explanation:
      "A model is a directed acyclic graph: no value may depend on itself, directly or through others. `a ~ Normal(b, 1)` with `b ~ Normal(a, 1)` defines no distribution. To let a value depend on its own past, use a `chain`.",
  },
  LVM4014: {
    title: "guide uses a latent that is not drawn yet",
    explanation:
      "In a guide, a latent has a value only below its own `~` statement (or its `auto` group); a marginalized latent never has one. Draw it first, or condition on the data instead.\n\n```lvm\nguide m {\n  a ~ Normal(f(x).mean, 1)\n  b ~ Normal(a, 1)        // a is drawn above\n}\n```",
  },
  LVM4015: {
    title: "global value depends on a row",
    explanation:
      "A global latent has one value for the whole data set, so neither its prior nor its guide may read a column, a row latent or a `local` value: there is no single row to read. Use parameters (`param`) or other global latents.",
  },
  LVM4016: {
    title: "latent without a type",
    explanation:
      "A latent declares its support and its sizes where it is drawn, so that every use can be checked: `z: real[20] ~ Normal(0, 1)`. Only columns of the data go without, for their type stands in the model's head.",
  },
  LVM4017: {
    title: "column with a second type",
    explanation: "A column's type stands in the model's head, once. Where it is observed write only its name: `x ~ Bernoulli(…)`.",
  },
  LVM4019: {
    title: "latent without effect",
    explanation:
      "No observed column depends on this latent, directly or through others. Its best guide is its prior, so it costs time and changes nothing. Use it in a likelihood, or remove it.",
  },
  LVM4020: {
    title: "guide leaves the support of the latent",
    explanation:
      "A guide may only draw values that the model's prior allows: log p(z) is −∞ elsewhere and with it the bound. For a `positive` latent write a guide on the positive numbers (`LogNormal`, `Gamma`), or `auto`, which works on the unconstrained scale.\n\n```lvm\nguide m { spread ~ LogNormal(0, 1) }\n```",
  },
  LVM4021: {
    title: "guide covers less than the prior",
    explanation:
      "The guide never draws some values that the prior allows, so the posterior there can not be represented. This is legal (the bound stays a bound) but seldom meant.",
  },
  LVM4023: {
    title: "prior does not fit the declared type",
    explanation:
      "The type of a latent says which values it can have; its prior must cover exactly these. `z: positive ~ Normal(0, 1)` would draw negative values, `z: real ~ HalfNormal(1)` gives −∞ to half of what the type promises.",
  },
  LVM4024: {
    title: "likelihood does not fit the column",
    explanation:
      "A likelihood is a density over the values that the column can have. Bernoulli scores 0 and 1 only, so it is no likelihood of grey levels (`unit`); Normal is a density of continuous values and no probability of labels.\n\n```lvm\nmodel m(x: unit[784]) { … x ~ ContinuousBernoulli(logits = f(z)) }\n```",
  },
  LVM4026: {
    title: "point mass in a model",
    explanation:
      "`Delta` has no density that could score data or be compared with a guide. In a model, a value that follows from others is a binding: `h = f(z)`. `Delta` belongs in guides, where it makes an auto-encoder.",
  },
  LVM4027: {
    title: "plate does not fit the column",
    explanation:
      "`each t in 1..T` observes `x[t]` at every position of the first axis of `x`, which are counted from 1. The range must cover the axis exactly, with the starts of a chain; a value that is not observed would be left out silently.\n\n```lvm\nmodel m(x: real[10, 2]) {\n  each t in 1..10 { x[t] ~ Normal(0, 1) }\n}\n```",
  },
  LVM4028: {
    title: "site in a plate without its index",
    explanation:
      "A site inside `each t in 1..T` has one value for each step, and is written with the loop variables in order: `z[t]: real ~ Normal(0, 1)`, in nested loops `z[i, j]`. Outside the loops the bare name `z` means all of them, with the loop axes in front.",
  },
  LVM4029: {
    title: "index that no loop gives",
    explanation: "On the left of `~` or `=`, an index is the variable of an enclosing loop. Outside loops a site is written by its name alone, but for the first values of a chain: `h[0] = zeros[16]` above `chain t in 1..T { h[t] = … }`.",
  },
  LVM4030: {
    title: "plate with a bad range",
    explanation: "The range of a loop is `from..to` with whole constants, from at most to: `each t in 1..T`. A `chain` may also go down: `chain t in T..1`.",
  },
  LVM4031: {
    title: "model without an observation",
    explanation:
      "At least one column of a model must stand on the left of `~`. Without an observation there is nothing to learn from: log p(x) of no data is 0.\n\n```lvm\nmodel m(x: real) { x ~ Normal(0, 1) }\n```",
  },
  LVM4032: {
    title: "statement does not belong here",
    explanation:
      "`local`, `auto`, `marginalize` and `by` belong in guides; `global` is said once, in the model. A guide's sites take scope and type from the model's.",
  },
  LVM4033: {
    title: "partly observed column without a guide entry",
    explanation:
      "A column with `?` is missing in some rows; there it is a latent and needs a guide entry: a guide site (enumerated when it is discrete, reparameterized when it is continuous), or `marginalize`.\n\n```lvm\nmodel m(x: real[2], y: index(10)?) { y ~ Categorical(logits = 0)  x ~ … }\nguide m { y ~ Categorical(logits = classify(x)) by enumeration }\n```",
  },
  LVM4034: {
    title: "partly observed column that is never drawn",
    explanation: "A column with `?` must stand on the left of `~` in the model: where it is missing, only its distribution says what it may have been.",
  },
  LVM4035: {
    title: "cannot be inferred in this way",
    explanation:
      "`auto` fits a Gaussian on the unconstrained scale, so it needs continuous latents. `marginalize` sums over all values, so it needs finite discrete row latents. A partly observed column needs a guide site or `marginalize`.",
  },
  LVM4036: {
    title: "unknown automatic guide",
    explanation:
      "`auto mean_field a, b` (independent), `auto full_rank a, b` (all correlations) and `auto low_rank(5) a, b` (a diagonal plus five directions) are the automatic guides.",
  },
  LVM4037: {
    title: "automatic guide is too large",
    explanation: "`auto full_rank` learns P² numbers for P unconstrained coordinates. Use `auto low_rank(k)`, which learns P·(k + 1), or `mean_field`.",
  },
  LVM4038: {
    title: "guide site with a type",
    explanation: "A latent's type stands in the model. The guide site takes it from there: write only the name.",
  },
  LVM4039: {
    title: "plates of the guide differ from the model's",
    explanation: "A latent that the model draws inside `each t in 1..T` is drawn inside `each` or `chain` over the same range in the guide, and outside loops otherwise. What a chain draws has the same positions in both, however many of them are starts: a model with `z[1] ~ …` and `chain t in 2..T` may have a guide with `chain t in 1..T`.",
  },
  LVM4040: {
    title: "value of the wrong shape at an index",
    explanation: "`x[t]` takes one position of the first axis of `x`, `x[i, j]` of the first two. A column needs one leading axis for each loop around it.",
  },
  LVM4041: {
    title: "parameter that cannot be learnt",
    explanation: "`param` and `local` values follow gradients, so they are continuous. A discrete unknown is a latent: draw it in the model with `~`.",
  },
  LVM4042: {
    title: "position of a chain defined twice",
    explanation:
      "A start gives a value before the first step of a chain, so its position is none of the chain's own.\n\n```lvm\nmodel m(x: real[9]) {\n  z[1]: real ~ Normal(0, 1)\n  chain t in 2..9 { z[t] ~ Normal(z[t - 1], 1) }   // from 2: z[1] has its value\n  each t in 1..9 { x[t] ~ Normal(z[t], 1) }\n}\n```",
  },
  LVM4043: {
    title: "gap before a chain",
    explanation: "The starts of a chain stand right before its first step, without gaps: a chain over 2..T that reads `z[t - 1]` and `z[t - 2]` begins with `z[0]` and `z[1]`.",
  },
  LVM4044: {
    title: "missing first value of a chain",
    explanation:
      "A step of a chain may read the steps before. At the first step there is none, so that value is written above the chain: a distribution for what is drawn, an expression for what is computed. Only columns of the data read as zeros before their first element.\n\n```lvm\nguide m {\n  h[0] = zeros[16]\n  chain t in 1..9 { h[t] = cell(h[t - 1], x[t]) }\n}\n```",
  },
  LVM4045: {
    title: "a chain reads ahead",
    explanation: "The steps of a chain are taken in order: `chain t in 1..T` upwards, `chain t in T..1` downwards. A step may read those before it in that order, never those after it. A smoothing guide runs one chain each way.",
  },
  LVM4046: {
    title: "length of rows",
    explanation: "`where length(x) <= T` says that rows have sequences of their own lengths: `x` is a column with T steps in front, of which a row has its first ones. Loops that end with T end with the row's own length.",
  },
  LVM4047: {
    title: "steps of a chain from different families",
    explanation: "The start of a chain and its steps are drawn from the same distribution with the same parameters: `z[1] ~ Normal(0, 1)` and `z[t] ~ Normal(z[t - 1], 0.1)`. What differs from step to step are the values of these parameters.",
  },
  LVM4048: {
    title: "said again in a chain",
    explanation:
      "A latent that a chain draws has one type and one scope, which stand where its first value is drawn. What stands twice could disagree.\n\n```lvm\nmodel m(x: real[9]) {\n  z[1]: real ~ Normal(0, 1)                         // the type stands here\n  chain t in 2..9 { z[t] ~ Normal(z[t - 1], 1) }   // and not here\n  each t in 1..9 { x[t] ~ Normal(z[t], 1) }\n}\n```",
  },
  LVM4049: {
    title: "statistics of the batch within a chain",
    explanation:
      "`batch_norm` takes its statistics over a whole batch. A state that reads its own past is computed one step after the other, so it would have other statistics at each step, and the running ones would belong to none. Use `layer_norm` in cells; what the state does not feed (`features[t] = f(x[t])`, read by the cell) is computed for all steps at once and may use `batch_norm`.",
  },
  LVM4056: {
    title: "value in --set is not a number",
    explanation: "`--set NAME=VALUE` replaces the value of a `const`, which is a number: `--set LATENT=10`.",
  },
  LVM4058: {
    title: "name hides another",
    explanation: "A column, latent or binding may not have the name of a constant, parameter, network or model of the file: a reader could not tell which one a line means.",
  },
  LVM4060: {
    title: "form of a diffusion",
    explanation:
      "A diffusion is two chains: the guide turns the datum x[0] to noise, the model goes back. `guide(x[t-1] | x[t], …)` is the guide's own step backwards, with what a network says in place of the datum: `noise = …`, `velocity = …` or `x[0] = …`.\n\n```lvm\nconst T = 100\nconst alpha = cosine_schedule(T)\nnetwork denoise(x: real[2], t: positive) -> (noise: real[2]) { noise = concat(x, reshape(t / T, 1)) |> dense(64) |> relu |> dense(2) }\nmodel m(x[0]: real[2]) {\n  x[T] ~ Normal(0, 1)\n  chain t in T..1 { x[t-1] ~ guide(x[t-1] | x[t], noise = denoise(x[t], t)) }\n}\nguide m { chain t in 1..T { x[t] ~ Normal(sqrt(alpha[t]) * x[t-1], variance = 1 - alpha[t]) } }\n```",
  },
  LVM4061: {
    title: "forward chain with parameters",
    explanation: "The closed forms of a diffusion come from the numbers of its forward chain. One that is learnt has none: its marginal and its posterior change while it trains. Without `guide(… | …)`, as an ordinary chain with a guide, it can still be trained, step by step.",
  },
  LVM4062: {
    title: "forward chain that is not linear and Gaussian",
    explanation: "Each step of the forward chain is `Normal(a[t] * x[t-1], b[t])` with numbers a[t] and b[t]: then q(x[t] | x[0]) and q(x[t-1] | x[t], x[0]) are Gaussian, and their means and variances follow from a and b alone.",
  },
  LVM4063: {
    title: "schedule of a diffusion",
    explanation: "Every step of the forward chain adds noise and takes signal away: α falls, from below 1. In continuous time the ratio of squared signal to variance falls strictly and without jumps, from a finite one at t = 0. Where a step leaves no signal at all, the noise in it says nothing of the datum: predict the velocity or the datum there.",
  },
  LVM4064: {
    title: "a condition that may be left out",
    explanation:
      "`label: index(10) dropout 0.1` beside the datum of a diffusion is a condition that training leaves out of a tenth of the rows, so that the network learns the density with and without it, and sampling may be guided: `lvmc sample --guidance 3` (Ho & Salimans 2022). A label that is left out is of no class: `one_hot`, `embedding` and `table[label]` give zeros; numbers are 0. The share lies between 0 and 1, and nothing but a condition of a diffusion can be left out.\n\n```lvm\nconst T = 100\nconst alpha = cosine_schedule(T)\nnetwork denoise(x: real[2], t: positive, k: index(2)) -> (noise: real[2]) { noise = concat(x, reshape(t / T, 1), one_hot(k)) |> dense(64) |> relu |> dense(2) }\nmodel m(x[0]: real[2], k: index(2) dropout 0.1) {\n  x[T] ~ Normal(0, 1)\n  chain t in T..1 { x[t-1] ~ guide(x[t-1] | x[t], noise = denoise(x[t], t, k)) }\n}\nguide m { chain t in 1..T { x[t] ~ Normal(sqrt(alpha[t]) * x[t-1], variance = 1 - alpha[t]) } }\n```",
  },
  LVM4065: {
    title: "reconstruction of a diffusion",
    explanation:
      "The last step of the reverse chain is a Gaussian around what the network says of the datum. Of bytes, which the chain sees as x / 127.5 − 1, log p(x[0] | x[1]) is the logarithm of the mass that it gives to the bin of the byte, with open ends at 0 and 255 (`reconstruction = discretized`, the default: Ho et al. 2020), so the bound is a code length; or its density (`gaussian`). Real numbers have no bins: theirs is the density.\n\n```lvm\nconst T = 100\nconst alpha = cosine_schedule(T)\nnetwork denoise(x: real[4], t: positive) -> (noise: real[4]) { noise = concat(x, reshape(t / T, 1)) |> dense(64) |> relu |> dense(4) }\nmodel m(x[0]: byte[4]) {\n  x[T] ~ Normal(0, 1)\n  chain t in T..1 { x[t-1] ~ guide(x[t-1] | x[t], noise = denoise(x[t], t), reconstruction = gaussian) }\n}\nguide m { chain t in 1..T { x[t] ~ Normal(sqrt(alpha[t]) * x[t-1], variance = 1 - alpha[t]) } }\n```",
  },
  LVM4080: {
    title: "stage of a training",
    explanation:
      "`train prior on vae.z` trains a second model on what another model of the file, trained before, makes of its data: draws of a latent from its guide, or the datum of a diffusion with noise of some step. There are two stages, of two models.\n\n```lvm\nnetwork encoder(x: binary[784]) -> (mean: real[8], scale: positive[8]) {\n  mean = x |> dense(8)\n  scale = x |> dense(8) |> softplus\n}\nnetwork decoder(z: real[8]) -> (logits: real[784]) { logits = z |> dense(784) }\nmodel vae(x: binary[784]) {\n  z: real[8] ~ Normal(0, 1)\n  x ~ Bernoulli(logits = decoder(z))\n}\nguide vae {\n  q = encoder(x)\n  z ~ Normal(q.mean, q.scale)\n}\ntrain vae {\n  maximize elbo\n  data = digits(8192)\n}\n\nparam spread: cholesky[8]\nmodel prior(z: real[8]) { z ~ MultivariateNormal(zeros[8], cholesky = spread) }\ntrain prior on vae.z { maximize likelihood }\n```",
  },
  LVM4081: {
    title: "what a second stage can be trained on",
    explanation: "The rows of a second stage are draws of a latent of the first, one for each row of its data: not of a column, of a latent that all rows share, of one that is summed out, or of a chain. The first model's guide computes them from the columns, so that it knows the latents of any row. Of a diffusion they are its datum at a step of its chain, `on ddpm.x`.",
  },
  LVM4082: {
    title: "types of two stages",
    explanation: "The second model has a column of the name and the type of the first model's latent: `model prior(z: real[8])` for `z: real[8]`, `model prior(z[0]: real[8])` where it is a diffusion. A plate of the latent is an axis of the column. A model of the datum of a diffusion with noise may have a column named like the chain's variable, which is told the step. Its other columns are columns of the data; where the first model has them too, with the same type.",
  },
  LVM4066: {
    title: "diffusion in continuous time",
    explanation:
      "A chain over 0..1 of a diffusion takes every number in between. Its guide says what x[t] is given the datum, `Normal(signal * x[0], variance = …)` with expressions of t; a step of the model is as short as one likes, from x[t] to x[t-dt] (Kingma et al. 2021). There is no step before, and arrays have no element at every t.\n\n```lvm\nnetwork denoise(x: real[2], t: unit) -> (noise: real[2]) { noise = concat(x, reshape(t, 1)) |> dense(64) |> relu |> dense(2) }\nmodel m(x[0]: real[2]) {\n  x[1] ~ Normal(0, 1)\n  chain t in 1..0 { x[t-dt] ~ guide(x[t-dt] | x[t], noise = denoise(x[t], t)) }\n}\nguide m {\n  chain t in 0..1 {\n    g = 10 - 18 * t\n    x[t] ~ Normal(sqrt(sigmoid(g)) * x[0], variance = sigmoid(-g))\n  }\n}\n```",
  },
  LVM4067: {
    title: "learnt variance of a diffusion",
    explanation:
      "Between the variance of the posterior, `small`, and that of the forward step, `large`, lies the best one. `variance = net.mix` takes it from a network: log variance = mix · log large + (1 − mix) · log small, for each element or for all at once (Nichol & Dhariwal 2021), so mix lies in `unit`. The bound trains it; where `weight` is `simple` or `min_snr`, `hybrid` times the bound does, in which the means are held.\n\n```lvm\nconst T = 100\nconst alpha = cosine_schedule(T)\nnetwork denoise(x: real[2], t: positive) -> (noise: real[2], mix: unit[2]) {\n  h = concat(x, reshape(t / T, 1)) |> dense(64) |> relu\n  noise = h |> dense(2)\n  mix = h |> dense(2) |> sigmoid\n}\nmodel m(x[0]: real[2]) {\n  x[T] ~ Normal(0, 1)\n  chain t in T..1 {\n    said = denoise(x[t], t)\n    x[t-1] ~ guide(x[t-1] | x[t], noise = said.noise, variance = said.mix)\n  }\n}\nguide m { chain t in 1..T { x[t] ~ Normal(sqrt(alpha[t]) * x[t-1], variance = 1 - alpha[t]) } }\ntrain m { maximize elbo(weight = simple, hybrid = 0.001) }\n```",
  },
  LVM4090: {
    title: "not supported by this version",
    explanation:
      "The language has this construct, and this version of lvmc reads and formats it, but can not train it yet. The release notes say with which version it arrives.",
  },
} as const;
