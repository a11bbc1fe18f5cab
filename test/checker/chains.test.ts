import { describe, expect, it } from "vitest";
import { check, checkWithFacts } from "../../src/checker/check.js";
import type { Expr, ModelProgram } from "../../src/ir/model/model.js";
import { exprsWithin } from "../../src/ir/model/walk.js";
import { parse } from "../../src/parser/parse.js";

function programOf(text: string): ModelProgram {
  const { value, diagnostics } = check(parse({ path: "chain.lvm", text }).value);
  expect(diagnostics.map(({ code, message }) => `${code} ${message}`)).toEqual([]);
  return value.programs[0]!;
}
const messages = (text: string): readonly string[] => check(parse({ path: "chain.lvm", text }).value).diagnostics.map(({ code, message }) => `${code} ${message}`);

const model = (step: string, guide = "auto mean_field z"): string => `const T = 6
const LAG = 2
const BACK = -1
model m(x: real[T], a: real[T]) {
  z[1]: real ~ Normal(0, 1)
  z[2] ~ Normal(0, 1)
  chain t in 3..T { z[t] ~ Normal(${step}, 1) }
  each t in 1..T { x[t] ~ Normal(z[t] + a[t], 1) }
}
guide m { ${guide} }
`;

/** The offsets of the steps that the site's steps take into z. The array counts from 1, so they are what the text says. */
function offsets(text: string): readonly number[] {
  const site = programOf(text).model.find((step) => step.kind === "site" && step.name === "z");
  const mean = site?.kind === "site" ? (site.distribution.args["mean"] as Expr) : undefined;
  return mean ? [...exprsWithin(mean)].flatMap((expr) => (expr.kind === "step" ? [expr.offset] : [])).sort((left, right) => left - right) : [];
}

describe("a chain of one step", () => {
  // Guards models whose T is set to 1: a smoothing guide still reads backwards, and a causal chain forwards.
  it("goes the way that its range is written", () => {
    const { guide } = programOf(`const T = 1
network back(h: real[2], x: real) -> (next: real[2]) { next = gru(h, reshape(x, 1)) }
model m(x: real[T]) {
  each t in 1..T { z[t]: real ~ Normal(0, 1)  x[t] ~ Normal(z[t], 1) }
}
guide m {
  g[T + 1] = zeros[2]
  chain t in T..1 { g[t] = back(g[t + 1], x[t]) }
  h[0] = zeros[2]
  chain t in 1..T { h[t] = back(h[t - 1], x[t]) }
  each t in 1..T { z[t] ~ Normal(sum(g[t] + h[t]), 1) }
}
`);
    expect(guide.flatMap((step) => (step.kind === "binding" ? [`${step.name} ${step.sequence?.chain.chain}`] : []))).toEqual(["g down", "h up"]);
  });
});

describe("looking back", () => {
  // Guards: every way to write a distance that is constant means the same, and none of them is taken for reading ahead.
  it.each([
    ["z[t - 1]", [-1]], ["z[t - LAG]", [-2]], ["z[t + BACK]", [-1]], ["z[BACK + t]", [-1]], ["z[-1 + t]", [-1]], ["z[(t - 1)]", [-1]], ["z[t - 2 + 1]", [-1]], ["z[t - (LAG - 1)]", [-1]],
    ["z[t - floor(LAG / 2)]", [-1]], ["z[t - 1] - z[t - LAG]", [-2, -1]],
  ])("%s", (written, expected) => {
    expect(offsets(model(written))).toEqual(expected);
  });
  it.each([["z[t + 1]"], ["z[t - BACK]"], ["z[LAG + t]"]])("%s reads ahead", (written) => {
    expect(messages(model(written)).map((message) => message.split(" ")[0])).toEqual(["LVM4045"]);
  });
  it("the direction follows from the values of constants, not from how the range is written", () => {
    const text = (step: string): string => `const T = 5\nconst ONE = 1\nmodel m(x: real[T]) {\n  x[T] ~ Normal(0, 1)\n  chain t in T - 1..ONE { x[t] ~ Normal(${step}, 1) }\n}\n`;
    programOf(text("x[t + 1]"));
    expect(messages(text("x[t - 1]"))[0]).toMatch(/^LVM4045 .*goes down/);
  });
});

