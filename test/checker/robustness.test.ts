import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { checkText } from "../support/check-file.js";

const root = fileURLToPath(new URL("../../models", import.meta.url));
const models = readdirSync(root)
  .filter((name) => name.endsWith(".lvm"))
  .map((name) => ({ name, text: readFileSync(join(root, name), "utf8") }));

/** mulberry32: a small generator with a seed, so that a failure can be seen again. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const tokens = (text: string): readonly string[] => text.match(/\s+|\/\/.*|[A-Za-z_]\w*|[0-9][\w.]*|"[^"]*"|\|>|->|\.\.|[<>=!]=|./g) ?? [];
const strange = ["constructor", "__proto__", "toString", "hasOwnProperty", "chain", "each", "global", "guide", "?", "[", "]", "(", ")", "{", "}", "~", "=", "|>", "1e400", "0", "-1", ".5", "by", "auto", "on", "Mixture", "Delta", "1..0"];

describe("broken files", () => {
  // Guards: no text that a user can type makes the checker throw: tokens of shipped models dropped, doubled, swapped and replaced.
  it("300 mutated models never throw", () => {
    for (let seed = 1; seed <= 300; seed++) {
      const next = random(seed);
      const pick = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)] as T;
      const { name, text } = pick(models);
      const other = tokens(pick(models).text).filter((token) => token.trim() !== "");
      const parts = [...tokens(text)];
      for (let change = 0; change < 1 + Math.floor(next() * 6); change++) {
        const at = Math.floor(next() * parts.length);
        const kind = Math.floor(next() * 4);
        if (kind === 0) parts.splice(at, 1);
        else if (kind === 1) parts.splice(at, 0, ` ${pick(strange)} `);
        else if (kind === 2) parts[at] = ` ${pick(other)} `;
        else parts[at] = ` ${pick(strange)} `;
      }
      const mutated = parts.join("");
      expect(() => checkText(name, mutated, root), `seed ${seed}:\n${mutated}`).not.toThrow();
    }
  });

  // Guards: a message exists wherever a program is missing: nothing is dropped silently.
  it("a file without a program has an error", () => {
    for (let seed = 301; seed <= 450; seed++) {
      const next = random(seed);
      const { name, text } = models[Math.floor(next() * models.length)] ?? { name: "", text: "" };
      const parts = [...tokens(text)];
      parts.splice(Math.floor(next() * parts.length), 1);
      const { value, diagnostics } = checkText(name, parts.join(""), root);
      if (value.programs.length === 0 && /\bmodel \w/.test(parts.join(""))) expect(diagnostics.some(({ severity }) => severity === "error"), `seed ${seed}:\n${parts.join("")}`).toBe(true);
    }
  });

  // Guards: names of JavaScript's own objects are names like any other.
  it("names of built-in properties are no trap", () => {
    const text = "const constructor = 2\nnetwork toString(valueOf: real[constructor]) -> (hasOwnProperty: real) { hasOwnProperty = sum(valueOf) }\nmodel m(__proto__: real[constructor], x: real) { x ~ Normal(toString(__proto__), 1) }\n";
    expect(checkText("names.lvm", text, root).diagnostics.map(({ code, message }) => `${code} ${message}`)).toEqual([]);
    for (const name of ["constructor", "__proto__", "toString"]) {
      for (const line of [`x ~ ${name}(0, 1)`, `x ~ Normal(${name}, 1)`, `x ~ Normal(${name}(u), 1)`, `x ~ Normal(u |> ${name}, 1)`, `x ~ Normal(mean = 0, ${name} = 1)`]) {
        const { diagnostics } = checkText("names.lvm", `model m(x: real, u: real) { ${line} }\n`, root);
        expect(diagnostics.map(({ severity }) => severity), line).toEqual(["error"]);
      }
      for (const line of [`${name} = 1`, `optimizer = ${name}(1)`, `data = ${name}(1)`, `maximize ${name}`, `maximize elbo(${name} = 1)`]) {
        const { diagnostics } = checkText("names.lvm", `model m(x: real) { z: real ~ Normal(0, 1)  x ~ Normal(z, 1) }\nguide m { auto mean_field z }\ntrain m { ${line} }\n`, root);
        expect(diagnostics.map(({ severity }) => severity), line).toEqual(["error"]);
      }
    }
  });
});
