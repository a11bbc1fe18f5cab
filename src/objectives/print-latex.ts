import { lineOf } from "../diagnostics/span.js";
import type { Formula } from "../ir/objective/formula.js";
import type { Objective } from "../ir/objective/objective.js";
import { assertNever } from "../util/assert-never.js";
import { factorLevel, numberText, signedTerms } from "./formula-text.js";
import { boundTitle, weightText } from "./print-text.js";
import { totalFormula } from "./total.js";

/** The objective as LaTeX for a document with `\usepackage{amsmath}`: what is maximized, the derivation, the terms. */
export function printObjectiveLatex(objective: Objective): string {
  const lines = [`% ${asciiOnly(objective.model)}: ${asciiOnly(boundTitle(objective))}, nats per row`, ...align(sumLines("\\mathcal{L} &= ", totalFormula(objective)))];
  const chain: string[] = [];
  for (const step of objective.steps) {
    const sign = { "=": "&= ", "≥": "&\\geq ", "≈": "&\\approx ", "→": "&\\to ", "": chain.length === 0 ? "&\\phantom{{}={}} " : "" }[step.relation];
    const shown = step.relation === "" && step.formula.kind === "relation" ? `${formulaLatex(step.formula.left)} &${relationLatex(step.formula.relation)} ${formulaLatex(step.formula.right)}` : `${sign}${formulaLatex(step.formula)}`;
    chain.push(shown, `&\\quad\\text{\\footnotesize ${escapeText(step.rule)}}`);
  }
  lines.push("", ...align(chain));
  for (const term of objective.terms) {
    lines.push("", `\\paragraph{${escapeText(term.name)}} line ${lineOf(term.origin)}, weight ${escapeText(weightText(term))}, ${escapeText(term.estimator)}, \\emph{${term.exactness}}: ${escapeText(term.reason)}.`, ...align([`&${formulaLatex(term.formula)}`]));
  }
  return `${lines.join("\n")}\n`;
}

function align(lines: readonly string[]): readonly string[] {
  if (lines.length === 0) return [];
  return ["\\begin{align*}", ...lines.map((line, at) => `  ${line}${at < lines.length - 1 ? " \\\\" : ""}`), "\\end{align*}"];
}

/** A sum with one term on each line, aligned at the signs. */
function sumLines(lead: string, formula: Formula): readonly string[] {
  if (formula.kind !== "sum") return [lead + formulaLatex(formula)];
  return signedTerms(formula.terms).map(({ sign, of }, at) => (at === 0 ? `${lead}${sign === "−" ? "-" : ""}` : `&\\quad ${sign === "−" ? "-" : "+"} `) + termLatex(of, sign));
}

function termLatex(of: Formula, sign: "+" | "−"): string {
  return formulaLatex(of, sign === "−" ? 2 : 1);
}

/** One formula in LaTeX mathematics. `level`: 0 relation, 1 sum, 2 product, 3 base of a power; brackets where the place binds tighter. */
export function formulaLatex(formula: Formula, level = 0): string {
  const bracket = (own: number, text: string): string => (level > own ? `\\left(${text}\\right)` : text);
  const list = (items: readonly Formula[]): string => items.map((item) => formulaLatex(item)).join(", ");
  switch (formula.kind) {
    case "symbol":
      return symbolLatex(formula.name);
    case "number":
      return bracket(formula.value < 0 ? 1 : 3, numberLatex(formula.value));
    case "subscript":
      return `${wrapBase(formula.base)}_{${formulaLatex(formula.subscript)}}`;
    case "superscript":
      return `${wrapBase(formula.base)}^{${formula.superscript.kind === "symbol" && formula.superscript.name === "T" ? "\\top" : formulaLatex(formula.superscript)}}`;
    case "density":
      return `${functionName(formula.name)}\\left(${list(formula.of)}${formula.given.length > 0 ? ` \\mid ${list(formula.given)}` : ""}${formula.parameters.length > 0 ? `;\\, ${list(formula.parameters)}` : ""}\\right)`;
    case "call": {
      const [only] = formula.args;
      if (formula.name.startsWith(".") && only) return `${formulaLatex(only, 3)}.${symbolLatex(formula.name.slice(1))}`;
      if (formula.name === "∇" && only) return bracket(2, `\\nabla ${formulaLatex(only, 2)}`);
      if (formula.name === "") return `\\left[${list(formula.args)}\\right]`;
      return `${functionName(formula.name)}\\left(${list(formula.args)}\\right)`;
    }
    case "sum":
      return bracket(1, signedTerms(formula.terms).map(({ sign, of }, at) => `${at === 0 ? (sign === "−" ? "-" : "") : sign === "−" ? " - " : " + "}${termLatex(of, sign)}`).join(""));
    case "product":
      return bracket(2, formula.factors.map((factor, at) => formulaLatex(factor, factorLevel(formula.factors, at))).join(" \\cdot "));
    case "negative":
      return bracket(1, `-${formulaLatex(formula.of, 2)}`);
    case "fraction":
      return `\\frac{${formulaLatex(formula.numerator)}}{${formulaLatex(formula.denominator)}}`;
    case "log":
      return bracket(2, `\\log ${formulaLatex(formula.of, formula.of.kind === "product" ? 3 : 2)}`);
    case "expectation":
      return `\\mathbb{E}_{${formulaLatex(formula.under)}}\\left[${formulaLatex(formula.of)}\\right]`;
    case "divergence":
      return `\\mathrm{KL}\\left(${formulaLatex(formula.left)} \\,\\middle\\|\\, ${formulaLatex(formula.right)}\\right)`;
    case "entropy":
      return `\\mathrm{H}\\left[${formulaLatex(formula.of)}\\right]`;
    case "list":
      return list(formula.items);
    case "big-sum":
    case "big-product":
      return bracket(2, `${formula.kind === "big-sum" ? "\\sum" : "\\prod"}_{${symbolLatex(formula.index)}${formula.from ? ` = ${formulaLatex(formula.from)}` : ""}}${formula.to ? `^{${formulaLatex(formula.to)}}` : ""} ${formulaLatex(formula.of, 2)}`);
    case "integral":
      return bracket(2, `\\int ${formulaLatex(formula.of, 2)} ${formula.over.map((variable) => `\\,d${formulaLatex(variable, 3)}`).join("")}`);
    case "relation":
      return bracket(0, `${formulaLatex(formula.left, 1)} ${relationLatex(formula.relation)} ${formulaLatex(formula.right, 1)}`);
    default:
      return assertNever(formula);
  }
}

