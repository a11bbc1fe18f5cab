import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { gradientsOf } from "../../src/autodiff/gradients-of.js";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import { evaluate, evaluateNodes, seededRandom, type Tensor } from "../../src/ir/tensor/evaluate.js";
import { importProgram } from "../../src/ir/tensor/import-program.js";
import type { TensorNode, TensorProgram } from "../../src/ir/tensor/nodes.js";
import { unrollLoops } from "../../src/ir/tensor/unroll-loops.js";
import { verify } from "../../src/ir/tensor/verify.js";
import { randomGenerator } from "../../src/util/random-generator.js";
import { bindings, lowerText, someParameters } from "../support/lowered.js";
import { smallSizes } from "../support/small-sizes.js";
import { slope } from "./support/slopes.js";

/**
 * Every shipped model's training loss: gradients to all parameters against central differences of the loss in float64, with fixed draws and held
 * stop-gradients, along random directions in all parameters at once and at random coordinates of each.
 */

const folder = new URL("../../models/", import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith(".lvm"));
const rows = 2;

function someColumn(kind: string, size: number | undefined, count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    if (kind === "binary") return (i * 7) % 3 === 0 ? 1 : 0;
    if (kind === "index") return (i * 5) % size!;
    return kind === "positive" || kind === "unit" ? 0.1 + 0.8 * (((i * 13) % 17) / 17) : Math.sin(i);
  });
}

/** The program whose outputs are the loss and `d.<input>` for every parameter of it. */
export function withGradients(program: TensorProgram): { program: TensorProgram; wrt: string[] } {
  const b = new TensorBuilder();
  const made = importProgram(b, program);
  const parameters = program.inputs.filter(({ op }) => op.kind === "input" && op.role === "parameter");
  const wrt = parameters.map(({ op }) => (op.kind === "input" ? op.name : ""));
  const loss = made.get(program.outputs["loss"]!)!;
  const gradients = gradientsOf(b, loss, parameters.map((node) => made.get(node)!));
  return { program: b.program("gradients", { loss, ...Object.fromEntries(gradients.map((node, at) => [`d.${wrt[at]!}`, node])) }), wrt };
}

/**
 * The loss as a function of `moving` alone near the given values: everything else, and every stop-gradient and comparison, is held at its value;
 * relu keeps its side. Where no unit stands exactly on a kink this is the loss itself, so the slopes are the same, but steps need not be tiny.
 */
function held(program: TensorProgram, values: ReadonlyMap<TensorNode, Tensor>, moving: ReadonlySet<string>): TensorProgram {
  const replaced = new Map<TensorNode, TensorNode>();
  const moves = new Set<TensorNode>();
  for (const node of program.nodes) {
    const value = values.get(node)!;
    const inputs = node.inputs.map((input) => replaced.get(input)!);
    const stays = node.op.kind === "stop-gradient" || node.op.kind === "compare";
    if (node.op.kind === "input" ? !moving.has(node.op.name) : stays || !inputs.some((input) => moves.has(input))) {
      replaced.set(node, { ...node, op: { kind: "constant", values: value.values as unknown as readonly number[] }, inputs: [], shape: value.shape });
      continue;
    }
    const relu = node.op.kind === "unary" && node.op.function === "relu";
    const side = (): TensorNode => ({ ...node, op: { kind: "constant", values: Array.from(value.values, (each) => (each > 0 ? 1 : 0)) }, inputs: [], shape: value.shape });
    const copy: TensorNode = relu ? { ...node, op: { kind: "binary", function: "multiply" }, inputs: [inputs[0]!, side()] } : { ...node, inputs };
    replaced.set(node, copy);
    moves.add(copy);
  }
  const loss = replaced.get(program.outputs["loss"]!)!;
  const nodes: TensorNode[] = [];
  const visit = (node: TensorNode): void => {
    if (nodes.includes(node)) return;
    node.inputs.forEach(visit);
    nodes.push(node);
  };
  visit(loss);
  return { name: "loss", nodes, inputs: nodes.filter(({ op }) => op.kind === "input"), outputs: { loss } };
}

/** What the loss needs: metrics and state left out. */
function lossOf(program: TensorProgram): TensorProgram {
  const needed = new Set<TensorNode>([program.outputs["loss"]!]);
  for (const node of needed) for (const input of node.inputs) needed.add(input);
  const nodes = program.nodes.filter((node) => needed.has(node));
  return { name: "loss", nodes, inputs: nodes.filter(({ op }) => op.kind === "input"), outputs: { loss: program.outputs["loss"]! } };
}

interface Values {
  readonly values: Float64Array;
  readonly shape: readonly number[];
}

