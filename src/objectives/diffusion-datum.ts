import { byteScale } from "../ir/diffusion/coefficients.js";
import type { Diffusion } from "../ir/model/model.js";
import type { Formula } from "../ir/objective/formula.js";
import type { DerivationStep } from "../ir/objective/objective.js";
import { elementCount } from "../types/type.js";
import { density, expectation, fraction, log, negative, number, product, relation, subscript, sum, symbol } from "./formulas.js";

const at = ({ name }: Diffusion, t: number): Formula => subscript(symbol(name), number(t));

/** p of the datum, and what is there of the chain: P where it is the mass of a byte's bin. */
export const datumLetter = ({ reconstruction }: Diffusion): "p" | "P" => (reconstruction === "discretized" ? "P" : "p");

/** The density of bytes is that of their scaled values over 127.5: minus D log 127.5. */
export function scaleTerms({ type, bytes, reconstruction }: Diffusion): readonly Formula[] {
  return bytes && reconstruction === "gaussian" ? [negative(product(number(elementCount(type)), log(number(byteScale))))] : [];
}

/** log of p(x_0 | a state). */
export const firstLikelihood = (diffusion: Diffusion, state: Formula): Formula => log(density(datumLetter(diffusion), [at(diffusion, 0)], [state]));

/** What is said of bytes before the chain is. */
export function scaledBytes({ name, bytes }: Diffusion): readonly DerivationStep[] {
  if (!bytes) return [];
  const formula = relation(subscript(symbol(name), number(0)), "=", sum(fraction(symbol(name), number(byteScale)), number(-1)));
  return [{ relation: "", formula, rule: `bytes 0 … 255 are seen on [−1, 1]; ${name}_0 is the scaled byte from here on` }];
}

/** E log p(x_0 | x_1), of bytes as they are. */
export function reconstructionFormula(diffusion: Diffusion): Formula {
  return sum(expectation(density("q", [at(diffusion, 1)], [at(diffusion, 0)]), firstLikelihood(diffusion, at(diffusion, 1))), ...scaleTerms(diffusion));
}

/** What is said of bytes before and after the chain is. */
export function datumSteps(diffusion: Diffusion, shownDeviation: string): { readonly before: readonly DerivationStep[]; readonly after: readonly DerivationStep[] } {
  const { name, bytes, reconstruction } = diffusion;
  const scaled = scaledBytes(diffusion);
  if (!bytes) return { before: [], after: [] };
  const [datum, first] = [at(diffusion, 0), at(diffusion, 1)];
  if (reconstruction === "gaussian") {
    const formula = relation(density("p", [symbol(name)]), "=", fraction(density("p", [datum]), number(byteScale)));
    return { before: [...scaled, { relation: "", formula, rule: "of each element: the density of a byte is that of its scaled value over 127.5, D log 127.5 in all" }], after: [] };
  }
  const formula = relation(density("P", [datum], [first]), "=", { kind: "integral", of: density("p", [symbol("u")], [first]), over: [symbol("u")] });
  const rule = `over the bin of the byte, ${name}_0 ± 1/255, open below −1 and above 1: Φ((${name}_0 + 1/255 − x̂_0) / b_1) − Φ((${name}_0 − 1/255 − x̂_0) / b_1), b_1 = ${shownDeviation} (Ho et al. 2020, eq. 13)`;
  return { before: scaled, after: [{ relation: "", formula, rule }] };
}
