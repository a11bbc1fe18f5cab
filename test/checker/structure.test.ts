import { describe, expect, it } from "vitest";
import { render } from "../../src/diagnostics/render.js";
import type { ModelProgram, Site } from "../../src/ir/model/model.js";
import { elementCount, printType } from "../../src/types/type.js";
import { checkText } from "../support/check-file.js";

function programs(text: string, set?: Record<string, string | number>): readonly ModelProgram[] {
  const { value, diagnostics } = checkText("test.lvm", text, ".", { set });
  expect(render(diagnostics, { color: false })).toBe("");
  return value.programs;
}

function program(text: string, set?: Record<string, string | number>): ModelProgram {
  const [first] = programs(text, set);
  if (!first) throw new Error("no program");
  return first;
}

function messages(text: string, set?: Record<string, string | number>): readonly string[] {
  return checkText("test.lvm", text, ".", { set }).diagnostics.map(({ code, message }) => `${code} ${message}`);
}

const site = (checked: ModelProgram, name: string): Site => {
  const found = checked.model.find((step) => step.kind === "site" && step.name === name);
  if (found?.kind !== "site") throw new Error(`no site ${name}`);
  return found;
};

describe("columns, sites and bindings", () => {
  // Guards: the role of a column follows from where it stands, not from how it is declared.
  it("a column on the left of ~ is observed, any other is an input", () => {
    const checked = program("model m(x: real, u: real) {\n  x ~ Normal(u, 1)\n}");
    expect(checked.columns.map(({ name, role }) => [name, role])).toEqual([["x", "observed"], ["u", "input"]]);
    expect(site(checked, "x").role).toBe("observed");
  });

  // Guards: steps keep the order of the text, so that each stands behind what it reads.
  it("steps stand in dependency order", () => {
    const checked = program("model m(x: real) {\n  z: real ~ Normal(0, 1)\n  h = z * 2\n  x ~ Normal(h, 1)\n}\nguide m { auto mean_field z }");
    expect(checked.model.map((step) => step.name)).toEqual(["z", "h", "x"]);
  });

  // Guards: a program holds what its model uses and nothing of its neighbours in the file.
  it("a program has its own networks and parameters only", () => {
    const [a, b] = programs(`
param shift: real = 0
param unused: real = 0
network f(x: real[2]) -> (y: real) { y = x |> dense(1) |> sum }
network g(x: real[2]) -> (y: real) { y = x |> dense(1) |> sum }
model a(x: real[2], y: real) { y ~ Normal(f(x) + shift, 1) }
model b(x: real[2], y: real) { y ~ Normal(g(x), 1) }`);
    expect(a?.networks.map(({ name }) => name)).toEqual(["f"]);
    expect(b?.networks.map(({ name }) => name)).toEqual(["g"]);
    expect(a?.parameters.map(({ name }) => name).sort()).toEqual(["f.dense_1.bias", "f.dense_1.kernel", "shift"]);
    expect(b?.parameters.every(({ name }) => name.startsWith("g."))).toBe(true);
  });

  // Guards: two loops with the same letter are two plates, and a site in a loop takes the column's axes behind the loop's.
  it("plates are unique, consume leading axes and are read whole outside", () => {
    const checked = program(`
model m(x: real[4, 3], y: real[4]) {
  each t in 1..4 {
    z[t]: real[3] ~ Normal(0, 1)
    h = z[t] * 2
    x[t] ~ Normal(h, 1)
  }
  each t in 1..4 { y[t] ~ Normal(sum(z[t]), 1) }
  total = sum(z)
}
guide m {
  each t in 1..4 { z[t] ~ Normal(x[t], 1) }
}`);
    const plates = checked.model.flatMap((step) => (step.kind === "site" ? step.plates.map(({ name }) => name) : []));
    expect(plates).toEqual(["t", "t", "t_2"]);
    expect(printType(site(checked, "x").type)).toBe("real[3]");
    expect(printType(site(checked, "y").type)).toBe("real");
    const guide = checked.guide.find((step) => step.kind === "guide-site");
    expect(guide?.kind === "guide-site" && guide.plates.map(({ name, from, size }) => [name, from, size])).toEqual([["t_3", 1, 4]]);
    const total = checked.model.find((step) => step.name === "total");
    expect(JSON.stringify(total?.kind === "binding" && total.value, (key, value: unknown) => (key === "origin" || key === "why" ? undefined : value))).toContain('"whole":true');
  });

  // Guards: nested loops take one axis each.
  it("nested plates", () => {
    const checked = program("model m(x: real[2, 5]) {\n  each i in 1..2 {\n    each j in 1..5 {\n      x[i, j] ~ Normal(0, 1)\n    }\n  }\n}");
    expect(site(checked, "x").plates.map(({ name, size }) => [name, size])).toEqual([["i", 2], ["j", 5]]);
    expect(printType(site(checked, "x").type)).toBe("real");
  });
});

