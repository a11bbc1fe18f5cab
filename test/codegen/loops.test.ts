import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { emitTfjs } from "../../src/codegen/tfjs/emit-tfjs.js";
import { compile } from "../../src/driver/compile.js";
import type { LoweredModel } from "../../src/ir/lowered-model.js";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import { evaluate } from "../../src/ir/tensor/evaluate.js";
import type { TensorNode, TensorProgram } from "../../src/ir/tensor/nodes.js";
import { selectBackend } from "../../src/runtime/tfjs/index.js";
import { compare, referenceOf } from "../devices/compare.js";
import { randomCase } from "../passes/random-programs.js";
import { engineRandom } from "../passes/support.js";
import { loadEmitted } from "./support/load-emitted.js";
import { numbers } from "./support/operation-cases.js";
import { emittedFunction } from "./support/run-program.js";
import { typeErrors } from "./support/type-check.js";

/** Guards loops over TensorFlow.js: values and gradients are the reference's for any number of steps, draws those of all devices, memory that of a step, and the text no longer for more steps. */

const engines = ["tfjs-wasm", "tfjs-cpu"];

/** Three carries (one an integer), an invariant, a scan, the index, stacks, a history, a loop within. */
function chain(steps: number, reverse = false): TensorProgram {
  const b = new TensorBuilder();
  const [x, h, w] = [b.input("column", "x", [steps, "rows", 2]), b.input("column", "h", ["rows", 2]), b.input("column", "w", [2, 2])];
  const { carries, stacks, histories } = b.loop({
    steps, reverse, carries: [h, b.scalar(0), b.scalar(1, "i32")], invariants: [w, b.tanh(w)], scans: [x],
    body: (inner, { carries: [c, total, count], invariants: [p, q], scans: [each], index }) => {
      const deep = inner.loop({ steps: 2, carries: [c!], invariants: [q!], body: (within, { carries: [d], invariants: [r] }) => ({ carries: [within.multiply(0.5, within.add(d!, within.dot(d!, r!)))] }) }).carries[0]!;
      const next = inner.tanh(inner.addAll([inner.multiply(0.5, inner.dot(deep, p!)), each!, inner.multiply(0.1, inner.normal("e", ["rows", 2]))]));
      const weight = inner.cast(inner.add(count!, inner.binary("modulo", index, inner.scalar(3, "i32"))), "f32");
      return {
        carries: [next, inner.add(inner.multiply(0.9, total!), inner.sum(inner.multiply(next, inner.constant([0.5, -1.5], [2])))), inner.binary("modulo", inner.add(count!, index), inner.scalar(5, "i32"))],
        stacks: [inner.multiply(next, weight), c!, next],
      };
    },
  });
  const loss = b.addAll([b.sum(b.square(carries[0]!)), carries[1]!, b.multiply(1 / steps, b.addAll([b.sum(stacks[0]!), b.sum(b.square(histories[0]!)), b.sum(b.multiply(stacks[1]!, stacks[2]!)), b.sum(histories[1]!)]))]);
  return b.program("chain", { loss, last: carries[0]!, count: carries[2]!, path: stacks[0]!, before: histories[0]! });
}

const given = (steps: number) => ({
  x: { values: numbers(steps * 6, -1, 1), shape: [steps, 3, 2] }, h: { values: numbers(6, -1, 1, 2), shape: [3, 2] }, w: { values: [0.3, -0.4, 0.6, 0.2], shape: [2, 2] },
});
const tensors = (inputs: Readonly<Record<string, { values: readonly number[]; shape: readonly number[] }>>): Record<string, tf.Tensor> =>
  Object.fromEntries(Object.entries(inputs).map(([name, { values, shape }]) => [name, tf.tensor([...values], [...shape])]));

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number, what: string): void {
  expect(actual.length, what).toBe(expected.length);
  const scale = Math.max(1e-3, ...Array.from(expected, Math.abs));
  for (let i = 0; i < expected.length; i++) expect(Math.abs(actual[i]! - expected[i]!), `${what} [${i}]: ${actual[i]} instead of ${expected[i]}`).toBeLessThanOrEqual(tolerance * scale);
}

