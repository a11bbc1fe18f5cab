import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { TensorProgram } from "../../src/ir/tensor/nodes.js";
import { verify } from "../../src/ir/tensor/verify.js";
import { lowerText, run, someParameters } from "../support/lowered.js";
import { smallSizes } from "../support/small-sizes.js";

const folder = new URL("../../models/", import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith(".lvm"));

/** Plausible data for a column: bits, labels, numbers. */
function someColumn(kind: string, size: number | undefined, count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    if (kind === "binary") return (i * 7) % 3 === 0 ? 1 : 0;
    if (kind === "index") return (i * 5) % size!;
    return kind === "positive" || kind === "unit" ? 0.1 + 0.8 * (((i * 13) % 17) / 17) : Math.sin(i);
  });
}

/** What programs that plan are given beside the data: the present step, states. */
function statesOf(program: TensorProgram): Record<string, number[]> {
  return Object.fromEntries(program.inputs.flatMap(({ op, shape, dtype }) =>
    op.kind === "input" && op.role === "column" ? [[op.name, someColumn(dtype === "i32" ? "index" : "real", 2, shape.reduce<number>((product, dim) => product * (typeof dim === "number" ? dim : 3), 1))]] : [],
  ));
}

describe.each(names)("%s", (name) => {
  const text = readFileSync(new URL(name, folder), "utf8");
  const lowered = lowerText(text, `models/${name}`, smallSizes(text));
  const programs = Object.entries(lowered.programs).filter((entry): entry is [string, Exclude<(typeof entry)[1], number | undefined>] => typeof entry[1] === "object");
  const rows = 3;
  const inputs = {
    ...someParameters(lowered, rows),
    anneal: 0.5,
    ...Object.fromEntries(
      lowered.program.columns.map(({ name: column, type: { support, shape } }) => [
        column,
        column === lowered.program.length?.column ? [lowered.program.length.most, 1, 2] : someColumn(support.kind, support.kind === "index" ? support.size : undefined, rows * shape.reduce((product, size) => product * size.value, 1)),
      ]),
    ),
  };

  // Guards the tensor IR's invariants on every program that a model makes.
  it("lowers to verified programs", () => {
    for (const [, program] of programs) verify(program);
  });

  // Guards `--evidence-samples`: importance weights divide by the guide's density, and a point has none.
  it("weighs draws where every latent's guide has a density", () => {
    const { latents, bound } = lowered.evaluation;
    expect(lowered.programs.importance !== undefined).toBe(bound === "elbo" && latents.length > 0 && !/autoencoder/.test(name));
  });

  // Guards `--evidence-samples` against running out of memory: 50 draws of a row of a convolutional network are many numbers.
  it("bounds the memory of one pass of importance weights", () => {
    const { importance, importanceRows } = lowered.programs;
    for (const { shape } of importance?.nodes ?? []) {
      const numbers = shape.reduce<number>((product, dim) => product * (dim === "rows" ? importanceRows : dim === "dataset" ? 0 : dim), 1);
      if (importanceRows > 1) expect(numbers).toBeLessThanOrEqual(2 ** 22);
    }
    expect(importanceRows).toBeGreaterThan(0);
  });

  // Guards against NaN in a corner of some density or divergence: all outputs of all programs are finite on plausible data.
  it("evaluates to finite numbers", () => {
    const small = programs.filter(([kind]) => kind !== "importance" || !/conv|semi/.test(name));
    for (const [kind, program] of small) {
      for (const [output, value] of Object.entries(run(program, { ...statesOf(program), ...inputs }, { rows }))) {
        expect(value.values.every(Number.isFinite), `${kind}: ${output}`).toBe(true);
      }
    }
  });

  // Guards the two objectives against each other: without β, annealing, free bits and importance samples both are the same bound.
  it("has training terms that sum to the ELBO", () => {
    const out = run(lowered.programs.train, inputs, { rows });
    if (lowered.training.bound === "importance-weighted") return;
    const sum = lowered.training.terms.filter(({ kind }) => kind !== "supervision").reduce((total, term) => total + out[`term.${term.name}`]!.values[0]!, 0);
    expect(out.elbo!.values[0]).toBeCloseTo(sum, 8);
  });
});
