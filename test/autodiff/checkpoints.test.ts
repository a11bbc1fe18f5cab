import { describe, expect, it } from "vitest";
import { gradientsOf } from "../../src/autodiff/gradients-of.js";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import { evaluate, seededRandom } from "../../src/ir/tensor/evaluate.js";
import type { LoopOp, TensorNode, TensorProgram } from "../../src/ir/tensor/nodes.js";
import type { Checkpoint } from "../../src/ir/tensor/segmented-loop.js";
import { unrollLoops } from "../../src/ir/tensor/unroll-loops.js";
import { verify } from "../../src/ir/tensor/verify.js";
import { schedule } from "../../src/passes/schedule.js";
import { numbers } from "../codegen/support/operation-cases.js";
import { differences, engineRandom, runKernels, testTarget } from "../passes/support.js";
import { expectGradients, type GradientCase } from "./support/slopes.js";

/** Guards that a loop with checkpoints is the loop without: values, draws and gradients; and that its gradient's memory grows as the root of its steps. */

interface Asked {
  readonly steps: number;
  readonly checkpoint?: Checkpoint | undefined;
  readonly reverse?: boolean;
  readonly draws?: boolean;
}

/** Three carries, one of them an integer, an invariant, a scan, the index, two stacks. */
function chain(b: TensorBuilder, at: Readonly<Record<string, TensorNode>>, { steps, checkpoint, reverse, draws = false }: Asked): TensorNode {
  const { carries, stacks } = b.loop({
    steps, checkpoint, reverse: reverse ?? false, carries: [at["h"]!, b.scalar(0.5), b.scalar(1, "i32")], invariants: [at["w"]!], scans: [at["x"]!],
    body: (inner, { carries: [c, level, count], invariants: [w], scans: [x], index }) => {
      const noise = draws ? inner.multiply(0.3, inner.add(inner.normal("e", [2]), inner.uniform("u", []))) : inner.scalar(0);
      const next = inner.tanh(inner.addAll([inner.multiply(w!, c!), x!, inner.multiply(0.01, inner.cast(inner.add(index, count!), "f32")), noise]));
      return {
        carries: [next, inner.add(inner.multiply(0.9, level!), inner.sum(inner.square(next))), inner.binary("modulo", inner.add(count!, index), inner.scalar(7, "i32"))],
        stacks: [inner.multiply(next, level!), inner.cast(count!, "f32")],
      };
    },
  });
  return b.concatenate([carries[0]!, b.reshape(carries[1]!, [1]), b.reshape(b.cast(carries[2]!, "f32"), [1]), b.reshape(stacks[0]!, [2 * steps]), stacks[1]!], 0);
}

const inputsOf = (steps: number) => ({ h: { values: [0.2, -0.4], shape: [2] }, w: { values: [0.7, -0.9], shape: [2] }, x: { values: numbers(2 * steps, -1, 1), shape: [steps, 2] } });

/** The results, the gradient of their weighted sum, and both for a loss that reads the last carry alone. */
function programOf(asked: Asked): TensorProgram {
  const b = new TensorBuilder();
  const at = Object.fromEntries(Object.entries(inputsOf(asked.steps)).map(([name, { shape }]) => [name, b.input("column", name, shape)]));
  const all = chain(b, at, asked);
  const loss = b.sum(b.multiply(all, b.constant(numbers(Number(all.shape[0]), 0.5, 1.5), all.shape)));
  const wrt = ["h", "w", "x"].map((name) => at[name]!);
  const outputs = [...gradientsOf(b, loss, wrt), ...gradientsOf(b, b.sum(b.sliceAxis(all, 0, 0, 2)), wrt)];
  const program = b.program("chain", { all, ...Object.fromEntries(outputs.map((node, i) => [`d${i}`, node])) });
  verify(program);
  return program;
}

const loopsOf = (program: TensorProgram): LoopOp[] => program.nodes.flatMap(({ op }) => (op.kind === "loop" ? [op, ...loopsOf(op.body)] : []));

