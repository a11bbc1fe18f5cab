import { encodePng } from "../../runtime/image/encode-png.js";
import { type ImageBytes, imageGrid } from "../../runtime/image/image-grid.js";
import type { Columns, Model, Outputs } from "../../runtime/model.js";
import type { RunFolder } from "../../runtime/node/run-folder.js";
import type { ColumnPictures } from "./image-shape.js";
import { firstRows, type ModelData } from "./model-data.js";

const across = 8;
/** Of a row of frames; more are taken evenly. */
const mostFrames = 40;

export interface PictureOptions {
  /** Part of the file names: `epoch-0003`. */
  readonly label: string;
  /** Which stream of draws: the same one makes the same picture. */
  readonly draw: number;
  /** Supports whose values are from 0 to 255. */
  readonly bytes: ReadonlySet<string>;
  /** Whether the model has latents: without them nothing is reconstructed. */
  readonly latents: boolean;
  /** Whether rows have parameters of their own. */
  readonly perRow: boolean;
}

/**
 * Grids of samples and of reconstructions (each image above its reconstruction) for each column of images; of films, their frames side by side, one row below the other.
 * @returns the files written
 */
export async function savePictures(model: Model, data: ModelData, folder: Pick<RunFolder, "writeFile">, options: PictureOptions): Promise<readonly string[]> {
  const files: string[] = [];
  const observed = [...data.images].filter(([name]) => data.bound.some((column) => column.name === name && column.spec.role === "observed"));
  if (observed.length === 0) return files;
  const films = observed.every(([, { frames }]) => frames !== undefined);
  const originals = firstRows(data.columns, films ? across : across * 4);
  const drawn = await model.sample(films ? across : across * across, { draw: options.draw, inputs: originals });
  // Parameters per row are those of all rows together.
  const rebuilt = options.latents ? await model.reconstruct(options.perRow ? data.columns : originals, { draw: options.draw }) : {};
  for (const [name, pictures] of observed) {
    const suffix = observed.length === 1 ? "" : `-${name}`;
    const scale = options.bytes.has(name) ? 1 / 255 : 1;
    const samples = imagesIn(drawn, name, pictures, scale);
    if (samples) files.push(await folder.writeFile(`samples${suffix}-${options.label}.png`, encodePng(strips(samples, pictures, across))));
    const copies = imagesIn(rebuilt, name, pictures, scale);
    const before = imagesIn(columnsAsOutputs(originals), name, pictures, scale);
    if (copies && before) {
      const wide = copies.frames ?? across;
      const count = Math.min(before.count, copies.count);
      const pairs = interleave(before.values, copies.values, { count, wide, size: sizeOf(pictures) });
      files.push(await folder.writeFile(`reconstructions${suffix}-${options.label}.png`, encodePng(strips({ values: pairs, count: count * 2, frames: copies.frames }, pictures, across))));
    }
  }
  return files;
}

export interface Images {
  readonly values: Float32Array;
  readonly count: number;
  /** Of each film; undefined for single images. */
  readonly frames: number | undefined;
}

/** The mean where there is one, else the draws; grey levels of byte data from 0 to 1. */
export function imagesIn(outputs: Outputs, name: string, pictures: ColumnPictures, scale: number): Images | undefined {
  const output = outputs[`mean.${name}`] ?? outputs[name];
  if (!output) return undefined;
  const factor = output.values instanceof Uint8Array && output.values.some((value) => value > 1) ? 1 / 255 : scale;
  const values = Float32Array.from(output.values, (value) => value * factor);
  return { values, count: Math.floor(values.length / sizeOf(pictures)), frames: pictures.frames };
}

/** One film to a row, its frames side by side (of a long one some, evenly); single images in rows of `across`. */
export function strips(images: Images, { shape }: ColumnPictures, across: number): ImageBytes {
  const { frames } = images;
  if (frames === undefined || frames <= mostFrames) return imageGrid(images.values, images.count, shape, frames ?? across);
  const stride = Math.ceil(frames / mostFrames);
  const size = shape.reduce((product, each) => product * each, 1);
  const kept = Array.from({ length: images.count }, (_, image) => image).filter((image) => (image % frames) % stride === 0);
  const chosen = new Float32Array(kept.length * size);
  kept.forEach((image, at) => chosen.set(images.values.subarray(image * size, (image + 1) * size), at * size));
  return imageGrid(chosen, kept.length, shape, Math.ceil(frames / stride));
}

/** Numbers of one image. */
function sizeOf({ shape: [height, width, channels] }: ColumnPictures): number {
  return height * width * channels;
}

function columnsAsOutputs(columns: Columns): Outputs {
  return Object.fromEntries(Object.entries(columns).flatMap(([name, column]) => (column ? [[name, column]] : [])));
}

/** Rows of `wide` originals, each above the row of its reconstructions. */
function interleave(originals: Float32Array, copies: Float32Array, { count, wide, size }: { readonly count: number; readonly wide: number; readonly size: number }): Float32Array {
  const out = new Float32Array(2 * Math.ceil(count / wide) * wide * size);
  for (let image = 0; image < count; image++) {
    const row = Math.floor(image / wide);
    const column = image % wide;
    out.set(originals.subarray(image * size, (image + 1) * size), (2 * row * wide + column) * size);
    out.set(copies.subarray(image * size, (image + 1) * size), ((2 * row + 1) * wide + column) * size);
  }
  return out;
}
