import type { Environment, Imagined, LatentModel } from "../../src/runtime/index.js";

/**
 * The robot room's own dynamics as a model that imagines, written from its documentation: what a perfectly trained one would say. It believes what is, for
 * it looks into the environment.
 */
export function trueRoomModel(environment: Environment): LatentModel<readonly [number, number]> {
  const clip = (value: number): number => Math.min(1, Math.max(-1, value));
  return {
    window: Infinity,
    async filter() {
      const [x = 0, y = 0] = environment.state();
      return [x, y];
    },
    async rewards(belief, actions, samples) {
      const horizon = actions.length / 2 / samples;
      const out = new Float32Array(samples * horizon);
      for (let sample = 0; sample < samples; sample++) {
        let [x, y] = belief;
        for (let step = 0; step < horizon; step++) {
          const at = sample * horizon + step;
          x = clip(x + 0.2 * actions[2 * at]!);
          y = clip(y + 0.2 * actions[2 * at + 1]!);
          out[at] = -Math.sqrt(x * x + y * y);
        }
      }
      return out;
    },
    async imagine(belief, actions): Promise<Imagined> {
      let [x, y] = belief;
      const pictures = [picture(x, y)];
      for (let step = 0; step < actions.length / 2; step++) {
        x = clip(x + 0.2 * actions[2 * step]!);
        y = clip(y + 0.2 * actions[2 * step + 1]!);
        pictures.push(picture(x, y));
      }
      return { columns: { x: Float32Array.from(pictures.flat()) } };
    },
  };
}

/** The robot alone, as the share of each pixel that a square of 4 pixels covers. */
function picture(x: number, y: number): number[] {
  const share = (at: number, center: number): number => Math.max(0, Math.min(at + 1, 16 + 14 * center + 2) - Math.max(at, 16 + 14 * center - 2));
  return Array.from({ length: 1024 }, (_, pixel) => share(pixel % 32, x) * share(Math.floor(pixel / 32), y));
}
