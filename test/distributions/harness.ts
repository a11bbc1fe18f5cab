import type { Arguments, Distribution } from "../../src/distributions/distribution.js";
import type { DistributionName } from "../../src/distributions/names.js";
import { distributions } from "../../src/distributions/registry.js";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import { evaluate, seededRandom, type InputValue } from "../../src/ir/tensor/evaluate.js";
import type { TensorNode } from "../../src/ir/tensor/nodes.js";

/** An argument's value: a number, a vector or a matrix; or a mixture's components with their K-vectors. */
export type ArgumentValue = number | readonly number[] | readonly (readonly number[])[] | ComponentValue;
export interface ComponentValue {
  readonly distribution: DistributionName;
  readonly args: Readonly<Record<string, readonly number[]>>;
}
export type ArgumentValues = Readonly<Record<string, ArgumentValue>>;
export type Precision = "f64" | "f32";

export interface Built {
  readonly b: TensorBuilder;
  readonly args: Arguments;
  readonly inputs: Record<string, InputValue>;
}

const isComponent = (value: ArgumentValue): value is ComponentValue => typeof value === "object" && "distribution" in value;

/** Arguments as inputs with one leading axis of size 1; counts of levels and trials as constants, as lowering gives them. */
export function bindArguments(b: TensorBuilder, inputs: Record<string, InputValue>, values: ArgumentValues, prefix = "", distribution?: Distribution): Arguments {
  const args: Record<string, Arguments[string]> = {};
  for (const [name, value] of Object.entries(values)) {
    if (isComponent(value)) {
      const own = Object.fromEntries(Object.entries(value.args).map(([key, list]) => [key, list]));
      args[name] = { distribution: distributions[value.distribution], args: bindArguments(b, inputs, own, `${prefix}${name}.`), eventRank: 0 };
      continue;
    }
    const isConstant = distribution?.parameters.find((parameter) => parameter.name === name)?.constant;
    const flat = typeof value === "number" ? [value] : (value as readonly (number | readonly number[])[]).flat();
    const shape = typeof value === "number" ? [1] : Array.isArray(value[0]) ? [1, value.length, (value[0] as readonly number[]).length] : [1, value.length];
    if (isConstant) {
      args[name] = b.constant(flat, shape);
      continue;
    }
    args[name] = b.input("parameter", prefix + name, shape);
    inputs[prefix + name] = { values: flat, shape };
  }
  return args;
}

export function build(name: DistributionName, values: ArgumentValues): Built {
  const b = new TensorBuilder();
  const inputs: Record<string, InputValue> = {};
  return { b, inputs, args: bindArguments(b, inputs, values, "", distributions[name]) };
}

/** Type of a distribution's values in a program. */
export function valueDtype(name: DistributionName, values: ArgumentValues): "f32" | "i32" {
  const sizes = Object.fromEntries(Object.entries(values).flatMap(([key, value]) => (Array.isArray(value) ? [[key, value.length]] : [])));
  const constants = Object.fromEntries(Object.entries(values).flatMap(([key, value]) => (typeof value === "number" ? [[key, value]] : [])));
  return distributions[name].support({ constants, lastSizes: sizes }).kind === "index" ? "i32" : "f32";
}

/** log density at each x (numbers, or vectors for joint distributions). */
export function logDensities(name: DistributionName, values: ArgumentValues, xs: readonly (number | readonly number[])[], precision: Precision = "f64", trusted = false): number[] {
  const { b, args, inputs } = build(name, values);
  const width = distributions[name].eventRank === 0 ? [] : [(xs[0] as readonly number[]).length];
  const x = b.input("column", "x", [xs.length, ...width], valueDtype(name, values));
  inputs["x"] = { values: xs.flat() as number[], shape: [xs.length, ...width] };
  const density = b.broadcast(distributions[name].logDensity(b, x, args, trusted), [xs.length]);
  return [...evaluate(b.program("density", { density }), { inputs, precision })["density"]!.values];
}

/** n draws (of vectors: flattened). */
export function draws(name: DistributionName, values: ArgumentValues, n: number, seed: number, options: { gamma?: "rejection" | "inverse"; precision?: Precision; size?: number } = {}): Float64Array {
  const { b, args, inputs } = build(name, values);
  const shape = options.size === undefined ? [n] : [n, options.size];
  const draw = distributions[name].sample(b, "z", args, shape);
  if (draw.shape.join() !== shape.join()) throw new Error(`a draw of ${name} has shape ${draw.shape.join()}`);
  return evaluate(b.program("draw", { draw }), { inputs, random: seededRandom(seed, { gamma: options.gamma ?? "rejection" }), precision: options.precision })["draw"]!.values;
}

/** Entropy or mean. */
export function statistic(name: DistributionName, values: ArgumentValues, of: "entropy" | "mean", shape: readonly number[] = [1], precision: Precision = "f64"): number[] | undefined {
  const { b, args, inputs } = build(name, values);
  const node: TensorNode | undefined = distributions[name][of]?.(b, args, shape);
  return node && [...evaluate(b.program(of, { node }), { inputs, precision })["node"]!.values];
}

// ── Quadrature ─────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Nodes {
  readonly x: number[];
  readonly weight: number[];
}

/** Double-exponential rule (Takahasi & Mori 1974) on [a, b]; either end may be infinite. */
export function quadrature(a: number, b: number, step = 1 / 20): Nodes {
  const x: number[] = [];
  const weight: number[] = [];
  if (a === -Infinity && b === Infinity) return joined(quadrature(a, 0, step), quadrature(0, b, step));
  for (let i = Math.round(-6.2 / step); i <= Math.round(6.2 / step); i++) {
    const t = i * step;
    if (Number.isFinite(a) && Number.isFinite(b)) {
      const u = Math.exp(-Math.PI * Math.sinh(t));
      const share = 1 / (1 + u);
      const w = (b - a) * Math.PI * Math.cosh(t) * share * (u / (1 + u)) * step;
      const at = t < 0 ? a + (b - a) * share : b - (b - a) * (u / (1 + u));
      if (w > 1e-300 && at > a && at < b) {
        x.push(at);
        weight.push(w);
      }
      continue;
    }
    const s = Math.exp((Math.PI / 2) * Math.sinh(t));
    const w = s * (Math.PI / 2) * Math.cosh(t) * step;
    const at = Number.isFinite(a) ? a + s : b - s;
    if (w > 1e-300 && w < 1e300 && at !== a && at !== b && Math.abs(at) < 1e150) {
      x.push(at);
      weight.push(w);
    }
  }
  return { x, weight };
}

export function joined(...parts: readonly Nodes[]): Nodes {
  return { x: parts.flatMap((part) => part.x), weight: parts.flatMap((part) => part.weight) };
}

/** Over consecutive pieces between break points. */
export function pieces(points: readonly number[], step?: number): Nodes {
  return joined(...points.slice(1).map((end, i) => quadrature(points[i]!, end, step)));
}

export const counts = (n: number): Nodes => ({ x: Array.from({ length: n }, (_, i) => i), weight: new Array<number>(n).fill(1) });

/** Σ weight · p(x) · f(x); p = 0 contributes nothing. */
export function expectation(nodes: Nodes, logDensity: readonly number[], f: (x: number, i: number) => number): number {
  let sum = 0;
  nodes.x.forEach((x, i) => {
    const p = Math.exp(logDensity[i]!) * nodes.weight[i]!;
    if (p > 0 && Number.isFinite(p)) sum += p * f(x, i);
  });
  return sum;
}
