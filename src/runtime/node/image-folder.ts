import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { HostColumn } from "../data/column.js";
import { defaultLimits, printCount, type ReadLimits } from "../data/limits.js";
import { decodePng, type PngImage } from "../data/png.js";
import { LvmError } from "../error.js";
import { explain, readFileBytes } from "./read-file.js";

/** Images, one a row, and labels where they are in subfolders. */
export interface ImageFolder {
  readonly images: HostColumn;
  readonly labels: HostColumn | undefined;
}

/**
 * Reads a folder of PNG files in natural order (2 before 10). Where it has subfolders, each is a class: its number if all names are whole
 * numbers, else its place in natural order. All images must have the same size and kind; one channel gives [h, w], more give [h, w, c].
 *
 * @throws LvmError LVM7001, LVM7003, LVM7006, LVM7011 a corrupt image, LVM7012 no images or different ones
 */
export async function readImageFolder(path: string, imageName = "x", labelName = "y", limits: ReadLimits = defaultLimits): Promise<ImageFolder> {
  const entries = await readdir(path, { withFileTypes: true }).catch(async (cause: unknown) => Promise.reject(await explain(path, cause)));
  const files = entries.filter((entry) => entry.isFile() && isPng(entry.name)).map((entry) => entry.name).sort(naturalOrder.compare);
  const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith(".")).map((entry) => entry.name).sort(naturalOrder.compare);
  const classes: { readonly label: number; readonly path: string }[] = [];
  const numbered = folders.every((name) => /^\d{1,9}$/.test(name));
  for (const [i, name] of folders.entries()) {
    const members = (await readdir(join(path, name))).filter(isPng).sort(naturalOrder.compare);
    classes.push(...members.map((member) => ({ label: numbered ? Number(name) : i, path: join(path, name, member) })));
  }
  if (files.length > 0 && classes.length > 0) throw new LvmError("LVM7012", `${path}: has images both in itself (${files[0]}) and in subfolders (${folders[0]}); one or the other`, { facts: { file: path } });
  const paths = classes.length > 0 ? classes.map((member) => member.path) : files.map((name) => join(path, name));
  if (paths.length === 0) throw new LvmError("LVM7012", `${path}: a folder without PNG files`, { facts: { file: path } });
  const images = await readImages(paths, path, imageName, limits);
  const labels: HostColumn | undefined = classes.length === 0 ? undefined : { name: labelName, rows: paths.length, shape: [], values: Int32Array.from(classes, (member) => member.label), origin: `${path}, subfolders ${folders[0]} to ${folders.at(-1)}`, missing: "none" };
  return { images, labels };
}

/** @throws LvmError LVM7012 naming the first file that differs */
export async function readImages(paths: readonly string[], origin: string, name: string, limits: ReadLimits = defaultLimits): Promise<HostColumn> {
  let first: PngImage | undefined;
  let values: Uint8Array | Float32Array = new Uint8Array(0);
  for (const [i, path] of paths.entries()) {
    const image = decodePng(await readFileBytes(path, limits.bytes), path, limits);
    if (first === undefined) {
      first = image;
      const bytes = paths.length * image.values.byteLength;
      if (bytes > limits.bytes) throw new LvmError("LVM7006", `${origin}: ${printCount(paths.length)} images take ${printCount(bytes)} bytes; the limit is ${printCount(limits.bytes)}`, { facts: { file: origin, declared: bytes, limit: limits.bytes } });
      values = image.values instanceof Uint8Array ? new Uint8Array(paths.length * image.values.length) : new Float32Array(paths.length * image.values.length);
    }
    if (describe(image) !== describe(first)) {
      throw new LvmError("LVM7012", `${path}: is ${describe(image)}; ${paths[0]} is ${describe(first)}`, { facts: { file: path, expected: describe(first), found: describe(image) }, help: "all images of a column have the same size, channels and depth" });
    }
    values.set(image.values, i * image.values.length);
  }
  if (first === undefined) throw new LvmError("LVM7012", `${origin}: no images`, { facts: { file: origin } });
  const shape = first.channels === 1 ? [first.height, first.width] : [first.height, first.width, first.channels];
  return { name, rows: paths.length, shape, values, origin, missing: "none" };
}

function describe(image: PngImage): string {
  return `${image.width}×${image.height} with ${image.channels} channel${image.channels === 1 ? "" : "s"} of ${image.values instanceof Uint8Array ? 8 : 16} bits`;
}

function isPng(name: string): boolean {
  return /\.png$/i.test(name) && !name.startsWith(".");
}

const naturalOrder = new Intl.Collator("en", { numeric: true });
