/** Layers of diffusion networks as their papers define them, one row at a time in plain loops: what the compiler's versions are compared with. */

/** Numbers in row-major order. */
export interface Array3 {
  readonly shape: readonly [number, number, number];
  readonly values: readonly number[];
}

export type Weights = Readonly<Record<string, readonly number[]>>;

const each = (count: number, value: (at: number) => number): number[] => Array.from({ length: count }, (_, at) => value(at));
const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
export const silu = (x: number): number => x * sigmoid(x);
export const map = (x: Array3, f: (value: number) => number): Array3 => ({ ...x, values: x.values.map(f) });
export const plus = (a: Array3, b: Array3): Array3 => ({ ...a, values: a.values.map((value, at) => value + b.values[at]!) });

/** kernelᵀ·x + bias. */
export function dense(x: readonly number[], kernel: readonly number[], bias: readonly number[]): number[] {
  return each(bias.length, (j) => bias[j]! + total(x.map((value, i) => value * kernel[i * bias.length + j]!)));
}

/** Cross-correlation with zeros around, as large as x; a kernel of odd size. */
export function conv(x: Array3, kernel: readonly number[], bias: readonly number[]): Array3 {
  const [h, w, c] = x.shape;
  const out = bias.length;
  const size = Math.round(Math.sqrt(kernel.length / (c * out)));
  const half = (size - 1) / 2;
  const values = each(h * w * out, (flat) => {
    const [i, j, o] = [Math.floor(flat / (w * out)), Math.floor(flat / out) % w, flat % out];
    let sum = bias[o]!;
    for (let di = 0; di < size; di++) for (let dj = 0; dj < size; dj++) {
      const [a, b] = [i + di - half, j + dj - half];
      if (a < 0 || a >= h || b < 0 || b >= w) continue;
      for (let k = 0; k < c; k++) sum += x.values[(a * w + b) * c + k]! * kernel[((di * size + dj) * c + k) * out + o]!;
    }
    return sum;
  });
  return { shape: [h, w, out], values };
}

/** Wu & He 2018, equations 2 and 7: the variance divided by the count. */
export function groupNorm(x: Array3, groups: number, scale: readonly number[], offset: readonly number[], epsilon = 1e-5): Array3 {
  const c = x.shape[2];
  const groupOf = (at: number): number => Math.floor((at % c) / (c / groups));
  const moments = each(groups, (g) => g).map((g) => {
    const mine = x.values.filter((_, at) => groupOf(at) === g);
    const mean = total(mine) / mine.length;
    return { mean, deviation: Math.sqrt(total(mine.map((value) => (value - mean) ** 2)) / mine.length + epsilon) };
  });
  return { ...x, values: x.values.map((value, at) => ((value - moments[groupOf(at)]!.mean) / moments[groupOf(at)]!.deviation) * scale[at % c]! + offset[at % c]!) };
}

/** Vaswani et al. 2017, section 3.2: x [positions, channels]. */
export function attention(x: readonly number[], channels: number, heads: number, w: Weights): number[] {
  const rows = each(x.length / channels, (at) => at).map((at) => x.slice(at * channels, (at + 1) * channels));
  const project = (role: string): number[][] => rows.map((row) => dense(row, w[role]!, w[`${role}_bias`]!));
  const [q, k, v] = [project("queries"), project("keys"), project("values")];
  const width = channels / heads;
  return rows.flatMap((_, i) => {
    const heard = each(channels, (c) => {
      const head = Math.floor(c / width);
      const scores = rows.map((__, j) => total(each(width, (d) => q[i]![head * width + d]! * k[j]![head * width + d]!)) / Math.sqrt(width));
      const shares = scores.map(Math.exp);
      return total(shares.map((share, j) => share * v[j]![c]!)) / total(shares);
    });
    return dense(heard, w["output"]!, w["output_bias"]!);
  });
}

/** Ho et al. 2020, appendix B, with the weights of a `residual_block`. */
export function residualBlock(x: Array3, condition: readonly number[] | undefined, groups: number, w: Weights): Array3 {
  let h = conv(map(groupNorm(x, groups, w["scale_1"]!, w["offset_1"]!), silu), w["kernel_1"]!, w["bias_1"]!);
  if (condition) {
    const told = dense(condition.map(silu), w["condition_kernel"]!, w["condition_bias"]!);
    h = { ...h, values: h.values.map((value, at) => value + told[at % told.length]!) };
  }
  const inner = conv(map(groupNorm(h, groups, w["scale_2"]!, w["offset_2"]!), silu), w["kernel_2"]!, w["bias_2"]!);
  return plus(w["skip_kernel"] ? conv(x, w["skip_kernel"], w["skip_bias"]!) : x, inner);
}

/** Ho et al. 2020 (their code): sines, then cosines, frequencies 10000^(−i/(n − 1)). */
export function timeEmbedding(t: number, size: number, period = 10000): number[] {
  const angles = each(size / 2, (i) => t * Math.exp((-Math.log(period) * i) / (size / 2 - 1)));
  return [...angles.map(Math.sin), ...angles.map(Math.cos)];
}

/** Means of 2 by 2 pixels. */
export function halved(x: Array3): Array3 {
  const [h, w, c] = x.shape;
  const at = (i: number, j: number, k: number): number => x.values[(i * w + j) * c + k]!;
  return { shape: [h / 2, w / 2, c], values: each((h * w * c) / 4, (flat) => {
    const [i, j, k] = [2 * Math.floor(flat / ((w / 2) * c)), 2 * (Math.floor(flat / c) % (w / 2)), flat % c];
    return (at(i, j, k) + at(i + 1, j, k) + at(i, j + 1, k) + at(i + 1, j + 1, k)) / 4;
  }) };
}

/** Every pixel four times. */
export function doubled(x: Array3): Array3 {
  const [h, w, c] = x.shape;
  return { shape: [2 * h, 2 * w, c], values: each(4 * h * w * c, (flat) => x.values[(Math.floor(flat / (4 * w * c)) * w + Math.floor((Math.floor(flat / c) % (2 * w)) / 2)) * c + (flat % c)]!) };
}

/** Channels of both, side by side. */
export function joined(a: Array3, b: Array3): Array3 {
  const [h, w, c] = a.shape;
  const d = b.shape[2];
  return { shape: [h, w, c + d], values: each(h * w * (c + d), (flat) => {
    const [pixel, k] = [Math.floor(flat / (c + d)), flat % (c + d)];
    return k < c ? a.values[pixel * c + k]! : b.values[pixel * d + k - c]!;
  }) };
}
