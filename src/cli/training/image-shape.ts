import type { DerivedModel } from "../../driver/derive.js";
import type { ColumnSpec } from "../../runtime/data/index.js";

export type ImageShape = readonly [height: number, width: number, channels: number];

/**
 * Whether a column holds images, and their shape: [h, w] or [h, w, c] in the model's type or in the data's own shape; a vector of h²
 * numbers from 0 to 1 too. Pictures are made of these columns only.
 */
export function imageShape(spec: Pick<ColumnSpec, "support" | "shape">, dataShape?: readonly number[]): ImageShape | undefined {
  if (!drawable.has(spec.support.kind)) return undefined;
  for (const shape of [spec.shape, dataShape ?? []]) {
    const [height = 0, width = 0, channels = 1] = shape;
    if ((shape.length === 2 || (shape.length === 3 && (channels === 1 || channels === 3 || channels === 4))) && height >= least && width >= least) return [height, width, channels];
  }
  const [length = 0, ...more] = spec.shape;
  const side = Math.round(Math.sqrt(length));
  const bounded = spec.support.kind === "binary" || spec.support.kind === "unit" || spec.support.kind === "byte";
  return more.length === 0 && bounded && side * side === length && side >= least ? [side, side, 1] : undefined;
}

/** What a column shows in a row: a picture, or, inside a plate or a chain, as many as there are steps. */
export interface ColumnPictures {
  readonly shape: ImageShape;
  /** One for each step; undefined for a single picture. */
  readonly frames: number | undefined;
}

/** The pictures of a column: where its site stands in loops, of one step of them. */
export function columnPictures(program: Pick<DerivedModel["program"], "model" | "stage">, spec: Pick<ColumnSpec, "name" | "support" | "shape">, dataShape: readonly number[] = []): ColumnPictures | undefined {
  // Of a second stage the data is the first one's.
  const site = [...program.model, ...(program.stage?.model.model ?? [])].find((step) => step.kind === "site" && step.name === spec.name);
  const loops = spec.shape.slice(0, site?.plates.length ?? 0);
  const ofStep = loops.every((size, axis) => dataShape[axis] === size) ? dataShape.slice(loops.length) : undefined;
  const shape = imageShape({ support: spec.support, shape: spec.shape.slice(loops.length) }, ofStep);
  return shape && { shape, frames: loops.length === 0 ? undefined : loops.reduce((product, size) => product * size, 1) };
}

const drawable: ReadonlySet<string> = new Set(["binary", "unit", "byte", "real", "nonnegative", "interval"]);
/** Smaller than any picture: a 3×3 array is a matrix. */
const least = 6;
