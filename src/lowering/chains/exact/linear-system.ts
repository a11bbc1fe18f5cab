import { covarianceOf } from "../../../distributions/multivariate-normal.js";
import type { Site } from "../../../ir/model/model.js";
import { placeKey, type Position } from "../../../ir/model/positions.js";
import { type SummedFactor, type SummedLayout, type SummedVariable, windowsOf } from "../../../ir/model/summed-chains.js";
import type { TensorNode } from "../../../ir/tensor/nodes.js";
import { dims, elementCount } from "../../../types/type.js";
import { InternalError } from "../../../util/internal-error.js";
import type { LoweringContext } from "../../context.js";
import { alignedArguments } from "../../densities.js";
import type { LoweredDistribution } from "../../lowered-distribution.js";
import { declarePlate, rowMask } from "../../plates.js";
import { type AxisName, eventShape, expanded, type Value } from "../../value.js";
import type { PlacedSource } from "./placed-values.js";
import { alongClass, classAxis, distributionOf, placesWithin, valueAt } from "./pieces.js";
import { block, combined, identityMatrix, rowsOf, spread, times } from "./matrices.js";

/** Where the elements of a read stand among the unit vectors of its loop; 0 is the zero vector. */
interface BasisSlot {
  readonly axis: AxisName;
  readonly start: number;
  readonly size: number;
}

/** The reads of Gaussian chains: each stands for 0 and for the unit vectors along an axis of its loop, so that what is affine in them shows its coefficients. */
export class UnitVectors {
  private readonly slots = new Map<string, BasisSlot>();
  private readonly sizes = new Map<AxisName, number>();

  constructor(layouts: readonly SummedLayout[]) {
    for (const { factors } of layouts) for (const { reads } of factors) for (const { site, at } of reads) {
      const key = placeKey(site, at);
      if (this.slots.has(key)) continue;
      const axis = axisOf(at);
      const start = this.sizes.get(axis) ?? 1;
      const size = elementCount(factors.find((factor) => factor.site.name === site)!.site.type);
      this.slots.set(key, { axis, start, size });
      this.sizes.set(axis, start + size);
    }
  }

  slot(site: string, at: readonly Position[]): BasisSlot {
    return this.slots.get(placeKey(site, at))!;
  }

  readonly source = (context: LoweringContext): PlacedSource => (site, at) => {
    const slot = this.slots.get(placeKey(site.name, at));
    if (!slot) throw new InternalError(`${placeKey(site.name, at)} is no read of a density`);
    const count = this.sizes.get(slot.axis)!;
    context.space.declare(slot.axis, count);
    const values = Array.from({ length: count * slot.size }, (_, index) => (Math.floor(index / slot.size) === slot.start + (index % slot.size) ? 1 : 0));
    return { node: context.b.constant(values, [count, ...dims(site.type)]), axes: [slot.axis] };
  };
}

const axisOf = (at: readonly Position[]): AxisName => `basis:${at.at(-1)?.plate?.name ?? ""}`;

/** One Gaussian density of the chain: its value is offset + Σ blocks · (what it reads) + noise. Values along the axes of the layout. */
export interface GaussianPart {
  readonly site: Site;
  readonly from: number;
  readonly to: number;
  /** [n, 1]. */
  readonly offset: Value;
  readonly blocks: readonly { readonly site: string; readonly lag: number; readonly matrix: Value }[];
  /** [n, n]. */
  readonly covariance: Value;
  /** f32, 1 where a row has this step: without a shape for the chain's own, [n, 1] for what is observed. */
  readonly mask?: Value;
  /** [n, 1], of what is observed; undefined for the chain's own. */
  readonly observed?: Value;
}

/** How a window of the chain's positions moves on: the elements of its state. */
export interface StateElement {
  readonly variable: SummedVariable;
  /** Positions back. */
  readonly lag: number;
  readonly start: number;
  readonly size: number;
}

export interface LinearSystem {
  readonly layout: SummedLayout;
  readonly state: readonly StateElement[];
  readonly size: number;
  readonly transitions: readonly GaussianPart[];
  readonly observations: readonly GaussianPart[];
}

export function isGaussian({ type }: Pick<Site, "type">): boolean {
  return type.support.kind === "real";
}

/** The densities of a Gaussian chain as matrices. */
export function linearSystem(context: LoweringContext, layout: SummedLayout, basis: UnitVectors): LinearSystem {
  for (const each of layout.classes) context.space.declare(classAxis(each), each.size);
  const latent = new Set(layout.variables.map(({ site }) => site.name));
  const parts = layout.factors.map((factor) => partOf(context, layout, factor, basis, latent.has(factor.site.name)));
  const [transitions, observations] = [parts.filter(({ observed }) => !observed), parts.filter(({ observed }) => observed)];
  const windows = windowsOf(layout);
  const state: StateElement[] = [];
  let size = 0;
  for (const variable of layout.variables) {
    const { name, type } = variable.site;
    for (let lag = 0; lag < windows.get(name)!; lag++) {
      const elements = elementCount(type);
      state.push({ variable, lag, start: size, size: elements });
      size += elements;
    }
  }
  return { layout, state, size, transitions, observations };
}

