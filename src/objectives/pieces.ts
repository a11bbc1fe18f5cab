import { type DistributionCall, type GuideSite, letterOf, type Plate, type Site } from "../ir/model/model.js";
import type { Formula } from "../ir/objective/formula.js";
import { bigProduct, bigSum, call, list, number, product, subscript, sum, symbol } from "./formula-parts.js";
import type { Setting } from "./setting.js";

/** A step of a loop as a reader sees it: `t − 1`, or `3`, or `T + 1` of a named constant. */
export interface Index {
  readonly letter?: string;
  readonly offset: number;
}

/** Where an expression stands: in the model's or the guide's text, at which steps of the loops around it. */
export interface Place {
  readonly setting: Setting;
  readonly side: "model" | "guide";
  /** By the name of the plate. A plate that is not here is read with all its steps. */
  readonly at: ReadonlyMap<string, Index>;
}

/** Some steps of a site for which one formula holds: a start of its chain, or all its steps from … to …. */
export interface Piece {
  /** Sums over the loops, outermost first; a start has none of its own. */
  readonly ranges: readonly { readonly letter: string; readonly from: Formula; readonly to: Formula }[];
  /** The site's own index in these steps: `z_{s, t}`. */
  readonly index: readonly Index[];
  readonly prior: DistributionCall;
  /** The guide site's distribution. */
  readonly guide?: DistributionCall;
  readonly inModel: Place;
  readonly inGuide: Place;
}

export function outside(setting: Setting, side: Place["side"]): Place {
  return { setting, side, at: new Map() };
}

/**
 * The steps of a site by the formulas that hold for them: z_1 where the chain begins there, and z_t for t = 2..T. `sides` whose starts divide them. All loop variables are those of
 * the model, also in what its guide says with letters of its own.
 */
export function piecesOf(setting: Setting, name: string, sides: readonly Place["side"][]): readonly Piece[] {
  const site = setting.graph.site(name);
  const entry = setting.graph.entryOf(name);
  const guided = entry?.kind === "guide-site" ? entry : undefined;
  const last = site.plates.at(-1);
  const outer = site.plates.slice(0, -1);
  const around = outer.map((plate): Index => ({ letter: letterOf(plate), offset: 0 }));
  const make = (own: Index | undefined, position: number | undefined, range?: Piece["ranges"][number]): Piece => {
    const index = own ? [...around, own] : around;
    const placed = (side: Place["side"], plates: readonly Plate[], chain: Plate | undefined): Place => ({
      setting, side, at: new Map([...index.map((at, axis) => [plates[axis]?.name ?? "", at] as const), ...(own && chain ? [[chain.name, own] as const] : [])]),
    });
    const callOf = ({ distribution, sequence }: Site | GuideSite): DistributionCall => sequence?.starts.find((start) => start.position === position)?.value ?? distribution;
    return {
      ranges: [...outer.map(rangeOf), ...(range ? [range] : [])], index, prior: callOf(site), ...(guided ? { guide: callOf(guided) } : {}),
      inModel: placed("model", site.plates, site.sequence?.chain), inGuide: placed("guide", guided?.plates ?? site.plates, guided?.sequence?.chain),
    };
  };
  if (!last) return [make(undefined, undefined)];
  const sequences = [sides.includes("model") ? site.sequence : undefined, sides.includes("guide") ? guided?.sequence : undefined];
  const starts = [...new Set(sequences.flatMap((sequence) => (sequence?.starts ?? []).map(({ position }) => position)))].sort((left, right) => left - right);
  const end = last.from + last.size - 1;
  let [from, to] = [last.from, end];
  while (starts.includes(from)) from++;
  while (to >= from && starts.includes(to)) to--;
  const single = (position: number): Piece => make(position === last.from ? indexOf(last.written?.from, position) : position === end ? indexOf(last.written?.to, position) : { offset: position }, position);
  const said = [last, site.sequence?.chain, guided?.plates.at(-1), guided?.sequence?.chain].filter((plate) => plate !== undefined);
  const low = indexOf(said.find((plate) => plate.from === from)?.written?.from, from);
  const high = indexOf(said.find((plate) => plate.from + plate.size - 1 === to)?.written?.to, to);
  const steps = from > to ? [] : [make({ letter: letterOf(last), offset: 0 }, undefined, { letter: letterOf(last), from: indexFormula(low), to: last.length !== undefined && to === end ? lengthFormula(last.length) : indexFormula(high) })];
  const pieces = [...starts.filter((position) => position < from).map(single), ...steps, ...starts.filter((position) => position > to && position >= from).map(single)];
  return (site.sequence?.chain ?? last).chain === "down" ? pieces.reverse() : pieces;
}

function rangeOf(plate: Plate): Piece["ranges"][number] {
  const end = plate.from + plate.size - 1;
  return { letter: letterOf(plate), from: indexFormula(indexOf(plate.written?.from, plate.from)), to: plate.length !== undefined ? lengthFormula(plate.length) : indexFormula(indexOf(plate.written?.to, end)) };
}

/** A position as it is written where that is a name or a name and a number; else the number that it is. */
export function indexOf(text: string | undefined, position: number): Index {
  const match = /^([\p{L}_][\p{L}\p{M}\p{N}_]*)(?: *([+-]) *(\d+))?$/u.exec(text ?? "");
  return match ? { letter: match[1]!, offset: Number(`${match[2] ?? ""}${match[3] ?? 0}`) } : { offset: position };
}

export function indexFormula({ letter, offset }: Index): Formula {
  if (letter === undefined) return number(offset);
  return offset === 0 ? symbol(letter) : sum(symbol(letter), number(offset));
}

/** `length(x)` of the column of lengths. */
function lengthFormula(column: string): Formula {
  return call("length", symbol(column.replace(/^length\((.*)\)$/, "$1")));
}

/** A value with the steps at which it is taken; without any it is all of it. */
export function atIndex(value: Formula, index: readonly (Index | Formula)[]): Formula {
  const shown = index.map((each) => ("kind" in each ? each : indexFormula(each)));
  return shown.length === 0 ? value : subscript(value, shown.length === 1 && shown[0] ? shown[0] : list(shown));
}

/** A site's value in a piece: `z_t`. */
export function siteAt(name: string, { index }: Piece): Formula {
  return atIndex(symbol(name), index);
}

/** Σ over the steps of a piece. */
export function overSteps({ ranges }: Piece, of: Formula): Formula {
  return ranges.reduceRight((inner, { letter, from, to }) => bigSum(letter, inner, from, to), of);
}

/** Π over all steps of a site: the factors of its joint density. */
export function productOfSteps(pieces: readonly Piece[], factor: (piece: Piece) => Formula): Formula {
  return product(...pieces.map((piece) => piece.ranges.reduceRight((inner, { letter, from, to }) => bigProduct(letter, inner, from, to), factor(piece))));
}
