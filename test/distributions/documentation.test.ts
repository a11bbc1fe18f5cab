import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { renderDistributions } from "../../src/distributions/documentation.js";
import { distributionNames } from "../../src/distributions/names.js";
import { distributions } from "../../src/distributions/registry.js";
import { jointRank, type Support } from "../../src/types/support.js";

const page = new URL("../../docs/distributions.md", import.meta.url);

it("docs/distributions.md is what the distributions say of themselves", () => {
  if (process.env["UPDATE_DOCS"]) writeFileSync(page, renderDistributions());
  expect(readFileSync(page, "utf8")).toBe(renderDistributions());
});

describe.each(distributionNames)("%s", (name) => {
  const distribution = distributions[name];
  it("names itself, and its forms name its parameters", () => {
    expect(distribution.name).toBe(name);
    const known = distribution.parameters.map((parameter) => parameter.name);
    expect(new Set(known).size).toBe(known.length);
    for (const form of distribution.parameterizations) expect(form.filter((each) => !known.includes(each))).toEqual([]);
    expect(known.filter((each) => !distribution.parameterizations.some((form) => form.includes(each)))).toEqual([]);
  });
});

describe("supports that depend on arguments", () => {
  const of = (name: (typeof distributionNames)[number], constants: Record<string, number>, lastSizes: Record<string, number> = {}, supports: Record<string, Support> = {}): Support =>
    distributions[name].support({ constants, lastSizes, supports });
  it("follow their constants and sizes", () => {
    expect(of("Uniform", { low: 0, high: 1 })).toEqual({ kind: "unit" });
    expect(of("Uniform", { low: -1, high: 1 })).toEqual({ kind: "interval", low: -1, high: 1 });
    expect(of("TruncatedNormal", { low: 2 })).toEqual({ kind: "positive" });
    expect(of("TruncatedNormal", { low: 0 })).toEqual({ kind: "nonnegative" });
    expect(of("Uniform", {})).toEqual({ kind: "real" });
    expect(of("Categorical", {}, { probs: 7 })).toEqual({ kind: "index", size: 7 });
    expect(of("Categorical", {}, { logits: 3 })).toEqual({ kind: "index", size: 3 });
    expect(of("DiscretizedLogistic", {})).toEqual({ kind: "byte" });
    expect(of("DiscretizedLogistic", { levels: 16 })).toEqual({ kind: "index", size: 16 });
    expect(of("Mixture", {}, {}, { components: { kind: "positive" } })).toEqual({ kind: "positive" });
    expect(jointRank(of("Dirichlet", {}))).toBe(1);
  });
});
