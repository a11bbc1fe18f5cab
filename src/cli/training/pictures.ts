import { encodePng } from "../../runtime/image/encode-png.js";
import { imageGrid } from "../../runtime/image/image-grid.js";
import type { Columns, Model, Outputs } from "../../runtime/model.js";
import type { RunFolder } from "../../runtime/node/run-folder.js";
import type { ImageShape } from "./image-shape.js";
import { firstRows, type ModelData } from "./model-data.js";

const across = 8;

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

/** Grids of samples and of reconstructions (each image above its reconstruction) for each column of images. @returns the files written */
export async function savePictures(model: Model, data: ModelData, folder: Pick<RunFolder, "writeFile">, options: PictureOptions): Promise<readonly string[]> {
  const files: string[] = [];
  const observed = [...data.images].filter(([name]) => data.bound.some((column) => column.name === name && column.spec.role === "observed"));
  if (observed.length === 0) return files;
  const originals = firstRows(data.columns, across * 4);
  const drawn = await model.sample(across * across, { draw: options.draw, inputs: originals });
  // Parameters per row are those of all rows together.
  const rebuilt = options.latents ? await model.reconstruct(options.perRow ? data.columns : originals, { draw: options.draw }) : {};
  for (const [name, shape] of observed) {
    const suffix = observed.length === 1 ? "" : `-${name}`;
    const scale = options.bytes.has(name) ? 1 / 255 : 1;
    const samples = imagesIn(drawn, name, shape, scale);
    if (samples) files.push(await folder.writeFile(`samples${suffix}-${options.label}.png`, encodePng(imageGrid(samples.values, samples.count, shape, across))));
    const copies = imagesIn(rebuilt, name, shape, scale);
    const before = imagesIn(columnsAsOutputs(originals), name, shape, scale);
    if (copies && before) {
      const pairs = interleave(before.values, copies.values, Math.min(before.count, copies.count), shape);
      files.push(await folder.writeFile(`reconstructions${suffix}-${options.label}.png`, encodePng(imageGrid(pairs, Math.min(before.count, copies.count) * 2, shape, across))));
    }
  }
  return files;
}

/** The mean where there is one, else the draws; grey levels of byte data from 0 to 1. */
export function imagesIn(outputs: Outputs, name: string, [height, width, channels]: ImageShape, scale: number): { readonly values: Float32Array; readonly count: number } | undefined {
  const output = outputs[`mean.${name}`] ?? outputs[name];
  if (!output) return undefined;
  const factor = output.values instanceof Uint8Array && output.values.some((value) => value > 1) ? 1 / 255 : scale;
  const values = Float32Array.from(output.values, (value) => value * factor);
  return { values, count: Math.floor(values.length / (height * width * channels)) };
}

function columnsAsOutputs(columns: Columns): Outputs {
  return Object.fromEntries(Object.entries(columns).flatMap(([name, column]) => (column ? [[name, column]] : [])));
}

/** Rows of originals, each above the row of its reconstructions. */
function interleave(originals: Float32Array, copies: Float32Array, count: number, [height, width, channels]: ImageShape): Float32Array {
  const size = height * width * channels;
  const out = new Float32Array(2 * Math.ceil(count / across) * across * size);
  for (let image = 0; image < count; image++) {
    const row = Math.floor(image / across);
    const column = image % across;
    out.set(originals.subarray(image * size, (image + 1) * size), (2 * row * across + column) * size);
    out.set(copies.subarray(image * size, (image + 1) * size), ((2 * row + 1) * across + column) * size);
  }
  return out;
}
