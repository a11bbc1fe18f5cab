import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { CallParameter } from "../../src/checker/functions/function-rule.js";
import { functionRules } from "../../src/checker/functions/function-rules.js";
import { layerRules } from "../../src/checker/layers/layer-rules.js";
import { schedules } from "../../src/checker/schedules.js";
import { typeNames } from "../../src/checker/type-expressions.js";
import { catalog } from "../../src/diagnostics/catalog.js";
import { functionNames } from "../../src/ir/model/functions.js";
import { layerNames } from "../../src/ir/model/layers.js";
import type { Training } from "../../src/ir/model/model.js";
import { keywordRoles } from "../../src/parser/tokens.js";
import { isSubset, type Support } from "../../src/types/support.js";
import { checkText } from "../support/check-file.js";
import { blocksOf, faultOf, readDoc, root, sectionOf, table, tableOf } from "./blocks.js";

const markdown = readDoc("language.md");

describe("code blocks of language.md say what the compiler does", () => {
  it.each(blocksOf(markdown).filter(({ tag }) => tag.startsWith("lvm")).map((block) => [block.line, block.tag, block] as const))("line %d: %s", (_line, _tag, block) => {
    expect(faultOf(block)).toBeUndefined();
  });
  it("shows errors of each kind and constructs of later versions", () => {
    const tags = blocksOf(markdown).map(({ tag }) => tag);
    for (const tag of ["lvm", "lvm fragment", "lvm error LVM3004", "lvm error LVM4090"]) expect(tags).toContain(tag);
  });
});

// ── Tables that are printed from the source ─────────────────────────────────────────────────────────────────────────

/** Parameters that are not the values which the function works on. */
function options(parameters: readonly CallParameter[]): string {
  return parameters
    .filter(({ kind }) => kind !== "value" && kind !== "values" && kind !== "label")
    .map((parameter) => {
      const value = typeof parameter.default === "string" ? `"${parameter.default}"` : parameter.default === 1e-5 ? "1e-5" : parameter.default;
      return parameter.optional ? `[\`${parameter.name}\`]` : `\`${parameter.name}${value === undefined ? "" : ` = ${value}`}\``;
    })
    .join(", ");
}

const supports: Readonly<Record<string, Support>> = {
  ...Object.fromEntries(["real", "positive", "nonnegative", "unit", "binary", "count", "byte", "angle", "simplex", "ordered", "cholesky", "covariance"].map((kind) => [kind, { kind } as Support])),
  interval: { kind: "interval", low: 0.25, high: 300.5 },
};

const generated: Readonly<Record<string, string>> = {
  types: table(["type", "values"], Object.entries(typeNames).map(([name, meaning]) => [name === "index" ? "`index(K)`" : name === "interval" ? "`interval(a, b)`" : /`.*\[K\]`/.test(meaning) ? `\`${name}[K]\`` : `\`${name}\``, meaning.replace(/[:;] `[^`]*`$/, "")])),
  subsets: table(
    ["support", "counts as"],
    Object.entries(supports)
      .filter(([name]) => name !== "real" && name !== "interval")
      .map(([name, support]) => [`\`${name}\``, Object.entries(supports).filter(([other, wider]) => other !== name && other !== "interval" && isSubset(support, wider)).map(([other]) => `\`${other}\``).join(", ")]),
  ),
  functions: table(["function", "meaning", "options"], functionNames.map((name) => [`\`${name}\``, functionRules[name].doc, options(functionRules[name].parameters)])),
  schedules: table(["schedule", "meaning"], Object.entries(schedules).map(([name, { doc }]) => [`\`${name}\``, doc])),
  layers: table(["layer", "meaning", "options"], layerNames.map((name) => [`\`${name}\``, layerRules[name].doc, options(layerRules[name].parameters)])),
};

