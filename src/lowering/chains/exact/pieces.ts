import type { DistributionCall, Plate, Site } from "../../../ir/model/model.js";
import { placeKey } from "../../../ir/model/positions.js";
import type { PlateClass, SummedFactor, SummedLayout } from "../../../ir/model/summed-chains.js";
import type { Frame, LoweringContext } from "../../context.js";
import { logDensity, lowerDistribution } from "../../densities.js";
import { siteValue } from "../../densities-of-sites.js";
import { labelCount } from "../../labels.js";
import type { Latent } from "../../latents.js";
import { arrayOverPlates, maskedRows, rowMask, stepInto } from "../../plates.js";
import { aligned, type AxisName, canonical, enumAxis, expanded, plateAxis, unionAxes, type Value } from "../../value.js";

/** A log factor of a sum. The labels of chains have axes by how far they are back, `enum:k@0`, `enum:k@1`; steps of loops that belong together have one axis. */
export interface Piece {
  readonly value: Value;
  /** The positions of the chain at which it stands; outside of them it is 0. */
  readonly from: number;
  readonly to: number;
  /** f32, 0 where a row has no such step: there the factor is `otherwise`. */
  readonly mask?: Value;
  readonly otherwise?: Value;
}

export const lagAxis = (site: string, lag: number): AxisName => enumAxis(`${site}@${lag}`);
export const classAxis = (of: PlateClass): AxisName => plateAxis(of.name);

const modelFrame: Frame = { of: "model" };

function declareLayout({ space }: LoweringContext, layout: SummedLayout, sizeOf: (site: Site) => number = labelCount): void {
  for (const { site, depth } of layout.variables) for (let lag = 0; lag <= depth; lag++) space.declare(lagAxis(site.name, lag), sizeOf(site));
  for (const each of layout.classes) space.declare(classAxis(each), each.size);
}

/** All factors of a sum over labels, along the axes of its layout; `plain` are those of sites that read no placed latent. */
export function piecesOf(context: LoweringContext, layout: SummedLayout, latents: readonly Latent[], plain: ReadonlyMap<string, Value>): readonly Piece[] {
  const { b } = context;
  declareLayout(context, layout);
  const pieces: Piece[] = [];
  const seen = new Set<string>();
  for (const factor of layout.factors) {
    const { site } = factor;
    const known = plain.get(site.name);
    if (known) {
      if (!seen.has(site.name)) pieces.push(placed(context, layout, factor, maskedRows(context, known)));
      seen.add(site.name);
      continue;
    }
    const latent = latents.find((each) => each.site.name === site.name);
    const value = b.at(factor.call.origin, () => logDensity(context, distributionOf(context, factor.call, site), valueAt(context, factor)));
    pieces.push(placed(context, layout, factor, value));
    if (seen.has(site.name)) continue;
    seen.add(site.name);
    if (latent?.logJacobian) pieces.push(placed(context, layout, factor, maskedRows(context, latent.logJacobian)));
  }
  for (const { site, classes } of layout.variables) for (const [at, each] of classes.entries()) pieces.push(...absent(context, site, site.plates[at]!, each));
  return pieces;
}

export function distributionOf(context: LoweringContext, call: DistributionCall, site: Site) {
  return lowerDistribution(context, modelFrame, call, site.type);
}

/** What a factor is the density of: labels, or the value of the site at the factor's steps. */
export function valueAt(context: LoweringContext, { site, start, reads }: SummedFactor): Value {
  if (context.placed?.has(site.name)) return context.placed.at(site.name, reads[0]!.at);
  const value = siteValue(context, site);
  const own = site.plates.at(-1);
  if (!site.sequence || !own) return value;
  return atSteps(context, value, own, start ?? site.sequence.chain);
}

/** The part of a sequence at a position, or at the steps of its chain. */
function atSteps(context: LoweringContext, value: Value, own: Plate, steps: Plate | number): Value {
  const array = arrayOverPlates(context, value, [own]);
  if (typeof steps !== "number") return stepInto(context, array, steps, 1 - own.from);
  const at = array.axes.length;
  const part = context.b.sliceAxis(array.node, at, steps - own.from, 1);
  return { node: context.b.reshape(part, part.shape.filter((_, axis) => axis !== at)), axes: array.axes };
}

/** Where a variable does not exist at positions of its class, it is uniform, and nothing reads it. */
function absent(context: LoweringContext, site: Site, plate: Plate, of: PlateClass): readonly Piece[] {
  const count = labelCount(site);
  const end = of.from + of.size - 1;
  const outside = [[of.from, plate.from - 1], [plate.from + plate.size, end]].filter(([from, to]) => from! <= to!) as [number, number][];
  return outside.map(([from, to]): Piece => {
    const values = Array.from({ length: of.size * count }, (_, at) => (Math.floor(at / count) + of.from >= from && Math.floor(at / count) + of.from <= to ? -Math.log(count) : 0));
    const node = context.b.constant(values, [of.size, count]);
    return { value: canonical(context.b, context.space, node, [classAxis(of), lagAxis(site.name, 0)]), ...(of.chain ? { from, to } : { from: -Infinity, to: Infinity }) };
  });
}

