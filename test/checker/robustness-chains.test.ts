import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { hasErrors } from "../../src/diagnostics/diagnostic.js";
import { lower } from "../../src/lowering/lower.js";
import { deriveObjective } from "../../src/objectives/derive.js";
import { printObjective } from "../../src/objectives/print.js";
import { checkText } from "../support/check-file.js";

const folder = new URL("../objectives/chains/", import.meta.url);
const texts = [
  ...readdirSync(folder).map((name) => readFileSync(new URL(name, folder), "utf8")),
  "const T = 6\nmodel m(x: real[T]) {\n  x[1] ~ Normal(0, 1)\n  x[2] ~ Normal(x[1], 1)\n  chain t in 3..T { x[t] ~ Normal(0.5 * x[t - 1] - 0.2 * x[t - 2], 1) }\n}\n",
  "const T = 4\nmodel m(x: real[T]) {\n  z[T]: real ~ Normal(0, 1)\n  chain t in T - 1..1 { z[t] ~ Normal(0.9 * z[t + 1], 0.5) }\n  each t in 1..T { x[t] ~ Normal(z[t], 1) }\n}\nguide m { auto mean_field z }\n",
  "const T = 5\nconst K = 3\nparam moves: simplex[K, K]\nparam means: real[K] = normal(0, 1)\nmodel m(x: real[T]) where length(x) <= T {\n  z[1]: index(K) ~ Categorical(ones[K] / K)\n  chain t in 2..T { z[t] ~ Categorical(moves[z[t - 1]]) }\n  each t in 1..T { x[t] ~ Normal(means[z[t]], 1) }\n}\n",
  "const T = 4\nmodel m(x: real[T, 2]) {\n  z[1]: real[2] ~ Normal(0, 1)\n  chain t in 2..T { z[t] ~ Normal(z[t - 1], 1) }\n  each t in 1..T { x[t] ~ Normal(z[t], 1) }\n}\nguide m {\n  local m: real[T, 2] = 0\n  each t in 1..T { z[t] ~ Normal(m[t], 0.5) }\n}\n",
];

/** mulberry32: a small generator with a seed, so that a failure can be seen again. */
function random(seed: number): <T>(from: readonly T[]) => T {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return (from) => from[Math.floor(next() * from.length)]!;
}

const indices = ["t", "t - 1", "t + 1", "t - 2", "0", "1", "2", "T", "T + 1", "T - 1", "s", "s - 1", "s, t", "s, t - 1", "t, 1", "2 * t", "1..2", "t - 0", "t - -1", "z[t]", "t - 0.5"];
const loops = ["each t in 1..T", "chain t in 1..T", "chain t in 2..T", "chain t in T..1", "chain t in T - 1..1", "chain s in 1..T", "each s in 1..2", "chain t in 0..T", "chain t in 3..T"];

/** One change that someone who edits a chain makes: a line, an index, a loop, a name. */
function mutated(text: string, pick: <T>(from: readonly T[]) => T): string {
  const replaceOne = (pattern: RegExp, by: (found: string) => string): string => {
    const all = [...text.matchAll(pattern)];
    if (all.length === 0) return text;
    const found = pick(all);
    return text.slice(0, found.index) + by(found[0]) + text.slice(found.index + found[0].length);
  };
  const lines = text.split("\n");
  const [from, to] = [pick([...lines.keys()]), pick([...lines.keys()])];
  switch (pick(["swap", "drop", "double", "index", "index", "index", "loop", "name", "word"] as const)) {
    case "swap":
      return lines.map((line, at) => (at === from ? lines[to] : at === to ? lines[from] : line)).join("\n");
    case "drop":
      return lines.filter((_, at) => at !== from).join("\n");
    case "double":
      return [...lines.slice(0, from), lines[to], ...lines.slice(from)].join("\n");
    case "index":
      return replaceOne(/\[[^[\]]*\]/g, () => `[${pick(indices)}]`);
    case "loop":
      return replaceOne(/\b(?:each|chain) \w+ in [^{]*/g, () => `${pick(loops)} `);
    case "name":
      return replaceOne(/\b[a-z]\[/g, () => `${pick(["z", "h", "x", "w", "b", "a"])}[`);
    case "word":
      return replaceOne(/\w+/g, () => pick(text.match(/\w+/g) ?? [""]));
  }
}

describe("changed chains", () => {
  // Guards: no change to a chain makes the checker throw; a program is missing only with a message; and what checks is derived, printed and lowered.
  it("600 changed models give messages, or programs that are lowered", () => {
    let lowered = 0;
    for (let seed = 1; seed <= 600; seed++) {
      const pick = random(seed);
      let text = pick(texts);
      for (let changes = pick([1, 1, 2]); changes > 0; changes--) text = mutated(text, pick);
      let stage = "check";
      try {
        const { value, diagnostics } = checkText("chain.lvm", text, ".");
        if (hasErrors(diagnostics)) continue;
        stage = "lower";
        if (/\bmodel \w/.test(text)) expect(value.programs.length, "no program and no message").toBeGreaterThan(0);
        for (const program of value.programs) {
          const objective = deriveObjective(program, "training");
          for (const format of ["text", "latex", "mathml"] as const) printObjective(objective, format);
          lower(program, objective, deriveObjective(program, "evaluation"));
          lowered++;
        }
      } catch (error) {
        throw new Error(`seed ${seed}, ${stage}: ${String(error)}\n${text}`, { cause: error });
      }
    }
    expect(lowered).toBeGreaterThan(50);
  }, 240_000);
});
