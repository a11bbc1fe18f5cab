import { describe, expect, it } from "vitest";
import { deriveObjective } from "../../src/objectives/derive.js";
import type { Objective } from "../../src/ir/objective/objective.js";
import * as b from "./build.js";

const names = (objective: Objective): string[] => objective.terms.map((term) => term.name);
const termOf = (objective: Objective, name: string) => objective.terms.find((term) => term.name === name) ?? expect.fail(`no term ${name} among ${names(objective).join(", ")}`);
const planOf = (objective: Objective, site: string) => objective.latents.find((plan) => plan.sites.includes(site)) ?? expect.fail(`no plan of ${site}`);
const train = (program: Parameters<typeof deriveObjective>[0]) => deriveObjective(program, "training");

describe("terms of a model", () => {
  it("are a reconstruction and a closed-form KL for a variational auto-encoder", () => {
    const objective = train(b.vae());
    expect(names(objective)).toEqual(["reconstruction.x", "kl.z"]);
    expect(termOf(objective, "reconstruction.x")).toMatchObject({ expectation: ["z"], estimator: "reparameterization", exactness: "unbiased" });
    expect(termOf(objective, "kl.z")).toMatchObject({ expectation: [], estimator: "closed-form", exactness: "exact" });
  });

  it("are densities alone without a latent: the likelihood is exact", () => {
    const objective = train(b.program([b.observe("y", b.indexType(10), b.dist("Categorical", { logits: b.net("classify", "logits", b.column("x")) }))], [], { kind: "likelihood" }));
    expect(objective.bound).toBe("likelihood");
    expect(objective.terms).toMatchObject([{ name: "reconstruction.y", expectation: [], estimator: "deterministic", exactness: "exact" }]);
    expect(objective.latents).toEqual([]);
  });

  it("of two parents that are summed out together are one sum, of separate ones two", () => {
    const bern = b.dist("Bernoulli", { probs: b.num(0.5) });
    const shared = b.program(
      [b.site("i", b.binaryType(), bern), b.site("j", b.binaryType(), bern), b.observe("x", b.realType(), b.normal(b.fn("add", b.ref("i"), b.ref("j")), b.num(1)))],
      [b.marginalized("i"), b.marginalized("j")],
    );
    expect(train(shared).terms).toMatchObject([{ name: "evidence", sites: ["i", "j"], factors: ["i", "j", "x"], estimator: "enumeration", exactness: "exact" }]);
    const separate = b.program(
      [b.site("i", b.binaryType(), bern), b.site("j", b.binaryType(), bern), b.observe("x", b.realType(), b.normal(b.ref("i"), b.num(1))), b.observe("w", b.realType(), b.normal(b.ref("j"), b.num(1)))],
      [b.marginalized("i"), b.marginalized("j")],
    );
    expect(train(separate).terms).toMatchObject([{ name: "evidence.i", sites: ["i"], factors: ["i", "x"] }, { name: "evidence.j", sites: ["j"], factors: ["j", "w"] }]);
  });

  it("keep log p(z | k) inside the sum over k, and only −log q(z) outside", () => {
    const program = b.program(
      [
        b.site("k", b.indexType(3), b.dist("Categorical", { logits: b.num(0) })),
        b.site("z", b.realType(), b.normal(b.ref("k"), b.num(1))),
        b.observe("x", b.realType(), b.normal(b.ref("z"), b.num(1))),
      ],
      [b.marginalized("k"), b.guideSite("z", b.normal(b.column("x"), b.num(1)))],
      { beta: 4 },
    );
    const objective = train(program);
    expect(names(objective)).toEqual(["reconstruction.x", "evidence", "entropy.z"]);
    expect(termOf(objective, "evidence")).toMatchObject({ factors: ["k", "z"], expectation: ["z"], weight: { factor: 1 } });
    expect(termOf(objective, "entropy.z")).toMatchObject({ estimator: "reparameterization", weight: { factor: 1 } });
  });

  it("of a mixture: the sum over k for each row, the global latents shared by the data set", () => {
    const objective = train(b.mixture());
    expect(names(objective)).toEqual(["evidence", "cross-entropy.weights", "kl.centers", "entropy.weights"]);
    expect(termOf(objective, "evidence")).toMatchObject({ sites: ["k"], factors: ["k", "x"], expectation: ["weights", "centers"], weight: { perDataset: false } });
    for (const name of ["cross-entropy.weights", "kl.centers", "entropy.weights"]) expect(termOf(objective, name).weight.perDataset).toBe(true);
    expect(planOf(objective, "k")).toMatchObject({ guide: "marginalized", estimator: "enumeration", cardinality: 4 });
  });

  it("of a full-rank group are one cross-entropy for each site and one entropy, nothing in closed form by coordinate", () => {
    const objective = train(b.eightSchools("full_rank"));
    expect(names(objective)).toEqual(["reconstruction.y", "cross-entropy.center", "cross-entropy.spread", "cross-entropy.effect", "entropy.center+spread", "entropy.effect"]);
    expect(termOf(objective, "entropy.center+spread")).toMatchObject({ estimator: "closed-form", exactness: "exact", weight: { perDataset: true } });
  });

  it("of a mean-field group: closed form for a real site with a Normal prior, cross-entropy and entropy for the others", () => {
    const objective = train(b.eightSchools());
    expect(names(objective)).toEqual(["reconstruction.y", "kl.center", "cross-entropy.spread", "kl.effect", "entropy.spread"]);
    expect(termOf(objective, "reconstruction.y").expectation).toEqual(["center", "spread", "effect"]);
  });

  it("condition a KL on the draws of its parents", () => {
    const program = b.program(
      [b.site("m", b.realType(), b.standard, { scope: "global" }), b.site("level", b.realType(5), b.normal(b.ref("m"), b.num(1)), { scope: "global" }), b.observe("y", b.realType(), b.normal(b.gather(b.ref("level"), b.column("county")), b.num(1)))],
      [b.auto("mean_field", "global", "m", "level")],
    );
    expect(termOf(train(program), "kl.level")).toMatchObject({ expectation: ["m"], estimator: "closed-form", exactness: "unbiased" });
    expect(termOf(train(program), "kl.m")).toMatchObject({ expectation: [], exactness: "exact" });
  });

  it("take a multivariate Normal guide of independent Normals in closed form", () => {
    const objective = train(b.vae({}, [b.guideSite("z", b.dist("MultivariateNormal", { mean: b.net("encoder", "mean", b.column("x")), cholesky: b.param("spread") }))]));
    expect(termOf(objective, "kl.z").estimator).toBe("closed-form");
  });

  it("of a Delta guide are densities at a point", () => {
    const objective = train(b.vae({ beta: 0 }, [b.guideSite("z", b.dist("Delta", { value: b.net("encoder", "mean", b.column("x")) }))]));
    expect(names(objective)).toEqual(["reconstruction.x", "log-prior.z"]);
    expect(termOf(objective, "log-prior.z")).toMatchObject({ estimator: "deterministic", exactness: "exact", weight: { factor: 0 } });
    expect(deriveObjective(b.vae({ beta: 0 }), "evaluation").terms.map((term) => term.weight.factor)).toEqual([1, 1]);
  });

  it("of the posterior mode are log p of everything at points", () => {
    const program = { ...b.eightSchools(), training: { ...b.eightSchools().training, objective: { ...b.elbo, kind: "posterior" as const } } };
    const objective = train(program);
    expect(names(objective)).toEqual(["reconstruction.y", "log-prior.center", "log-prior.spread", "log-prior.effect"]);
    expect(objective.terms.every((term) => term.estimator === "deterministic" && term.exactness === "exact")).toBe(true);
    expect(termOf(objective, "log-prior.center").weight.perDataset).toBe(true);
  });

  it("hold every latent exactly once: in one KL, log-ratio, prior, cross-entropy or sum", () => {
    for (const program of [b.vae(), b.vae({ samples: 5 }), b.semiSupervised(), b.mixture(), b.eightSchools(), b.eightSchools("full_rank")]) {
      const objective = train(program);
      for (const latent of objective.latents.flatMap((plan) => plan.sites)) {
        const own = objective.terms.filter((term) => ["kl", "log-ratio", "log-prior", "cross-entropy", "evidence"].includes(term.kind) && (term.sites.includes(latent) || term.factors.includes(latent)));
        expect(own, `terms with the density of ${latent}`).toHaveLength(1);
      }
    }
  });
});

