import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { renderC } from "../../src/codegen/c/index.js";
import { renderLiteral } from "../../src/codegen/c/literals.js";
import type { KernelExpr, KernelFunction } from "../../src/ir/kernel/nodes.js";
import { expectGolden } from "../support/golden.js";
import { kernel, matmul, program } from "./programs.js";

const golden = (name: string): string => fileURLToPath(new URL(`goldens/${name}.c`, import.meta.url));
/** Without what is the same for every program. */
const own = (text: string): string => text.slice(text.indexOf("// ---- The program."), text.indexOf("// ---- The engine"));
const source = { path: "models/θ.lvm", text: "model m(x: real[40]) {\n  x ~ Normal(0, 1)\n}\n" };

describe("C text", () => {
  // Guards the form of a whole file, helpers and engine included.
  it("of a scaled sum", () => {
    const scaled = kernel(
      "scaled_sum",
      10,
      8,
      (b) => {
        const row = b.bind(b.multiply(b.group(), 43), "row");
        const scale = b.bind(b.load(b.integer(4)), "scale");
        b.vectorLoop(43, (i, width) => {
          const index = b.bind(b.add(row, i), "index");
          b.store(b.add(index, 446), b.multiplyAdd(scale, b.load(b.add(index, 16), "f32", width), b.constant(0.1, "f32", width)));
        });
      },
      { title: "y = a·x + 0.1", origins: [{ source, start: 25, end: 30 }, { source, start: 0, end: 5 }, { source, start: 27, end: 30 }], flops: 860, bytes: 3440 },
    );
    expectGolden(golden("scaled-sum"), renderC(program(8, 880, [scaled], [], "θ.train")));
  });

  // Guards the form of register tiles.
  it("of a matrix product", () => {
    expectGolden(golden("matrix-product"), own(renderC(program(16, 4096, [matmul(16, [4, 5, 64], [16, 36, 356], 2, 2)]))));
  });

  // Guards where hints stand: rows far apart are asked for ahead of their turn, and what the epilogue updates while the sum runs, in as many parts as it has rows.
  it("of a product that updates weights", () => {
    const [rows, columns, turns, weights] = [4, 400, 128, 60_000];
    const update = kernel("update", 12, 16, (b) => {
      const column = b.share(b.multiply(b.group(), 32));
      const sums = Array.from({ length: rows }, () => [0, 16].map(() => b.variable(b.constant(0, "f32", "vector"), "sum")));
      b.loop(0, turns, 1, (i) => {
        const right = [0, 16].map((at) => b.bind(b.load(b.share(b.add(b.add(b.multiply(i, columns), column), 4096 + at)), "f32", "vector"), "b"));
        sums.forEach((row, r) => {
          const left = b.bind(b.load(b.add(b.multiply(i, rows), 16 + r)), "a");
          row.forEach((sum, v) => b.set(sum, b.multiplyAdd(left, right[v] as KernelExpr, sum)));
        });
      }, "k");
      sums.flat().forEach((sum, at) => b.store(b.add(b.multiply(b.group(), 128), 100_000 + 16 * at), sum));
      b.loop(0, rows, 1, (r) => [0, 16].forEach((at) => {
        const index = b.share(b.add(b.add(b.multiply(r, columns), column), weights + at));
        const gradient = b.bind(b.load(b.add(b.add(b.multiply(b.group(), 128), b.multiply(r, 32)), 100_000 + at), "f32", "vector"), "gradient");
        const weight = b.bind(b.load(index, "f32", "vector"), "weight");
        b.store(index, b.subtract(weight, b.multiply(gradient, 0.1)));
      }), "r");
    });
    expectGolden(golden("weight-update"), own(renderC(program(16, 110_000, [update]))));
  });

  // Guards the form of conditions, functions, masks, conversions and reductions.
  it("of all the rest", () => {
    const x: KernelExpr = { kind: "name", name: "x", type: "f32", width: "scalar" };
    let value: KernelExpr = x;
    const halves = kernel("halves", 1, 4, (b) => {
      const count = b.variable(b.constant(0, "i32"), "count");
      const rest = b.variable(x, "rest");
      b.loop(0, 24, 1, () =>
        b.when(b.compare("greater", rest, 1), () => {
          b.set(rest, b.multiply(rest, 0.5));
          b.set(count, b.add(count, 1));
        }),
      );
      value = b.convert(count, "f32");
    });
    const log2: KernelFunction = { name: "halves", parameters: [{ name: "x", type: "f32" }], result: "f32", body: halves.body, value };
    const rest = kernel(
      "softplus_bits",
      6,
      4,
      (b) => {
        const base = b.bind(b.multiply(b.group(), 16), "base");
        const largest = b.variable(b.constant(-Infinity, "f32", "vector"), "largest");
        b.loop(0, 16, 4, (i) => b.set(largest, b.max(largest, b.load(b.add(b.add(base, i), 16), "f32", "vector"))));
        const top = b.bind(b.reduceLanes("max", largest), "top");
        b.vectorLoop(15, (i, width) => {
          const each = b.bind(b.subtract(b.load(b.add(b.add(base, i), 16), "f32", width), top), "each");
          const bits = b.bind(b.binary("xor", b.bitcast(each, "u32"), b.binary("shift_right", b.bitcast(each, "u32"), 13)), "bits");
          const small = b.bind(b.binary("and", b.compare("less", each, b.constant(-3.5)), b.unary("not", b.compare("equal", bits, 7))), "small");
          b.store(b.add(b.add(base, i), 128), b.select(small, b.max(each, 0), b.unary("sqrt", b.unary("abs", each))));
          b.store(b.add(b.add(base, i), 256), small);
        });
        b.when(
          b.compare("less", top, 0),
          () => b.store(b.add(b.group(), 400), b.call("halves", [b.unary("negate", top)], "f32")),
          () => b.store(b.add(b.group(), 400), b.convert(b.convert(top, "i32"), "f32")),
        );
        b.store(b.add(b.multiply(b.group(), 4), 416), b.gather(b.add(b.laneNumbers(), base), "i32"));
      },
      { title: "softmax of logits, row by row", origins: [{ source, start: 25, end: 30 }], flops: 20_000 },
    );
    expectGolden(golden("all-the-rest"), own(renderC(program(4, 512, [rest], [log2]))));
  });

  // Guards: constants read back as the same value.
  it("of constants", () => {
    const floats = [0, -0, 1, -1, 0.1, 1 / 3, 1e-45, 3.4028234663852886e38, 16777217, 1e21, -2.5e-7, 123456.789, Infinity, -Infinity, NaN];
    expect(floats.map((value) => renderLiteral(value, "f32"))).toEqual(["0.0f", "(-0.0f)", "1.0f", "(-1.0f)", "0.1f", "0.33333334f", "1e-45f", "3.4028235e+38f", "16777216.0f", "1e+21f", "(-2.5e-7f)", "123456.79f", "__builtin_inff()", "(-__builtin_inff())", '__builtin_nanf("")']);
    expect([0, -5, 2147483647, -2147483648].map((value) => renderLiteral(value, "i32"))).toEqual(["0", "-5", "2147483647", "INT_MIN"]);
    expect([0, 4294967295, -1].map((value) => renderLiteral(value, "u32"))).toEqual(["0u", "4294967295u", "4294967295u"]);
    expect([0, 1].map((value) => renderLiteral(value, "bool"))).toEqual(["0", "1"]);
  });
});