describe("tables of language.md are those of the source", () => {
  if (process.env["UPDATE_GOLDENS"] !== undefined) {
    const updated = Object.entries(generated).reduce((text, [name, lines]) => text.replace(`<!-- ${name} -->\n${sectionOf(text, name)}`, () => `<!-- ${name} -->\n${lines}`), markdown);
    writeFileSync(join(root, "docs", "language.md"), updated);
  }
  it.each(Object.keys(generated))("%s", (name) => {
    expect(sectionOf(readDoc("language.md"), name), "run with UPDATE_GOLDENS=1, and read the difference").toBe(generated[name]);
  });

  it("every code stands in a range", () => {
    const ranges = tableOf(markdown, "ranges").map(([codes = ""]) => codes.slice(0, 4));
    expect(new Set(Object.keys(catalog).map((code) => code.slice(0, 4)))).toEqual(new Set(ranges));
  });
  it("lists every keyword", () => {
    const listed = /mean something: `([^`]*)`/.exec(markdown)?.[1]?.split(/\s+/) ?? [];
    expect(new Set(listed)).toEqual(new Set(Object.keys(keywordRoles)));
  });
});

// ── Settings: defaults are tried, names are compared with those that the checker's messages list ────────────────────

const withLatent = "network g(x: real[2]) -> (l: real[3]) { l = x |> dense(3) }\nmodel m(x: real[2], y: index(3)?) {\n  z: real ~ Normal(0, 1)\n  y ~ Categorical(logits = 0)\n  x ~ Normal(z, 1)\n}\nguide m { z ~ Normal(0, 1)  y ~ Categorical(logits = g(x)) }\n";

function training(body: string): Omit<Training, "origin"> | string {
  const { value, diagnostics } = checkText("models/m.lvm", `${withLatent}train m {\n${body}\n}\n`, root);
  const program = value.programs[0];
  if (diagnostics.length > 0 || !program) return diagnostics.map(({ code, message }) => `${code} ${message}`).join("; ");
  return JSON.parse(JSON.stringify(program.training, (key, part: unknown) => (key === "origin" ? undefined : part))) as Training;
}

/** Names in the note of the message about an unknown one. */
function namesIn(body: string): ReadonlySet<string> {
  const { diagnostics } = checkText("models/m.lvm", `${withLatent}train m {\n${body}\n}\n`, root);
  const note = diagnostics[0]?.notes[0] ?? "";
  return new Set([...note.replace(/^`\w+` knows/, "").matchAll(/`(\w+)`/g)].map(([, name = ""]) => name));
}

const code = (cell = ""): string => cell.replaceAll("`", "");

describe("settings of a train block", () => {
  const settings = tableOf(markdown, "settings");
  it("are those that the checker knows", () => {
    const named = settings.map(([name]) => code(name)).filter((name) => name !== "maximize" && !name.startsWith("observe"));
    expect(new Set(named)).toEqual(namesIn("zzzzzzzz = 1"));
  });
  it.each(settings.filter(([, value = ""]) => value.startsWith("`")).map(([name, value]) => [code(name), code(value)]))("the default of %s is %s", (name, value) => {
    expect(training(`${name} = ${value}`)).toEqual(training(""));
  });
  it.each(settings.flatMap(([name, , values = ""]) => (code(name).match(/maximize|observe/) ? [] : [...values.matchAll(/`([^`]*)`/g)].map(([, value = ""]) => [code(name), value] as const))))("%s takes %s", (name, value) => {
    expect(training(`${name} = ${value}`)).toBeTypeOf("object");
  });
  it("take what their ranges say, and not the numbers beside them", () => {
    for (const body of ["batch = 1", "epochs = 1", "clip = 0.1", "ema = 0.5", "seed = 0", "seed = 2^32 - 1", "observe y = 0", "observe y = 1"]) expect(training(body), body).toBeTypeOf("object");
    for (const body of ["batch = 0", "batch = 1.5", "epochs = 0", "clip = 0", "ema = 0", "ema = 1", "seed = -1", "seed = 2^32", "observe y = 1.1"]) expect(training(body), body).toContain("LVM5010");
  });
  it("the objective is the ELBO where there is a latent, the likelihood where there is none", () => {
    expect(training("maximize elbo")).toEqual(training(""));
    const { value } = checkText("models/m.lvm", "model m(x: real) { x ~ Normal(0, 1) }\n", root);
    expect(value.programs[0]?.training.objective.kind).toBe("likelihood");
  });

  const elbo = tableOf(markdown, "elbo");
  it("options of elbo are those that the checker knows", () => {
    expect(new Set(elbo.map(([name]) => code(name)))).toEqual(namesIn("maximize elbo(zzzzzzzz = 1)"));
  });
  it.each(elbo.filter(([, value]) => value !== "none").map(([name, value]) => [code(name), code(value)]))("the default of %s is %s", (name, value) => {
    expect(training(`maximize elbo(${name} = ${value})`)).toEqual(training(""));
  });

  const optimizers = tableOf(markdown, "optimizers");
  it("optimizers are those that the checker knows", () => {
    expect(new Set(optimizers.map(([name]) => code(name)))).toEqual(namesIn("optimizer = zzzzzzzz"));
  });
  it.each(optimizers.map(([name, options]) => [code(name), code(options)]))("%s has the defaults %s", (name, options) => {
    expect(training(`optimizer = ${name}(${options})`)).toEqual(training(`optimizer = ${name}`));
    expect(new Set(options.split(", ").map((option) => option.split(" ")[0]))).toEqual(namesIn(`optimizer = ${name}(zzzzzzzz = 1)`));
  });
  it("schedules have the options and defaults that are written", () => {
    for (const kind of ["cosine", "linear"]) expect(training(`optimizer = adam(${kind}(1e-3, steps = 100))`)).toEqual(training(`optimizer = adam(${kind}(1e-3, steps = 100, end = 0, warmup = 0))`));
    expect(training("optimizer = adam(exponential(1e-3, factor = 0.5, every = 10))")).toBeTypeOf("object");
  });
});

describe("estimators", () => {
  it("are those that the checker knows, and each is taken", () => {
    const rows = tableOf(markdown, "estimators").map(([call]) => code(call));
    const source = (by: string): string => `model m(x: real) {\n  k: binary ~ Bernoulli(probs = 0.5)\n  z: real ~ Normal(0, 1)\n  x ~ Normal(k + z, 1)\n}\nguide m {\n  k ~ Bernoulli(probs = 0.5) by ${by === "reparameterization" ? "enumeration" : by}\n  z ~ Normal(0, 1)${by === "reparameterization" ? ` by ${by}` : ""}\n}\n`;
    for (const by of rows) expect(checkText("models/m.lvm", source(by), root).diagnostics, by).toEqual([]);
    const note = checkText("models/m.lvm", source("zzzzzzzz"), root).diagnostics[0]?.notes[0] ?? "";
    expect(new Set(rows.map((row) => row.split("(")[0]))).toEqual(new Set([...note.matchAll(/`(\w+)`/g)].map(([, name]) => name)));
  });
});
