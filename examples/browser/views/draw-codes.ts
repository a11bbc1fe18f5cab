import type { Pictures } from "../protocol.js";
import { clearedSurface, color } from "./canvas.js";

const classes = 10;

/** Where digits lie in the latent plane, a colour for each class with its name at their middle; rings at 1, 2, 3 standard deviations of the prior. */
export function drawCodes(canvas: HTMLCanvasElement, { codes, labels }: Pictures): void {
  const { context, width } = clearedSurface(canvas);
  const far = [...codes].map(Math.abs).sort((a, b) => a - b);
  // The few that lie farther out are cut off.
  const extent = Math.max(3.2, far[Math.floor(0.99 * far.length)] ?? 0) * 1.04;
  const [x, y] = [(z: number): number => ((extent + z) / (2 * extent)) * width, (z: number): number => ((extent - z) / (2 * extent)) * width];
  context.strokeStyle = color("line");
  for (const radius of [1, 2, 3]) {
    context.beginPath();
    context.arc(x(0), y(0), x(radius) - x(0), 0, 2 * Math.PI);
    context.stroke();
  }
  const colors = Array.from({ length: classes }, (_, label) => color(`class-${label}`));
  labels.forEach((label, at) => {
    context.fillStyle = colors[label] ?? "";
    context.beginPath();
    context.arc(x(codes[2 * at] ?? 0), y(codes[2 * at + 1] ?? 0), Math.max(2, width / 150), 0, 2 * Math.PI);
    context.fill();
  });
  context.font = `700 ${Math.round(width / 17)}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineJoin = "round";
  context.lineWidth = 5;
  context.strokeStyle = color("panel");
  for (let label = 0; label < classes; label++) {
    const of = (axis: 0 | 1): number => median([...labels].flatMap((each, at) => (each === label ? [codes[2 * at + axis] ?? 0] : [])));
    const [left, top] = [x(of(0)), y(of(1))];
    context.strokeText(String(label), left, top);
    context.fillStyle = colors[label] ?? "";
    context.fillText(String(label), left, top);
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
