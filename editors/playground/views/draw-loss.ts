import type { Progress } from "../protocol.js";
import { clearedSurface, color } from "./canvas.js";

const edge = { left: 56, right: 10, top: 8, bottom: 22 } as const;

/** The loss of the minibatches by step, and its running mean, over the range of the later nine tenths. */
export function drawLoss(canvas: HTMLCanvasElement, points: readonly Progress[]): void {
  const { context, width, height } = clearedSurface(canvas);
  if (points.length === 0) return;
  const losses = points.map(({ loss }) => loss);
  const settled = losses.slice(Math.floor(losses.length / 10)).filter(Number.isFinite).sort((a, b) => a - b);
  const low = settled[0] ?? 0;
  const high = settled[Math.floor(0.98 * (settled.length - 1))] ?? 1;
  const room = Math.max(1e-6, (high - low) * 0.1, Math.abs(low) * 1e-3);
  const last = Math.max(1, points.at(-1)!.step);
  const x = (step: number): number => edge.left + ((width - edge.left - edge.right) * step) / last;
  const y = (loss: number): number => edge.top + ((height - edge.top - edge.bottom) * (high + room - loss)) / (high - low + 2 * room);
  context.font = "12px system-ui, sans-serif";
  context.fillStyle = color("quiet");
  context.strokeStyle = color("line");
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const level of [low, (low + high) / 2, high]) {
    context.beginPath();
    context.moveTo(edge.left, y(level));
    context.lineTo(width - edge.right, y(level));
    context.stroke();
    context.fillText(Number(level.toPrecision(4)).toLocaleString("en"), edge.left - 6, y(level));
  }
  context.textBaseline = "alphabetic";
  context.fillText(`step ${last.toLocaleString("en")}`, width - edge.right, height - 6);
  context.save();
  context.beginPath();
  context.rect(edge.left, edge.top, width - edge.left - edge.right, height - edge.top - edge.bottom);
  context.clip();
  const trace = (values: readonly number[]): void => {
    context.beginPath();
    points.forEach(({ step }, at) => context.lineTo(x(step), y(values[at]!)));
    context.stroke();
  };
  context.strokeStyle = color("accent-faint");
  trace(losses);
  context.strokeStyle = color("accent");
  context.lineWidth = 2;
  let mean = losses[0]!;
  trace(losses.map((loss) => (mean += 0.08 * (loss - mean))));
  context.restore();
}
