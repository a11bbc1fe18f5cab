import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { evaluateNodes, seededRandom } from "../../src/ir/tensor/evaluate.js";
import type { LoweredModel } from "../../src/ir/lowered-model.js";
import { attention, conv, dense, doubled, groupNorm, halved, joined, map, residualBlock, silu, timeEmbedding, type Array3, type Weights } from "../support/layer-definitions.js";
import { bindings, derivedGradient, gradient, lowerText, maxError, someParameters, type Inputs } from "../support/lowered.js";

const draws = (name: string, count: number): number[] => [...seededRandom(5).normal(name, count)];

/** The output `out` of network `f`, for the rows of a batch. */
function outputs(lowered: LoweredModel, inputs: Inputs, rows: number): number[] {
  const program = lowered.programs.train;
  const values = evaluateNodes(program, bindings(program, inputs, { rows }));
  const node = program.nodes.find((each) => each.name === "out" && each.scope?.network === "f");
  return [...values.get(node!)!.values];
}

interface Trial {
  readonly rows: readonly number[][];
  readonly out: readonly number[];
  /** Of layer `f.<layer>_1`, by role. */
  readonly weights: (layer: string) => Weights;
}

/** Runs `out = <body>` over three rows of x with random weights. */
function trial(shape: readonly number[], body: string, result: readonly number[], more: { readonly inputs?: string; readonly args?: string; readonly given?: Readonly<Record<string, readonly number[]>> } = {}): Trial {
  const type = (dims: readonly number[]): string => `real${dims.length > 0 ? `[${dims.join(", ")}]` : ""}`;
  const declared = `x: ${type(shape)}${more.inputs ? `, ${more.inputs}` : ""}`;
  const lowered = lowerText(`
    network f(${declared}) -> (out: ${type(result)}) { out = ${body} }
    model m(${declared}, y: ${type(result)}) { y ~ Normal(f(x${more.args ? `, ${more.args}` : ""}), 1) }
    train m { maximize likelihood batch = 3 }
  `);
  const parameters = someParameters(lowered, 3);
  const size = shape.reduce((n, dim) => n * dim, 1);
  const x = draws("x", 3 * size);
  const y = draws("y", 3 * result.reduce((n, dim) => n * dim, 1));
  const prefix = (layer: string): string => `f.${layer}_1.`;
  return {
    rows: [0, 1, 2].map((at) => x.slice(at * size, (at + 1) * size)),
    out: outputs(lowered, { ...parameters, ...more.given, x, y }, 3),
    weights: (layer) => Object.fromEntries(Object.entries(parameters).filter(([name]) => name.startsWith(prefix(layer))).map(([name, values]) => [name.slice(prefix(layer).length), values])),
  };
}

const image = (shape: readonly [number, number, number], values: readonly number[]): Array3 => ({ shape, values });

describe("normalization", () => {
  // Guards the two-step sums: over positions, then over the channels of a group.
  it("group_norm is that of its definition, over images, positions and vectors", () => {
    for (const shape of [[4, 3, 6], [5, 6], [6]] as const) {
      const { rows, out, weights } = trial(shape, "x |> group_norm(3)", shape);
      const { scale, offset } = weights("group_norm");
      const positions = shape.length === 1 ? 1 : shape.length === 2 ? shape[0] : shape[0] * shape[1];
      const expected = rows.flatMap((row) => groupNorm(image([positions, 1, 6], row), 3, scale!, offset!).values);
      expect(maxError(out, expected), shape.join()).toBeLessThan(1e-12);
    }
  });

  it("has no scale and offset with affine = false", () => {
    const { rows, out } = trial([4, 6], "x |> group_norm(2, affine = false)", [4, 6]);
    expect(maxError(out, rows.flatMap((row) => groupNorm(image([4, 1, 6], row), 2, Array(6).fill(1), Array(6).fill(0)).values))).toBeLessThan(1e-12);
    // Layer normalization is a group of all channels at one position.
    const layer = trial([4, 6], "x |> layer_norm(affine = false)", [4, 6]);
    const each = layer.rows.flatMap((row) => [0, 1, 2, 3].flatMap((at) => groupNorm(image([1, 1, 6], row.slice(6 * at, 6 * at + 6)), 1, Array(6).fill(1), Array(6).fill(0)).values));
    expect(maxError(layer.out, each)).toBeLessThan(1e-12);
  });

  // python -c "import torch; x = (torch.arange(24, dtype=torch.float64) ** 2 % 7).reshape(1, 4, 2, 3); print(torch.nn.functional.group_norm(x, 2).flatten().tolist())"
  it("agrees with PyTorch, whose channels come first", () => {
    const first = Array.from({ length: 24 }, (_, at) => at ** 2 % 7);
    const last = Array.from({ length: 24 }, (_, at) => first[(at % 4) * 6 + Math.floor(at / 4)]!);
    const found = groupNorm(image([2, 3, 4], last), 2, Array(4).fill(1), Array(4).fill(0)).values;
    const torch = [
      -1.38694855377898, -0.6633232213725557, 1.507552775846717, 0.06030211103386864, 0.06030211103386864, 1.507552775846717, -0.6633232213725557, -1.38694855377898,
      -0.6633232213725557, 1.507552775846717, 0.06030211103386864, 0.06030211103386864, 1.3093045357663835, -0.6546522678831918, -1.3093045357663835, -0.6546522678831918,
      1.3093045357663835, 0.0, 0.0, 1.3093045357663835, -0.6546522678831918, -1.3093045357663835, -0.6546522678831918, 1.3093045357663835,
    ];
    expect(maxError(found, Array.from({ length: 24 }, (_, at) => torch[(at % 4) * 6 + Math.floor(at / 4)]!))).toBeLessThan(1e-12);
  });
});

