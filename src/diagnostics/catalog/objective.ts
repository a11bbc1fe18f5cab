/** 5xxx: what is maximized, and with which gradients. */
export const objectiveErrors = {
  LVM5001: {
    title: "unknown objective",
    explanation:
      "`maximize elbo` (a bound on the log evidence, for models with latents), `maximize likelihood` (exact, for models without) and `maximize posterior` (the most probable latents) are the objectives.",
  },
  LVM5002: {
    title: "unknown training setting",
    explanation:
      "A `train` block knows `maximize …`, `optimizer`, `batch`, `epochs`, `clip`, `ema`, `early_stopping`, `seed`, `binarize`, `data` and `observe COLUMN = share`.",
  },
  LVM5003: {
    title: "set twice",
    explanation: "Each setting of a `train` block, and each option of a call in it, is given once. Remove one of the two.",
  },
  LVM5004: {
    title: "setting of the wrong kind",
    explanation:
      "Settings are constants: numbers or constant expressions (`batch = 2 * B`), or one of the named choices.\n\n```lvm\ntrain m {\n  optimizer = adam(rate = cosine(1e-3, steps = 10000))\n  batch = 128\n  early_stopping = patience(10)\n  binarize = threshold(0.5)\n}\n```",
  },
  LVM5005: {
    title: "unknown option",
    explanation: "The call takes options by name, and this is none of them. The message lists those that exist.",
  },
  LVM5006: {
    title: "likelihood of a model with latents",
    explanation:
      "The likelihood of a model with latents is an integral over them. `maximize elbo` maximizes a bound on it; only when every latent is marginalized is it exact.",
  },
  LVM5007: {
    title: "bound of a model without latents",
    explanation: "Without latents there is nothing to bound: the likelihood is known exactly. Write `maximize likelihood`.",
  },
  LVM5008: {
    title: "options that exclude each other",
    explanation:
      "Importance weighting (`samples` > 1) replaces the sum of terms by one logarithm of a mean, so it has no KL term that `beta`, `free_bits`, `anneal` or `subject to` could act on, and no weight N/M for global latents.",
  },
  LVM5009: {
    title: "supervision without a partly observed column",
    explanation:
      "`supervision` weighs log q(y | x) on the rows in which a partly observed column is known (Kingma et al. 2014, equation 9). Declare the column with `?`: `y: index(10)?`.",
  },
  LVM5010: {
    title: "value out of range",
    explanation: "The message says which values are allowed: sizes and counts are whole and at least 1, rates and bounds positive, shares between 0 and 1.",
  },
  LVM5011: {
    title: "not a constraint",
    explanation:
      "After `subject to` stand bounds on terms of the objective, in nats per row: `kl(z) <= 12` for a latent and `reconstruction(x) >= -80` for an observed column.",
  },
  LVM5012: {
    title: "constraint on a term that does not exist",
    explanation: "`kl(…)` takes a latent of the model that the guide draws, `reconstruction(…)` an observed column.",
  },
  LVM5013: {
    title: "unknown built-in data",
    explanation: "Built-in data is made by code, so that a first run needs no download: `digits(n)`, `moons(n)`, `blobs(n, k)`, `eight_schools()`, `regression(n)`, `factors(n, d, k)`, `radon(n)`, and sequences: `robot_room(n, T)`, `bouncing_ball(n, T)`, `polyphonic(n, T)`, `state_sequences(n, T)`, `tracking(n, T)`. Files are given on the command line with `--data`.",
  },
  LVM5014: {
    title: "wrong arguments",
    explanation: "The call has too many arguments, too few, or one that is not a constant.",
  },
  LVM5015: {
    title: "observe of a column that is not partly observed",
    explanation: "`observe y = 0.1` keeps a tenth of the values of a column that the model declares with `?`, and hides the rest.",
  },
  LVM5016: {
    title: "posterior mode with a distribution in the guide",
    explanation:
      "`maximize posterior` looks for the most probable latents: a point. Its guide has `auto` groups (their location is the point), `Delta` sites or `marginalize`, and no other distribution. For a posterior with a width, `maximize elbo`.",
  },
  LVM5020: {
    title: "unknown estimator",
    explanation:
      "`by` names a gradient estimator: `reparameterization`, `enumeration`, `score(baseline = leave_one_out, samples = 2)`, `relaxation(temperature = 0.5)` or `straight_through`. Without `by` the compiler takes the best that is legal; `lvmc explain objective` says which.",
  },
  LVM5021: {
    title: "estimator is illegal for this site",
    explanation:
      "Reparameterization needs a continuous draw that is a smooth function of noise; enumeration a finite set of values; relaxation and straight-through a Bernoulli or Categorical; the score function a density. A `Delta` has nothing to estimate.",
  },
  LVM5022: {
    title: "enumeration is too large",
    explanation:
      "Summing a latent out visits every joint value of the latents that share a factor. The compiler eliminates one latent after another and counts the largest table; above one million joint states per row it refuses and says the number. Use fewer values, a smaller shape, or a guide site with `by score(…)`.",
  },
  LVM5023: {
    title: "estimator with a wrong option",
    explanation: "`score` takes `baseline` (`leave_one_out` or `none`) and `samples`; `relaxation` takes `temperature`, a positive constant; the others take nothing.",
  },
  LVM5024: {
    title: "relaxed label read as a number",
    explanation:
      "`relaxation` and `straight_through` pass gradients through a Categorical as a vector: the weights of its labels. `table[k]`, `one_hot(k)` and `embedding(k)` take that vector; a comparison, arithmetic, or a position of an array of labels takes the label itself, through which no gradient passes.\n\n```lvm\nguide m { k ~ Categorical(logits = f(x)) by relaxation(temperature = 0.5) }\nmodel m(x: real) {\n  k: index(3) ~ Categorical(logits = 0)\n  x ~ Normal(k == 2, 1)    // no gradient: write LEVELS[k], with const LEVELS = [0, 0, 1]\n}\n```",
  },
  LVM5025: {
    title: "overshooting without a chain",
    explanation:
      "`overshooting = D` holds predictions of a chain's prior over 2 to D steps against the guide (Hafner et al. 2019): it needs a latent that a `chain` draws.\n\n```lvm\ntrain robot { maximize elbo(overshooting = 5) }\n```",
  },
  LVM5026: {
    title: "no sum from step to step",
    explanation:
      "A chain that is summed out (a chain of labels without a guide entry, or `marginalize`) is summed from one step to the next: the forward algorithm for labels, the Kalman filter for linear Gaussian chains. For that a density may read a few of its steps that lie at fixed distances, `k[t]` and `k[t-1]`; not all of them at once, not a fixed one beside those of a loop, and not a Gaussian chain beside labels that are summed out too.\n\n```lvm\nguide m { k ~ Categorical(logits = f(x)) by score(baseline = leave_one_out) }\n```",
  },
  LVM5027: {
    title: "marginalized chain is not linear and Gaussian",
    explanation:
      "`marginalize z` of a continuous chain is exact by the Kalman filter, which needs every density that reads z to be a `Normal` or `MultivariateNormal` with a mean that is linear in z (a sum of what does not depend on z times elements of z, plus a constant) and with a spread that does not depend on z. Everything else needs a guide that draws z.\n\n```lvm\nparam a: real = 0.9\nmodel m(x: real[10]) {\n  z[1]: real ~ Normal(0, 1)\n  chain t in 2..10 { z[t] ~ Normal(a * z[t-1], 0.1) }    // not tanh(z[t-1])\n  each t in 1..10 { x[t] ~ Normal(z[t], 0.5) }\n}\nguide m { marginalize z }\n```",
  },
  LVM5028: {
    title: "choice that an option of the objective does not have",
    explanation: "Some options of `elbo` take one of a few words. `gradient` is `total` or `path`. Of a diffusion, `timesteps` is `uniform` or `importance`, and `weight` weighs the squared errors of the steps: `bound` as the bound has it, `simple` all alike (Ho et al. 2020), `min_snr(γ)` by the signal-to-noise ratio, at most γ (Hang et al. 2023). What is reported as `elbo` is the bound, whatever the weight.",
  },
} as const;
