import { encodeGif } from "../../runtime/image/encode-gif.js";
import { encodePng } from "../../runtime/image/encode-png.js";
import type { ImageBytes } from "../../runtime/image/image-grid.js";
import { tileImages } from "../../runtime/image/tile-images.js";
import type { Episode } from "../../runtime/planning/index.js";

/** Milliseconds for which a frame is shown, and the last one of an episode. */
const frameDelay = 200;
const lastDelay = 1200;

/** An animation of episodes one after the other: what is there to the left, what was imagined a step before to the right. */
export function planGif(episodes: readonly Episode[]): Uint8Array {
  const frames = episodes.flatMap(({ frames: real, imagined }) => real.map((frame, i) => tileImages([[frame, imagined[i] ?? dark(frame)]], 4, 4)));
  const delays = episodes.flatMap(({ frames: real }) => real.map((_, i) => (i === real.length - 1 ? lastDelay : frameDelay)));
  return encodeGif(frames, delays);
}

/** All frames of episodes: for each a row of what is there, and below it a row of what was imagined a step before. */
export function planStrip(episodes: readonly Episode[]): Uint8Array {
  return encodePng(tileImages(episodes.flatMap(({ frames, imagined }) => [frames, imagined]), 2, 2));
}

/** For a model of an environment without pictures. */
function dark({ width, height }: ImageBytes): ImageBytes {
  return { width, height, channels: 1, data: new Uint8Array(width * height) };
}