describe("self_attention", () => {
  it("is that of its definition, head by head, over positions and over the pixels of an image", () => {
    for (const heads of [1, 2, 4]) {
      for (const shape of [[5, 8], [2, 3, 8]] as const) {
        const { rows, out, weights } = trial(shape, `x |> self_attention(heads = ${heads})`, shape);
        expect(maxError(out, rows.flatMap((row) => attention(row, 8, heads, weights("self_attention"))))).toBeLessThan(1e-12);
      }
    }
  });

  // python -c "import torch; F = torch.nn.functional; q, k, v = (torch.sin(torch.arange(12, dtype=torch.float64).reshape(1, 2, 3, 2) + s) for s in (0, 1, 2)); print(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten().tolist())"
  it("agrees with PyTorch's scaled_dot_product_attention", () => {
    // The weights pick queries, keys and values from 12 channels, 4 each.
    const sines = (shift: number): number[][] => [0, 1, 2].map((position) => [0, 1].flatMap((head) => [0, 1].map((d) => Math.sin(head * 6 + position * 2 + d + shift))));
    const parts = [sines(0), sines(1), sines(2)];
    const x = [0, 1, 2].flatMap((position) => parts.flatMap((part) => part[position]!));
    const pick = (from: number): number[] => Array.from({ length: 144 }, (_, at) => (Math.floor(at / 12) === from + (at % 12) && at % 12 < 4 ? 1 : 0));
    const padded = Array(12).fill(0) as number[];
    // Heads of 2 of 12 channels: six heads, of which the first two carry numbers.
    const w: Weights = { queries: pick(0), keys: pick(4), values: pick(8), output: Array.from({ length: 144 }, (_, at) => (at % 13 === 0 ? 1 : 0)), queries_bias: padded, keys_bias: padded, values_bias: padded, output_bias: padded };
    const found = attention(x, 12, 6, w);
    const torch = [
      0.26325466386051144, 0.058562511555207614, 0.1560329729135003, 0.0838270661580237, 0.2324466215000508, -0.1061894543464953, 0.3380628254957992, -0.024317427524404696,
      -0.36388935242398873, -0.028215096790583403, -0.3835499323407724, -0.05086653002952201,
    ];
    expect(maxError([0, 1, 2].flatMap((position) => found.slice(position * 12, position * 12 + 4)), torch)).toBeLessThan(1e-12);
  });
});

describe("residual_block", () => {
  it("is that of its definition, with a condition and without, also where the channels change", () => {
    const plain = trial([4, 3, 4], "x |> residual_block(4, groups = 2)", [4, 3, 4]);
    expect(maxError(plain.out, plain.rows.flatMap((row) => residualBlock(image([4, 3, 4], row), undefined, 2, plain.weights("residual_block")).values))).toBeLessThan(1e-12);
    const e = draws("e", 15);
    const told = trial([4, 3, 4], "x |> residual_block(6, condition = e, groups = 2)", [4, 3, 6], { inputs: "e: real[5]", args: "e", given: { e } });
    expect(maxError(told.out, told.rows.flatMap((row, at) => residualBlock(image([4, 3, 4], row), e.slice(at * 5, at * 5 + 5), 2, told.weights("residual_block")).values))).toBeLessThan(1e-12);
  });

  // A constant has no axis of rows.
  it("takes a condition that is the same for every row", () => {
    const given = trial([2, 2, 2], "x |> residual_block(2, condition = [0.5, -1, 2], groups = 1)", [2, 2, 2]);
    expect(maxError(given.out, given.rows.flatMap((row) => residualBlock(image([2, 2, 2], row), [0.5, -1, 2], 1, given.weights("residual_block")).values))).toBeLessThan(1e-12);
  });
});

