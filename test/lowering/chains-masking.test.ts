import { describe, expect, it } from "vitest";
import { gradientsOf } from "../../src/autodiff/gradients-of.js";
import type { LoweredModel } from "../../src/ir/lowered-model.js";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import { evaluate, seededRandom, type RandomSource, type Tensor } from "../../src/ir/tensor/evaluate.js";
import { importProgram } from "../../src/ir/tensor/import-program.js";
import type { TensorProgram } from "../../src/ir/tensor/nodes.js";
import { bindings, lowerText, maxError, run, someParameters } from "../support/lowered.js";

/**
 * Guards masking: a batch of sequences of different lengths, with garbage and NaN in the padding, gives each row the bits (float64) of the same sequence alone, in a model
 * that has just its steps and knows nothing of lengths. The draws of a row are numbered row by row, its steps in order: a shorter model's are the first of them.
 */

const most = 6;
const lengths = [4, 6, 2, 5];
const rows = lengths.length;

interface Case {
  readonly name: string;
  /** The model's head before the body, after which stands `where`. */
  readonly text: (where: string) => string;
  /** Numbers in a step of each column. */
  readonly columns: Readonly<Record<string, { readonly size: number; readonly value: (row: number, step: number, at: number) => number; readonly garbage: readonly number[] }>>;
}

const wave = { size: 2, value: (row: number, step: number, at: number) => Math.sin(3 * row + step + 2 * at), garbage: [NaN, 1e30, -Infinity, 7] };
const networks = `
network cell(h: real[4], x: real[2]) -> (next: real[4]) { next = gru(h, x) }
network head(z: real[2], h: real[4]) -> (mean: real[2], scale: positive[2]) { g = concat(z, h)  mean = g |> dense(2)  scale = g |> dense(2) |> softplus }
network move(z: real[2]) -> (mean: real[2], scale: positive[2]) { mean = z |> dense(2) |> tanh  scale = z |> dense(2) |> softplus }
network show(z: real[2]) -> (mean: real[2]) { mean = z |> dense(2) }`;
const dynamics = `
  z[1]: real[2] ~ Normal(0, 1)
  chain t in 2..T { p = move(z[t - 1])  z[t] ~ Normal(p.mean, p.scale) }
  each t in 1..T { x[t] ~ Normal(show(z[t]), 1) }`;

const cases: readonly Case[] = [
  {
    name: "a forward chain",
    columns: { x: wave },
    text: (where) => `const T = ${most}${networks}
model m(x: real[T, 2])${where} {${dynamics}
}
guide m {
  h[0] = zeros[4]
  chain t in 1..T { h[t] = cell(h[t - 1], x[t])  q = head(zeros[2], h[t])  z[t] ~ Normal(q.mean, q.scale) }
}`,
  },
  {
    name: "a backward chain, and draws along a forward one that reads it (smoothing)",
    columns: { x: wave },
    text: (where) => `const T = ${most}${networks}
model m(x: real[T, 2])${where} {${dynamics}
}
guide m {
  b[T + 1] = zeros[4]
  chain t in T..1 { b[t] = cell(b[t + 1], x[t]) }
  first = head(zeros[2], b[1])
  z[1] ~ Normal(first.mean, first.scale)
  chain t in 2..T { q = head(z[t - 1], b[t])  z[t] ~ Normal(q.mean, q.scale) }
}`,
  },
  {
    name: "a chain that reads draws, observations, actions and labels of the steps before",
    columns: {
      x: wave,
      a: { size: 1, value: (row, step) => Math.cos(row + 2 * step), garbage: [NaN, 3] },
      k: { size: 1, value: (row, step) => (row + step) % 3, garbage: [-1, 99] },
    },
    text: (where) => `const T = ${most}${networks}
param table: real[3, 2] = normal(0, 1)
network memory(h: real[4], x: real[2], z: real[2], a: real) -> (next: real[4]) { next = gru(h, concat(x, z, a)) }
network read(h: real[4]) -> (mean: real[2], scale: positive[2]) { mean = h |> dense(2)  scale = h |> dense(2) |> softplus }
model m(x: real[T, 2], a: real[T], k: index(3)[T])${where} {
  h[0] = zeros[4]
  chain t in 1..T {
    p = read(h[t - 1])
    z[t]: real[2] ~ Normal(p.mean, p.scale)
    x[t] ~ Normal(show(z[t]) + table[k[t]], 1)
    h[t] = memory(h[t - 1], x[t], z[t], a[t])
  }
}
guide m {
  h[0] = zeros[4]
  chain t in 1..T { q = head(x[t], h[t - 1])  z[t] ~ Normal(q.mean, q.scale)  h[t] = memory(h[t - 1], x[t], z[t], a[t]) }
}`,
  },
];