describe("automatic guides", () => {
  const model = (guide: string): string => `
model m(x: real) {
  global w: simplex[4] ~ Dirichlet(ones[4])
  global s: positive ~ HalfNormal(1)
  global c: real[3, 2] ~ Normal(0, 1)
  e: real ~ Normal(0, s)
  x ~ Normal(e + sum(c) + sum(w), s)
}
guide m { ${guide} }`;

  // Guards: the number of unconstrained coordinates of each support, by hand: simplex[4] has 3, positive 1, real[3, 2] 6.
  it("count unconstrained coordinates and split scopes", () => {
    const checked = program(model("auto mean_field w, s, c, e"));
    const groups = checked.guide.filter((step) => step.kind === "auto");
    expect(groups.map(({ scope, sites }) => [scope, sites.map(({ dimension }) => dimension)])).toEqual([["global", [3, 1, 6]], ["row", [1]]]);
    const sizes = checked.parameters.map(({ name, type, perRow }) => [name, elementCount(type), perRow]);
    expect(sizes).toEqual([
      ["auto.w+s+c.location", 10, false],
      ["auto.w+s+c.scale", 10, false],
      ["auto.e.location", 1, true],
      ["auto.e.scale", 1, true],
    ]);
  });

  // Guards: a full-rank group stores a Cholesky factor, a low-rank one a diagonal and `rank` directions.
  it("full_rank and low_rank have their matrices", () => {
    const types = (text: string): readonly string[] => program(model(text)).parameters.map(({ name, type }) => `${name}: ${printType(type)}`);
    expect(types("auto full_rank w, s, c  auto mean_field e")).toContain("auto.w+s+c.scale: cholesky[10]");
    expect(types("auto low_rank(2) w, s, c  auto mean_field e")).toContain("auto.w+s+c.factor: real[10, 2]");
  });

  // Guards: plates multiply the coordinates of a latent.
  it("plates multiply coordinates", () => {
    const checked = program("model m(x: real[7]) {\n  each t in 1..7 {\n    z[t]: real ~ Normal(0, 1)\n    x[t] ~ Normal(z[t], 1)\n  }\n}\nguide m { auto mean_field z }");
    const group = checked.guide.find((step) => step.kind === "auto");
    expect(group?.kind === "auto" && group.sites).toEqual([{ site: "z", dimension: 7 }]);
  });

  // Guards: a hierarchical guide may read what an `auto` statement above it has drawn.
  it("sites of an auto statement are visible below it", () => {
    const text = (guide: string): string => `model m(x: real) {\n  a: real ~ Normal(0, 1)\n  b: real ~ Normal(a, 1)\n  x ~ Normal(b, 1)\n}\nguide m {\n${guide}\n}`;
    expect(messages(text("  auto mean_field a\n  b ~ Normal(a, 1)"))).toEqual([]);
    expect(messages(text("  b ~ Normal(a, 1)\n  auto mean_field a"))).toEqual(["LVM4014 `a` is not drawn yet"]);
  });
});

describe("local values", () => {
  // Guards: a `local` is one parameter per row, on the support that it declares.
  it("are parameters of each row", () => {
    const checked = program("model m(x: real) {\n  z: real ~ Normal(0, 1)\n  x ~ Normal(z, 1)\n}\nguide m {\n  local mean: real = 0\n  local width: positive = 0.5\n  z ~ Normal(mean, width)\n}");
    expect(checked.parameters.map(({ name, perRow, init }) => [name, perRow, init])).toEqual([
      ["local.mean", true, { kind: "constant", value: 0 }],
      ["local.width", true, { kind: "constant", value: 0.5 }],
    ]);
  });

  // Guards: a global latent's guide cannot see them.
  it("are hidden from global guides", () => {
    const text = "model m(x: real) {\n  global w: real ~ Normal(0, 1)\n  x ~ Normal(w, 1)\n}\nguide m {\n  local mean: real = 0\n  w ~ Normal(mean, 1)\n}";
    expect(messages(text)).toEqual(["LVM4015 the guide of the global latent `w` depends on a row"]);
  });
});

describe("marginalization", () => {
  const pairs = (count: number): string => {
    const names = Array.from({ length: count }, (_, at) => `k${at}`);
    const chain = names.map((name, at) => (at === 0 ? `  ${name}: index(100) ~ Categorical(logits = 0)` : `  ${name}: index(100) ~ Categorical(logits = table[${names[at - 1]}])`));
    return `param table: real[100, 100] = 0\nmodel m(x: real) {\n${chain.join("\n")}\n  x ~ Normal(values[${names[count - 1]}], 1)\n}\nparam values: real[100] = 0\nguide m { marginalize ${names.join(", ")} }`;
  };

  // Guards: elimination goes one latent after another: a chain of 5 latents with 100 values each costs 100², not 100⁵.
  it("a chain of latents is summed one after another", () => {
    expect(messages(pairs(5))).toEqual([]);
  });

  // Guards: independent copies in a plate are summed apart, the same copies read together are not.
  it("copies in a plate are summed apart", () => {
    const text = (read: string): string => `model m(x: real[20]) {\n  each t in 1..20 {\n    k[t]: binary ~ Bernoulli(probs = 0.5)\n    x[t] ~ Normal(${read}, 1)\n  }\n}\nguide m { marginalize k }`;
    expect(messages(text("k[t]"))).toEqual([]);
    expect(messages(text("sum(k)"))).toEqual(["LVM5022 summing out `k` visits 2^20 = 1048576 joint states for each row"]);
  });
});

describe("constants from outside", () => {
  const text = "const K = 2\nmodel m(x: real[K]) { x ~ Normal(0, 1) }";

  // Guards: `--set` replaces a constant, as a number or as its text.
  it("--set replaces a constant", () => {
    expect(program(text, { K: "5" }).columns.map(({ type }) => printType(type))).toEqual(["real[5]"]);
    expect(program(text, { K: 7 }).columns.map(({ type }) => printType(type))).toEqual(["real[7]"]);
  });

  // Guards: a mistyped name or value of --set is one message.
  it("--set with a mistake", () => {
    expect(messages(text, { L: 3 })).toEqual(["LVM2007 `--set L`: the file has no constant of that name"]);
    expect(messages(text, { K: "many" })).toEqual(["LVM4056 `--set K=many`: the value is not a number"]);
    expect(messages(text, { K: 2.5 }).length).toBe(1);
  });
});