describe("patches, positions and vectors of channels", () => {
  it("patchify cuts row by row, and unpatchify puts together", () => {
    const { rows, out } = trial([4, 6, 2], "x |> patchify(2)", [6, 8]);
    const expected = rows.flatMap((row) => Array.from({ length: 48 }, (_, flat) => {
      const [patch, within] = [Math.floor(flat / 8), flat % 8];
      const [i, j] = [2 * Math.floor(patch / 3) + Math.floor(within / 4), 2 * (patch % 3) + (Math.floor(within / 2) % 2)];
      return row[(i * 6 + j) * 2 + (within % 2)]!;
    }));
    expect(out).toEqual(expected);
    expect(trial([4, 6, 2], "x |> patchify(2) |> unpatchify(2, height = 4)", [4, 6, 2]).out).toEqual(rows.flat());
    const square = trial([6, 6, 1], "x |> patchify(3) |> unpatchify(3)", [6, 6, 1]);
    expect(square.out).toEqual(square.rows.flat());
  });

  it("vectors act at every position", () => {
    const v = draws("v", 9);
    const more = { inputs: "v: real[3]", args: "v", given: { v } };
    const expected = (of: Trial, f: (x: number, v: number) => number): number[] => of.rows.flatMap((row, at) => row.map((x, i) => f(x, v[at * 3 + (i % 3)]!)));
    for (const shape of [[4, 3], [2, 2, 3]]) {
      const added = trial(shape, "x |> add_channels(v)", shape, more);
      expect(added.out).toEqual(expected(added, (x, each) => x + each));
      const scaled = trial(shape, "x |> scale_channels(v)", shape, more);
      expect(scaled.out).toEqual(expected(scaled, (x, each) => x * each));
      const modulated = trial(shape, "x |> modulate(v, shift = 2 * v)", shape, more);
      expect(maxError(modulated.out, expected(modulated, (x, each) => (1 + each) * x + 2 * each))).toBeLessThan(1e-15);
    }
  });

  it("position_embedding adds its table", () => {
    const { rows, out, weights } = trial([4, 3], "x |> position_embedding", [4, 3]);
    expect(out).toEqual(rows.flatMap((row) => row.map((x, at) => x + weights("position_embedding")["table"]![at]!)));
  });
});

describe("time_embedding", () => {
  it("is that of its definition", () => {
    const { rows, out } = trial([], "time_embedding(x, 8)", [8]);
    expect(maxError(out, rows.flatMap(([t]) => timeEmbedding(t!, 8)))).toBeLessThan(1e-12);
    const other = trial([2], "time_embedding(1000 * x, 6, period = 100)", [2, 6]);
    expect(maxError(other.out, other.rows.flatMap((row) => row.flatMap((t) => timeEmbedding(1000 * t, 6, 100))))).toBeLessThan(1e-9);
  });
});

describe("layers inside plates", () => {
  // Guards compiler axes: images have those of rows and steps, the condition that of rows alone, the time that of steps alone.
  it("are the layers of each step", () => {
    const lowered = lowerText(`
      network f(x: real[2, 2, 4], e: real[3], t: real) -> (out: real[2, 2, 4]) {
        h = x |> residual_block(4, e, groups = 2)
        out = h + (h |> group_norm(2) |> self_attention(heads = 2) |> add_channels(time_embedding(t, 4)))
      }
      model m(x: real[3, 2, 2, 4], e: real[3], y: real[3, 2, 2, 4]) { each t in 1..3 { y[t] ~ Normal(f(x[t], e, t), 1) } }
      train m { maximize likelihood batch = 2 }
    `);
    const parameters = someParameters(lowered, 2);
    const [x, e] = [draws("x", 96), draws("e", 6)];
    const layer = (name: string): Weights => Object.fromEntries(Object.entries(parameters).filter(([key]) => key.startsWith(`f.${name}_1.`)).map(([key, values]) => [key.slice(name.length + 5), values]));
    const expected = [0, 1].flatMap((row) => [0, 1, 2].flatMap((step) => {
      const at = row * 3 + step;
      const h = residualBlock(image([2, 2, 4], x.slice(at * 16, at * 16 + 16)), e.slice(row * 3, row * 3 + 3), 2, layer("residual_block"));
      const heard = attention(groupNorm(h, 2, layer("group_norm")["scale"]!, layer("group_norm")["offset"]!).values, 4, 2, layer("self_attention"));
      const time = timeEmbedding(step + 1, 4);
      return h.values.map((value, i) => value + heard[i]! + time[i % 4]!);
    }));
    expect(maxError(outputs(lowered, { ...parameters, x, e, y: draws("y", 96) }, 2), expected)).toBeLessThan(1e-12);
  });
});

