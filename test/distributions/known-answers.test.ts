import { existsSync, readFileSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { DistributionName } from "../../src/distributions/names.js";
import { distributions } from "../../src/distributions/registry.js";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import { evaluate, type InputValue } from "../../src/ir/tensor/evaluate.js";
import { reference } from "./references.js";

const root = new URL("../../../shared/data/known-answers/stdlib/", import.meta.url);

type Row = Readonly<Record<string, number>>;
interface Table {
  readonly folder: string;
  readonly name: DistributionName;
  /** Our arguments from the table's columns. */
  readonly args: (row: Row) => Readonly<Record<string, number>>;
  /** The textbook's formula, for the arguments as float32 has them. */
  readonly truth: (x: number, args: Readonly<Record<string, number>>) => number;
}

const tables: readonly Table[] = [
  { folder: "stats-base-dists-normal-logpdf/r", name: "Normal", args: (r) => ({ mean: r["mu"]!, scale: r["sigma"]! }), truth: (x, a) => reference.normal(x, a["mean"]!, a["scale"]!) },
  { folder: "stats-base-dists-gamma-logpdf/julia", name: "Gamma", args: (r) => ({ shape: r["alpha"]!, rate: r["beta"]! }), truth: (x, a) => reference.gamma(x, a["shape"]!, a["rate"]!) },
  { folder: "stats-base-dists-beta-logpdf/julia", name: "Beta", args: (r) => ({ alpha: r["alpha"]!, beta: r["beta"]! }), truth: (x, a) => reference.beta(x, a["alpha"]!, a["beta"]!) },
  { folder: "stats-base-dists-t-logpdf/julia", name: "StudentT", args: (r) => ({ degrees: r["v"]! }), truth: (x, a) => reference.t(x, a["degrees"]!, 0, 1) },
  { folder: "stats-base-dists-poisson-logpmf/julia", name: "Poisson", args: (r) => ({ rate: r["lambda"]! }), truth: (x, a) => reference.poisson(x, a["rate"]!) },
  { folder: "stats-base-dists-negative-binomial-logpmf/julia", name: "NegativeBinomial", args: (r) => ({ total: r["r"]!, probs: r["p"]! }), truth: (x, a) => reference.negativeBinomial(x, a["total"]!, a["probs"]!) },
];

function rowsOf(folder: string): { x: number; expected: number; row: Row }[] {
  return readdirSync(new URL(`${folder}/`, root)).flatMap((file) => {
    const columns = JSON.parse(readFileSync(new URL(`${folder}/${file}`, root), "utf8")) as Record<string, number[]>;
    return columns["expected"]!.map((expected, i) => {
      const row = Object.fromEntries(Object.entries(columns).map(([key, values]) => [key, values[i]!]));
      return { x: row["x"]!, expected, row };
    });
  });
}

/** Log density with every argument of full size. */
function evaluated(name: DistributionName, xs: readonly number[], args: readonly Readonly<Record<string, number>>[], precision: "f64" | "f32"): Float64Array {
  const b = new TensorBuilder();
  const shape = [xs.length];
  const inputs: Record<string, InputValue> = { x: { values: xs, shape } };
  const nodes = Object.fromEntries(Object.keys(args[0]!).map((key) => {
    inputs[key] = { values: args.map((each) => each[key]!), shape };
    return [key, b.input("parameter", key, shape)];
  }));
  const density = distributions[name].logDensity(b, b.input("column", "x", shape), nodes);
  return evaluate(b.program("density", { density }), { inputs, precision })["density"]!.values;
}

describe.skipIf(!existsSync(root)).each(tables.map((table) => [table.name, table] as const))("%s over the known answers", (_, table) => {
  // A skipped suite is still collected.
  const rows = existsSync(root) ? rowsOf(table.folder) : [];
  const xs = rows.map(({ x }) => x);
  const args = rows.map(({ row }) => table.args(row));

  it("the textbook's formula agrees with the table in float64, so that it may stand in for it", () => {
    rows.forEach(({ x, expected }, i) => expect(Math.abs(table.truth(x, args[i]!) - expected)).toBeLessThan(1e-10 * Math.max(1, Math.abs(expected))));
  });

  it("is the table's in float64", () => {
    const found = evaluated(table.name, xs, args, "f64");
    rows.forEach(({ expected }, i) => expect(Math.abs(found[i]! - expected)).toBeLessThan(1e-11 * Math.max(1, Math.abs(expected))));
  });

  // The truth is taken at the arguments as float32 has them. Where the log density crosses 0 a relative error is no measure (half a unit in the last place
  // of an argument moves the truth itself by more than 1e-5 of it): there, and in at most 5 of 1000 rows, the error may be as large as that movement.
  it("is right to 1e-5 relative in float32", () => {
    const rounded = args.map((each) => Object.fromEntries(Object.entries(each).map(([key, value]) => [key, Math.fround(value)])));
    const found = evaluated(table.name, xs.map(Math.fround), rounded, "f32");
    let atZero = 0;
    const bad: string[] = [];
    rows.forEach(({ x }, i) => {
      const own = rounded[i]!;
      const truth = table.truth(Math.fround(x), own);
      const error = Math.abs(found[i]! - truth);
      if (error <= 1e-5 * Math.abs(truth)) return;
      atZero++;
      if (error > movementByRounding(table, Math.fround(x), own)) bad.push(`x=${x} ${JSON.stringify(own)}: ${found[i]}, not ${truth}`);
    });
    expect(bad).toEqual([]);
    expect(atZero).toBeLessThanOrEqual(0.005 * rows.length);
  });
});

/** Σ |θ ∂ log p/∂θ| 2⁻²⁴ over x and the arguments: how far the truth moves when each is off by half a unit in the last place. */
function movementByRounding(table: Table, x: number, args: Readonly<Record<string, number>>): number {
  const up = 1 + 1e-6;
  const down = 1 - 1e-6;
  const slope = (at: (factor: number) => number): number => Math.abs((at(up) - at(down)) / 2e-6);
  const own = Object.keys(args).map((key) => slope((factor) => table.truth(x, { ...args, [key]: args[key]! * factor })));
  return (slope((factor) => table.truth(x * factor, args)) + own.reduce((sum, each) => sum + each, 0)) * 2 ** -24;
}