describe.each(engines)("loops on %s", (device) => {
  beforeAll(async () => {
    await selectBackend(device);
  });

  for (const steps of device === "tfjs-wasm" ? [1, 2, 7, 1000] : [1, 2, 7]) {
    it(`${steps} steps: values and gradients`, () => {
      for (const reverse of steps > 2 && steps < 1000 ? [false, true] : [false]) {
        const program = chain(steps, reverse);
        const inputs = given(steps);
        const bindings = { inputs, rows: 3, random: engineRandom() };
        const { run, text } = emittedFunction(program);
        tf.tidy(() => {
          const data = tensors(inputs);
          const out = run({ data, rows: 3 });
          for (const [name, { values, shape }] of Object.entries(evaluate(program, bindings))) {
            expect(out[name]!.shape, text).toEqual(shape);
            expectClose(out[name]!.dataSync(), values, 2e-5, `${name} of ${text}\n`);
          }
          const [dx, dh, dw] = tf.grads((x, h, w) => run({ data: { x: x!, h: h!, w: w! }, rows: 3 })["loss"]!)([data["x"]!, data["h"]!, data["w"]!]);
          const lossOnly = { ...program, outputs: { loss: program.outputs["loss"]! } };
          for (const [name, gradient] of [["x", dx], ["h", dh], ["w", dw]] as const) {
            const [got, { values, shape }] = [gradient!.dataSync(), inputs[name]];
            const lossAt = (i: number, by: number): number => evaluate(lossOnly, { ...bindings, inputs: { ...inputs, [name]: { shape, values: values.map((value, j) => (i === j ? value + by : value)) } } })["loss"]!.values[0]!;
            // Of many steps a few places: each difference runs the chain twice.
            const places = steps < 1000 ? values.map((_, i) => i) : [0, values.length - 1];
            for (const i of places) {
              const truth = (lossAt(i, 1e-5) - lossAt(i, -1e-5)) / 2e-5;
              expect(Math.abs(got[i]! - truth), `d${name}[${i}]: ${got[i]} instead of ${truth}`).toBeLessThanOrEqual(1e-4 * Math.max(0.1, Math.abs(truth)));
            }
          }
        });
      }
    });
  }

  it("no steps: carries stay, stacks are empty", () => {
    const b = new TensorBuilder();
    const h = b.input("column", "h", [2]);
    const { carries, stacks } = b.loop({ steps: 0, carries: [h], body: (inner, { carries: [c] }) => ({ carries: [inner.tanh(c!)], stacks: [inner.greater(c!, 0)] }) });
    const out = emittedFunction(b.program("none", { last: carries[0]!, signs: stacks[0]! })).run({ data: { h: tf.tensor1d([1, 2]) } });
    expect([...out["last"]!.dataSync()]).toEqual([1, 2]);
    expect(out["signs"]!.shape).toEqual([0, 2]);
  });

  it("what a step gives is its own: carries that change places, stay, are given twice, or are taken from outside", () => {
    const b = new TensorBuilder();
    const [p, q, w] = [b.input("column", "p", [2]), b.input("column", "q", [2]), b.input("column", "w", [2])];
    const { carries, stacks } = b.loop({
      steps: 3, carries: [p, q, p, p], invariants: [w, b.multiply(2, w)], scans: [b.constant([1, 2, 3], [3])],
      body: (inner, { carries: [c, d, still], invariants: [v, twice], scans: [each] }) => {
        const sum = inner.add(inner.multiply(each!, d!), twice!);
        return { carries: [d!, sum, still!, v!], stacks: [sum, sum, v!, each!, inner.greater(c!, d!), inner.constant([7, 8], [2])] };
      },
    });
    const program = b.program("own", { ...Object.fromEntries([...carries, ...stacks].map((node, at) => [`r${at}`, node])), w: b.add(w, 1) });
    const inputs = { p: { values: [1, 2], shape: [2] }, q: { values: [3, -1], shape: [2] }, w: { values: [0.5, 4], shape: [2] } };
    const data = tensors(inputs);
    const out = emittedFunction(program).run({ data });
    for (const [name, { values }] of Object.entries(evaluate(program, { inputs }))) expect([...out[name]!.dataSync()], name).toEqual([...values]);
    // What came from outside is still there.
    for (const tensor of Object.values(data)) expect(tensor.isDisposed).toBe(false);
  });

  it("random programs with loops", () => {
    let loops = 0;
    for (let seed = 0; loops < 40; seed++) {
      const { program, inputs } = randomCase(seed);
      if (!program.nodes.some(({ op }) => op.kind === "loop")) continue;
      loops++;
      const { run, text } = emittedFunction(program);
      const wrong = tf.tidy(() => {
        const data = Object.fromEntries(program.inputs.map(({ op, dtype }) => {
          const name = op.kind === "input" ? op.name : "";
          return [name, tf.tensor([...inputs[name]!.values], [...inputs[name]!.shape], dtype === "i32" ? "int32" : "float32")];
        }));
        const out = run({ data, weights: data });
        return compare(referenceOf({ program, inputs, aliases: {}, seed }), Object.fromEntries(Object.entries(out).map(([name, tensor]) => [name, [...tensor.dataSync()]]))).wrong.join("\n");
      });
      expect(wrong, `program ${seed}:\n${text}`).toBe("");
    }
  });

  // The reference draws with the kernels' source, so that equal values here are equal draws on all devices.
  it("draws are slices of those of all steps: over rows, in loops within, backwards, and of Gammas", () => {
    const b = new TensorBuilder();
    const rate = b.input("column", "rate", ["rows"]);
    const { carries, stacks } = b.loop({
      steps: 3, reverse: true, carries: [rate],
      body: (outer, { carries: [c] }) => {
        const deep = outer.loop({
          steps: 2, carries: [c!],
          body: (inner, { carries: [a] }) => {
            const draw = inner.randomLogGamma("g", inner.exp(inner.multiply(0.3, a!)));
            return { carries: [draw], stacks: [inner.normal("e", [2, "rows", 3]), draw] };
          },
        });
        return { carries: [outer.sum(deep.stacks[1]!, [0])], stacks: [deep.stacks[0]!, outer.uniform("u", [2, 2]), outer.normal("v", ["rows"])] };
      },
    });
    const program = b.program("draws", { last: carries[0]!, deep: stacks[0]!, u: stacks[1]!, v: stacks[2]! });
    const inputs = { rate: { values: [0.5, 1.5, -1, 2], shape: [4] } };
    const out = emittedFunction(program).run({ data: tensors(inputs), rows: 4 });
    for (const [name, { values }] of Object.entries(evaluate(program, { inputs, rows: 4, random: engineRandom() }))) expectClose(out[name]!.dataSync(), values, name === "last" ? 2e-5 : 1e-7, name);
  });

  it("holds no more tensors for more steps", async () => {
    const most = async (steps: number): Promise<number> => {
      const b = new TensorBuilder();
      const [h, w] = [b.input("column", "h", ["rows", 8]), b.input("column", "w", [8, 8])];
      const { carries } = b.loop({
        steps, carries: [h, b.scalar(0)], invariants: [w],
        body: (inner, { carries: [c, total], invariants: [p] }) => {
          const next = inner.tanh(inner.add(inner.dot(c!, p!), inner.normal("e", ["rows", 8])));
          return { carries: [next, inner.add(total!, inner.sum(inner.square(next)))] };
        },
      });
      const { run } = emittedFunction(b.program("long", { last: carries[0]!, total: carries[1]! }));
      const data = tensors({ h: { values: numbers(16, -1, 1), shape: [2, 8] }, w: { values: numbers(64, -1, 1), shape: [8, 8] } });
      const before = tf.memory().numTensors;
      const { kernels } = await tf.profile(() => tf.tidy(() => run({ data, rows: 2 })["total"]!));
      return Math.max(...kernels.map(({ totalTensorsSnapshot }) => totalTensorsSnapshot)) - before;
    };
    expect(await most(300)).toBe(await most(3));
  });
});