describe("a partly observed column", () => {
  it("is a latent: a log-ratio by enumeration, and a supervision term when asked", () => {
    const objective = train(b.semiSupervised());
    expect(names(objective)).toEqual(["reconstruction.x", "log-ratio.y", "kl.z", "supervision.y"]);
    expect(termOf(objective, "log-ratio.y")).toMatchObject({ estimator: "enumeration", exactness: "exact", expectation: ["y"] });
    expect(termOf(objective, "kl.z")).toMatchObject({ expectation: ["y"], exactness: "exact" });
    expect(termOf(objective, "reconstruction.x").expectation).toEqual(["y", "z"]);
    expect(termOf(objective, "supervision.y").weight.factor).toBe(50);
    expect(planOf(objective, "y")).toMatchObject({ estimator: "enumeration", cardinality: 10 });
  });

  it("has no supervision in evaluation, nor with weight 0", () => {
    expect(names(deriveObjective(b.semiSupervised(), "evaluation"))).not.toContain("supervision.y");
    expect(names(train(b.semiSupervised(0)))).not.toContain("supervision.y");
  });
});

describe("the estimator of a latent", () => {
  const choice = (support: ReturnType<typeof b.realType>, call: Parameters<typeof b.guideSite>[1], by?: Parameters<typeof b.guideSite>[2]) =>
    train(b.program([b.site("k", support, call), b.observe("x", b.realType(), b.normal(b.ref("k"), b.num(1)))], [b.guideSite("k", call, by)]));
  const categorical = b.dist("Categorical", { logits: b.num(0) });

  it("is enumeration for a finite latent, the score function where its joint states reach 10,000", () => {
    expect(planOf(choice(b.indexType(9999), categorical), "k")).toMatchObject({ estimator: "enumeration", cardinality: 9999 });
    expect(planOf(choice(b.indexType(10000), categorical), "k")).toMatchObject({ estimator: "score-function", scoreSamples: 4, baseline: "leave_one_out" });
    expect(planOf(choice(b.indexType(10, 4), categorical), "k").estimator).toBe("score-function");
    expect(planOf(choice(b.indexType(10, 3), categorical), "k")).toMatchObject({ estimator: "enumeration", cardinality: 1000 });
  });

  it("counts the joint states of all enumerated latents", () => {
    const program = b.program(
      [b.site("i", b.indexType(200), categorical), b.site("j", b.indexType(200), categorical), b.observe("x", b.realType(), b.normal(b.fn("add", b.ref("i"), b.ref("j")), b.num(1)))],
      [b.guideSite("i", categorical), b.guideSite("j", categorical)],
    );
    expect(train(program).latents.map((plan) => plan.estimator)).toEqual(["enumeration", "score-function"]);
  });

  it("counts a plate once where its steps are read one by one, and as a power where they are read together", () => {
    const t = b.plate("t", 5);
    const model = (read: ReturnType<typeof b.ref>) => b.program(
      [b.site("k", b.indexType(4), categorical, { plates: [t] }), b.observe("x", b.realType(), b.normal(read, b.num(1)), { plates: [t] })],
      [b.guideSite("k", categorical, undefined, [t])],
    );
    expect(planOf(train(model(b.ref("k"))), "k").cardinality).toBe(4);
    expect(planOf(train(model(b.ref("k", true))), "k").cardinality).toBe(4 ** 5);
  });

  it("is the score function for counts, implicit reparameterization for Gamma, reparameterization for Normal", () => {
    expect(planOf(choice(b.type({ kind: "count" }), b.dist("Poisson", { rate: b.num(1) })), "k").estimator).toBe("score-function");
    expect(planOf(choice(b.positiveType(), b.dist("Gamma", { concentration: b.num(1), rate: b.num(1) })), "k").estimator).toBe("implicit-reparameterization");
    expect(planOf(choice(b.realType(), b.standard), "k").estimator).toBe("reparameterization");
  });

  it("is what `by` says", () => {
    expect(planOf(choice(b.indexType(3), categorical, { estimator: "score", baseline: "none", samples: 7, origin: b.origin }), "k")).toMatchObject({ estimator: "score-function", scoreSamples: 7, baseline: "none" });
    const relaxed = choice(b.indexType(3), categorical, { estimator: "relaxation", temperature: 0.5, origin: b.origin });
    expect(planOf(relaxed, "k")).toMatchObject({ estimator: "relaxation", temperature: 0.5 });
    expect(termOf(relaxed, "reconstruction.x")).toMatchObject({ estimator: "relaxation", exactness: "biased" });
    expect(termOf(choice(b.indexType(3), categorical, { estimator: "straight_through", origin: b.origin }), "reconstruction.x").exactness).toBe("biased");
    expect(termOf(choice(b.indexType(3), categorical), "reconstruction.x")).toMatchObject({ estimator: "enumeration", exactness: "exact" });
  });

  it("needs no draw where nothing but a closed-form KL speaks of the latent", () => {
    const program = b.program([b.site("z", b.realType(), b.standard), b.observe("x", b.realType(), b.standard)], [b.guideSite("z", b.standard)]);
    expect(planOf(train(program), "z")).toMatchObject({ estimator: "closed-form", downstream: [] });
  });
});