function partOf(context: LoweringContext, layout: SummedLayout, factor: SummedFactor, basis: UnitVectors, own: boolean): GaussianPart {
  const { site, call, reads, lags, start } = factor;
  const chain = layout.chain!;
  const places = placesWithin(layout, factor);
  const place = places.find((each) => each.class === chain) ?? { class: chain, plate: undefined, shift: Math.max(chain.from, start ?? chain.from) };
  const covers = place.plate ? { from: place.plate.from + place.shift, to: place.plate.from + place.shift + place.plate.size - 1 } : { from: place.shift, to: place.shift };
  const along = (value: Value, fill = 0): Value => places.reduce((given, { class: of, plate, shift }) => (plate ? alongClass(context, given, plate, shift, of, fill) : given), value);
  const lowered = distributionOf(context, call, site);
  const { offset, coefficients } = affineMean(context, lowered);
  const blocks = coefficients === undefined ? [] : reads.slice(own ? 1 : 0).map(({ site: read, at }) => {
    const slot = basis.slot(read, at);
    const part = block(context, coefficients, [0, rowsOf(coefficients)], [slot.start - 1, slot.size]);
    return { site: read, lag: lags.get(placeKey(read, at))!, matrix: along(part) };
  });
  const rows = place.plate && rowMask(context, place.plate);
  const made = { site, ...covers, offset: along(offset), blocks, covariance: along(noiseOf(context, lowered)) };
  if (own) return { ...made, ...(rows ? { mask: along(rows, 1) } : {}) };
  // Loops within a step, around what is seen: their elements stand one below the other.
  const inner = factor.loops.filter(({ name }) => !places.some(({ plate }) => plate?.name === name));
  const ones: Value = { node: context.b.full(1, [rowsOf(offset), 1]), axes: [] };
  const masks = [...(rows ? [along(rows, 1)] : []), ...inner.flatMap((plate) => rowMask(context, plate) ?? [])].map((flag) => spread(context, flag.node.dtype === "bool" ? { ...flag, node: context.b.cast(flag.node, "f32") } : flag));
  const within = (value: Value, how: "rows" | "blocks" = "rows"): Value => inner.reduce((given, plate) => stacked(context, given, declarePlate(context, plate), how), value);
  return {
    ...made, offset: within(made.offset), covariance: within(made.covariance, "blocks"), blocks: blocks.map((each) => ({ ...each, matrix: within(each.matrix) })), observed: within(along(asColumn(context, valueAt(context, factor)))),
    ...(masks.length > 0 ? { mask: within(masks.reduce((left, right) => combined(context, "multiply", left, right), ones)) } : {}),
  };
}

/** The matrices along an axis below each other, or as the blocks of a diagonal. */
function stacked(context: LoweringContext, value: Value, axis: AxisName, how: "rows" | "blocks"): Value {
  const { b, space } = context;
  const count = space.size(axis) as number;
  const axes = space.sort([...value.axes, axis]);
  const rest = axes.filter((each) => each !== axis);
  const [rows, columns] = eventShape(value) as [number, number];
  const full = expanded(b, space, value, axes);
  const order = [...rest, axis].map((each) => axes.indexOf(each));
  const last = b.transpose(full, [...order, axes.length, axes.length + 1]);
  if (how === "rows") return { node: b.reshape(last, [...space.dims(rest), count * rows, columns]), axes: rest };
  const spreadOut = b.multiply(b.reshape(last, [...space.dims(rest), count, rows, 1, columns]), b.reshape(identityMatrix(context, count).node, [count, 1, count, 1]));
  return { node: b.reshape(spreadOut, [...space.dims(rest), count * rows, count * columns]), axes: rest };
}

/** A value's own shape as one column. */
function asColumn({ b }: LoweringContext, value: Value): Value {
  const count = eventShape(value).reduce<number>((product, size) => product * (size as number), 1);
  return { node: b.reshape(value.node, [...value.node.shape.slice(0, value.axes.length), count, 1]), axes: value.axes };
}

/** A mean as [n, 1] where all that is summed out is 0, and its coefficients [n, unit vectors]. */
function affineMean(context: LoweringContext, lowered: LoweredDistribution): { readonly offset: Value; readonly coefficients: Value | undefined } {
  const { b, space } = context;
  const { axes, shape } = lowered;
  const node = alignedArguments(context, lowered, axes)["mean"] as TensorNode;
  const mean = asColumn(context, { node: b.broadcast(node, [...space.dims(axes), ...shape]), axes });
  const at = axes.findIndex((axis) => axis.startsWith("basis:"));
  if (at < 0) return { offset: mean, coefficients: undefined };
  const count = space.size(axes[at]!) as number;
  const order = [...mean.node.shape.map((_, axis) => axis).filter((axis) => axis !== at && axis !== axes.length + 1), at];
  const columns: Value = { node: b.transpose(b.reshape(mean.node, mean.node.shape.slice(0, -1)), order.map((axis) => axis)), axes: axes.filter((_, axis) => axis !== at) };
  const offset = block(context, columns, [0, rowsOf(mean)], [0, 1]);
  return { offset, coefficients: combined(context, "subtract", block(context, columns, [0, rowsOf(mean)], [1, count - 1]), offset) };
}

/** The covariance of a draw, [n, n]. */
function noiseOf(context: LoweringContext, lowered: LoweredDistribution): Value {
  const { b, space } = context;
  const args = Object.fromEntries(Object.entries(lowered.args).filter(([name]) => name !== "mean"));
  const axes = space.sort(Object.values(args).flatMap((arg) => arg.axes));
  const given = alignedArguments(context, { ...lowered, args, axes }, axes);
  if (lowered.distribution.name === "Normal") {
    const scale = asColumn(context, { node: b.broadcast(given["scale"] as TensorNode, [...space.dims(axes), ...lowered.shape]), axes });
    return combined(context, "multiply", { node: b.square(scale.node), axes }, identityMatrix(context, rowsOf(scale)));
  }
  const { factor } = covarianceOf(b, given);
  const [rows, columns] = factor.shape.slice(-2) as [number, number];
  const full: Value = { node: b.broadcast(factor, [...space.dims(axes), rows, columns]), axes };
  return times(context, full, full, { right: true });
}
