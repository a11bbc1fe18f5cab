import * as tf from "@tensorflow/tfjs-core";
import { fillLogGamma, fillNormal, fillUniform, type RandomKey } from "../random/index.js";
import { randomLogGamma } from "./ops/random-log-gamma.js";

/**
 * Random numbers for one run of a program. Each stream has a key of its own; what is drawn depends on seed, stream, step and the row's position
 * alone, so a resumed run repeats the bits and a data set gives the same draws whatever its batches. `rowsAxis` is the axis of the rows; a
 * stream without one is common to all rows.
 */
export interface Draws {
  normal(stream: string, shape: number[], rowsAxis?: number): tf.Tensor;
  /** From the open interval (0, 1). */
  uniform(stream: string, shape: number[], rowsAxis?: number): tf.Tensor;
  /** log of a Gamma(α, 1) draw for each element of α. */
  logGamma(stream: string, alpha: tf.Tensor, rowsAxis?: number): tf.Tensor;
  /** The draws of a loop's step: slice `index` of those of all its `steps`, which are counted behind the rows and before the axes of a draw. */
  at(index: number, steps: number): Draws;
}

export interface DrawPosition {
  readonly seed: readonly [number, number];
  readonly step: number;
  /** Position of the batch's first row: 0 for a training batch. */
  readonly firstRow?: number;
  /** Separates uses that share a step: training, evaluation, samples. */
  readonly use?: string;
  /** In a loop: how many steps it has, with those of the loops around it, and which of them this is. */
  readonly loop?: { readonly index: number; readonly steps: number };
}

export function createDraws(position: DrawPosition): Draws {
  const { index: outer, steps: all } = position.loop ?? { index: 0, steps: 1 };
  const keyOf = (stream: string): RandomKey => ({ seed: position.seed, site: siteOf(position.use ? `${position.use}/${stream}` : stream), step: position.step });
  const draw = (stream: string, shape: readonly number[], rowsAxis: number | undefined, fill: Fill): Float32Array => {
    const out = new Float32Array(shape.reduce((product, size) => product * size, 1));
    fillByRows(out, shape, rowsAxis, position, (part, start, at) => fill(part, keyOf(stream), start, at));
    return out;
  };
  const tensorOf = (values: Float32Array, shape: readonly number[]): tf.Tensor => tf.tensor(values, [...shape] as tf.ShapeMap[tf.Rank], "float32");
  return {
    normal: (stream, shape, rowsAxis) => tensorOf(draw(stream, shape, rowsAxis, fillNormal), shape),
    uniform: (stream, shape, rowsAxis) => tensorOf(draw(stream, shape, rowsAxis, fillUniform), shape),
    logGamma: (stream, alpha, rowsAxis) =>
      randomLogGamma(alpha, (out, alphas) => {
        const values = Float32Array.from(alphas);
        out.set(draw(stream, alpha.shape, rowsAxis, (part, key, start, at) => fillLogGamma(part, values.subarray(at, at + part.length), key, start)));
      }),
    at: (index, steps) => createDraws({ ...position, loop: { index: outer * steps + index, steps: all * steps } }),
  };
}

type Fill = (out: Float32Array, key: RandomKey, start: number, at: number) => void;

/**
 * Draws are counted with the axis of the rows in front, then the steps of loops, then the other axes, on every engine: what is drawn for a row does not depend on how many there are, nor on the
 * batch.
 */
function fillByRows(out: Float32Array, shape: readonly number[], rowsAxis: number | undefined, position: DrawPosition, fill: (part: Float32Array, start: number, at: number) => void): void {
  const { index, steps } = position.loop ?? { index: 0, steps: 1 };
  if (rowsAxis === undefined) return fill(out, index * out.length, 0);
  const rows = shape[rowsAxis] ?? 1;
  const outer = shape.slice(0, rowsAxis).reduce((product, size) => product * size, 1);
  const inner = shape.slice(rowsAxis + 1).reduce((product, size) => product * size, 1);
  const first = position.firstRow ?? 0;
  if (outer === 1 && steps === 1) return fill(out, first * inner, 0);
  for (let block = 0; block < outer; block++) {
    for (let row = 0; row < rows; row++) {
      const at = (block * rows + row) * inner;
      fill(out.subarray(at, at + inner), (((first + row) * steps + index) * outer + block) * inner, at);
    }
  }
}

/** A stream's number: FNV-1a of its name; the top of the range belongs to the run time's own sites. */
export function siteOf(stream: string): number {
  const known = sites.get(stream);
  if (known !== undefined) return known;
  let hash = 0x811c9dc5;
  for (let at = 0; at < stream.length; at++) hash = Math.imul(hash ^ stream.charCodeAt(at), 0x01000193);
  const site = (hash >>> 0) % 0xffffff00;
  sites.set(stream, site);
  return site;
}

const sites = new Map<string, number>();