describe("the text of loops", () => {
  it("is no longer for 1000 steps than for 10", () => {
    const lines = (steps: number): number => emittedFunction(chain(steps)).text.split("\n").length;
    expect(lines(1000)).toBe(lines(10));
  });

  it("has what is read, and no more", () => {
    const b = new TensorBuilder();
    const [x, h, w] = [b.input("column", "x", [5, 2]), b.input("column", "h", [2]), b.input("column", "w", [2])];
    const { carries } = b.loop({
      steps: 5, carries: [h, h], invariants: [w, b.exp(w)], scans: [x, b.exp(x)],
      body: (inner, { carries: [c, other], scans: [each], invariants: [v] }) => ({ carries: [inner.add(c!, each!), other!], stacks: [inner.multiply(v!, each!), c!] }),
    });
    expect(emittedFunction(b.program("few", { y: carries[0]! })).text).toBe([
      "let state: tf.Tensor = tf.clone(data.h);", "const xSteps = tf.unstack(data.x);", "for (let t = 0; t < 5; t++) {", "  [state] = runtime.loopStep([state], () => {",
      "    return [tf.add(state, xSteps[t]!)];", "  });", "}", "return { y: state };",
    ].join("\n"));
  });
});

/** A model of one hidden state, whose training program is a chain of `steps` steps by hand: the network is called inside the loop and outside. */
const source = { path: "walk.lvm", text: `/// A walk.
network move(h: real[2]) -> (mean: real[2]) {
  mean = h |> dense(2) |> tanh
}

model walk(x: real[2]) {
  h: real[2] ~ Normal(0, 1)
  x ~ Normal(move(h), 1)
}

guide walk {
  h ~ Normal(move(x), 1)
}

train walk {
  maximize elbo
  optimizer = adam(rate = 0.05)
  epochs = 2
  batch = 4
}
` };