describe.each(names)("%s", (name) => {
  const text = readFileSync(new URL(name, folder), "utf8");
  const lowered = lowerText(text, `models/${name}`, smallSizes(text));
  const loops = lossOf(lowered.programs.train);
  const { program, wrt } = withGradients(loops);
  // Differences are of the steps written out, each relu on its side.
  const train = unrollLoops(loops);
  const columns = lowered.program.columns.map(({ name: column, type: { support, shape } }) => {
    const count = rows * shape.reduce((product, size) => product * size.value, 1);
    if (column === lowered.program.length?.column) return [column, [lowered.program.length.most, 1]] as const;
    return [column, someColumn(support.kind, support.kind === "index" ? support.size : undefined, count)] as const;
  });
  // Weights small enough that no likelihood is saturated: a slope of 1e-8 in a loss of 1e5 cannot be seen by differences.
  const parameters = Object.entries(someParameters(lowered, rows)).map(([key, values]) => [key, key.endsWith(".variance") ? values : values.map((value) => 0.2 * value)] as const);
  const plain = bindings(train, { ...Object.fromEntries(parameters), anneal: 0.5, ...Object.fromEntries(columns) }, { rows, random: seededRandom(3, { gamma: "inverse" }) });
  const typed = Object.entries(plain.inputs).map(([key, value]) => [key, typeof value === "number" ? value : { shape: value.shape, values: Float64Array.from(value.values) }]);
  const given = { ...plain, inputs: Object.fromEntries(typed) as Readonly<Record<string, Values>> };
  const nodes = evaluateNodes(train, given);
  const out = evaluate(program, given);
  const lossAlong = (moving: readonly string[]): ((moved: Readonly<Record<string, Values>>) => number) => {
    const frozen = held(train, nodes, new Set(moving));
    return (moved) => evaluate(frozen, { ...given, inputs: { ...given.inputs, ...moved } }).loss!.values[0]!;
  };
  const valueOf = (parameter: string): Values => given.inputs[parameter]!;
  // The differences of a loss of this size cannot tell slopes apart that are closer than this.
  const resolution = 1e-12 * Math.abs(out.loss!.values[0]!);

  it("differentiates to a verified program that gives finite numbers and the same loss", () => {
    verify(program);
    expect(out.loss!.values[0]).toBe(evaluate(loops, given).loss!.values[0]);
    for (const parameter of wrt) {
      expect(out[`d.${parameter}`]!.shape).toEqual(valueOf(parameter).shape);
      expect(out[`d.${parameter}`]!.values.every(Number.isFinite), parameter).toBe(true);
    }
  });

  it("has the slope of the loss along random directions in all parameters", () => {
    const loss = lossAlong(wrt);
    const random = seededRandom(11);
    for (const direction of ["first", "second"]) {
      const moves = wrt.map((parameter) => random.normal(`${direction}/${parameter}`, valueOf(parameter).values.length));
      const length = Math.sqrt(moves.reduce((sum, move) => sum + move.reduce((inner, value) => inner + value * value, 0), 0));
      const along = (t: number): number =>
        loss(Object.fromEntries(wrt.map((parameter, at) => [parameter, { shape: valueOf(parameter).shape, values: valueOf(parameter).values.map((value, i) => value + (t * moves[at]![i]!) / length) }])));
      const expected = wrt.reduce((sum, parameter, at) => sum + out[`d.${parameter}`]!.values.reduce((inner, value, i) => inner + (value * moves[at]![i]!) / length, 0), 0);
      const truth = slope(along, 0.02, 6);
      expect(Math.abs(expected - truth.value), `${expected} instead of ${truth.value} ± ${truth.error}`).toBeLessThanOrEqual(1e-6 * Math.abs(truth.value) + resolution);
    }
  });

  it("has the slope of the loss at coordinates of each parameter", () => {
    const next = randomGenerator(name);
    for (const parameter of wrt) {
      const { values, shape } = valueOf(parameter);
      const loss = lossAlong([parameter]);
      const got = out[`d.${parameter}`]!.values;
      const largest = got.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      for (let check = 0; check < Math.min(2, values.length); check++) {
        const i = Math.floor(next() * values.length);
        const at = (t: number): number => {
          const moved = values.slice();
          moved[i]! += t;
          return loss({ [parameter]: { shape, values: moved } });
        };
        const truth = slope(at, 0.03, 6);
        const allowed = 1e-6 * (1e-3 * largest + Math.abs(truth.value)) + resolution;
        expect(Math.abs(got[i]! - truth.value), `${parameter}[${i}]: ${got[i]!} instead of ${truth.value} ± ${truth.error}`).toBeLessThanOrEqual(allowed);
      }
    }
  });
});

describe("the size of what is made", () => {
  // The count is a fact for whoever reads a kernel list; a rule that starts to copy work shows here.
  it("the VAE's loss and all its gradients", () => {
    const { train } = lowerText(readFileSync(new URL("vae.lvm", folder), "utf8"), "models/vae.lvm").programs;
    const { program } = withGradients(lossOf(train));
    expect(lossOf(train).nodes.length).toMatchInlineSnapshot(`53`);
    expect(program.nodes.length).toMatchInlineSnapshot(`90`);
  });
});