const unetText = readFileSync(new URL("../../bench/models/unet.lvm", import.meta.url), "utf8");

describe("the U-Net of bench/models", () => {
  // As many weights as PyTorch counts for the same network: sum(p.numel() for p in model.parameters()) of bench/peers/unet.py.
  it("has the weights of its layers", () => {
    const count = lowerText(unetText).parameters.reduce((sum, { shape }) => sum + shape.reduce<number>((n, dim) => n * Number(dim), 1), 0);
    expect(count).toBe(401761);
  });

  const small = lowerText(unetText, "unet.lvm", { SIDE: "4", BASE: "4", GROUPS: "2", HEADS: "2" });
  const parameters = someParameters(small, 2);
  const inputs = { ...parameters, x: draws("x", 32), t: [3, 700], noise: draws("noise", 32) };

  it("computes what its layers compute by their definitions", () => {
    const layer = (name: string): Weights => Object.fromEntries(Object.entries(parameters).filter(([key]) => key.startsWith(`unet.${name}.`)).map(([key, values]) => [key.slice(name.length + 6), values]));
    const fully = (name: string, x: readonly number[]): number[] => dense(x, layer(name)["kernel"]!, layer(name)["bias"]!);
    const convolved = (name: string, x: Array3): Array3 => conv(x, layer(name)["kernel"]!, layer(name)["bias"]!);
    const block = (number: number, x: Array3, e: readonly number[]): Array3 => residualBlock(x, e, 2, layer(`residual_block_${number}`));
    const norm = (number: number, x: Array3): Array3 => groupNorm(x, 2, layer(`group_norm_${number}`)["scale"]!, layer(`group_norm_${number}`)["offset"]!);
    const expected = [0, 1].flatMap((row) => {
      const e = fully("dense_2", fully("dense_1", timeEmbedding(inputs.t[row]!, 16)).map(silu));
      const high = block(1, convolved("conv2d_1", image([4, 4, 1], inputs.x.slice(row * 16, row * 16 + 16))), e);
      const low = block(2, halved(high), e);
      const heard = attention(norm(1, low).values, 8, 2, layer("self_attention_1"));
      const deep = block(3, { ...low, values: low.values.map((value, at) => value + heard[at]!) }, e);
      const up = convolved("conv2d_2", doubled(block(4, joined(deep, low), e)));
      return convolved("conv2d_3", map(norm(2, block(5, joined(up, high), e)), silu)).values;
    });
    const program = small.programs.train;
    const values = evaluateNodes(program, bindings(program, inputs, { rows: 2 }));
    const out = program.nodes.find((each) => each.name === "y" && each.scope?.network === "unet");
    expect(maxError(values.get(out!)!.values, expected)).toBeLessThan(1e-11);
  });

  it.each(["unet.dense_1.kernel", "unet.conv2d_1.kernel", "unet.residual_block_2.scale_1", "unet.residual_block_2.kernel_1", "unet.residual_block_2.skip_kernel", "unet.residual_block_3.condition_kernel", "unet.group_norm_1.scale", "unet.self_attention_1.queries", "unet.self_attention_1.keys_bias", "unet.self_attention_1.values", "unet.residual_block_4.offset_2"])("has the gradient of central differences to %s", (name) => {
    const program = small.programs.train;
    // A few of its entries: each costs two evaluations.
    const some = parameters[name]!.map((_, at) => at).filter((at, _, all) => at % Math.max(1, Math.floor(all.length / 5)) === 0);
    const exact = derivedGradient(program, "loss", name, inputs, { rows: 2 });
    const differences = entries(some, (at, by) => ({ ...inputs, [name]: parameters[name]!.map((value, i) => (i === at ? value + by : value)) }));
    expect(maxError(some.map((at) => exact[at]!), differences)).toBeLessThan(1e-6);
  });

  function entries(some: readonly number[], moved: (at: number, by: number) => Inputs): number[] {
    const program = small.programs.train;
    const loss = (given: Inputs): number => evaluateNodes(program, bindings(program, given, { rows: 2 })).get(program.outputs["loss"]!)!.values[0]!;
    return some.map((at) => (loss(moved(at, 1e-5)) - loss(moved(at, -1e-5))) / 2e-5);
  }

  it("has the gradient of central differences to its inputs, time included", () => {
    const program = small.programs.train;
    expect(maxError(derivedGradient(program, "loss", "t", inputs, { rows: 2 }), gradient(program, "loss", "t", inputs, { rows: 2 }))).toBeLessThan(1e-6);
  });
});
