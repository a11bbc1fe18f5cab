import { describe, expect, it } from "vitest";
import { render } from "../../src/diagnostics/render.js";
import type { Training } from "../../src/ir/model/model.js";
import { checkText } from "../support/check-file.js";

const latent = "model m(x: real) {\n  z: real ~ Normal(0, 1)\n  x ~ Normal(z, 1)\n}\nguide m { z ~ Normal(x, 1) }\n";
const plain = "model m(x: real) {\n  x ~ Normal(0, 1)\n}\n";
const partly = "model m(x: real, y: binary?) {\n  y ~ Bernoulli(probs = 0.5)\n  x ~ Normal(y, 1)\n}\nguide m { marginalize y }\n";

function training(model: string, block = ""): Training {
  const { value, diagnostics } = checkText("test.lvm", block === "" ? model : `${model}train m {\n${block}\n}\n`, ".");
  expect(render(diagnostics, { color: false })).toBe("");
  const [program] = value.programs;
  if (!program) throw new Error("no program");
  return program.training;
}

function messages(model: string, block: string): readonly string[] {
  return checkText("test.lvm", `${model}train m {\n${block}\n}\n`, ".").diagnostics.map(({ code, message }) => `${code} ${message}`);
}

describe("train blocks", () => {
  // Guards: what a model without a train block is trained with, as the language documents it.
  it("has the documented defaults", () => {
    const { objective, optimizer, batch, epochs, seed, binarize, clip, ema, earlyStopping, observe } = training(latent);
    expect({ kind: objective.kind, beta: objective.beta, samples: objective.samples, freeBits: objective.freeBits, anneal: objective.anneal }).toEqual({
      kind: "elbo",
      beta: 1,
      samples: 1,
      freeBits: 0,
      anneal: { steps: 0, cycles: 1 },
    });
    expect(optimizer).toEqual({ kind: "adam", rate: { kind: "constant", value: 1e-3 }, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0, momentum: 0 });
    expect({ batch, epochs, seed, binarize, clip, ema, earlyStopping, observe }).toEqual({
      batch: 128,
      epochs: 10,
      seed: 0,
      binarize: { kind: "fresh" },
      clip: undefined,
      ema: undefined,
      earlyStopping: undefined,
      observe: [],
    });
    expect(training(plain).objective.kind).toBe("likelihood");
  });

  // Guards: every setting arrives in the program.
  it("reads every setting", () => {
    const read = training(
      latent,
      "maximize elbo(beta = 4, free_bits = 0.5, anneal = cyclical(1000, 4)) subject to kl(z) <= 12, -80 <= reconstruction(x)\noptimizer = adamw(rate = cosine(1e-3, steps = 1000, end = 1e-5, warmup = 10), decay = 0.1)\nbatch = 2 * 32\nepochs = 3\nclip = 1\nema = 0.999\nearly_stopping = patience(10)\nseed = 7\nbinarize = threshold(0.5)\ndata = factors(100, 8, 2)",
    );
    expect(read).toMatchObject({
      objective: {
        kind: "elbo",
        beta: 4,
        freeBits: 0.5,
        anneal: { steps: 1000, cycles: 4 },
        constraints: [
          { term: "kl", site: "z", relation: "<=", bound: 12 },
          { term: "reconstruction", site: "x", relation: ">=", bound: -80 },
        ],
      },
      optimizer: { kind: "adamw", rate: { kind: "cosine", value: 1e-3, steps: 1000, end: 1e-5, warmup: 10 }, decay: 0.1 },
      batch: 64,
      epochs: 3,
      clip: 1,
      ema: 0.999,
      earlyStopping: { patience: 10 },
      seed: 7,
      binarize: { kind: "threshold", at: 0.5 },
      data: { source: "factors", args: [100, 8, 2] },
    });
    expect(training(partly.replace("marginalize y", "y ~ Bernoulli(logits = x)"), "maximize elbo(supervision = 50)\nobserve y = 0.1")).toMatchObject({ objective: { supervision: 50 }, observe: [{ column: "y", share: 0.1 }] });
    expect(training(latent, "optimizer = sgd(1e-2, momentum = 0.9)").optimizer).toMatchObject({ kind: "sgd", momentum: 0.9, rate: { kind: "constant", value: 1e-2 } });
    expect(training(latent, "optimizer = adam(rate = exponential(1e-2, factor = 0.5, every = 100))").optimizer.rate).toEqual({ kind: "exponential", value: 1e-2, factor: 0.5, every: 100 });
    expect(training(latent, "maximize elbo(samples = 50)").objective.samples).toBe(50);
  });

  // Guards: `posterior` (or its other name `map`) goes with points and automatic guides; the likelihood is exact when all latents are summed out.
  it("objectives that need a certain guide", () => {
    const automatic = latent.replace("z ~ Normal(x, 1) }", "auto mean_field z }");
    expect(training(automatic, "maximize posterior").objective.kind).toBe("posterior");
    expect(training(automatic, "maximize map").objective.kind).toBe("posterior");
    const summed = "model m(x: real) {\n  k: binary ~ Bernoulli(probs = 0.5)\n  x ~ Normal(k, 1)\n}\nguide m { marginalize k }\n";
    expect(training(summed, "maximize likelihood").objective.kind).toBe("likelihood");
  });

  // Guards: the remaining wrong combinations, one message each.
  it.each([
    [latent, "maximize elbo(samples = 8, free_bits = 1)", "LVM5008 `samples = 8` leaves no KL term for `free_bits` to act on"],
    [latent, "maximize elbo(samples = 8) subject to kl(z) <= 3", "LVM5008 `samples = 8` leaves no term that could be bounded"],
    [plain, "maximize posterior", "LVM5007 `m` has no latent, so there is no posterior to search"],
    [plain, "maximize likelihood subject to reconstruction(x) >= 1", "LVM5008 `subject to` needs the terms of the ELBO"],
    [latent, "maximize elbo subject to kl(z, x) <= 3", "LVM5011 this is not a constraint on a term"],
    [latent, "maximize elbo subject to kl(z) == 3", "LVM5011 this is not a constraint on a term"],
    [latent, "maximize elbo subject to reconstruction(z) >= 3", "LVM5012 there is no reconstruction term of `z`"],
    [latent, "optimizer = adam(1e-3, 1e-4)", "LVM5014 too many arguments for `adam`"],
    [latent, "optimizer = adam(rate = 0)", "LVM5010 `rate` must be a number above 0"],
    [latent, "optimizer = adam(momentum = 0.9)", "LVM5005 `adam` has no option `momentum`"],
    [latent, "optimizer = adam(rate = 1, rate = 2)", "LVM5003 `rate` is given twice"],
    [latent, "optimizer = 1e-3", "LVM5004 this is not an optimizer"],
    [latent, "optimizer = adam(rate = cosin(1e-3, steps = 5))", "LVM5004 unknown schedule `cosin`"],
    [latent, "batch = 0", "LVM5010 `batch` must be a whole number of at least 1"],
    [latent, "data = digits(0)", "LVM5010 `n` must be a whole number of at least 1"],
    [latent, "data = 5", "LVM5013 this is not built-in data"],
    [latent, "observe w = 0.5", "LVM5015 `m` observes no column `w`"],
    [partly, "observe y = 2", "LVM5010 `observe y` must be a number of at least 0 and of at most 1"],
    [partly, "observe y = 0.5\nobserve y = 0.6", "LVM5003 `observe y` is set twice"],
    [latent, "maximize elbo\nmaximize elbo(beta = 2)", "LVM5003 `maximize` is set twice"],
    [latent, "maximize 3", "LVM5001 this is not an objective"],
    [latent, "early_stopping = patience", "LVM5014 `patience` needs a number"],
  ])("%#: %s%s", (model, block, expected) => {
    expect(messages(model, block)).toEqual([expected]);
  });
});
