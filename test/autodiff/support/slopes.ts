import { expect } from "vitest";
import { gradientsOf } from "../../../src/autodiff/gradients-of.js";
import { TensorBuilder } from "../../../src/ir/tensor/builder.js";
import { evaluate, evaluateNodes, seededRandom, type EvaluateBindings, type Tensor } from "../../../src/ir/tensor/evaluate.js";
import type { DType, Shape, TensorNode, TensorProgram } from "../../../src/ir/tensor/nodes.js";
import { print } from "../../../src/ir/tensor/print.js";
import { verify } from "../../../src/ir/tensor/verify.js";
import { randomGenerator } from "../../../src/util/random-generator.js";

/**
 * f'(0) by central differences with steps h, h/1.6, …, extrapolated to step 0 (Ridders 1982), and the disagreement of the last extrapolations.
 * Where `error` is large the function has no derivative that can be seen from here (a kink, a pole).
 */
export function slope(f: (t: number) => number, h: number, most = 9): { value: number; error: number } {
  const table: number[][] = [];
  let best = { value: NaN, error: Infinity };
  for (let row = 0, step = h; row < most; row++, step /= 1.6) {
    const current = [(f(step) - f(-step)) / (2 * step)];
    const above = table[row - 1];
    if (above) {
      for (let column = 1, power = 1.6 ** 2; column <= row; column++, power *= 1.6 ** 2) {
        const next = (current[column - 1]! * power - above[column - 1]!) / (power - 1);
        const error = Math.max(Math.abs(next - current[column - 1]!), Math.abs(next - above[column - 1]!));
        if (error < best.error) best = { value: next, error };
        current.push(next);
      }
    }
    table.push(current);
  }
  return best;
}

export interface GivenInput {
  readonly values: readonly number[];
  readonly shape: Shape;
  readonly dtype?: DType;
}

export interface GradientCase {
  readonly inputs: Readonly<Record<string, GivenInput>>;
  readonly build: (b: TensorBuilder, inputs: Readonly<Record<string, TensorNode>>) => TensorNode;
  /** Inputs whose gradients are checked. */
  readonly differentiable?: readonly string[];
  readonly rows?: number;
  readonly dataset?: number;
}

/** Weights that differ from element to element, so that a transposed gradient does not pass. */
function weightsOf(count: number): number[] {
  const next = randomGenerator("weights");
  return Array.from({ length: count }, () => 0.5 + next());
}

/** Numbers for the symbols of a shape; `rows` from the first input that has it. */
function sizesOf({ inputs, rows, dataset = 0 }: GradientCase): { rows: number; dataset: number } {
  for (const { shape, values } of Object.values(inputs)) {
    if (!shape.includes("rows")) continue;
    return { rows: values.length / shape.reduce<number>((n, dim) => n * (dim === "rows" ? 1 : dim === "dataset" ? dataset : dim), 1), dataset };
  }
  return { rows: rows ?? 0, dataset };
}

/** The case as a program: `loss`, a weighted sum of the result, and `d.<input>` for each differentiable input. */
export function differentiated(given: GradientCase, b = new TensorBuilder()): { program: TensorProgram; bindings: EvaluateBindings } {
  const sizes = sizesOf(given);
  const bind = (shape: Shape): number[] => shape.map((dim) => (typeof dim === "number" ? dim : sizes[dim]));
  const nodes = Object.fromEntries(Object.entries(given.inputs).map(([name, { shape, dtype }]) => [name, b.input("column", name, shape, dtype)]));
  const result = given.build(b, nodes);
  const fixed = result.shape.map((dim) => (typeof dim === "number" ? dim : 1));
  const weights = b.constant(weightsOf(fixed.reduce((n, dim) => n * dim, 1)), fixed);
  const loss = b.sum(b.multiply(b.cast(result, "f32"), weights));
  const wrt = (given.differentiable ?? []).map((name) => nodes[name]!);
  const gradients = gradientsOf(b, loss, wrt);
  const program = b.program("differentiated", { loss, ...Object.fromEntries(gradients.map((node, at) => [`d.${given.differentiable![at]!}`, node])) });
  verify(program);
  const inputs = Object.fromEntries(Object.entries(given.inputs).map(([name, { values, shape }]) => [name, { values, shape: bind(shape) }]));
  const bindings = { inputs, random: seededRandom(5, { gamma: "inverse" }), ...(sizes.rows > 0 ? { rows: sizes.rows } : {}), ...(sizes.dataset > 0 ? { dataset: sizes.dataset } : {}) };
  return { program, bindings };
}

