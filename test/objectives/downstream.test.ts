import { describe, expect, it } from "vitest";
import { deriveObjective } from "../../src/objectives/derive.js";
import type { DistributionCall, Expr, GuideSite, GuideStep, ModelProgram, Site, Step } from "../../src/ir/model/model.js";
import { isDistributionCall } from "../../src/ir/model/model.js";
import type { Term } from "../../src/ir/objective/objective.js";
import * as b from "./build.js";

/**
 * Guards Rao-Blackwellization: the terms downstream of a site are exactly those whose value changes when that site's noise changes. Found
 * here without the factor graph: the program is executed on numbers (each function a random-looking mixture of its arguments), once with
 * and once without a change of the noise.
 */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function randomProgram(seed: number): ModelProgram {
  const next = random(seed);
  const some = (names: readonly string[]): Expr => {
    const picked = names.filter(() => next() < 0.35).map((name) => b.ref(name));
    return picked.reduce<Expr>((sum, expr) => (next() < 0.3 ? b.net("decoder", "logits", sum, expr) : b.fn("add", sum, expr)), b.column("input"));
  };
  const latents = ["a", "c", "d", "e", "f"].slice(0, 2 + Math.floor(next() * 4));
  const model: Step[] = [];
  latents.forEach((name, at) => {
    const before = latents.slice(0, at);
    const parents = some(before);
    if (next() < 0.5) {
      model.push(b.binding(`h_${name}`, parents));
      model.push(b.site(name, b.realType(), next() < 0.5 ? b.normal(b.bound(`h_${name}`), b.num(1)) : b.dist("Cauchy", { location: b.bound(`h_${name}`), scale: b.num(1) })));
    } else model.push(b.site(name, b.realType(), b.normal(parents, b.num(1))));
  });
  for (const name of ["x", "y", "w"]) model.push(b.observe(name, b.realType(), b.normal(some(latents), b.num(1))));
  // The guide's order need not be the model's.
  const order = next() < 0.5 ? [...latents].reverse() : latents;
  const guide: GuideStep[] = [];
  order.forEach((name, at) => {
    const mean = some(order.slice(0, at));
    guide.push(b.binding(`q_${name}`, mean), b.guideSite(name, b.normal(b.bound(`q_${name}`), b.num(1)), { estimator: "score", baseline: "leave_one_out", samples: 4, origin: b.origin }));
  });
  return b.program(model, guide);
}

/** Values of all terms for given noise. */
function execute(program: ModelProgram, noise: ReadonlyMap<string, number>, terms: readonly Term[]): ReadonlyMap<string, number> {
  const draws = new Map<string, number>();
  const valueOf = (expr: Expr, steps: readonly (Step | GuideStep)[]): number => {
    if (expr.kind === "number") return expr.value;
    if (expr.kind === "reference") {
      const { to } = expr;
      if (to.kind === "site") return draws.get(to.name) ?? expect.fail(`${to.name} is not drawn yet`);
      if (to.kind === "binding") {
        const found = steps.find((step) => step.kind === "binding" && step.name === to.name);
        return found?.kind === "binding" ? valueOf(found.value, steps) : expect.fail(`no binding ${to.name}`);
      }
      return 0.731;
    }
    if (expr.kind === "apply" || expr.kind === "call") return expr.args.reduce((total, arg, at) => total + Math.sin(1.7 + at) * Math.cos(0.3 + valueOf(arg, steps)), 0.2);
    return expect.fail(`unexpected ${expr.kind}`);
  };
  const callOf = (call: DistributionCall, steps: readonly (Step | GuideStep)[]): number => Object.values(call.args).reduce((total, arg, at) => total + (at + 1.3) * (isDistributionCall(arg) ? 0 : valueOf(arg, steps)), 0);
  for (const step of program.guide) if (step.kind === "guide-site") draws.set(step.site, callOf(step.distribution, program.guide) + (noise.get(step.site) ?? 0));
  return new Map(terms.map((term) => {
    const name = term.sites[0] ?? "";
    const site = program.model.find((step): step is Site => step.kind === "site" && step.name === name) ?? expect.fail(name);
    const guide = program.guide.find((step): step is GuideSite => step.kind === "guide-site" && step.site === name);
    const own = term.kind === "kl" ? 0 : (draws.get(name) ?? 0);
    return [term.name, callOf(site.distribution, program.model) * 3.1 + (guide ? callOf(guide.distribution, program.guide) * 0.77 : 0) + own * 0.53];
  }));
}

describe("terms downstream of a score-function site", () => {
  it("are those that change with its draw, on 300 random programs", () => {
    for (let seed = 1; seed <= 300; seed++) {
      const program = randomProgram(seed);
      const objective = deriveObjective(program, "training");
      const still = new Map(objective.latents.flatMap((plan) => plan.sites).map((site, at) => [site, 0.1 * at]));
      const before = execute(program, still, objective.terms);
      for (const plan of objective.latents) {
        const [site = ""] = plan.sites;
        const after = execute(program, new Map(still).set(site, (still.get(site) ?? 0) + 0.37), objective.terms);
        const changed = objective.terms.map((term) => term.name).filter((name) => Math.abs((before.get(name) ?? 0) - (after.get(name) ?? 0)) > 1e-12);
        expect(plan.downstream, `seed ${seed}, site ${site}`).toEqual(changed);
      }
    }
  });
});
