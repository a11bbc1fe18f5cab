import type { Formula } from "../ir/objective/formula.js";
import { assertNever } from "../util/assert-never.js";

/** How tightly an operator binds; a formula in a place that binds tighter gets brackets. */
enum Level {
  relation = 0,
  sum = 1,
  product = 2,
  power = 3,
}

/** A formula in one line of Unicode text: `E_{q(z | x)}[log Bernoulli(x; logits = decoder(z))]`. */
export function formulaText(formula: Formula, level: number = Level.relation): string {
  const list = (items: readonly Formula[]): string => items.map((item) => formulaText(item)).join(", ");
  const bracket = (own: number, text: string): string => (level > own ? `(${text})` : text);
  switch (formula.kind) {
    case "symbol":
      return formula.name;
    case "number":
      return bracket(formula.value < 0 ? Level.sum : Level.power, numberText(formula.value));
    case "subscript": {
      const base = formulaText(formula.base, Level.power);
      // Without spaces, so that no line breaks in it: `z_{s,t−1}`.
      const below = formulaText(formula.subscript).replace(/ ?([+−]|\.\.) /g, "$1").replace(/, /g, ",");
      // Short names take a mathematician's index, long ones a programmer's.
      const indexed = [...base.replace("′", "")].length > 1 && (formula.base.kind === "symbol" || formula.base.kind === "call" || formula.base.kind === "subscript");
      return indexed ? `${base}[${below}]` : `${base}_${/^[\p{L}\p{N}]+$/u.test(below) ? below : `{${below}}`}`;
    }
    case "superscript": {
      const above = formulaText(formula.superscript);
      const raised: Record<string, string> = { "2": "²", "3": "³", T: "ᵀ" };
      return `${formulaText(formula.base, Level.power + 1)}${raised[above] ?? `^${/^[\p{L}\p{N}]+$/u.test(above) ? above : `(${above})`}`}`;
    }
    case "density":
      return `${formula.name}(${list(formula.of)}${formula.given.length > 0 ? ` | ${list(formula.given)}` : ""}${formula.parameters.length > 0 ? `; ${list(formula.parameters)}` : ""})`;
    case "call": {
      const [only] = formula.args;
      if (formula.name.startsWith(".") && only) return `${formulaText(only, Level.power)}${formula.name}`;
      if (formula.name === "∇" && only) return bracket(Level.product, `∇ ${formulaText(only, Level.product)}`);
      return formula.name === "" ? `[${list(formula.args)}]` : `${formula.name}(${list(formula.args)})`;
    }
    case "sum":
      return bracket(Level.sum, signedTerms(formula.terms).map(({ sign, of }, at) => `${at === 0 ? (sign === "−" ? "−" : "") : ` ${sign} `}${formulaText(of, Level.sum + (sign === "−" ? 1 : 0))}`).join(""));
    case "product":
      return bracket(Level.product, formula.factors.map((factor, at) => formulaText(factor, factorLevel(formula.factors, at))).join(" · "));
    case "negative":
      return bracket(Level.sum, `−${formulaText(formula.of, Level.product)}`);
    case "fraction":
      return bracket(Level.product, `${formulaText(formula.numerator, Level.product)} / ${formulaText(formula.denominator, Level.power)}`.replace(/^(\w) \/ (\w)$/, "$1/$2"));
    case "log":
      return bracket(Level.product, `log ${formulaText(formula.of, isProduct(formula.of) ? Level.power : Level.product)}`);
    case "expectation":
      return `E_{${formulaText(formula.under)}}[${formulaText(formula.of)}]`;
    case "divergence":
      return `KL(${formulaText(formula.left)} ‖ ${formulaText(formula.right)})`;
    case "entropy":
      return `H[${formulaText(formula.of)}]`;
    case "list":
      return list(formula.items);
    case "big-sum":
    case "big-product": {
      const sign = formula.kind === "big-sum" ? "Σ" : "Π";
      const range = formula.from && formula.to ? `_{${formula.index} = ${formulaText(formula.from)}..${formulaText(formula.to)}}` : `_${formula.index.length === 1 ? formula.index : `{${formula.index}}`}`;
      return bracket(Level.product, `${sign}${range} ${formulaText(formula.of, Level.product)}`);
    }
    case "integral":
      return bracket(Level.product, `∫ ${formulaText(formula.of, Level.product)} ${formula.over.map((variable) => `d${formulaText(variable, Level.power)}`).join(" ")}`);
    case "relation":
      return bracket(Level.relation, `${formulaText(formula.left, Level.sum)} ${formula.relation} ${formulaText(formula.right, Level.sum)}`);
    default:
      return assertNever(formula);
  }
}

/** A sum or product over steps reaches to the end of a product, so it stands in brackets where others follow. */
export function factorLevel(factors: readonly Formula[], at: number): Level {
  const { kind } = factors[at]!;
  return (kind === "big-sum" || kind === "big-product") && at < factors.length - 1 ? Level.power : Level.product;
}

