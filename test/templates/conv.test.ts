import { describe, expect, it } from "vitest";
import type { Conv2dAttributes } from "../../src/ir/tensor/nodes.js";
import { conv2d, conv2dInputGradient } from "../../src/passes/templates/conv.js";
import { conv2dFilterGradient } from "../../src/passes/templates/conv-filter-gradient.js";
import type { Target } from "../../src/passes/templates/template.js";
import { denseView, viewOperand } from "../../src/passes/templates/views.js";
import { Arena, epilogue, expectClose, integer, normals, pick, produced, rng, runTemplate, targets } from "./harness.js";

const product = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1);

interface Case {
  readonly lead: readonly number[];
  readonly h: number; readonly w: number; readonly c: number; readonly n: number; readonly kh: number; readonly kw: number;
  readonly attributes: Conv2dAttributes;
}

function outputSize(c: Case): [number, number] {
  const of = (size: number, kernel: number, axis: 0 | 1) => {
    const [low, high] = c.attributes.padding[axis];
    return Math.floor((size + low + high - c.attributes.dilation[axis] * (kernel - 1) - 1) / c.attributes.strides[axis]) + 1;
  };
  return [of(c.h, c.kh, 0), of(c.w, c.kw, 1)];
}

/** The triple sum that defines all three operations: visits (word of x, word of dy, word of the filter). */
function visit(c: Case, each: (x: number, y: number, f: number) => void): void {
  const [oh, ow] = outputSize(c);
  const { strides, dilation, padding } = c.attributes;
  for (let b = 0; b < product(c.lead); b++) for (let p = 0; p < oh; p++) for (let q = 0; q < ow; q++) for (let i = 0; i < c.kh; i++) for (let j = 0; j < c.kw; j++) {
    const [y, x] = [p * strides[0] + i * dilation[0] - padding[0][0], q * strides[1] + j * dilation[1] - padding[1][0]];
    if (y < 0 || y >= c.h || x < 0 || x >= c.w) continue;
    for (let s = 0; s < c.c; s++) for (let n = 0; n < c.n; n++) {
      each(((b * c.h + y) * c.w + x) * c.c + s, ((b * oh + p) * ow + q) * c.n + n, ((i * c.kw + j) * c.c + s) * c.n + n);
    }
  }
}

function check(op: "conv" | "input" | "filter", c: Case, target: Target, mode: "store" | "accumulate", isProduced: boolean, seed: number): void {
  const random = rng(seed);
  const [oh, ow] = outputSize(c);
  const shapes = { x: [...c.lead, c.h, c.w, c.c], y: [...c.lead, oh, ow, c.n], f: [c.kh, c.kw, c.c, c.n] };
  const data = { x: normals(random, product(shapes.x)), y: normals(random, product(shapes.y)), f: normals(random, product(shapes.f)) };
  const shape = op === "conv" ? shapes.y : op === "input" ? shapes.x : shapes.f;
  const arena = new Arena();
  const operand = isProduced ? produced : viewOperand;
  const view = (name: "x" | "y" | "f") => operand(arena.input(data[name], shapes[name]));
  const output = mode === "store" ? denseView(arena.reserve(product(shape)), shape) : arena.input(new Float32Array(product(shape)).fill(1), shape);
  const [expected, scale] = [new Float64Array(product(shape)), new Float64Array(product(shape)).fill(1e-3)];
  visit(c, (x, y, f) => {
    const [at, term] = op === "conv" ? [y, data.x[x]! * data.f[f]!] : op === "input" ? [x, data.y[y]! * data.f[f]!] : [f, data.x[x]! * data.y[y]!];
    expected[at]! += term;
    scale[at]! += Math.abs(term);
  });
  if (mode === "accumulate") for (let i = 0; i < expected.length; i++) expected[i] = 2 * expected[i]! + 1;
  const rest = { attributes: c.attributes, write: epilogue(mode, output), repeatable: mode === "store" };
  const template = op === "conv" ? conv2d({ x: view("x"), filter: view("f"), outputSize: [oh, ow], ...rest }, arena.context(target))
    : op === "input" ? conv2dInputGradient({ dy: view("y"), filter: view("f"), inputSize: [c.h, c.w], ...rest }, arena.context(target))
    : conv2dFilterGradient({ x: view("x"), dy: view("y"), filterSize: [c.kh, c.kw], ...rest }, arena.context(target));
  const what = `${op} ${JSON.stringify(c)} ${mode} lanes ${target.lanes}`;
  let actual;
  try {
    actual = runTemplate(arena, template, target.lanes, output);
  } catch (error) {
    throw new Error(`${what}: ${String(error)}`, { cause: error });
  }
  expectClose(actual, expected, scale, what);
}

const simple = (strides: number, pad: number): Conv2dAttributes => ({ strides: [strides, strides], padding: [[pad, pad], [pad, pad]], dilation: [1, 1] });

describe("conv2d and its gradients", () => {
  for (const target of targets) {
    for (const op of ["conv", "input", "filter"] as const) {
      // Guards: strides, asymmetric padding, dilation, filters that reach out of the image, any number of channels, one channel included.
      it(`${op}: random sizes, lanes ${target.lanes}`, () => {
        const random = rng(target.lanes);
        let done = 0;
        while (done < 25) {
          const [kh, kw] = [integer(random, 1, 4), integer(random, 1, 5)];
          const padding = () => [integer(random, 0, 2), integer(random, 0, 3)] as const;
          const c: Case = {
            lead: pick(random, [[], [2], [1, 3]]), h: integer(random, 1, 10), w: integer(random, 1, 19), c: pick(random, [1, 2, 3, 4, 16]), n: pick(random, [1, 1, 3, 4, 9, 16, 21]), kh, kw,
            attributes: { strides: [integer(random, 1, 3), integer(random, 1, 3)], padding: [padding(), padding()], dilation: [integer(random, 1, 2), pick(random, [1, 1, 2, 3])] },
          };
          const [oh, ow] = outputSize(c);
          if (oh < 1 || ow < 1) continue;
          check(op, c, target, random() < 0.5 ? "store" : "accumulate", random() < 0.3, integer(random, 0, 1e9));
          done++;
        }
      });
      it(`${op}: layers of the convolutional VAE, lanes ${target.lanes}`, () => {
        check(op, { lead: [2], h: 28, w: 28, c: 1, n: 8, kh: 4, kw: 4, attributes: simple(2, 1) }, target, "store", false, 1);
        check(op, { lead: [2], h: 14, w: 14, c: 8, n: 20, kh: 4, kw: 4, attributes: simple(2, 1) }, target, "accumulate", false, 2);
        check(op, { lead: [3], h: 7, w: 7, c: 5, n: 1, kh: 3, kw: 3, attributes: simple(1, 1) }, target, "store", false, 3);
        check(op, { lead: [1], h: 40, w: 40, c: 3, n: 3, kh: 1, kw: 1, attributes: simple(1, 0) }, target, "store", false, 4);
      });
    }
  }
  it("keeps many groups busy", () => {
    const arena = new Arena();
    const view = (shape: number[]) => viewOperand(denseView(arena.reserve(product(shape)), shape));
    const template = conv2dFilterGradient({ x: view([64, 28, 28, 1]), dy: view([64, 14, 14, 32]), filterSize: [4, 4], attributes: simple(2, 1), write: () => {} }, arena.context(targets[2]!));
    expect(template.before.at(-1)!.groups).toBeGreaterThanOrEqual(32);
  });
});