/** A factor along the axes of the layout: labels by how far they are back, loops by their class. */
function placed(context: LoweringContext, layout: SummedLayout, factor: SummedFactor, density: Value): Piece {
  const { b, space } = context;
  const { site, reads, lags } = factor;
  const names = new Map(reads.map(({ site: name, at }) => [enumAxis(placeKey(name, at)), lagAxis(name, lags.get(placeKey(name, at)) ?? 0)]));
  let value = canonical(b, space, density.node, density.axes.map((axis) => names.get(axis) ?? axis));
  const own = context.placed?.has(site.name) ? layout.variables.find((each) => each.site.name === site.name) : undefined;
  let piece: Pick<Piece, "from" | "to" | "mask" | "otherwise"> = { from: -Infinity, to: Infinity };
  for (const { class: of, plate, shift } of placesWithin(layout, factor)) {
    const covers = plate ? { from: plate.from + shift, to: plate.from + shift + plate.size - 1 } : { from: shift, to: shift };
    const partial = covers.from > of.from || covers.to < of.from + of.size - 1;
    let mask = plate ? rowMask(context, plate) : startMask(context, factor, of);
    const varies = plate !== undefined && value.axes.includes(plateAxis(plate.name));
    if (mask && !own && varies) {
      value = maskedRows(context, value);
      mask = undefined;
    }
    if (plate) value = alongClass(context, value, plate, shift, of, 0);
    if (of.chain) {
      piece = { ...covers };
      if (mask) piece = { ...piece, mask: plate ? alongClass(context, mask, plate, shift, of, 1) : mask, ...(own ? { otherwise: withoutStep(context, own.site, own.depth) } : {}) };
      continue;
    }
    if (mask) value = maskedPiece(context, value, plate ? alongClass(context, mask, plate, shift, of, 1) : mask, own ? withoutStep(context, own.site, 0) : undefined);
    if (partial && !varies) value = within(context, value, of, covers.from, covers.to);
  }
  return { value, ...piece };
}

/** The factor's own places, and those of loops around it that other factors know. */
export function placesWithin(layout: SummedLayout, factor: SummedFactor): SummedFactor["places"] {
  const others = layout.factors.flatMap(({ places }) => places).filter(({ plate }) => plate && factor.loops.some(({ name }) => name === plate.name) && !factor.places.some((place) => place.plate?.name === plate.name));
  return [...factor.places, ...others.filter((place, at) => others.findIndex(({ plate }) => plate!.name === place.plate!.name) === at)];
}

/** Of a start that a short row does not have. */
function startMask(context: LoweringContext, { site, start }: SummedFactor, of: PlateClass): Value | undefined {
  const own = site.plates.at(-1);
  if (start === undefined || !of.chain || !own?.length || site.sequence?.chain.chain === "down" || start <= 1) return undefined;
  const length = context.inputColumn(own.length);
  return { node: context.b.cast(context.b.greaterEqual(length.node, start), "f32"), axes: length.axes };
}

/** Beyond the length of its row a chain stays where it is; a variable that has no step before is uniform. */
function withoutStep(context: LoweringContext, site: Site, depth: number): Value {
  const { b, space } = context;
  const count = labelCount(site);
  if (depth === 0) return { node: b.constant(new Array<number>(count).fill(-Math.log(count)), [count]), axes: [lagAxis(site.name, 0)] };
  const stays = Array.from({ length: count * count }, (_, at) => (Math.floor(at / count) === at % count ? 0 : -Infinity));
  return canonical(b, space, b.constant(stays, [count, count]), [lagAxis(site.name, 0), lagAxis(site.name, 1)]);
}

/** A value whose plate becomes the axis of its class, with `fill` at the positions that it does not have. */
export function alongClass(context: LoweringContext, given: Value, plate: Plate, shift: number, of: PlateClass, fill: number): Value {
  const { b, space } = context;
  const value = given.node.dtype === "bool" ? { ...given, node: b.cast(given.node, "f32") } : given;
  const at = value.axes.indexOf(plateAxis(plate.name));
  if (at < 0) return value;
  const low = plate.from + shift - of.from;
  const amounts = (amount: number) => value.node.shape.map((_, axis) => (axis === at ? amount : 0));
  const node = b.pad(value.node, amounts(low), amounts(of.size - low - plate.size), fill);
  return canonical(b, space, node, value.axes.map((axis, index) => (index === at ? classAxis(of) : axis)));
}

/** The value where the mask is not 0, else another (0). */
export function maskedPiece({ b, space }: Pick<LoweringContext, "b" | "space">, value: Value, mask: Value, otherwise: Value | undefined): Value {
  const axes = unionAxes(space, [value, mask, ...(otherwise ? [otherwise] : [])]);
  const node = b.select(b.greater(aligned(b, mask, axes, 0), 0.5), aligned(b, value, axes, 0), otherwise ? aligned(b, otherwise, axes, 0) : 0);
  return { node: b.broadcast(node, space.dims(axes)), axes };
}

/** A value that does not differ along a class, at some of its positions. */
function within(context: LoweringContext, value: Value, of: PlateClass, from: number, to: number): Value {
  const inside = Array.from({ length: of.size }, (_, at) => (at + of.from >= from && at + of.from <= to ? 1 : 0));
  return maskedPiece(context, value, { node: context.b.constant(inside, [of.size]), axes: [classAxis(of)] }, undefined);
}

/** A piece as one value, along the chain if it differs there. */
export function wholePiece(context: LoweringContext, { value, from, to, mask, otherwise }: Piece, chain: PlateClass | undefined): Value {
  const masked = mask ? maskedPiece(context, value, mask, otherwise) : value;
  if (!chain || masked.axes.includes(classAxis(chain)) || from === -Infinity) return masked;
  if (from <= chain.from && to >= chain.from + chain.size - 1) return masked;
  return within(context, masked, chain, from, to);
}

/** A value along the chain's axis, whether it differs there or not. */
export function alongChain(context: LoweringContext, value: Value, chain: PlateClass): Value {
  if (value.axes.includes(classAxis(chain))) return value;
  const axes = context.space.sort([...value.axes, classAxis(chain)]);
  return { node: expanded(context.b, context.space, value, axes), axes };
}
