import { evaluate, evaluateRules, type EvaluateBindings, type Tensor } from "../../src/ir/tensor/evaluate.js";
import type { EvaluateRule } from "../../src/ir/tensor/evaluate/types.js";
import type { TensorNode, TensorOpKind } from "../../src/ir/tensor/nodes.js";
import { unrollLoops } from "../../src/ir/tensor/unroll-loops.js";
import { randomGenerator } from "../../src/util/random-generator.js";
import { engineRandom } from "../passes/support.js";
import type { DeviceCase } from "./device-case.js";

/** Of the largest value of an output. */
const tolerance = 2e-5;
/** An error of arithmetic in float32 excuses one that is this much larger: sums are made in other orders. */
const excuse = 20;
const samples = 12;
const ulp = 2 ** -24;

export interface Reference {
  readonly given: DeviceCase;
  readonly exact: Readonly<Record<string, Tensor>>;
  /** The same with every node rounded to float32. */
  readonly rounded: Readonly<Record<string, Tensor>>;
}

export interface Comparison {
  /** One line for each element that is wrong. */
  readonly wrong: readonly string[];
  /** Outputs that were held to the reference, and those whose value float32 does not determine. */
  readonly checked: number;
  readonly skipped: number;
}

export function referenceOf(given: DeviceCase): Reference {
  const bindings: EvaluateBindings = { inputs: given.inputs, random: engineRandom() };
  return { given, exact: evaluate(given.program, bindings), rounded: evaluate(given.program, { ...bindings, precision: "f32" }) };
}

/**
 * Outputs of a device against the float64 reference. An element is right if it is within 2e-5 of the largest finite value of its output, or within 20
 * times the error that the reference itself makes when it rounds to float32. What is left is judged by Monte Carlo arithmetic (Parker 1997): the
 * reference runs 12 times with every rounded value, and every term of every sum, off by a few units in the last place at random. An element
 * may be as far off as 20 times those runs are. Where they differ by more than a hundredth of the largest value, or in being finite,
 * float32 does not determine the element, and it is passed over: a step, a tie, a cancellation. NaN and ±∞ stand where the reference has them.
 * `flushes`: half of the runs have zeros for numbers below the smallest normal one, as the device may.
 */
export function compare({ given, exact, rounded }: Reference, got: Readonly<Record<string, readonly number[]>>, flushes = false): Comparison {
  const wrong: string[] = [];
  let [checked, skipped] = [0, 0];
  let spread: Readonly<Record<string, Tensor>>[] | undefined;
  for (const [name, { values, dtype }] of Object.entries(exact)) {
    const actual = got[name]!;
    const scale = values.reduce((most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most), 1e-3);
    let open = false;
    values.forEach((value, i) => {
      const [have, other] = [actual[i]!, rounded[name]!.values[i]!];
      const near = same(have, value) || same(have, other) || Math.abs(have - value) <= (dtype === "f32" ? tolerance * scale + excuse * Math.abs(other - value) : 0);
      if (near) return;
      spread ??= Array.from({ length: samples }, (_, run) => perturbed(given, run, flushes && run % 2 === 1));
      const around = spread.map((each) => each[name]!.values[i]!);
      if (around.some((each) => same(each, have))) return;
      const off = Math.max(Math.abs(other - value), ...around.map((each) => Math.abs(each - value)));
      // Not finite somewhere, or far apart.
      if (!(off <= 0.01 * scale) && !around.every((each) => same(each, value))) open = true;
      else if (!(Math.abs(have - value) <= tolerance * scale + excuse * off)) wrong.push(`${name}[${i}]: ${have} instead of ${value} (in float32 ${other}, ± ${off})`);
    });
    if (open) skipped++;
    else checked++;
  }
  return { wrong, checked, skipped };
}

const same = (a: number, b: number): boolean => a === b || (Number.isNaN(a) && Number.isNaN(b)) || (Math.abs(a) > 3e38 && Math.abs(b) > 3e38 && a > 0 === b > 0);

const sums = new Set<TensorOpKind>(["reduce", "dot", "conv2d", "conv2d-input-gradient", "conv2d-filter-gradient", "cumulative-sum", "scatter-add", "pool2d", "pool2d-gradient", "cholesky", "triangular-solve", "softmax", "log-softmax"]);
const exactFunctions = new Set(["negate", "abs", "relu", "floor", "round", "sign", "not", "is_finite", "maximum", "minimum", "max", "min"]);

/** How an operation rounds: not at all, once, or for each term. */
function rounding({ op, dtype }: TensorNode): "none" | "once" | "terms" {
  if (dtype !== "f32") return "none";
  if ("function" in op && exactFunctions.has(op.function) && op.kind !== "pool2d-gradient") return "none";
  if (sums.has(op.kind)) return "terms";
  return op.kind === "unary" || op.kind === "binary" || op.kind === "random-log-gamma" ? "once" : "none";
}

const smallest = 2 ** -126;

/** The reference with random rounding errors, in each step of a loop too: another for each `run`. `flush`: what is below the smallest normal number is 0. */
function perturbed({ program: given, inputs: all, seed }: DeviceCase, run: number, flush: boolean): Record<string, Tensor> {
  const next = randomGenerator(`rounding ${seed} ${run}`);
  const nudge = (values: Float64Array): Float64Array => values.map((value) => value * (1 + (8 * next() - 4) * ulp));
  const settle = (value: number): number => (flush && Math.abs(value) < smallest ? 0 : Math.fround(value));
  const inputs = flush ? Object.fromEntries(Object.entries(all).map(([name, { shape, values }]) => [name, { shape, values: values.map(settle) }])) : all;
  const bindings: EvaluateBindings = { inputs, random: engineRandom(), precision: "f32" };
  const values = new Map<TensorNode, Tensor>();
  const program = unrollLoops(given);
  for (const node of program.nodes) {
    const shape = node.shape as readonly number[];
    const how = rounding(node);
    const operands = node.inputs.map((input) => values.get(input)!).map((each) => (how === "terms" && each.dtype === "f32" ? { ...each, values: nudge(each.values) } : each));
    const rule = evaluateRules[node.op.kind] as EvaluateRule<TensorOpKind>;
    const count = shape.reduce((n, dim) => n * dim, 1);
    const raw = rule(node.op as never, operands, { node, shape, count, round: Math.fround, bindings, sizes: { rows: undefined, dataset: undefined }, bind: (each) => each as readonly number[] });
    values.set(node, { shape, dtype: node.dtype, values: node.dtype === "f32" ? (how === "none" ? raw : nudge(raw)).map(settle) : node.dtype === "i32" ? raw.map((each) => each | 0) : node.dtype === "u32" ? raw.map((each) => each >>> 0) : raw });
  }
  return Object.fromEntries(Object.entries(program.outputs).map(([name, node]) => [name, values.get(node)!]));
}