/** Draws that are remembered by stream, so that a run of fewer rows and steps can be given some of them. */
function remembered(source: RandomSource): RandomSource & { readonly drawn: ReadonlyMap<string, Float64Array> } {
  const drawn = new Map<string, Float64Array>();
  const keep = (stream: string, values: Float64Array): Float64Array => {
    drawn.set(stream, values);
    return values;
  };
  return { drawn, uniform: (stream, count) => keep(stream, source.uniform(stream, count)), normal: (stream, count) => keep(stream, source.normal(stream, count)), logGamma: () => expect.unreachable() };
}

/** The draws of one row of `remembered`, the first of them where fewer are asked for. */
function ofRow(drawn: ReadonlyMap<string, Float64Array>, row: number): RandomSource {
  const take = (stream: string, count: number): Float64Array => {
    const all = drawn.get(stream);
    if (!all) throw new Error(`the batch drew nothing from ${stream}`);
    const each = all.length / rows;
    return all.slice(row * each, row * each + count);
  };
  return { uniform: take, normal: take, logGamma: () => expect.unreachable() };
}

/** The evaluation objective of one row and its gradient to every parameter. */
function rowGradient(program: TensorProgram, row: number, count: number): TensorProgram {
  const b = new TensorBuilder();
  const made = importProgram(b, program, { sizes: { rows: count } });
  const parameters = program.inputs.filter(({ op }) => op.kind === "input" && op.role === "parameter");
  const elbo = b.reshape(b.sliceAxis(made.get(program.outputs["elbo"]!)!, 0, row, 1), []);
  const gradients = gradientsOf(b, elbo, parameters.map((node) => made.get(node)!));
  const names = parameters.map(({ op }) => (op.kind === "input" ? op.name : ""));
  return b.program("row", { elbo, ...Object.fromEntries(gradients.map((node, at) => [`d.${names[at]!}`, node])) });
}

const bits = (tensor: Tensor): string[] => Array.from(tensor.values, (value) => Buffer.from(new Float64Array([value + 0]).buffer).toString("hex"));
const numbers = (value: ArrayLike<number>): number[] => Array.from(value);

