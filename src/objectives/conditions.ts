import { argumentsOf } from "../ir/model/walk.js";
import type { DistributionCall, Expr, Reference } from "../ir/model/model.js";
import type { Formula } from "../ir/objective/formula.js";
import { formulaText } from "./formula-text.js";
import { bindingOf, density, indicesOf, ownSteps, platesOf, symbol } from "./formulas.js";
import { atIndex, type Index, type Piece, type Place, siteAt } from "./pieces.js";

/** `p(z_t | z_{t−1}, a_{t−1})`: a site's density at a step by name, given the steps that it reads. */
export function stepDensity(name: "p" | "q", site: string, piece: Piece): Formula {
  const [place, call] = name === "p" ? [piece.inModel, piece.prior] : [piece.inGuide, piece.guide];
  return density(name, [siteAt(site, piece)], call ? conditionsOf(place, call) : []);
}

/** What a distribution reads, through computed values: draws, then states that chains compute (`h_t`, which stand for all that they have read), then columns. */
function conditionsOf(place: Place, call: DistributionCall): readonly Formula[] {
  const found = { draws: new Map<string, Formula>(), states: new Map<string, Formula>(), columns: new Map<string, Formula>() };
  const seen = new Set<string>();
  const read = (at: Place, to: Reference, index: readonly Index[]): void => {
    const shown = atIndex(symbol(to.name), index);
    const key = formulaText(shown);
    if (to.kind === "binding") {
      const binding = bindingOf(at.setting, at.side, to.name);
      if (binding?.sequence) found.states.set(key, shown);
      else if (binding && !seen.has(key)) {
        seen.add(key);
        visit({ ...at, at: new Map(platesOf(at, to).flatMap((plate, axis) => (index[axis] ? [[plate.name, index[axis]] as const] : []))) }, binding.value);
      }
    } else if (to.kind === "site" || to.kind === "column") (at.setting.graph.isLatent(to.name) ? found.draws : found.columns).set(key, shown);
  };
  const visit = (at: Place, expr: Expr): void => {
    switch (expr.kind) {
      case "reference":
        return read(at, expr.to, ownSteps(at, expr.to));
      case "step":
      case "position": {
        const { target, index } = indicesOf(at, expr);
        if (target.kind !== "reference") return visit(at, target);
        // A position inside of one step's value is no step: `z[t, 1]` reads z_t.
        return read(at, target.to, target.to.kind === "column" ? index : index.slice(0, platesOf(at, target.to).length));
      }
      case "slice":
        return visit(at, expr.target);
      case "gather":
        visit(at, expr.target);
        return visit(at, expr.index);
      case "apply":
      case "layer":
      case "call":
        return expr.args.forEach((arg) => visit(at, arg));
      default:
        return;
    }
  };
  for (const expr of argumentsOf(call)) visit(place, expr);
  return [...found.draws.values(), ...found.states.values(), ...found.columns.values()];
}