function expectEqual(asked: Asked): void {
  const bindings = { inputs: inputsOf(asked.steps), random: seededRandom(4) };
  const [plain, kept] = [evaluate(programOf({ ...asked, checkpoint: undefined }), bindings), evaluate(programOf(asked), bindings)];
  for (const [name, { values, shape }] of Object.entries(plain)) {
    expect(kept[name]!.shape).toEqual(shape);
    // Steps are the same operations in the same order; only gradients of invariants are summed by segments.
    if (name === "all") expect([...kept[name]!.values]).toEqual([...values]);
    const scale = Math.max(...values.map(Math.abs));
    values.forEach((value, i) => expect(Math.abs(kept[name]!.values[i]! - value), `${JSON.stringify(asked)} ${name}[${i}]`).toBeLessThanOrEqual(1e-14 * asked.steps ** 0.5 * scale));
  }
}

describe("loops with checkpoints", () => {
  for (const steps of [1, 2, 7, 10, 1000]) {
    for (const reverse of [false, true]) {
      it(`${steps} steps${reverse ? " backwards" : ""}: values, draws and gradients are those of the plain loop`, () => {
        for (const draws of [false, true]) for (const checkpoint of ["sqrt", 3, 4] as const) expectEqual({ steps, checkpoint, reverse, draws });
      });
    }
  }

  it("segments: a divisor of the steps near the root, or the root and what remains", () => {
    const stepsOf = (steps: number, checkpoint: Checkpoint): number[] => {
      const b = new TensorBuilder();
      const y = chain(b, Object.fromEntries(Object.entries(inputsOf(steps)).map(([name, { shape }]) => [name, b.input("column", name, shape)])), { steps, checkpoint });
      return loopsOf(b.program("forward", { y })).map((op) => op.steps);
    };
    expect(stepsOf(1000, "sqrt")).toEqual([40, 25]);
    expect(stepsOf(7, "sqrt")).toEqual([2, 3, 1]);
    expect(stepsOf(997, "sqrt")).toEqual([31, 32, 5]);
    expect(stepsOf(10, 4)).toEqual([2, 4, 2]);
    for (const [steps, checkpoint] of [[1, "sqrt"], [2, "sqrt"], [3, "sqrt"], [7, 1], [7, 9]] as const) expect(stepsOf(steps, checkpoint)).toEqual([steps]);
    expect(() => stepsOf(7, 0)).toThrow("a checkpoint every 0 steps");
  });

  it("central differences, with segments and a rest", () => {
    for (const reverse of [false, true]) {
      const given: GradientCase = { inputs: inputsOf(7), build: (b, at) => chain(b, at, { steps: 7, checkpoint: "sqrt", reverse, draws: true }), differentiable: ["h", "w", "x"] };
      expect(expectGradients(given, { label: "checkpoints" }).checked).toBe(18);
    }
  });

  // Draws over rows are counted with the rows in front, so that those of a loop over segments are the loop's only if the steps are as many.
  it("draws over rows, Gamma draws and draws of loops within are those of the plain loop, whatever the segments", () => {
    const drawn = (steps: number, checkpoint: Checkpoint | undefined, what: "noise" | "gamma" | "within"): number[] => {
      const b = new TensorBuilder();
      const x = b.input("column", "x", ["rows"]);
      const { carries } = b.loop({
        steps, checkpoint, carries: [x],
        body: (inner, { carries: [c] }) => {
          const plain = (): TensorNode => (what === "noise" ? inner.sum(inner.normal("e", [2, "rows"]), [0]) : inner.randomLogGamma("g", inner.add(1.5, inner.sigmoid(c!))));
          const noise = what === "within" ? inner.loop({ steps: 2, body: (deep) => ({ stacks: [deep.uniform("u", ["rows"])] }) }).stacks[0]! : plain();
          return { carries: [inner.add(inner.multiply(0.5, c!), what === "within" ? inner.sum(noise, [0]) : noise)] };
        },
      });
      const [dx] = gradientsOf(b, b.sum(b.square(carries[0]!)), [x]);
      const program = b.program("rows", { y: carries[0]!, dx: dx! });
      verify(program);
      const out = evaluate(program, { inputs: { x: { values: [0.1, -2, 3], shape: [3] } }, random: seededRandom(9) });
      return [...out["y"]!.values, ...out["dx"]!.values];
    };
    for (const what of ["noise", "gamma", "within"] as const) {
      for (const steps of [7, 12]) {
        const plain = drawn(steps, undefined, what);
        for (const checkpoint of ["sqrt", 4, 5] as const) drawn(steps, checkpoint, what).forEach((value, i) => expect(value, `${what} ${steps} ${checkpoint}`).toBeCloseTo(plain[i]!, 12));
      }
    }
  });

  it("symbolic sizes stay, and the unrolled program is the same", () => {
    const b = new TensorBuilder();
    const x = b.input("column", "x", [7, "rows", 2]);
    const { carries, stacks } = b.loop({ steps: 7, checkpoint: 3, carries: [b.full(0, ["rows", 2])], scans: [x], body: (inner, { carries: [c], scans: [each] }) => ({ carries: [inner.unary("sin", inner.add(c!, each!))], stacks: [c!] }) });
    const program = b.program("rows", { y: carries[0]!, all: stacks[0]! });
    verify(program);
    const bindings = { inputs: { x: { values: numbers(42), shape: [7, 3, 2] } } };
    const [out, unrolled] = [evaluate(program, bindings), evaluate(unrollLoops(program), bindings)];
    for (const name of ["y", "all"]) expect([...unrolled[name]!.values]).toEqual([...out[name]!.values]);
  });
});