/** The gradients that our rules give at the case's point. */
export function gradientsAt(given: GradientCase): Record<string, number[]> {
  const { program, bindings } = differentiated(given);
  const out = evaluate(program, bindings);
  return Object.fromEntries(given.differentiable!.map((name) => [name, [...out[`d.${name}`]!.values]]));
}

/**
 * Every element of every gradient agrees with central differences in float64 within `tolerance` of itself (or of a thousandth of the largest one). `skipKinks`
 * passes over elements where the differences do not settle; their number is returned.
 */
export function expectGradients(given: GradientCase, options: { tolerance?: number; skipKinks?: boolean; most?: number; label?: string; builder?: () => TensorBuilder } = {}): { checked: number; skipped: number } {
  const { tolerance = 1e-6, skipKinks = false, most = Infinity } = options;
  const { program, bindings } = differentiated(given, options.builder?.());
  const out = evaluate(program, bindings);
  const lossOnly = lossOf(program, evaluateNodes(program, bindings));
  const next = randomGenerator("coordinates");
  let [checked, skipped] = [0, 0];
  for (const name of given.differentiable ?? []) {
    const input = bindings.inputs[name] as { values: readonly number[]; shape: readonly number[] };
    const got = out[`d.${name}`]!;
    expect(got.shape, `${options.label ?? ""} shape of d.${name}`).toEqual(input.shape);
    const largest = Math.max(0, ...got.values.map(Math.abs));
    const all = input.values.map((_, i) => i);
    const chosen = all.length <= most ? all : Array.from({ length: most }, () => Math.floor(next() * all.length));
    for (const i of chosen) {
      const at = input.values[i]!;
      const moved = (t: number): number => {
        const values = input.values.map((value, j) => (i === j ? value + t : value));
        return evaluate(lossOnly, { ...bindings, inputs: { ...bindings.inputs, [name]: { values, shape: input.shape } } }).loss!.values[0]!;
      };
      const truth = slope(moved, 0.03 * scaleOf(at));
      // What moves the loss by less than its last digits cannot be seen in differences.
      const unseen = (32 * Number.EPSILON * Math.max(1, Math.abs(out["loss"]!.values[0]!))) / (0.03 * scaleOf(at));
      const allowed = Math.max(tolerance * Math.max(Math.abs(truth.value), 1e-3 * largest, 1e-9), unseen);
      if (skipKinks && !(truth.error <= allowed)) {
        skipped++;
        continue;
      }
      checked++;
      const text = `${options.label ?? ""} d.${name}[${i}] at ${at}: ${got.values[i]!} instead of ${truth.value} ± ${truth.error}`;
      expect(truth.error, `the oracle does not settle: ${text}`).toBeLessThanOrEqual(allowed);
      if (!(Math.abs(got.values[i]! - truth.value) <= allowed)) expect.fail(`${text}\n${print(program)}`);
    }
  }
  return { checked, skipped };
}

/** The program that computes the loss alone, so that the differences do not pay for the gradients; stop-gradients are held at their values. */
function lossOf(program: TensorProgram, values: ReadonlyMap<TensorNode, Tensor>): TensorProgram {
  const needed = new Set<TensorNode>([program.outputs["loss"]!]);
  for (const node of needed) if (node.op.kind !== "stop-gradient") for (const input of node.inputs) needed.add(input);
  const held = new Map<TensorNode, TensorNode>();
  for (const node of program.nodes) {
    if (!needed.has(node)) continue;
    const value = values.get(node)!;
    const constant = (): TensorNode => ({ ...node, op: { kind: "constant", values: [...value.values] }, inputs: [], shape: value.shape });
    held.set(node, node.op.kind === "stop-gradient" ? constant() : { ...node, inputs: node.inputs.map((input) => held.get(input)!) });
  }
  const nodes = [...held.values()];
  return { name: "loss", nodes, inputs: nodes.filter(({ op }) => op.kind === "input"), outputs: { loss: held.get(program.outputs["loss"]!)! } };
}

/** How far a function is likely to be smooth around x: its own size, but for functions such as sin no more than 10. */
function scaleOf(x: number): number {
  const size = Math.abs(x);
  return size < 1e-12 ? 1 : size < 1e6 ? Math.min(size, 10) : size;
}
