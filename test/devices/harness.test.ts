import { describe, expect, it } from "vitest";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import { evaluateRules } from "../../src/ir/tensor/evaluate.js";
import { binaryFunctions, comparisonFunctions, unaryFunctions } from "../../src/ir/tensor/nodes.js";
import { verify } from "../../src/ir/tensor/verify.js";
import type { KernelProgram } from "../../src/ir/kernel/nodes.js";
import { mapStatements } from "../../src/passes/map-statements.js";
import { checkPrograms, type Device } from "./check-programs.js";
import { compare, referenceOf } from "./compare.js";
import { deviceCase } from "./device-case.js";
import { compileWasm } from "./run-on-devices.js";
import { full } from "./ways.js";

const broken = (damage: (program: KernelProgram) => KernelProgram): Device => ({
  name: "broken", compile: (program) => compileWasm(false)(damage(program)), build: () => ({ way: full, lanes: 4, twice: false }),
});
const seeds = [0, 2, 4, 6, 8, 10, 12, 14];

describe("random programs find what is broken", () => {
  // Guards the guard: an oracle that accepts everything looks like a compiler without faults.
  it("a wrong operation, shrunk to a few nodes", async () => {
    const device = broken((program) => ({ ...program, kernels: program.kernels.map((kernel) => ({
      ...kernel,
      body: mapStatements(kernel.body, (name) => name, (expr) => (expr.kind === "compare" && expr.op === "less" && expr.left.type === "f32" && expr.left.kind !== "constant" ? { ...expr, op: "greater" } : undefined)),
    })) }));
    await expect(checkPrograms(seeds, [device])).rejects.toThrow(/instead of[\s\S]*shrunk from \d+ to [1-6] nodes:/);
  });

  it("a word that nothing wrote", async () => {
    const device = broken((program) => ({ ...program, kernels: program.kernels.filter((_, at) => at % 7 !== 3) }));
    await expect(checkPrograms(seeds, [device])).rejects.toThrow(/shrunk from \d+ to [1-9]\d? nodes/);
  });

  it("an input that is overwritten", async () => {
    const device = broken((program) => ({ ...program, kernels: program.kernels.map((kernel) => ({
      ...kernel, body: [...kernel.body, ...Array.from({ length: 32 }, (_, i) => ({ kind: "store", index: { kind: "constant", value: 36 + i, type: "i32", width: "scalar" }, value: { kind: "constant", value: 3, type: "f32", width: "scalar" } }) as const)],
    })) }));
    await expect(checkPrograms([1, 3, 5], [device])).rejects.toThrow(/was overwritten/);
  });
});

// Guards the generator: an operation that no program has is not tested.
it("random programs are well formed and have every operation", () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 1000; seed++) {
    const { program } = deviceCase(seed);
    verify(program);
    for (const { op } of program.nodes) seen.add(op.kind).add("function" in op ? `${op.kind} ${op.function}` : op.kind);
  }
  const reductions = ["sum", "max", "min", "product", "logsumexp", "all", "any"].map((name) => `reduce ${name}`);
  const functions = [...unaryFunctions.map((name) => `unary ${name}`), ...binaryFunctions.map((name) => `binary ${name}`), ...comparisonFunctions.map((name) => `compare ${name}`), "arg-reduce min", "arg-reduce max", ...reductions];
  // Sizes are bound before.
  const kinds = Object.keys(evaluateRules).filter((kind) => kind !== "size");
  expect([...kinds, ...functions].filter((each) => !seen.has(each))).toEqual([]);
});

describe("tolerance", () => {
  const x = new TensorBuilder({ simplify: false });
  const values = [1e4, 3.14159, -1e4, 2e-3];
  const input = x.input("column", "x", [4]);
  const program = x.program("sum", { sum: x.sum(input), floor: x.unary("floor", x.multiply(input, 1 / 3)) });
  const sum = 3.14359;
  const given = (last: number) => referenceOf({ seed: 1, program, inputs: { x: { values: [...values.slice(0, 3), last], shape: [4] } }, aliases: {} });

  it("a sum may be off by rounding of its terms, and not by more", () => {
    const floor = [3333, 1, -3334, 0];
    expect(compare(given(2e-3), { sum: [sum + 1e-3], floor }).wrong).toEqual([]);
    expect(compare(given(2e-3), { sum: [sum + 0.1], floor }).wrong).toHaveLength(1);
    expect(compare(given(2e-3), { sum: [NaN], floor }).wrong).toHaveLength(1);
  });

  it("a step falls either way where rounding decides, and as it must elsewhere", () => {
    expect(compare(given(3), { sum: [6.14159], floor: [3333, 1, -3334, 0] })).toMatchObject({ wrong: [] });
    expect(compare(given(3.1), { sum: [6.24159], floor: [3333, 1, -3334, 0] }).wrong).toHaveLength(1);
  });

  it("numbers below the smallest normal one may be zeros where the device takes them so, and nothing else may differ", () => {
    const b = new TensorBuilder({ simplify: false });
    const tiny = b.input("column", "x", [3]);
    const logs = referenceOf({ seed: 1, program: b.program("log", { y: b.unary("log", tiny), z: b.multiply(tiny, 2) }), inputs: { x: { values: [3e-39, 1e-30, 2], shape: [3] } }, aliases: {} });
    const [y, z] = [[-Infinity, Math.log(1e-30), Math.log(2)], [0, 2e-30, 4]];
    expect(compare(logs, { y, z }).wrong).toHaveLength(1);
    expect(compare(logs, { y, z }, true)).toMatchObject({ wrong: [], checked: 2 });
    expect(compare(logs, { y: [y[0]!, -Infinity, y[2]!], z }, true).wrong).toHaveLength(1);
  });
});