describe("what a chain defines", () => {
  it("has a plate of all positions, with the letters and the ends of the file", () => {
    const site = programOf(model("z[t - 1]")).model.find((step) => step.kind === "site" && step.name === "z");
    expect(site).toMatchObject({
      plates: [{ from: 1, size: 6, written: { variable: "t", from: "1", to: "T" } }],
      sequence: { chain: { from: 3, size: 4, chain: "up", written: { variable: "t", from: "3", to: "T" } }, starts: [{ position: 1 }, { position: 2 }] },
    });
  });

  it("is fitted by an automatic guide with all positions, and by local values of each step", () => {
    const auto = programOf(model("z[t - 1]")).guide.find((step) => step.kind === "auto");
    expect(auto).toMatchObject({ sites: [{ site: "z", dimension: 6 }] });
    const local = programOf(model("z[t - 1]", "local m: real[T] = 0  local s: positive[T] = 1  each t in 1..T { z[t] ~ Normal(m[t], s[t]) }"));
    expect(local.parameters.filter(({ perRow }) => perRow).map(({ name, type }) => [name, type.shape.map(({ value }) => value)])).toEqual([["local.m", [6]], ["local.s", [6]]]);
  });

  it("can be divided into starts and steps otherwise in the guide", () => {
    const guide = programOf(model("z[t - 1]", "z[1] ~ Normal(x[1], 1)  chain i in 2..T { z[i] ~ Normal(z[i - 1] + x[i], 1) }")).guide[0];
    expect(guide).toMatchObject({ kind: "guide-site", plates: [{ from: 1, size: 6 }], sequence: { chain: { from: 2, size: 5 }, starts: [{ position: 1 }] } });
  });

  it("needs no start where it never looks back, nor where a column reads its own past", () => {
    programOf("model m(x: real[5]) {\n  chain t in 1..5 { z[t]: real ~ Normal(0, 1)  x[t] ~ Normal(z[t], 1) }\n}\nguide m { auto mean_field z }\n");
    programOf("model m(x: real[5]) {\n  chain t in 1..5 { x[t] ~ Normal(0.9 * x[t - 1], 1) }\n}\n");
  });

  it("may be read by its starts above the chain, and as a whole where the reader is not needed for it", () => {
    programOf("model m(x: real[5], y: real) {\n  z[1]: real ~ Normal(0, 1)\n  y ~ Normal(z[1], 1)\n  chain t in 2..5 { z[t] ~ Normal(z[t - 1], 1) }\n  each t in 1..5 { x[t] ~ Normal(z[t] + sum(z), 1) }\n}\nguide m { auto mean_field z }\n");
    programOf("param w: real = 0.1\nmodel m(x: real[5], u: real[5]) {\n  h[0] = 0\n  chain t in 1..5 { h[t] = w * h[t - 1] + u[t]  x[t] ~ Normal(h[5] - h[0], 1) }\n}\n");
  });

  it("keeps one scope: a global chain is global at every step", () => {
    const text = "model m(x: real[5]) {\n  global g[1]: real ~ Normal(0, 1)\n  chain t in 2..5 { g[t] ~ Normal(g[t - 1], 1) }\n  each t in 1..5 { x[t] ~ Normal(g[t], 1) }\n}\nguide m { auto mean_field g }\n";
    expect(programOf(text).model[0]).toMatchObject({ name: "g", scope: "global" });
  });
});

describe("facts for editors", () => {
  it("each name on the left of a chain has a type and the place of its declaration", () => {
    const text = "network cell(h: real[4], x: real) -> (next: real[4]) { next = gru(h, reshape(x, 1)) }\nmodel m(x: real[5], y: real) {\n  h[0] = zeros[4]\n  chain t in 1..5 { h[t] = cell(h[t - 1], x[t]) }\n  y ~ Normal(sum(h[5]), 1)\n}\n";
    const { value } = checkWithFacts(parse({ path: "chain.lvm", text }).value);
    const facts = [...value.context.hover.values()].filter(({ name }) => name === "h");
    const inModel = facts.filter(({ span }) => span.start > text.indexOf("model"));
    expect(inModel.map(({ span }) => text.slice(span.start, span.start + 4)).sort()).toEqual(["h[0]", "h[5]", "h[t ", "h[t]"].sort());
    for (const fact of inModel) expect(fact.type?.shape.map(({ value: size }) => size)).toEqual([4]);
    expect(new Set(inModel.map(({ declared }) => declared?.start))).toEqual(new Set([text.indexOf("h[0]")]));
  });
});
