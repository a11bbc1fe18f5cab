import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gradientsOf } from "../../src/autodiff/gradients-of.js";
import { check } from "../../src/checker/check.js";
import { hasErrors } from "../../src/diagnostics/diagnostic.js";
import { render } from "../../src/diagnostics/render.js";
import type { SourceFile } from "../../src/diagnostics/span.js";
import type { LoweredModel } from "../../src/ir/lowered-model.js";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import { importProgram } from "../../src/ir/tensor/import-program.js";
import { evaluate, evaluateNodes, seededRandom, type EvaluateBindings, type RandomSource, type Tensor } from "../../src/ir/tensor/evaluate.js";
import type { TensorNode, TensorProgram } from "../../src/ir/tensor/nodes.js";
import { lower } from "../../src/lowering/lower.js";
import { deriveObjective } from "../../src/objectives/derive.js";
import { parse } from "../../src/parser/parse.js";

const load = (path: string, from: SourceFile): SourceFile | undefined => {
  const file = join(dirname(from.path), path);
  try {
    return { path: file, text: readFileSync(file, "utf8") };
  } catch {
    return undefined;
  }
};

/** The tensor programs of a model text; throws with the rendered messages when it does not check. */
export function lowerText(text: string, path = "test.lvm", set?: Record<string, string>): LoweredModel {
  const source = { path, text };
  const parsed = parse(source);
  const checked = check(parsed.value, { load, set });
  const diagnostics = [...parsed.diagnostics, ...checked.diagnostics];
  const program = checked.value.programs[0];
  if (hasErrors(diagnostics) || !program) throw new Error(render(diagnostics, { color: false }));
  return lower(program, deriveObjective(program, "training"), deriveObjective(program, "evaluation"));
}

export type Inputs = Record<string, number | readonly number[]>;

/** Runs a program in float64. Shapes of inputs follow from the program; `rows` and `dataset` are given. */
export function run(program: TensorProgram, inputs: Inputs, options: { rows: number; dataset?: number; random?: RandomSource; seed?: number }): Record<string, Tensor> {
  return evaluate(program, bindings(program, inputs, options));
}

export function bindings(program: TensorProgram, inputs: Inputs, options: { rows: number; dataset?: number; random?: RandomSource; seed?: number }): EvaluateBindings {
  const { rows, dataset = rows } = options;
  const bound: Record<string, { values: readonly number[]; shape: readonly number[] }> = {};
  for (const node of program.inputs) {
    if (node.op.kind !== "input") continue;
    const shape = node.shape.map((dim) => (dim === "rows" ? rows : dim === "dataset" ? dataset : dim));
    const count = shape.reduce((product, dim) => product * dim, 1);
    const given = node.op.role === "row-index" && inputs[node.op.name] === undefined ? Array.from({ length: rows }, (_, i) => i) : inputs[node.op.name];
    if (given === undefined) throw new Error(`the test gives no ${node.op.name} ${JSON.stringify(shape)}`);
    const values = typeof given === "number" ? new Array<number>(count).fill(given) : given;
    if (values.length !== count) throw new Error(`${node.op.name}: ${values.length} values for ${JSON.stringify(shape)}`);
    bound[node.op.name] = { values, shape };
  }
  return { inputs: bound, rows, dataset, random: options.random ?? seededRandom(options.seed ?? 1) };
}

/** d output / d input as the compiler derives it. */
export function derivedGradient(program: TensorProgram, output: string, input: string, inputs: Inputs, options: { rows: number; dataset?: number; random?: RandomSource; seed?: number }): number[] {
  const b = new TensorBuilder();
  const made = importProgram(b, program);
  const node = program.inputs.find(({ op }) => op.kind === "input" && op.name === input)!;
  const [derivative] = gradientsOf(b, made.get(program.outputs[output]!)!, [made.get(node)!]);
  return [...run(b.program("gradient", { derivative: derivative! }), inputs, options)["derivative"]!.values];
}

/**
 * d loss / d input by central differences, with every stop-gradient held at its value: what an automatic differentiator computes.
 */
export function gradient(program: TensorProgram, output: string, input: string, inputs: Inputs, options: { rows: number; dataset?: number; seed?: number }, step = 1e-5): number[] {
  const values = evaluateNodes(program, bindings(program, inputs, options));
  const frozen = holdStopGradients(program, values);
  const at = inputs[input];
  const start = typeof at === "number" ? [at] : [...at!];
  return start.map((value, i) => {
    const moved = (by: number): number => {
      const shifted = start.map((each, j) => (i === j ? value + by : each));
      return run(frozen, { ...inputs, [input]: shifted }, options)[output]!.values[0]!;
    };
    return (moved(step) - moved(-step)) / (2 * step);
  });
}

function holdStopGradients(program: TensorProgram, values: ReadonlyMap<TensorNode, Tensor>): TensorProgram {
  const replaced = new Map<TensorNode, TensorNode>();
  for (const node of program.nodes) {
    const value = values.get(node)!;
    replaced.set(
      node,
      node.op.kind === "stop-gradient"
        ? { ...node, op: { kind: "constant", values: [...value.values] }, inputs: [], shape: value.shape }
        : { ...node, inputs: node.inputs.map((inputNode) => replaced.get(inputNode)!) },
    );
  }
  const nodes = program.nodes.map((node) => replaced.get(node)!);
  return {
    ...program,
    nodes,
    inputs: nodes.filter((node) => node.op.kind === "input"),
    outputs: Object.fromEntries(Object.entries(program.outputs).map(([name, node]) => [name, replaced.get(node)!])),
  };
}

/** Values for every stored parameter: deterministic, moderate, different. */
export function someParameters(lowered: LoweredModel, dataset: number, seed = 7): Record<string, number[]> {
  const random = seededRandom(seed);
  return Object.fromEntries(
    lowered.parameters.map(({ name, shape }) => {
      const count = shape.reduce<number>((product, dim) => product * (dim === "dataset" ? dataset : (dim as number)), 1);
      const values = [...random.normal(name, count)].map((value) => 0.3 * value);
      return [name, name.endsWith(".variance") ? values.map(Math.exp) : values]; // a running variance is stored as it is
    }),
  );
}

/** Relative and absolute closeness of two lists. */
export function maxError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  return Math.max(0, ...Array.from(actual, (value, i) => Math.abs(value - expected[i]!) / (1 + Math.abs(expected[i]!))));
}