describe("the importance-weighted bound", () => {
  it("has log-ratios in place of KLs, and K samples", () => {
    const objective = train(b.vae({ samples: 8 }));
    expect(objective).toMatchObject({ bound: "importance-weighted", samples: 8 });
    expect(names(objective)).toEqual(["reconstruction.x", "log-ratio.z"]);
    expect(objective.terms.every((term) => term.exactness === "unbiased" && term.reason.includes("K = 8"))).toBe(true);
  });

  it("is evaluated as the plain bound", () => {
    expect(deriveObjective(b.vae({ samples: 8 }), "evaluation")).toMatchObject({ bound: "elbo", samples: 1 });
    expect(names(deriveObjective(b.vae({ samples: 8 }), "evaluation"))).toEqual(["reconstruction.x", "kl.z"]);
  });

  it("takes the entropy of an automatic guide at the draw", () => {
    const program = b.vae({ samples: 4 }, [b.auto("mean_field", "row", "z")]);
    expect(termOf(train(program), "entropy.z")).toMatchObject({ estimator: "reparameterization", expectation: ["z"] });
  });

  it("couples all terms of a row: each is downstream of each draw", () => {
    const program = b.program(
      [b.site("k", b.indexType(3), b.dist("Categorical", { logits: b.num(0) })), b.site("z", b.realType(), b.standard), b.observe("x", b.realType(), b.normal(b.ref("k"), b.num(1))), b.observe("w", b.realType(), b.normal(b.ref("z"), b.num(1)))],
      [b.guideSite("k", b.dist("Categorical", { logits: b.column("x") }), { estimator: "score", baseline: "leave_one_out", samples: 4, origin: b.origin }), b.guideSite("z", b.normal(b.column("w"), b.num(1)))],
      { samples: 3 },
    );
    expect(planOf(train(program), "k").downstream).toEqual(["reconstruction.x", "reconstruction.w", "log-ratio.k", "log-ratio.z"]);
  });
});