describe("kernels of loops with checkpoints", () => {
  /** A walk of `width` numbers, whose gradient needs what they were at each step. */
  const walk = (steps: number, width: number, checkpoint?: Checkpoint): TensorProgram => {
    const b = new TensorBuilder();
    const [h, w] = [b.input("parameter", "h", [width]), b.input("parameter", "w", [width])];
    const { carries } = b.loop({ steps, checkpoint, carries: [h], invariants: [w], body: (inner, { carries: [c], invariants: [p] }) => ({ carries: [inner.unary("sin", inner.add(inner.multiply(p!, c!), 0.1))] }) });
    const loss = b.sum(b.square(carries[0]!));
    const [dh, dw] = gradientsOf(b, loss, [h, w]);
    return b.program("walk", { loss, dh: dh!, dw: dw! });
  };
  const inputs = (width: number) => ({ h: { values: numbers(width, -1, 1), shape: [width] }, w: { values: numbers(width, 0.2, 0.9, 5), shape: [width] } });

  it("have the reference's values", () => {
    for (const steps of [7, 12]) {
      const program = walk(steps, 5, "sqrt");
      expect(differences(program, { inputs: inputs(5), random: engineRandom() }, runKernels(program, { inputs: inputs(5) }).outputs)).toEqual([]);
    }
  });

  it("keep the carries of O(√steps) steps instead of all", () => {
    const words = (steps: number, checkpoint?: Checkpoint): number => schedule(walk(steps, 64, checkpoint), { target: testTarget }).plan.words;
    for (const steps of [400, 997, 1000, 1600]) {
      const [plain, kept] = [words(steps), words(steps, "sqrt")];
      expect(plain).toBeGreaterThan(64 * steps);
      // The checkpoints, the carries of a segment, of the rest, perhaps one more array of a segment's steps, and a few numbers for each of the loops' own.
      expect(kept, `${steps} steps`).toBeLessThan(64 * (4 * Math.sqrt(steps) + 40));
    }
    expect(words(1600, "sqrt") - words(400, "sqrt")).toBeLessThan(64 * 1.1 * (4 * 40 - 4 * 20));
  });
});
