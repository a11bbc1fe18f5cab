import { gradientsOf } from "../../../autodiff/gradients-of.js";
import type { Plate, Site } from "../../../ir/model/model.js";
import type { PlateClass, SummedVariable } from "../../../ir/model/summed-chains.js";
import type { Term } from "../../../ir/objective/objective.js";
import { dims } from "../../../types/type.js";
import type { LoweringContext } from "../../context.js";
import { labelCount } from "../../labels.js";
import type { Latent } from "../../latents.js";
import { declarePlate } from "../../plates.js";
import { canonical, enumAxis, isEnumAxis, type Value } from "../../value.js";
import { chainPath } from "./backward.js";
import { labelEvidence, labelSum, layoutOfTerm } from "./evidence.js";
import { forwardPass } from "./forward.js";
import { classAxis, lagAxis, type Piece } from "./pieces.js";

/**
 * p(k | x) of every summed site of a term at each step, along the axis `enum:<site>` and its plates: the gradient of the log evidence to a log factor of k alone that is 0
 * (Darwiche 2003), which for a chain is the forward–backward algorithm.
 */
export function labelMarginals(context: LoweringContext, term: Term, latents: readonly Latent[]): ReadonlyMap<string, Value> {
  const { b, space } = context;
  const layout = layoutOfTerm(context, term);
  const { axes } = labelEvidence(context, term, latents);
  const wanted = term.sites.map((name) => {
    const variable = layout.variables.find(({ site }) => site.name === name);
    const { site, axis } = latents.find((latent) => latent.site.name === name)!;
    const places = variable ? placesOf(variable) : site.plates.flatMap((plate) => layout.factors.flatMap((factor) => factor.places).find((place) => place.plate?.name === plate.name) ?? []);
    const along = site.plates.map((plate) => {
      const place = places.find((each) => each.plate!.name === plate.name);
      return place ? classAxis(place.class) : declarePlate(context, plate);
    });
    const label = variable ? lagAxis(name, 0) : axis!;
    space.declare(label, labelCount(site));
    for (const each of layout.classes) space.declare(classAxis(each), each.size);
    const own = space.sort([...axes, ...along, label]);
    const node = b.stopGradient(b.full(0, space.dims(own)));
    const touches = layout.chain !== undefined && own.includes(classAxis(layout.chain));
    const piece: Piece = { value: { node, axes: own }, ...(touches ? { from: layout.chain!.from, to: layout.chain!.from + layout.chain!.size - 1 } : { from: -Infinity, to: Infinity }) };
    return { site, places, label, piece };
  });
  const evidence = labelEvidence(context, term, latents, wanted.map(({ piece }) => piece));
  const found = gradientsOf(b, b.sum(evidence.node), wanted.map(({ piece }) => piece.value.node));
  return new Map(wanted.map(({ site, places, label, piece }, at) => {
    const value = { node: found[at]!, axes: piece.value.axes.map((axis) => (axis === label ? enumAxis(site.name) : axis)) };
    space.declare(enumAxis(site.name), labelCount(site));
    const sorted = canonical(b, space, value.node, value.axes);
    return [site.name, ownPositions(context, sorted, places)];
  }));
}

/** The paths of the chains of a term: one drawn from the posterior, and the most probable one. None where something else of the sum would have to be drawn first. */
export function labelPaths(context: LoweringContext, term: Term, latents: readonly Latent[]): { readonly draws: ReadonlyMap<string, Value>; readonly modes: ReadonlyMap<string, Value> } | undefined {
  const { layout, chained, outer } = labelSum(context, term, latents);
  if (!layout.chain || outer.length > 0) return undefined;
  const sum = forwardPass(context, layout, chained);
  const sumAxes = sum.total.axes;
  if (sumAxes.some(isEnumAxis)) return undefined;
  const best = forwardPass(context, layout, chained, "max");
  const sitesOf = (paths: ReadonlyMap<string, Value>): ReadonlyMap<string, Value> => new Map([...paths].map(([name, labels]) => {
    const variable = layout.variables.find(({ site }) => site.name === name)!;
    return [name, siteValues(context, variable.site, ownPositions(context, labels, placesOf(variable)))];
  }));
  return { draws: sitesOf(chainPath(context, layout, sum, term.sites.join("+"))), modes: sitesOf(chainPath(context, layout, best, undefined)) };
}

/** Labels as values of their site: i32 for an index, and the elements of a site with a shape. */
function siteValues({ b }: LoweringContext, site: Site, labels: Value): Value {
  const index = b.cast(labels.node, "i32");
  if (site.type.shape.length === 0) return { node: site.type.support.kind === "index" ? index : labels.node, axes: labels.axes };
  const shape = dims(site.type);
  const elements = shape.reduce((product, size) => product * size, 1);
  const values = Math.round(labelCount(site) ** (1 / elements));
  const digits = Array.from({ length: labelCount(site) * elements }, (_, at) => Math.floor(Math.floor(at / elements) / values ** (elements - 1 - (at % elements))) % values);
  return { node: b.gather(b.constant(digits, [labelCount(site), ...shape], site.type.support.kind === "index" ? "i32" : "f32"), index), axes: labels.axes };
}

type Places = readonly { readonly class: PlateClass; readonly plate?: Plate; readonly shift: number }[];

export function placesOf({ site, classes }: SummedVariable): Places {
  return site.plates.map((plate, at) => ({ class: classes[at]!, plate, shift: 0 }));
}

/** A value along classes as one along the plates of a variable. */
export function ownPositions(context: LoweringContext, value: Value, places: Places): Value {
  const { b, space } = context;
  return places.reduce((given, { class: of, plate, shift }) => {
    const along = given.axes.indexOf(classAxis(of));
    if (along < 0 || !plate) return given;
    const node = b.sliceAxis(given.node, along, plate.from + shift - of.from, plate.size);
    return canonical(b, space, node, given.axes.map((axis, index) => (index === along ? declarePlate(context, plate) : axis)));
  }, value);
}