/** `{base}`, in brackets when it is an operation; a base that has a sub- or superscript is braced so that it can take another. */
function wrapBase(base: Formula): string {
  return `{${formulaLatex(base, 3)}}`;
}

function relationLatex(sign: string): string {
  return { "=": "=", "≤": "\\leq", "≥": "\\geq", "≈": "\\approx", "→": "\\to", "~": "\\sim" }[sign] ?? `\\mathrel{\\text{${escapeText(sign)}}}`;
}

function numberLatex(value: number): string {
  const text = numberText(value);
  const [mantissa, exponent] = text.replace("−", "-").split("e");
  if (exponent !== undefined) return `${mantissa} \\cdot 10^{${Number(exponent)}}`;
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "\\mathrm{NaN}" : `${value < 0 ? "-" : ""}\\infty`;
  return text.replace("½", "\\tfrac{1}{2}").replace("−", "-");
}

const greek: Readonly<Record<string, string>> = {
  α: "\\alpha", β: "\\beta", γ: "\\gamma", δ: "\\delta", ε: "\\varepsilon", θ: "\\theta", κ: "\\kappa", λ: "\\lambda", μ: "\\mu", ν: "\\nu", ξ: "\\xi", π: "\\pi",
  ρ: "\\rho", σ: "\\sigma", τ: "\\tau", φ: "\\varphi", χ: "\\chi", ψ: "\\psi", ω: "\\omega", Γ: "\\Gamma", Δ: "\\Delta", Λ: "\\Lambda", Σ: "\\Sigma", Φ: "\\Phi", Ψ: "\\Psi", Ω: "\\Omega",
  "∇": "\\nabla", "…": "\\ldots", "·": "\\cdot",
};

function symbolLatex(name: string): string {
  if (greek[name]) return greek[name];
  if (/^[A-Za-z]$/.test(name)) return name;
  if (/^[A-Za-z]′$/.test(name)) return name.replace("′", "'");
  if (/^1:[A-Z]$/.test(name)) return name;
  if (name === "|J|") return "\\lvert J \\rvert";
  return /^[\w ]+$/.test(name) ? `\\mathrm{${escapeText(name)}}` : `\\text{${escapeText(name)}}`;
}

function functionName(name: string): string {
  if (/^[A-Za-z]$/.test(name)) return name;
  if (name === "exp" || name === "max" || name === "det") return `\\${name}`;
  return /^\w+$/.test(name) ? `\\operatorname{${escapeText(name)}}` : `\\text{${escapeText(name)}}`;
}

const special: Readonly<Record<string, string>> = {
  "\\": "\\textbackslash{}", "{": "\\{", "}": "\\}", $: "\\$", "&": "\\&", "#": "\\#", _: "\\_", "%": "\\%", "^": "\\^{}", "~": "\\~{}",
  "<": "$<$", ">": "$>$", "|": "$|$", "≥": "$\\geq$", "≤": "$\\leq$", "≈": "$\\approx$", "→": "$\\to$", "−": "$-$", "×": "$\\times$",
  "∫": "$\\int$", "²": "${}^{2}$", "ᵀ": "${}^{\\top}$", "‖": "$\\|$", "½": "$\\tfrac{1}{2}$", "–": "--", "’": "'", "′": "$'$", "`": "\\textasciigrave{}",
  "\n": " ", "\r": " ", "\t": " ",
};

/** Any text inside `\text{…}`: special characters are escaped; characters that pdfLaTeX may not know are named by their code point. */
export function escapeText(text: string): string {
  return [...text].map((character) => special[character] ?? (greek[character] ? `$${greek[character]}$` : character >= " " && character <= "~" ? character : `[U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}]`)).join("");
}

/** Text of a comment line: nothing may end it. */
function asciiOnly(text: string): string {
  return text.replace(/[^ -~]/g, "?");
}
