import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { explainObjective, type ObjectiveFormat } from "../../src/driver/explain.js";
import { render } from "../../src/diagnostics/render.js";

/** What `lvmc explain objective` says of models with chains: read a changed golden as a reader of the derivation would. */
const folder = new URL("chains/", import.meta.url);
const names = readdirSync(folder).map((name) => name.replace(".lvm", ""));
const other: Readonly<Record<string, readonly ObjectiveFormat[]>> = { nested: ["latex"], smoothing: ["latex", "mathml"] };

function explained(text: string, format: ObjectiveFormat = "text"): string {
  const { value, diagnostics } = explainObjective({ path: "chain.lvm", text }, { format });
  return value?.text ?? expect.fail(render(diagnostics, { color: false }));
}

describe("the derived objective of chains", () => {
  for (const name of names)
    for (const format of ["text", ...(other[name] ?? [])] as const)
      it(`${name} as ${format}`, async () => {
        await expect(explained(readFileSync(new URL(`${name}.lvm`, folder), "utf8"), format)).toMatchFileSnapshot(`golden/chains/${name}.${format === "text" ? "txt" : format}`);
      });
});

const model = (text: string, guide = "each t in 1..4 { z[t] ~ Normal(x[t], 1) }"): string => `const T = 4\nconst LAG = 2\nmodel m(x: real[T]) {\n${text}\n}\nguide m { ${guide} }\n`;
const start = "z[1]: real ~ Normal(0, 1)";
const observed = "each t in 1..T { x[t] ~ Normal(z[t], 1) }";

describe("steps are shown as they are written", () => {
  // Guards: an array that counts from 0, 1 or 3 is read at the steps that the user wrote, not at those of the array.
  it.each([[0], [1], [3]])("a chain whose first value has position %d", (at) => {
    const shown = explained(`model m(x: real[5]) {\n  z[${at}]: real ~ Normal(0, 1)\n  chain t in ${at + 1}..8 { z[t] ~ Normal(0.9 * z[t - 1], 1) }\n  each t in 1..5 { x[t] ~ Normal(z[t + 3], 1) }\n}\nguide m { auto mean_field z }\n`);
    expect(shown).toContain(`KL(q(z_${at}) ‖ Normal(0, 1))`);
    expect(shown).toContain(`Σ_{t = ${at + 1}..8} E_{q(z)}[KL(q(z_t) ‖ Normal(0.9 · z_{t−1}, 1))]`);
    expect(shown).toContain("Σ_{t = 1..5} E_{q(z)}[log Normal(x_t; z_{t+3}, 1)]");
    expect(shown).toContain(`+ Σ_{t = ${at + 1}..8} log p(z_t | z_{t−1})`);
  });

  it("a lag that is a constant, and starts of two steps", () => {
    const shown = explained(model(`${start}\nz[2] ~ Normal(z[1], 1)\nchain t in 3..T { z[t] ~ Normal(z[t - LAG], 1) }\n${observed}`));
    expect(shown).toContain("− E_{q(z | x)}[KL(Normal(x_2, 1) ‖ Normal(z_1, 1))]");
    expect(shown).toContain("Σ_{t = 3..T} E_{q(z | x)}[KL(Normal(x_t, 1) ‖ Normal(z_{t−2}, 1))]");
  });

  // Guards: the letters of the guide's loops are no others than the model's in a formula that has both; where a user has `t` and `t_2`, both stay.
  it("a guide with letters of its own speaks with the model's", () => {
    const shown = explained(model(`${start}\nchain t in 2..T { z[t] ~ Normal(z[t - 1], 1) }\n${observed}`, "each step in 1..4 { u[step] = 2 * x[step]  z[step] ~ Normal(u[step], 1) }"));
    expect(shown).toContain("KL(Normal(u_t, 1) ‖ Normal(z_{t−1}, 1))");
    expect(shown).toContain("log q(z_t | x_t)");
    expect(shown).not.toContain("step]");
  });
  it("letters of the user that look like names of the compiler", () => {
    const shown = explained("model m(x: real[3, 4]) {\n  each t in 1..3 { each t_2 in 1..4 { z[t, t_2]: real ~ Normal(0, 1)  x[t, t_2] ~ Normal(z[t, t_2], 1) } }\n}\nguide m { auto mean_field z }\n");
    expect(shown).toContain("Σ_{t = 1..3} Σ_{t_2 = 1..4} E_{q(z)}[log Normal(x_{t,t_2}; z_{t,t_2}, 1)]");
    expect(shown).toContain("sum over t = 1..3, t_2 = 1..4");
  });

  it("two loops with one letter have one letter, and axes are ranges as they are written", () => {
    const shown = explained(model(`${start}\nchain t in 2..T { z[t] ~ Normal(z[t - 1], 1) }\n${observed}`));
    expect(shown).not.toMatch(/t_\d|t_\{|\[t_/);
    expect(shown).toContain("mean over rows, sum over t = 1..T");
  });

  it("steps beyond a row's own length", () => {
    const shown = explained("const T = 4\nmodel m(x: real[T]) where length(x) <= T {\n  each t in 1..T { x[t] ~ Normal(0, 1) }\n}\n");
    expect(shown).toContain("Σ_{t = 1..length(x)} log Normal(x_t; 0, 1)");
    expect(shown).toContain("steps beyond a row's own length contribute nothing");
  });

  // Guards: free bits hold for each coordinate of each step, so the maximum stands inside the sum over steps.
  it("free bits inside the sum over steps", () => {
    const shown = explained(`${model(`${start}\nchain t in 2..T { z[t] ~ Normal(z[t - 1], 1) }\n${observed}`)}train m { maximize elbo(free_bits = 0.5) }\n`);
    expect(shown).toContain("Σ_{t = 2..T} Σ_j max(½, E_{q(z | x)}[KL(Normal(x_t, 1) ‖ Normal(z_{t−1}, 1))]_j)");
  });

  it("inside the mean of importance weights", () => {
    const shown = explained(`${model(`${start}\nchain t in 2..T { z[t] ~ Normal(z[t - 1], 1) }\n${observed}`)}train m { maximize elbo(samples = 8) }\n`);
    expect(shown).toContain("+ Σ_{t = 2..T} (log Normal(z_t; z_{t−1}, 1) − log Normal(z_t; x_t, 1))");
    expect(shown).toContain("L = E_{q(z | x)^8}[log (1/8 · Σ_{k = 1..8} exp(");
  });

  it("a letter of a closed form that is a loop variable's gets a prime", () => {
    const shown = explained("model m(x: real[4, 2]) {\n  each s in 1..4 { z[s]: real[2] ~ Normal(3, 2)  x[s] ~ Normal(z[s], 1) }\n}\nguide m { each s in 1..4 { z[s] ~ Normal(x[s], 1) } }\n");
    expect(shown).toContain("log (s′_j / σ_j)");
    expect(shown).toContain("m = 3, s′ = 2");
  });
});
