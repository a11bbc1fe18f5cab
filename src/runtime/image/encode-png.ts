import { encode } from "fast-png";
import type { ImageBytes } from "./image-grid.js";

/** A PNG file's bytes. */
export function encodePng(image: ImageBytes): Uint8Array {
  return encode({ width: image.width, height: image.height, data: image.data, depth: 8, channels: image.channels });
}
