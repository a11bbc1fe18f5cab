import { describe, expect, it } from "vitest";
import type { ParameterSpec } from "../../src/distributions/distribution.js";
import { distributionNames } from "../../src/distributions/names.js";
import { distributions } from "../../src/distributions/registry.js";
import { analyze } from "../../src/language-server/analysis.js";
import { completions, filled } from "./support/completions.js";

interface Kind {
  readonly type: string;
  readonly labels?: number;
  readonly prior: string;
  readonly component: string;
  readonly value: string;
  /** Usual choices, which stand first. */
  readonly first: readonly string[];
}

const kinds: readonly Kind[] = [
  { type: "real", prior: "Normal(0, 1)", component: "Normal([0, 1], 1)", value: "x", first: ["Normal", "StudentT", "Laplace"] },
  { type: "real[3]", prior: "Normal(0, 1)", component: "Normal([[0, 1, 2], [0, 1, 2]], 1)", value: "0.5", first: ["Normal", "StudentT", "Laplace"] },
  { type: "positive", prior: "HalfNormal(1)", component: "Gamma([1, 2], 1)", value: "exp(x)", first: ["LogNormal", "HalfNormal", "Gamma"] },
  { type: "unit", prior: "Beta(1, 1)", component: "Beta([1, 2], 1)", value: "sigmoid(x)", first: ["Beta"] },
  { type: "interval(-1, 2)", prior: "Uniform(-1, 2)", component: "TruncatedNormal([0, 1], 1, -1, 2)", value: "tanh(x)", first: ["Uniform"] },
  { type: "binary", labels: 2, prior: "Bernoulli(0.5)", component: "Bernoulli([0.2, 0.5])", value: "x > 0", first: ["Bernoulli"] },
  { type: "index(4)", labels: 4, prior: "Categorical(logits = 0)", component: "Categorical(logits = zeros[2, 4])", value: "k", first: ["Categorical"] },
  { type: "count", prior: "Poisson(1)", component: "Poisson([1, 2])", value: "c", first: ["Poisson", "NegativeBinomial"] },
  { type: "simplex[3]", prior: "Dirichlet(ones[3])", component: "Dirichlet([[1, 1, 1], [2, 2, 2]])", value: "softmax([x, 0, 0])", first: ["Dirichlet"] },
];

/** A value that a parameter takes. */
function argument({ name, support, distribution }: ParameterSpec, of: string, kind: Kind): string {
  if (distribution) return kind.component;
  if (of === "Delta") return kind.value;
  if (of === "Dirichlet") return "ones[3]";
  if (of === "Categorical") return name === "logits" ? `zeros[${kind.labels ?? 2}]` : `ones[${kind.labels ?? 2}] / ${kind.labels ?? 2}`;
  if (name === "weights") return "[0.5, 0.5]";
  if (of === "MultivariateNormal") return name === "mean" ? "zeros[3]" : "1";
  return { real: "0", unit: "0.5" }[support.kind as string] ?? "1";
}

/** What points are made of. */
const inputs = "x: real, k: index(4), c: count";

const places = {
  latent: ({ type }: Kind) => `model m(${inputs}, o: real) {\n  v: ${type} ~ ‸\n  o ~ Normal(0, 1)\n}\n`,
  observed: ({ type }: Kind) => `model m(${inputs}, v: ${type}) {\n  v ~ ‸\n}\n`,
  guide: ({ type, prior }: Kind) => `model m(${inputs}, o: real) {\n  v: ${type} ~ ${prior}\n  o ~ Normal(0, 1)\n}\nguide m {\n  v ~ ‸\n}\n`,
} as const;

/** Does not fit: prior, likelihood, guide, a point in a model, a shape. */
const misfit = /^LVM(4020|4022|4023|4024|4025|4026|3\d\d\d)$/;

describe.each(Object.keys(places) as (keyof typeof places)[])("distributions of a %s site", (place) => {
  it.each(kinds.map((kind) => [kind.type, kind] as const))("of %s fit exactly where the compiler says so", (_, kind) => {
    const offers = completions(places[place](kind));
    expect(offers.map(({ label }) => label).toSorted()).toEqual([...distributionNames].toSorted());
    for (const { label, item, made } of offers) {
      const specs = distributions[label as keyof typeof distributions].parameters;
      const text = filled(made, (name) => (/^-?\d/.test(name) ? name : argument(specs.find((spec) => spec.name === name)!, label, kind)));
      const found = analyze({ path: "fixture.lvm", text }).diagnostics.filter(({ severity }) => severity === "error");
      const wrong = found.filter(({ code }) => misfit.test(code) || /^LVM[12]/.test(code)).map(({ code, message }) => `${code} ${message}`);
      const note = item.labelDetails?.description;
      const fits = note === undefined || note === "covers a part" || note === "a point";
      if (fits) expect([label, wrong]).toEqual([label, []]);
      else expect([label, note, wrong.length > 0]).toEqual([label, note, true]);
    }
  }, 60_000);
});

describe("the order of distributions", () => {
  it.each(kinds.map((kind) => [kind.type, kind] as const))("of a latent that is %s begins with what is usual", (_, kind) => {
    const offers = completions(places.latent(kind)).map(({ label }) => label);
    expect(offers.slice(0, kind.first.length).toSorted()).toEqual([...kind.first].toSorted());
  });
});
