import type { Binding, Expr, Plate, Reference, Site } from "./model.js";
import { partsOf } from "./walk.js";

/** Where a variable of loops is read, in one of them: `offset` steps beyond the loop variable of `plate`, or (without a plate) at the position `offset`. */
export interface Position {
  readonly plate?: Plate;
  readonly offset: number;
}

/** One place at which expressions read a site: a position for each of its plates; `whole` where it is read with all of its steps at once. */
export interface PlacedRead {
  readonly site: string;
  readonly at: readonly Position[] | "whole";
  readonly expr: Expr;
}

/** The variables of a model's loops. */
export interface LoopVariables {
  readonly sites: ReadonlyMap<string, Pick<Site, "plates" | "sequence">>;
  readonly bindings: ReadonlyMap<string, Binding>;
}

/** What loop variables stand for, by plate: in a binding that is read from another loop. */
export type Positions = ReadonlyMap<string, Position>;

type Indexed = Extract<Expr, { readonly kind: "step" | "position" }>;

/** A name with constant positions and loop variables in brackets, the first axis first; undefined for every other expression. */
export function placedReference(expr: Expr): { readonly to: Reference; readonly indices: readonly Indexed[] } | undefined {
  const indices: Indexed[] = [];
  let at = expr;
  for (; at.kind === "step" || at.kind === "position"; at = at.target) indices.unshift(at);
  return at.kind === "reference" ? { to: at.to, indices } : undefined;
}

/** The positions that the first indices say, one for each plate; `whole` where they are fewer. */
export function positionsOf(to: Reference, indices: readonly Indexed[], plates: readonly Plate[], under: Positions = new Map()): readonly Position[] | "whole" {
  if ((to.kind === "site" || to.kind === "binding") && !to.whole) return plates.map((plate) => moved({ plate, offset: 0 }, under));
  if (indices.length < plates.length) return "whole";
  return plates.map((plate, at) => {
    const index = indices[at]!;
    return index.kind === "position" ? { offset: index.at + plate.from } : moved({ plate: index.plate, offset: index.offset + plate.from - 1 }, under);
  });
}

/** A position as it is where loop variables stand for others. */
export function moved(position: Position, under: Positions): Position {
  const other = position.plate && under.get(position.plate.name);
  return other ? { ...other, offset: other.offset + position.offset } : position;
}

/** The loops around a statement: of a sequence the chain in place of the plate of all positions. */
export function loopsAround({ plates, sequence }: Pick<Site, "plates" | "sequence">): readonly Plate[] {
  return sequence ? [...plates.slice(0, -1), sequence.chain] : plates;
}

/** A name of its own for each place at which a site is read. */
export const placeKey = (site: string, at: readonly Position[]): string => `${site}@${at.map(printPosition).join(",")}`;

export const printPosition = ({ plate, offset }: Position): string => (plate ? `${plate.name}${offset === 0 ? "" : offset > 0 ? `+${offset}` : offset}` : `=${offset}`);

/**
 * Where expressions read the sites of `wanted`, through bindings: each place once. A binding of a chain that reads its own past reads all steps of what it reads.
 */
export function readsOf(exprs: readonly Expr[], variables: LoopVariables, wanted: (site: string) => boolean): readonly PlacedRead[] {
  const found = new Map<string, PlacedRead>();
  const visited = new Set<string>();
  const visit = (expr: Expr, under: Positions, whole: boolean, seen: Set<Expr>, open: readonly string[]): void => {
    if (seen.has(expr)) return;
    seen.add(expr);
    const placed = placedReference(expr);
    if (placed && (placed.to.kind === "site" || placed.to.kind === "column") && wanted(placed.to.name)) {
      const { plates } = variables.sites.get(placed.to.name)!;
      const at = whole ? "whole" : positionsOf(placed.to, placed.indices, plates, under);
      const key = at === "whole" ? placed.to.name : placeKey(placed.to.name, at);
      if (!found.has(key)) found.set(key, { site: placed.to.name, at, expr });
      return;
    }
    const binding = placed?.to.kind === "binding" ? variables.bindings.get(placed.to.name) : undefined;
    if (placed && binding) {
      const at = whole ? "whole" : positionsOf(placed.to, placed.indices, binding.plates, under);
      const all = at === "whole" ? binding.plates.length > 0 : binding.sequence !== undefined || open.includes(binding.name);
      const key = `${binding.name} ${whole || all ? "whole" : (at as readonly Position[]).map(printPosition).join()}`;
      if (visited.has(key)) return;
      visited.add(key);
      const inner = new Map(at === "whole" ? [] : binding.plates.map((plate, index) => [plate.name, at[index]!]));
      const within = new Set<Expr>();
      for (const value of [binding.value, ...(binding.sequence?.starts ?? []).map((start) => start.value)]) visit(value, new Map([...under, ...inner]), whole || all, within, [...open, binding.name]);
      return;
    }
    for (const part of partsOf(expr)) visit(part, under, whole || expr.kind === "slice", seen, open);
  };
  const seen = new Set<Expr>();
  for (const expr of exprs) visit(expr, new Map(), false, seen, []);
  return [...found.values()];
}

/** An expression of one loop as it is at other positions: what a binding's value is for a reader in another loop. */
export function atPositions(expr: Expr, under: Positions, variables: LoopVariables): Expr {
  const known = new Map<Expr, Expr>();
  const index = (target: Expr, { plate, offset }: Position, from: number): Expr => {
    const type = { ...target.type, shape: target.type.shape.slice(1) };
    const base = { target, type, origin: expr.origin };
    const made: Expr = plate ? { ...base, kind: "step", plate, offset: offset - from + 1 } : { ...base, kind: "position", at: offset - from };
    return made;
  };
  const visit = (at: Expr): Expr => {
    const before = known.get(at);
    if (before) return before;
    const made = rewritten(at);
    known.set(at, made);
    return made;
  };
  const rewritten = (at: Expr): Expr => {
    switch (at.kind) {
      case "loop-variable": {
        const position = under.get(at.plate.name);
        if (!position) return at;
        const number: Expr = { kind: "number", value: position.offset, type: at.type, origin: at.origin };
        if (!position.plate) return number;
        const variable: Expr = { ...at, plate: position.plate };
        return position.offset === 0 ? variable : { kind: "apply", function: "add", args: [variable, number], attributes: {}, type: at.type, origin: at.origin };
      }
      case "reference": {
        const { to } = at;
        if ((to.kind !== "site" && to.kind !== "binding") || to.whole) return at;
        const plates = (to.kind === "site" ? variables.sites : variables.bindings).get(to.name)?.plates ?? [];
        if (!plates.some((plate) => under.has(plate.name))) return at;
        const shape = [...plates.map((plate) => ({ value: plate.size })), ...at.type.shape];
        const whole: Expr = { ...at, to: { ...to, whole: true }, type: { ...at.type, shape } };
        return plates.reduce<Expr>((target, plate) => index(target, moved({ plate, offset: 0 }, under), plate.from), whole);
      }
      case "step": {
        const target = visit(at.target);
        const position = under.get(at.plate.name);
        return position ? { ...index(target, { ...position, offset: position.offset + at.offset }, 1), type: at.type } : { ...at, target };
      }
      case "position":
      case "slice":
        return { ...at, target: visit(at.target) };
      case "gather":
        return { ...at, target: visit(at.target), index: visit(at.index) };
      case "apply":
      case "layer":
      case "call":
        return { ...at, args: at.args.map(visit) };
      default:
        return at;
    }
  };
  return visit(expr);
}
