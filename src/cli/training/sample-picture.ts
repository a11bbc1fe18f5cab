import { encodeGif } from "../../runtime/image/encode-gif.js";
import { encodePng } from "../../runtime/image/encode-png.js";
import { type ImageBytes, imageGrid } from "../../runtime/image/image-grid.js";
import { scatter, windowOf } from "../../runtime/image/scatter.js";
import { tileImages } from "../../runtime/image/tile-images.js";
import type { ColumnSpec } from "../../runtime/data/index.js";
import type { Outputs } from "../../runtime/model.js";
import { UsageError } from "../errors.js";
import { type ColumnPictures, columnPictures } from "./image-shape.js";
import { columnSpecs } from "../../driver/column-specs.js";
import { type Images, imagesIn, strips } from "./pictures.js";
import type { TrainedModel } from "./trained-model.js";

/** Milliseconds for which a frame of an animation is shown, and the datum at the end of the way from noise. */
const frameDelay = 100;
const lastDelay = 1500;

export interface PictureWish {
  /** A column; by default the first that can be shown. */
  readonly column?: string;
  readonly format: ".png" | ".gif";
  /** Of a diffusion: moments from noise to the datum that `moments.<column>` holds. */
  readonly moments?: number;
}

/** A grid of images; of films and of ways from noise to data a row of frames each, or as a GIF all of them at once. Of points in the plane a picture of all. @throws UsageError where there is nothing to show */
export function samplePicture({ compiled }: TrainedModel, outputs: Outputs, wish: PictureWish): Uint8Array {
  const specs = columnSpecs(compiled.program);
  for (const spec of specs.filter(({ name }) => wish.column === undefined || name === wish.column)) {
    const pictures = columnPictures(compiled.program, spec);
    const shown = pictures ? imagePicture(outputs, spec, pictures, wish) : isPlane(spec) ? planePicture(outputs, spec, wish) : undefined;
    if (shown) return shown;
  }
  throw new UsageError(`${wish.column ?? specs.map((spec) => spec.name).join(", ")}: no images to draw, and no points of the plane`, "write the numbers: -o samples.npy or -o samples.csv");
}

function imagePicture(outputs: Outputs, spec: ColumnSpec, pictures: ColumnPictures, { format, moments }: PictureWish): Uint8Array | undefined {
  const scale = spec.support.kind === "byte" ? 1 / 255 : 1;
  const images = moments === undefined ? imagesIn(outputs, spec.name, pictures, scale) : imagesIn(outputs, `moments.${spec.name}`, { ...pictures, frames: moments }, scale);
  if (!images) return undefined;
  if (format === ".png") return encodePng(moments === undefined ? strips(images, pictures, Math.ceil(Math.sqrt(images.count))) : imageGrid(images.values, images.count, pictures.shape, moments));
  if (images.frames === undefined) throw stillPicture(spec.name);
  return encodeFilm(animation(images, images.frames, pictures.shape), moments !== undefined);
}

/** All points of a moment in one picture, moments side by side. */
function planePicture(outputs: Outputs, spec: ColumnSpec, { format, moments }: PictureWish): Uint8Array | undefined {
  const values = outputs[moments === undefined ? spec.name : `moments.${spec.name}`]?.values;
  if (!values) return undefined;
  const points = Float32Array.from(values);
  const window = windowOf(points);
  const count = moments ?? 1;
  const panels = Array.from({ length: count }, (_, moment) => scatter(points.filter((_, at) => Math.floor(at / 2) % count === moment), window));
  if (format === ".png") return encodePng(tileImages([panels], 1, 4));
  if (moments === undefined) throw stillPicture(spec.name);
  return encodeFilm(panels, true);
}

const isPlane = ({ support, shape }: ColumnSpec): boolean => support.kind === "real" && shape.length === 1 && shape[0] === 2;

function stillPicture(name: string): UsageError {
  return new UsageError(`${name}: one image for each row does not move`, "write a picture, -o samples.png; a diffusion's way from noise to data moves: --strip 30");
}

function encodeFilm(frames: readonly ImageBytes[], ends: boolean): Uint8Array {
  return encodeGif(frames, frames.map((_, at) => (ends && at === frames.length - 1 ? lastDelay : frameDelay)));
}

/** At each time, all films side by side. */
function animation({ values, count }: Images, frames: number, shape: Parameters<typeof imageGrid>[2]): ImageBytes[] {
  const size = shape.reduce((product, each) => product * each, 1);
  const films = count / frames;
  return Array.from({ length: frames }, (_, time) => {
    const now = new Float32Array(films * size);
    for (let film = 0; film < films; film++) now.set(values.subarray((film * frames + time) * size, (film * frames + time + 1) * size), film * size);
    return imageGrid(now, films, shape, Math.ceil(Math.sqrt(films)));
  });
}