describe("weights", () => {
  const constraint = { term: "kl" as const, site: "z", relation: "<=" as const, bound: 12, origin: b.origin };
  it("of β and annealing are on the latents' terms alone", () => {
    const objective = train(b.vae({ beta: 4, anneal: { steps: 1000, cycles: 1 } }));
    expect(termOf(objective, "reconstruction.x").weight).toEqual({ factor: 1, annealed: false, perDataset: false, freeBits: 0 });
    expect(termOf(objective, "kl.z").weight).toEqual({ factor: 4, annealed: true, perDataset: false, freeBits: 0 });
  });

  it("of free bits make a KL of a row latent biased, and touch neither reconstruction nor global latents", () => {
    const objective = train(b.vae({ freeBits: 0.5 }));
    expect(termOf(objective, "kl.z")).toMatchObject({ exactness: "biased", weight: { freeBits: 0.5 } });
    expect(termOf(objective, "reconstruction.x").weight.freeBits).toBe(0);
    expect(train(b.mixture({ freeBits: 0.5 })).terms.every((term) => term.weight.freeBits === 0)).toBe(true);
  });

  it("multiply global latents by β too", () => {
    expect(termOf(train(b.mixture({ beta: 2 })), "kl.centers").weight).toMatchObject({ factor: 2, perDataset: true });
  });

  it("of constraints name the terms they bound; a mean-field group is split so that they can", () => {
    expect(train(b.vae({ constraints: [constraint] })).constraints).toMatchObject([{ name: "kl(z)", quantity: "kl", terms: ["kl.z"], relation: "<=", bound: 12 }]);
    expect(train(b.vae({ constraints: [{ ...constraint, term: "reconstruction", site: "x", relation: ">=", bound: -80 }] })).constraints).toMatchObject([{ quantity: "reconstruction", terms: ["reconstruction.x"] }]);
    const group = b.program(
      [b.site("a", b.positiveType(), b.dist("HalfCauchy", { scale: b.num(1) })), b.site("c", b.positiveType(), b.dist("HalfCauchy", { scale: b.num(1) })), b.observe("x", b.realType(), b.normal(b.ref("a"), b.ref("c")))],
      [b.auto("mean_field", "row", "a", "c")], { constraints: [{ ...constraint, site: "a" }] },
    );
    expect(train(group).constraints[0]?.terms).toEqual(["cross-entropy.a", "entropy.a"]);
  });

  it("are all natural in evaluation", () => {
    const objective = deriveObjective(b.vae({ beta: 4, anneal: { steps: 10, cycles: 1 }, freeBits: 1, constraints: [constraint] }), "evaluation");
    expect(objective.terms.every((term) => term.weight.factor === 1 && !term.weight.annealed && term.weight.freeBits === 0)).toBe(true);
    expect(objective.constraints).toEqual([]);
  });
});
