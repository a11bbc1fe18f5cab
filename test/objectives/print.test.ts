import { describe, expect, it } from "vitest";
import { deriveObjective } from "../../src/objectives/derive.js";
import { escapeText } from "../../src/objectives/print-latex.js";
import { escapeXml } from "../../src/util/escape-xml.js";
import { printDocComment, printObjective } from "../../src/objectives/print.js";
import type { ModelProgram } from "../../src/ir/model/model.js";
import * as b from "./build.js";

/** Names that no lexer lets through, so that escaping does not lean on the lexer. */
const hostile = ["<script>alert(1)</script>", "a&b", "x_{1}^2", "\\input{/etc/passwd}", "100%", "]]>", "*/ evil", "#$~^", "}{", "\u0000\u0007\ud800", "z\u2028line"];

function hostileProgram(name: string): ModelProgram {
  return b.program(
    [b.site(name, b.realType(3), b.standard), b.site(`${name}k`, b.indexType(3), b.dist("Categorical", { logits: b.num(0) })), b.observe("x", b.realType(), b.normal(b.net(name, name, b.ref(name), b.ref(`${name}k`)), b.num(1)))],
    [b.guideSite(name, b.normal(b.net(name, "mean", b.column("x")), b.num(1))), b.guideSite(`${name}k`, b.dist("Categorical", { logits: b.num(0) }))],
    { beta: 2 }, { name, networks: [b.network(name, name, "mean")] },
  );
}

const programs = (): ModelProgram[] => [
  b.vae(), b.vae({ samples: 8 }), b.vae({ beta: 4, freeBits: 0.5, anneal: { steps: 10, cycles: 3 }, constraints: [{ term: "kl", site: "z", relation: "<=", bound: 12, origin: b.origin }] }),
  b.semiSupervised(), b.mixture(), b.eightSchools(), b.eightSchools("full_rank"), ...hostile.map(hostileProgram),
];

/** Checks that tags nest and close, and that text has no bare `<`, `>` or `&`. */
function expectWellFormed(xml: string): void {
  const open: string[] = [];
  let at = 0;
  for (const tag of xml.matchAll(/<(\/?)([a-z][a-z0-9]*)((?: [a-z]+="[^"<&]*")*)>/g)) {
    expect(xml.slice(at, tag.index)).toMatch(/^(?:[^<>&]|&(?:amp|lt|gt|quot|#39|#x[0-9a-fA-F]+);)*$/);
    at = tag.index + tag[0].length;
    if (tag[1] === "/") expect(open.pop()).toBe(tag[2]);
    else open.push(tag[2] ?? "");
  }
  expect(xml.slice(at)).toBe("\n");
  expect(open).toEqual([]);
}

describe("MathML", () => {
  it("is well formed, whatever the names", () => {
    for (const program of programs()) expectWellFormed(printObjective(deriveObjective(program, "training"), "mathml"));
  });

  it("gives scripts and fractions the number of children that MathML wants", () => {
    const arity: Record<string, number> = { msub: 2, msup: 2, mfrac: 2, munder: 2, munderover: 3 };
    for (const program of programs()) {
      const stack: { tag: string; children: number }[] = [];
      for (const tag of printObjective(deriveObjective(program, "training"), "mathml").matchAll(/<(\/?)([a-z][a-z0-9]*)[^>]*>/g)) {
        if (tag[1] === "/") {
          const done = stack.pop();
          const wanted = arity[done?.tag ?? ""];
          if (wanted !== undefined) expect(done?.children).toBe(wanted);
        } else {
          const parent = stack.at(-1);
          if (parent) parent.children++;
          stack.push({ tag: tag[2] ?? "", children: 0 });
        }
      }
    }
  });

  it("has one displayed formula for the whole, each term and each step", () => {
    const objective = deriveObjective(b.vae(), "training");
    expect(printObjective(objective, "mathml").match(/<math /g)).toHaveLength(1 + objective.terms.length + objective.steps.length);
  });

  it("escapes markup and characters that XML forbids", () => {
    expect(escapeXml(`<a href="x">'&\u0000\ud800`)).toBe("&lt;a href=&quot;x&quot;&gt;&#39;&amp;\ufffd\ufffd");
  });
});

describe("LaTeX", () => {
  it("balances braces, environments and \\left … \\right, in ASCII, whatever the names", () => {
    for (const program of programs()) {
      const text = printObjective(deriveObjective(program, "training"), "latex");
      expect(text).toMatch(/^[\n -~]*$/);
      const bare = text.replace(/^%.*$/gm, "").replace(/\\[\\{}]/g, "");
      let depth = 0;
      for (const character of bare) {
        if (character === "{") depth++;
        if (character === "}") depth--;
        expect(depth).toBeGreaterThanOrEqual(0);
      }
      expect(depth).toBe(0);
      expect(text.match(/\\begin\{align\*\}/g)?.length).toBe(text.match(/\\end\{align\*\}/g)?.length);
      for (const line of text.split("\n")) expect(line.match(/\\left[([]/g)?.length ?? 0, line).toBe(line.match(/\\right[)\]]/g)?.length ?? 0);
    }
  });

  it("lets no name become a command", () => {
    expect(escapeText("\\input{/etc/passwd} 100% x_1^2 #$&~")).toBe("\\textbackslash{}input\\{/etc/passwd\\} 100\\% x\\_1\\^{}2 \\#\\$\\&\\~{}");
    expect(printObjective(deriveObjective(hostileProgram("\\input{/etc/passwd}"), "training"), "latex").replace(/^%.*$/gm, "")).not.toContain("\\input");
  });
});

describe("text", () => {
  it("stays within 100 columns for names of usual length", () => {
    for (const program of programs().slice(0, 7)) for (const line of printObjective(deriveObjective(program, "training"), "text").split("\n")) expect([...line].length, line).toBeLessThanOrEqual(100);
  });

  it("states the objective of a variational auto-encoder as the textbook does", () => {
    const text = printObjective(deriveObjective(b.vae(), "training"), "text");
    expect(text).toContain("E_{q(z | x)}[log Bernoulli(x; logits = decoder(z))]\n      − KL(Normal(encoder(x).mean, encoder(x).scale) ‖ Normal(0, 1))");
    expect(text).toContain("½ · Σ_{j = 1..20} (μ_j² + σ_j² − 1 − log σ_j²)");
    expect(text).toContain("≥ E_{q(z | x)}[log p(x, z) − log q(z | x)]");
  });
});

describe("doc comment", () => {
  it("cannot be ended from inside, and is at most 100 columns for usual names", () => {
    for (const program of programs()) expect(printDocComment(deriveObjective(program, "training")).join("\n")).not.toContain("*/");
    for (const line of printDocComment(deriveObjective(b.semiSupervised(), "training"))) expect(line.length).toBeLessThanOrEqual(100);
  });
});
