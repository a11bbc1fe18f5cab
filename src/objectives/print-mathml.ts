import { lineOf } from "../diagnostics/span.js";
import type { Formula } from "../ir/objective/formula.js";
import type { Objective } from "../ir/objective/objective.js";
import { assertNever } from "../util/assert-never.js";
import { escapeXml } from "../util/escape-xml.js";
import { factorLevel, numberText, signedTerms } from "./formula-text.js";
import { boundTitle, weightText } from "./print-text.js";
import { named, totalFormula } from "./total.js";

/** The objective as an HTML fragment with presentation MathML (MathML Core): one displayed formula for each step and term. */
export function printObjectiveMathml(objective: Objective): string {
  const lines = [`<section class="objective">`, `<h2>${escapeXml(objective.model)}: ${escapeXml(boundTitle(objective))}, in nats per row</h2>`, display(formulaMathml(named(totalFormula(objective))))];
  lines.push(`<h3>Terms</h3>`);
  for (const term of objective.terms) {
    lines.push(
      `<h4>${escapeXml(term.name)}</h4>`,
      display(formulaMathml(term.formula)),
      `<p>line ${lineOf(term.origin)}, weight ${escapeXml(weightText(term))}, ${escapeXml(term.estimator)}, <em>${term.exactness}</em>: ${escapeXml(term.reason)}</p>`,
    );
  }
  lines.push(`<h3>Derivation</h3>`);
  for (const step of objective.steps) {
    const sign = step.relation === "" ? "" : operator(step.relation);
    lines.push(display(sign + formulaMathml(step.formula)), `<p>${escapeXml(step.rule)}</p>`);
  }
  lines.push(`</section>`);
  return `${lines.join("\n")}\n`;
}

function display(content: string): string {
  return `<math xmlns="http://www.w3.org/1998/Math/MathML" display="block"><mrow>${content}</mrow></math>`;
}

/** One formula as presentation MathML, always a single element. `level` as in `formulaLatex`. */
export function formulaMathml(formula: Formula, level = 0): string {
  const list = (items: readonly Formula[]): string => items.map((item) => formulaMathml(item)).join(operator(","));
  const bracket = (own: number, text: string): string => (level > own ? row(fence("(", text, ")")) : row(text));
  switch (formula.kind) {
    case "symbol":
      return identifier(formula.name);
    case "number":
      return bracket(formula.value < 0 ? 1 : 3, formula.value < 0 ? operator("−") + digits(-formula.value) : digits(formula.value));
    case "subscript":
      return `<msub>${formulaMathml(formula.base, 3)}${formulaMathml(formula.subscript)}</msub>`;
    case "superscript":
      return `<msup>${formulaMathml(formula.base, 4)}${formulaMathml(formula.superscript)}</msup>`;
    case "density": {
      const given = formula.given.length > 0 ? operator("|") + list(formula.given) : "";
      const parameters = formula.parameters.length > 0 ? operator(";") + list(formula.parameters) : "";
      return row(identifier(formula.name) + apply + fence("(", list(formula.of) + given + parameters, ")"));
    }
    case "call": {
      const [only] = formula.args;
      if (formula.name.startsWith(".") && only) return row(formulaMathml(only, 3) + operator(".") + identifier(formula.name.slice(1)));
      if (formula.name === "∇" && only) return bracket(2, operator("∇") + formulaMathml(only, 2));
      if (formula.name === "") return row(fence("[", list(formula.args), "]"));
      return row(identifier(formula.name) + apply + fence("(", list(formula.args), ")"));
    }
    case "sum":
      return bracket(1, signedTerms(formula.terms).map(({ sign, of }, at) => (at === 0 && sign === "+" ? "" : operator(sign)) + formulaMathml(of, sign === "−" ? 2 : 1)).join(""));
    case "product":
      return bracket(2, formula.factors.map((factor, at) => formulaMathml(factor, factorLevel(formula.factors, at))).join(operator("·")));
    case "negative":
      return bracket(1, operator("−") + formulaMathml(formula.of, 2));
    case "fraction":
      return `<mfrac>${formulaMathml(formula.numerator)}${formulaMathml(formula.denominator)}</mfrac>`;
    case "log":
      return bracket(2, `<mi>log</mi>${apply}${formulaMathml(formula.of, formula.of.kind === "product" ? 3 : 2)}`);
    case "expectation":
      return row(`<msub><mi mathvariant="normal">E</mi>${formulaMathml(formula.under)}</msub>${fence("[", formulaMathml(formula.of), "]")}`);
    case "divergence":
      return row(`<mi>KL</mi>${apply}${fence("(", formulaMathml(formula.left) + operator("‖") + formulaMathml(formula.right), ")")}`);
    case "entropy":
      return row(`<mi mathvariant="normal">H</mi>${fence("[", formulaMathml(formula.of), "]")}`);
    case "list":
      return row(list(formula.items));
    case "big-sum":
    case "big-product": {
      const operatorSign = `<mo>${formula.kind === "big-sum" ? "∑" : "∏"}</mo>`;
      const below = formula.from ? row(identifier(formula.index) + operator("=") + formulaMathml(formula.from)) : identifier(formula.index);
      const sign = formula.to ? `<munderover>${operatorSign}${below}${formulaMathml(formula.to)}</munderover>` : `<munder>${operatorSign}${below}</munder>`;
      return bracket(2, sign + formulaMathml(formula.of, 2));
    }
    case "integral":
      return bracket(2, `<mo>∫</mo>${formulaMathml(formula.of, 2)}${formula.over.map((variable) => `<mspace width="0.17em"></mspace><mi>d</mi>${formulaMathml(variable, 3)}`).join("")}`);
    case "relation":
      return bracket(0, formulaMathml(formula.left, 1) + operator(formula.relation) + formulaMathml(formula.right, 1));
    default:
      return assertNever(formula);
  }
}

const apply = "<mo>&#x2061;</mo>";
const row = (content: string): string => `<mrow>${content}</mrow>`;
const operator = (sign: string): string => `<mo>${escapeXml(sign)}</mo>`;
const fence = (open: string, content: string, close: string): string => `<mo>${open}</mo>${row(content)}<mo>${close}</mo>`;
const digits = (value: number): string => `<mn>${escapeXml(numberText(value))}</mn>`;
/** Names of several letters stand upright by MathML's own rule for `mi`. */
const identifier = (name: string): string => `<mi>${escapeXml(name)}</mi>`;