/** What stands in brackets after `log`, so that no reader takes its first factor alone. */
export function isProduct(formula: Formula): boolean {
  return formula.kind === "product" || formula.kind === "fraction";
}

/** The terms of a sum with their signs, so that a negative one is subtracted. Negative numbers lose theirs too. */
export function signedTerms(terms: readonly Formula[]): readonly { readonly sign: "+" | "−"; readonly of: Formula }[] {
  return terms.map((term) => {
    if (term.kind === "negative") return { sign: "−", of: term.of };
    if (term.kind === "number" && term.value < 0) return { sign: "−", of: { kind: "number", value: -term.value } };
    return { sign: "+", of: term };
  });
}

const halves: Record<string, string> = { "0.5": "½" };

/** `0.5` as ½, whole numbers plain, others in the shortest form that reads back the same. */
export function numberText(value: number): string {
  const magnitude = String(Math.abs(value));
  return `${value < 0 ? "−" : ""}${halves[magnitude] ?? magnitude}`;
}

/** A formula over several lines of at most `width` columns: broken before the signs of its outermost sum, else between words. */
export function formulaLines(formula: Formula, width: number): readonly string[] {
  const whole = formulaText(formula);
  if (whole.length <= width) return [whole];
  const inner = formula.kind === "sum" ? formula : undefined;
  if (inner)
    return signedTerms(inner.terms).flatMap(({ sign, of }, at) => {
      const lead = at === 0 && sign === "+" ? "  " : `${sign} `;
      const wrapped = formulaLines(wrapIfSum(of, sign), width - 2);
      return wrapped.map((line, row) => (row === 0 ? lead : "    ") + line);
    });
  const spine = innermostSum(formula);
  if (spine && spine.head.length <= width) return [spine.head, ...formulaLines(spine.sum, width - 2).map((line) => `  ${line}`), spine.tail];
  if (formula.kind === "relation") {
    const head = `${formulaText(formula.left, Level.sum)} ${formula.relation}`;
    const indent = head.length <= 8 ? head.length + 1 : 4;
    const body = formulaLines(formula.right, width - indent);
    if (head.length > 8) return [...wrapText(head, width, 4), ...body.map((line) => " ".repeat(indent) + line)];
    return body.map((line, row) => (row === 0 ? `${head} ${line}` : " ".repeat(indent) + line));
  }
  return wrapText(whole, width, 4);
}

/** The sum at the end of a formula, `E[log (1/8 · Σ_k exp(` before it and the closing brackets after it. */
function innermostSum(formula: Formula): { readonly head: string; readonly sum: Formula; readonly tail: string } | undefined {
  const around = (open: string, inner: Formula, close: string): ReturnType<typeof innermostSum> => {
    const found = innermostSum(inner);
    return found && { head: open + found.head, sum: found.sum, tail: found.tail + close };
  };
  const operand = (open: string, inner: Formula, bracketed: boolean): ReturnType<typeof innermostSum> => (bracketed ? around(`${open}(`, inner, ")") : around(open, inner, ""));
  switch (formula.kind) {
    case "sum":
      return { head: "", sum: formula, tail: "" };
    case "expectation":
      return around(`E_{${formulaText(formula.under)}}[`, formula.of, "]");
    case "log":
      return operand("log ", formula.of, formula.of.kind === "sum" || isProduct(formula.of));
    case "negative":
      return operand("−", formula.of, formula.of.kind === "sum");
    case "big-sum":
    case "big-product":
      return operand(formulaText({ ...formula, of: { kind: "symbol", name: "" } }), formula.of, formula.of.kind === "sum");
    case "product": {
      const last = formula.factors.at(-1);
      return last && operand(formula.factors.slice(0, -1).map((factor) => `${formulaText(factor, Level.product)} · `).join(""), last, last.kind === "sum");
    }
    case "call": {
      const [only] = formula.args;
      return only && formula.args.length === 1 && formula.name !== "" && !formula.name.startsWith(".") ? around(`${formula.name}(`, only, ")") : undefined;
    }
    default:
      return undefined;
  }
}

function wrapIfSum(of: Formula, sign: "+" | "−"): Formula {
  return sign === "−" && of.kind === "sum" ? { kind: "call", name: "", args: [of] } : of;
}

/** Text broken between words; continuation lines are indented. A word longer than a line stays whole. */
export function wrapText(text: string, width: number, indent = 0): readonly string[] {
  const lines: string[] = [];
  let line = "";
  // A sum keeps its range: `Σ_{t = 1..T}` is one word.
  for (const word of text.replace(/[ΣΠ]_\{[^}]*\}/g, (range) => range.replaceAll(" ", "\u00a0")).split(" ")) {
    const room = lines.length === 0 ? width : width - indent;
    if (line !== "" && line.length + 1 + word.length > room) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines.map((next, at) => (at === 0 ? next : " ".repeat(indent) + next).replaceAll("\u00a0", " "));
}
