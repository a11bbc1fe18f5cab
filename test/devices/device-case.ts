import { gradientsOf } from "../../src/autodiff/gradients-of.js";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import { importProgram } from "../../src/ir/tensor/import-program.js";
import type { TensorNode, TensorProgram } from "../../src/ir/tensor/nodes.js";
import { bindSizes } from "../../src/passes/bind-sizes.js";
import { randomGenerator } from "../../src/util/random-generator.js";
import { randomDifferentiable } from "../autodiff/support/random-differentiable.js";
import { differentiated } from "../autodiff/support/slopes.js";
import { randomCase } from "../passes/random-programs.js";

export type CaseInputs = Readonly<Record<string, { readonly values: readonly number[]; readonly shape: readonly number[] }>>;

/** A program of static sizes with its gradients, and the numbers that it is run on. */
export interface DeviceCase {
  readonly seed: number;
  readonly program: TensorProgram;
  readonly inputs: CaseInputs;
  /** Outputs that take the place of inputs. */
  readonly aliases: Readonly<Record<string, string>>;
}

/** Numbers at which float32 arithmetic has rules of its own. */
const special = [NaN, Infinity, -Infinity, 0, -0, 1e30, -1e30, 1e-30, 3e-39];

/**
 * The random program of a seed. Even seeds: every kind of kernel on odd sizes, with vector tails and outputs in the place of inputs, and the gradient of
 * one weighted output. Odd seeds: everything that has a derivative, over rows, and the gradient of the whole. Some have NaN, ∞ and extreme inputs.
 */
export function deviceCase(seed: number): DeviceCase {
  const next = randomGenerator(`devices ${seed}`);
  const found = seed % 2 === 0 ? withGradient(seed, next) : overRows(seed, next);
  return next() < 0.12 ? { ...found, inputs: withSpecialValues(found, next) } : found;
}

function withGradient(seed: number, next: () => number): DeviceCase {
  const { program, inputs, aliases } = randomCase(seed);
  const b = new TensorBuilder({ simplify: next() < 0.5 });
  const made = importProgram(b, program);
  const outputs: Record<string, TensorNode> = Object.fromEntries(Object.entries(program.outputs).map(([name, node]) => [name, made.get(node)!]));
  // Functions that loop until they accept: their code is long, so not in all.
  const first = program.inputs.find(({ dtype }) => dtype === "f32");
  if (first && next() < 0.03) outputs["gamma"] = b.randomLogGamma("gamma", b.add(0.3, b.softplus(b.tanh(made.get(first)!))));
  const last = program.outputs["y0"];
  if (last?.dtype === "f32" && next() < 0.3) Object.assign(outputs, logic(b, made.get(last)!));
  const floats = Object.values(outputs).filter(({ dtype }) => dtype === "f32");
  const chosen = floats[Math.floor(next() * floats.length)];
  const wrt = program.inputs.filter(({ dtype }) => dtype === "f32");
  if (chosen) {
    const count = (chosen.shape as number[]).reduce((n, dim) => n * dim, 1);
    const weights = b.constant(Array.from({ length: count }, () => Math.fround(0.5 + next())), chosen.shape);
    const gradients = gradientsOf(b, b.sum(b.multiply(chosen, weights)), wrt.map((node) => made.get(node)!));
    wrt.forEach((node, at) => (outputs[`d.${node.op.kind === "input" ? node.op.name : ""}`] = gradients[at]!));
  }
  return { seed, program: b.program(`random_${seed}`, outputs), inputs, aliases };
}

/** Booleans, integers and rounding, which models have seldom. */
function logic(b: TensorBuilder, x: TensorNode): Record<string, TensorNode> {
  const whole = b.unary("round", b.multiply(x, 3));
  const condition = b.compare("or", b.compare("and", b.less(x, 0.2), b.unary("not", b.compare("equal", whole, 1))), b.compare("not_equal", whole, 0));
  const natural = b.cast(b.minimum(b.abs(b.binary("multiply", whole, 5)), 1000), "u32");
  const axis = x.shape.length - 1;
  return {
    chosen: b.select(condition, x, b.multiply(x, 0.5)),
    natural: b.binary("multiply", b.binary("add", natural, natural), natural),
    ...(axis >= 0 ? { any: b.reduce("any", condition, [axis]), all: b.reduce("all", condition, [axis], true), least: b.make({ kind: "arg-reduce", function: "min", axis }, [x], "i32") } : {}),
  };
}

function overRows(seed: number, next: () => number): DeviceCase {
  const { program, bindings } = differentiated(randomDifferentiable(seed, { steps: 8, roots: 2 }), new TensorBuilder({ simplify: next() < 0.5 }));
  const bound = bindSizes(program, { rows: bindings.rows ?? 1, dataset: bindings.rows ?? 1 });
  const used = new Set(bound.inputs.map(({ op }) => (op.kind === "input" ? op.name : "")));
  const inputs = Object.fromEntries(Object.entries(bindings.inputs).flatMap(([name, given]) => (used.has(name) && typeof given !== "number" ? [[name, { shape: given.shape, values: Array.from(given.values, Math.fround) }]] : [])));
  return { seed, program: { ...bound, name: `random_${seed}` }, inputs, aliases: {} };
}

function withSpecialValues({ program, inputs }: DeviceCase, next: () => number): CaseInputs {
  const floats = program.inputs.flatMap(({ op, dtype }) => (op.kind === "input" && dtype === "f32" ? [op.name] : []));
  const at = floats[Math.floor(next() * floats.length)];
  return Object.fromEntries(Object.entries(inputs).map(([name, { values, shape }]) => {
    if (name !== at) return [name, { values, shape }];
    const changed = [...values];
    for (let i = 0; i < 2; i++) changed[Math.floor(next() * changed.length)] = Math.fround(special[Math.floor(next() * special.length)]!);
    return [name, { values: changed, shape }];
  }));
}
