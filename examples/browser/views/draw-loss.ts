import type { Progress } from "../protocol.js";
import { clearedSurface, color } from "./canvas.js";

/** Where there may be lines across, pixels between them at least. */
const levels = [60, 80, 100, 120, 140, 160, 180, 200, 220, 240, 260, 300, 350, 400, 450, 500, 550, 600] as const;
const between = 18;

const edge = { left: 40, right: 12, top: 10, bottom: 24 } as const;

/** The loss of the minibatches by step, on a logarithmic scale, and its running mean. */
export function drawLoss(canvas: HTMLCanvasElement, points: readonly Progress[]): void {
  const { context, width, height } = clearedSurface(canvas);
  const losses = points.map(({ loss }) => loss);
  const least = Math.min(300, ...losses);
  const last = Math.max(100, points.at(-1)?.step ?? 0);
  // Later the first fall would leave no room for the rest.
  const low = Math.log(least * 0.97);
  const high = Math.log(last > 200 ? least * 1.5 : 565);
  const x = (step: number): number => edge.left + ((width - edge.left - edge.right) * step) / last;
  const y = (loss: number): number => edge.top + ((height - edge.top - edge.bottom) * (high - Math.log(loss))) / (high - low);

  context.font = "12px system-ui, sans-serif";
  context.fillStyle = color("quiet");
  context.strokeStyle = color("line");
  context.lineWidth = 1;
  context.textAlign = "right";
  context.textBaseline = "middle";
  let above = Infinity;
  for (const loss of levels) {
    if (Math.log(loss) < low || Math.log(loss) > high || above - y(loss) < between) continue;
    above = y(loss);
    context.beginPath();
    context.moveTo(edge.left, y(loss));
    context.lineTo(width - edge.right, y(loss));
    context.stroke();
    context.fillText(String(loss), edge.left - 8, y(loss));
  }
  context.textBaseline = "alphabetic";
  context.textAlign = "center";
  const stride = niceStride(last / Math.max(2, width / 140));
  for (let step = 0; step <= last; step += stride) {
    context.textAlign = step === 0 ? "left" : x(step) > width - 40 ? "right" : "center";
    context.fillText(step.toLocaleString("en"), x(step), height - 6);
  }

  context.save();
  context.beginPath();
  context.rect(edge.left, edge.top, width - edge.left - edge.right, height - edge.top - edge.bottom);
  context.clip();
  const trace = (values: readonly number[]): void => {
    context.beginPath();
    points.forEach(({ step }, at) => context.lineTo(x(step), y(values[at] ?? NaN)));
    context.stroke();
  };
  context.lineJoin = "round";
  context.strokeStyle = color("accent-faint");
  trace(losses);
  context.strokeStyle = color("accent");
  context.lineWidth = 2;
  trace(runningMean(losses));
  context.restore();
}

/** 1, 2 or 5 times a power of ten, at least `least`. */
function niceStride(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return ([1, 2, 5].find((factor) => factor * power >= least) ?? 10) * power;
}

/** Each value weighs 0.8 times what the next one weighs. */
function runningMean(values: readonly number[]): number[] {
  let [sum, weight] = [0, 0];
  return values.map((value) => {
    sum = 0.8 * sum + value;
    weight = 0.8 * weight + 1;
    return sum / weight;
  });
}