function walk(steps: number): LoweredModel {
  const { value, diagnostics } = compile(source);
  if (!value) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  const { lowered } = value;
  const b = new TensorBuilder();
  const weights = lowered.parameters.map(({ name, shape }) => b.input("parameter", name, shape));
  const x = b.input("column", "x", ["rows", 2]);
  const move = (inner: TensorBuilder, h: TensorNode, [kernel, bias]: readonly TensorNode[], call: number): TensorNode =>
    inner.inScope({ network: "move", call }, () => inner.named(inner.tanh(inner.add(inner.dot(h, kernel!), bias!)), "mean"));
  // A network that holds a loop, of which two results are read outside.
  const { carries: [settled], stacks: [shifts] } = b.inScope({ network: "settle", call: 3 }, () =>
    b.loop({ steps: 4, carries: [x], body: (inner, { carries: [c] }) => {
      const shift = inner.multiply(0.1, inner.uniform("shift", ["rows", 2]));
      return { carries: [inner.add(inner.multiply(0.5, c!), shift)], stacks: [inner.sum(shift)] };
    } }));
  const first = move(b, settled!, weights, 1);
  const { carries, stacks } = b.loop({
    steps, carries: [first], invariants: weights,
    body: (inner, { carries: [h], invariants }) => {
      const next = inner.add(move(inner, h!, invariants, 2), inner.multiply(0.01, inner.normal("noise", ["rows", 2])));
      return { carries: [next], stacks: [inner.sum(inner.square(next), [1])] };
    },
  });
  b.named(carries[0]!, "h");
  const loss = b.add(b.mean(b.sum(b.square(b.subtract(carries[0]!, x)), [1])), b.multiply(1 / steps, b.mean(b.sum(b.add(stacks[0]!, b.multiply(0.3, b.sum(shifts!))), [0]))));
  return { ...lowered, programs: { ...lowered.programs, train: b.program("train", { loss, elbo: b.negate(loss) }) } };
}

const emitted = (steps: number): string => emitTfjs(walk(steps), { source: source.text, sourcePath: source.path, docComment: [] });

describe("an emitted module with a loop", () => {
  it("is as before, and does not grow with the steps", async () => {
    await expect(emitted(1000)).toMatchFileSnapshot("golden/loop.ts.txt");
    expect(emitted(1000).replaceAll("1000", "10").replaceAll("0.001", "0.1")).toBe(emitted(10));
  });

  it("passes tsc --strict", () => {
    expect(typeErrors({ loop: emitted(1000) })).toEqual([]);
  });

  it("trains a chain of 1000 steps by TensorFlow.js's tape, and leaves nothing behind", async () => {
    const model = await loadEmitted(emitted(1000))({ device: "tfjs-wasm", seed: 1 });
    const data = { x: { rows: 4, shape: [2], values: Float32Array.of(0.5, 0.1, 0.4, 0.2, 0.6, 0, 0.5, 0.2) } };
    const losses: number[] = [];
    const held: number[] = [];
    for await (const { metrics } of model.train(data, { epochs: 4, metricsEvery: 1 })) {
      losses.push(metrics.loss);
      held.push(tf.memory().numTensors);
    }
    expect(losses).toHaveLength(4);
    expect(losses.at(-1)!).toBeLessThan(losses[0]!);
    expect(new Set(held.slice(1)).size).toBe(1);
    model.dispose();
  });
});
