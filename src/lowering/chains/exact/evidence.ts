import type { Term } from "../../../ir/objective/objective.js";
import { isProblem, layoutOf, placedSites, type SummedLayout } from "../../../ir/model/summed-chains.js";
import { InternalError } from "../../../util/internal-error.js";
import type { LoweringContext } from "../../context.js";
import { logFactor } from "../../densities-of-sites.js";
import { eliminate, eliminateWithin, type Variable } from "../../elimination.js";
import { siteOf, type Latent } from "../../latents.js";
import { isPlateAxis, plateAxis, sumAxes, type Value } from "../../value.js";
import { forwardPass } from "./forward.js";
import { alongChain, classAxis, lagAxis, type Piece, piecesOf, wholePiece } from "./pieces.js";

/** A sum over labels, ready to be taken. */
export interface LabelSum {
  readonly layout: SummedLayout;
  /** Factors with labels of chains. */
  readonly chained: readonly Piece[];
  /** All others. */
  readonly rest: readonly Value[];
  /** What is summed when the chains are. */
  readonly outer: readonly Variable[];
}

/** The latents of a program that are summed out and read at other steps than their own. */
export function placedOf({ program }: Pick<LoweringContext, "program">): ReadonlySet<string> {
  return placedSites(program.model, new Set(program.guide.flatMap((step) => (step.kind === "marginalized" ? [step.site] : []))));
}

/** log Σ_k of an evidence term, over labels: by variable elimination, chains by a loop over their steps. */
export function labelEvidence(context: LoweringContext, term: Term, latents: readonly Latent[], more: readonly Piece[] = []): Value {
  const { layout, chained, rest, outer } = labelSum(context, term, latents, more);
  const summed = layout.chain ? [forwardPass(context, layout, chained, "logsumexp", context.mode === "train" ? context.program.training.checkpoint : undefined).total] : [];
  return eliminate(context, [...summed, ...rest], outer);
}

/** Eliminates what is local to a step (or to loops within it), for all steps at once: what is left are the chains and what stands around them. */
export function labelSum(context: LoweringContext, term: Pick<Term, "sites" | "factors">, latents: readonly Latent[], more: readonly Piece[] = []): LabelSum {
  const layout = layoutOfTerm(context, term);
  const placed = new Set(layout.variables.map(({ site }) => site.name));
  const reads = new Set(layout.factors.filter((factor) => factor.reads.length > 0).map(({ site }) => site.name));
  const plain = new Map(term.factors.filter((name) => !reads.has(name)).map((name) => [name, logFactor(context, siteOf(context.program, name), latents.find(({ site }) => site.name === name))]));
  const pieces = [...piecesOf(context, layout, latents, plain), ...more];
  const plateOf = (name: string): string => {
    const of = layout.factors.flatMap(({ places }) => places).find(({ plate }) => plate?.name === name)?.class;
    return of ? classAxis(of) : plateAxis(name);
  };
  const around = layout.chain ? new Set(layout.variables.flatMap(({ classes }) => (classes.includes(layout.chain!) ? classes.filter((each) => each !== layout.chain).map(classAxis) : []))) : undefined;
  const variables: Variable[] = [
    ...term.sites.filter((name) => !placed.has(name)).map((name) => ({ axis: latents.find(({ site }) => site.name === name)!.axis!, plates: siteOf(context.program, name).plates.map(({ name: plate }) => plateOf(plate)) })),
    ...layout.variables.filter(({ depth }) => depth === 0).map(({ site, classes }) => ({ axis: lagAxis(site.name, 0), plates: classes.map(classAxis) })),
  ];
  if (!layout.chain || !around) return { layout, chained: [], rest: pieces.map((piece) => wholePiece(context, piece, undefined)), outer: variables };
  const { chain } = layout;
  const inner = variables.filter(({ plates }) => plates.some((plate) => !around.has(plate)));
  const outer = variables.filter((variable) => !inner.includes(variable));
  const isInner = (piece: Piece): boolean => inner.some(({ axis }) => piece.value.axes.includes(axis));
  const local = eliminateWithin(context, pieces.filter(isInner).map((piece) => {
    const whole = wholePiece(context, piece, chain);
    return piece.from === -Infinity ? whole : alongChain(context, whole, chain);
  }), inner, new Set([...around, classAxis(chain)]));
  const made = [...pieces.filter((piece) => !isInner(piece)), ...local.map((value): Piece => ({ value, from: chain.from, to: chain.from + chain.size - 1 }))];
  const isChained = ({ value }: Piece): boolean => layout.variables.some(({ site, depth }) => depth > 0 && Array.from({ length: depth + 1 }, (_, lag) => lagAxis(site.name, lag)).some((axis) => value.axes.includes(axis)));
  const kept = new Set([...around, classAxis(chain)]);
  const chained = made.filter(isChained).map((piece) => ({ ...piece, value: sumAxes(context.b, piece.value, (axis) => isPlateAxis(axis) && !kept.has(axis)) }));
  const rest = made.filter((piece) => !isChained(piece)).map((piece) => {
    const whole = wholePiece(context, piece, chain);
    return piece.from === -Infinity ? whole : alongChain(context, whole, chain);
  });
  return { layout, chained, rest, outer };
}

export function layoutOfTerm({ program }: Pick<LoweringContext, "program">, term: Pick<Term, "sites" | "factors">): SummedLayout {
  const placed = placedOf({ program });
  const layout = layoutOf(program.model, new Set(term.sites.filter((name) => placed.has(name))), term.factors);
  if (isProblem(layout)) throw new InternalError(`${layout.site} cannot be summed out step by step`);
  return layout;
}
