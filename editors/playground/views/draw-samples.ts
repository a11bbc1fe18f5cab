import type { Drawn } from "../protocol.js";
import { clearedSurface, color } from "./canvas.js";

const zoom = 2;

/** What the model draws: a grid of pictures, or points over those of the data. */
export function drawSamples(canvas: HTMLCanvasElement, drawn: Exclude<Drawn, { kind: "numbers" }>): void {
  if (drawn.kind === "points") return drawPoints(canvas, drawn);
  const { count, shape: [height, width, channels], bytes } = drawn;
  const columns = Math.ceil(Math.sqrt(count));
  const rows = Math.ceil(count / columns);
  canvas.width = columns * (width + 2) - 2;
  canvas.height = rows * (height + 2) - 2;
  canvas.style.width = `${canvas.width * Math.max(zoom, Math.round(360 / canvas.width))}px`;
  canvas.style.height = "auto";
  const context = canvas.getContext("2d")!;
  context.clearRect(0, 0, canvas.width, canvas.height);
  for (let at = 0; at < count; at++) {
    const image = context.createImageData(width, height);
    for (let pixel = 0; pixel < width * height; pixel++) {
      const from = (at * width * height + pixel) * channels;
      for (let channel = 0; channel < 3; channel++) image.data[4 * pixel + channel] = bytes[from + (channels >= 3 ? channel : 0)]!;
      image.data[4 * pixel + 3] = 255;
    }
    context.putImageData(image, (at % columns) * (width + 2), Math.floor(at / columns) * (height + 2));
  }
}

function drawPoints(canvas: HTMLCanvasElement, { drawn, data }: Extract<Drawn, { kind: "points" }>): void {
  canvas.style.width = "360px";
  canvas.style.height = "360px";
  const { context, width, height } = clearedSurface(canvas);
  const all = [...data];
  const range = (axis: number): readonly [number, number] => {
    const values = all.filter((_, at) => at % 2 === axis);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return [low - 0.15 * (high - low), high + 0.15 * (high - low)];
  };
  const [[left, right], [bottom, top]] = [range(0), range(1)];
  const dots = (points: Float32Array, style: string): void => {
    context.fillStyle = style;
    for (let at = 0; at + 1 < points.length; at += 2) {
      const x = ((points[at]! - left) / (right - left)) * width;
      const y = ((top - points[at + 1]!) / (top - bottom)) * height;
      context.fillRect(x - 1, y - 1, 2, 2);
    }
  };
  dots(data, color("line"));
  dots(drawn, color("accent"));
}