describe.each(cases)("$name", ({ text, columns }) => {
  const masked = lowerText(text(" where length(x) <= T"));
  const alone = new Map(lengths.map((length) => [length, lowerText(text(""), "test.lvm", { T: String(length) })]));
  const parameters = someParameters(masked, rows);
  const row = (name: string, which: number, steps: number, padding: number): number[] => {
    const { size, value, garbage } = columns[name]!;
    return Array.from({ length: padding * size }, (_, i) => {
      const step = Math.floor(i / size);
      return step < steps ? value(which, step, i % size) : garbage[(i + which) % garbage.length]!;
    });
  };
  const batch = { ...parameters, anneal: 1, "length(x)": lengths, ...Object.fromEntries(Object.keys(columns).map((name) => [name, lengths.flatMap((steps, which) => row(name, which, steps, most))])) };
  const single = (which: number) => ({ ...parameters, anneal: 1, ...Object.fromEntries(Object.keys(columns).map((name) => [name, row(name, which, lengths[which]!, lengths[which]!)])) });
  const programOf = (which: number): LoweredModel => alone.get(lengths[which]!)!;

  it("has the same parameters, however many steps there are", () => {
    for (const each of alone.values()) expect(each.parameters.map(({ name, shape }) => [name, shape])).toEqual(masked.parameters.map(({ name, shape }) => [name, shape]));
  });

  it("gives each row its bound, its terms and their gradients, bit for bit", () => {
    const random = remembered(seededRandom(3));
    const together = run(masked.programs.evaluate, batch, { rows, random });
    for (let which = 0; which < rows; which++) {
      const apart = run(programOf(which).programs.evaluate, single(which), { rows: 1, random: ofRow(random.drawn, which) });
      const shared = Object.keys(apart).filter((name) => name === "elbo" || name.startsWith("row."));
      expect(shared.length).toBeGreaterThan(2);
      for (const name of shared) expect(bits({ ...together[name]!, values: together[name]!.values.slice(which, which + 1) }), name).toEqual(bits(apart[name]!));
      const [expected, found] = [
        evaluate(rowGradient(programOf(which).programs.evaluate, 0, 1), bindings(programOf(which).programs.evaluate, single(which), { rows: 1, random: ofRow(random.drawn, which) })),
        evaluate(rowGradient(masked.programs.evaluate, which, rows), bindings(masked.programs.evaluate, batch, { rows, random: seededRandom(3) })),
      ];
      expect(Object.keys(found)).toEqual(Object.keys(expected));
      for (const name of Object.keys(expected)) expect(bits(found[name]!), `${name} of row ${which}`).toEqual(bits(expected[name]!));
      expect(Object.keys(expected).filter((name) => name.startsWith("d.") && numbers(expected[name]!.values).some((value) => value !== 0)).length).toBeGreaterThan(5);
    }
  });

  it("trains on the mean of the rows' losses and gradients", () => {
    const gradients = (program: TensorProgram, count: number): TensorProgram => {
      const b = new TensorBuilder();
      const made = importProgram(b, program, { sizes: { rows: count } });
      const inputs = program.inputs.filter(({ op }) => op.kind === "input" && op.role === "parameter");
      const found = gradientsOf(b, made.get(program.outputs["loss"]!)!, inputs.map((node) => made.get(node)!));
      return b.program("gradients", { loss: made.get(program.outputs["loss"]!)!, ...Object.fromEntries(found.map((node, at) => [`d.${at}`, node])) });
    };
    const random = remembered(seededRandom(4));
    const together = evaluate(gradients(masked.programs.train, rows), bindings(masked.programs.train, batch, { rows, random }));
    const apart = lengths.map((_, which) => evaluate(gradients(programOf(which).programs.train, 1), bindings(programOf(which).programs.train, single(which), { rows: 1, random: ofRow(random.drawn, which) })));
    for (const name of Object.keys(together)) {
      const mean = numbers(together[name]!.values).map((_, at) => apart.reduce((sum, each) => sum + each[name]!.values[at]!, 0) / rows);
      expect(maxError(together[name]!.values, mean), name).toBeLessThan(1e-12);
    }
  });

  it("does not depend on what else is in the batch", () => {
    const random = remembered(seededRandom(5));
    const together = run(masked.programs.evaluate, batch, { rows, random });
    const other = { ...batch, "length(x)": lengths.map((length, which) => (which === 1 ? length : 1)) };
    const changed = run(masked.programs.evaluate, other, { rows, random: seededRandom(5) });
    expect(changed["elbo"]!.values[1]).toBe(together["elbo"]!.values[1]);
    expect(changed["elbo"]!.values[0]).not.toBe(together["elbo"]!.values[0]);
    for (const value of changed["elbo"]!.values) expect(Number.isFinite(value)).toBe(true);
  });
});
