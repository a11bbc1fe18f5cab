import { describe, expect, it } from "vitest";
import { measureProgram } from "../../src/driver/measure-programs.js";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import { schedule } from "../../src/passes/schedule.js";
import { chooseTile, heightOf, isAllowed, lanesOf, limitsOf, stagesOf, tilesOf, widthOf } from "../../src/passes/simt/tiles.js";
import { type Target, webgpuTarget, webgpuTargetOf, type WorkgroupLimits, workgroupOf } from "../../src/passes/templates/template.js";
import { runKernels } from "./support.js";

// Which tile a product gets follows from its sizes and from what a device allows its workgroups, and from nothing else.

const least = { invocations: 256, bytes: 16 << 10 };
const devices: readonly WorkgroupLimits[] = [{ invocations: 64, bytes: 16 << 10 }, { invocations: 128, bytes: 16 << 10 }, least, { invocations: 256, bytes: 32 << 10 }, { invocations: 1024, bytes: 32 << 10 }, { invocations: 1024, bytes: 48 << 10 }, { invocations: 1024, bytes: 227 << 10 }, { invocations: 128, bytes: 9000 }];
const shapes = [1, 2, 3, 10, 16, 17, 50, 128, 400, 784, 1000, 1024, 2048, 8192].flatMap((m) => [2, 10, 16, 32, 100, 512, 784, 2048, 8192].map((n) => ({ batch: [], m, n })));
const chosen = (m: number, n: number, limits: WorkgroupLimits): string => {
  const target = webgpuTargetOf(limits);
  const tile = chooseTile({ batch: [], m, n, sides: 1 }, target);
  return `${heightOf(tile)}×${widthOf(tile)} by ${lanesOf(tile)}, ${stagesOf(tile, 1, limitsOf(target))}`;
};

describe("the tile of a product", () => {
  it("is within the limits of a device, whatever the sizes", () => {
    for (const device of devices) {
      const target = webgpuTargetOf(device);
      for (const shape of shapes) {
        for (const sides of [1, 2]) {
          const tile = chooseTile({ ...shape, sides }, target);
          expect(lanesOf(tile), JSON.stringify({ device, shape })).toBeLessThanOrEqual(device.invocations);
          expect(isAllowed(tile, sides, device)).toBe(true);
        }
      }
    }
  });

  it("is what large devices multiply fastest, where there is enough for all of one, and smaller where there is not", () => {
    expect([256, 512, 1024, 2048, 8192].map((size) => chosen(size, size, least))).toEqual(["32×32 by 64, 1", "32×32 by 64, 1", "64×64 by 128, 1", "128×128 by 256, 1", "128×128 by 256, 1"]);
    // 128 invocations; more shared memory: a second pair of panels.
    expect(chosen(2048, 2048, devices[1]!)).toBe("128×64 by 128, 1");
    expect(chosen(2048, 2048, devices[0]!)).toBe("32×32 by 64, 1");
    expect(chosen(2048, 2048, { invocations: 256, bytes: 32 << 10 })).toBe("128×128 by 256, 1");
    expect(chosen(2048, 2048, { invocations: 1024, bytes: 48 << 10 })).toBe("128×128 by 256, 2");
    expect(chosen(1024, 1024, { invocations: 1024, bytes: 48 << 10 })).toBe("64×64 by 128, 2");
    // Few columns.
    expect(chosen(100_352, 32, least)).toBe("128×32 by 128, 1");
    expect(chosen(100_352, 16, least)).toBe("64×16 by 64, 1");
    expect(chosen(128, 10, least)).toBe("16×16 by 64, 2");
  });

  it("is the same for devices that differ in nothing that matters", () => {
    expect(workgroupOf({ invocations: 1024, bytes: 227 << 10 })).toEqual(workgroupOf({ invocations: 256, bytes: 48 << 10 }));
    expect(workgroupOf({ invocations: 200, bytes: 20_000 })).toEqual({ invocations: 128, bytes: 16 << 10 });
    expect(workgroupOf()).toEqual(least);
    const texts = devices.map((device) => JSON.stringify(schedule(measureProgram("product", { product: 2048 }), { target: webgpuTargetOf(device) }).kernels));
    expect(texts[3]).toBe(texts[4]);
    expect(texts[5]).toBe(texts[6]);
    // Of 64 lanes, of 128, of 256, and of 256 with two pairs of panels.
    expect(new Set(texts).size).toBe(4);
  });

  it("is what the kernels of a program ask for", () => {
    for (const device of devices) {
      for (const product of [64, 1024, 2048]) {
        const { kernels } = schedule(measureProgram("product", { product }), { target: webgpuTargetOf(device) });
        for (const { lanes = kernels.lanes, shared = 0 } of kernels.kernels) {
          expect(lanes).toBeLessThanOrEqual(device.invocations);
          expect(4 * shared).toBeLessThanOrEqual(device.bytes);
        }
      }
    }
  });

  // Guards that work of different workgroups does not become one kernel, and that a loop, which is one workgroup, has lanes of one number.
  it("has a kernel of its own beside those of other workgroups", () => {
    const target: Target = { ...webgpuTarget, lanes: 4 };
    const b = new TensorBuilder();
    const [p, q, x] = [b.input("column", "p", [400, 3]), b.input("column", "q", [3, 400]), b.input("column", "x", [50])];
    const h = b.input("column", "h", [400, 400]);
    const loop = b.loop({ steps: 2, carries: [h], invariants: [p, q], scans: [], body: (inner, step) => ({ carries: [inner.add(inner.multiply(step.carries[0]!, 0.5), inner.dot(step.invariants[0]!, step.invariants[1]!))] }) });
    const program = b.program("p", { y: b.dot(p, q), z: b.exp(x), s: b.reduce("sum", b.multiply(x, x), [0]), l: b.reduce("sum", loop.carries[0]!, [0, 1]) });
    const number = (at: number): number => ((Math.imul(at + 1, 0x9e3779b1) >>> 24) - 128) / 64;
    const values = (shape: number[], seed: number) => ({ shape, values: Array.from({ length: shape.reduce((c, d) => c * d, 1) }, (_, at) => number(at + seed)) });
    const inputs = { p: values([400, 3], 0), q: values([3, 400], 5000), x: values([50], 9000), h: values([400, 400], 10_000) };
    const { outputs, scheduled } = runKernels(program, { inputs } as never, { target });
    const { kernels } = scheduled.kernels;
    expect(new Set(kernels.map(({ lanes }) => lanes))).toEqual(new Set([undefined, 16]));
    const dot = (i: number, j: number): number => [0, 1, 2].reduce((sum, s) => sum + inputs.p.values[i * 3 + s]! * inputs.q.values[s * 400 + j]!, 0);
    const y = Array.from({ length: 160_000 }, (_, at) => dot(Math.floor(at / 400), at % 400));
    expect(outputs["y"]).toEqual(y);
    expect(outputs["z"]![7]).toBeCloseTo(Math.exp(inputs.x.values[7]!), 4);
    const l = y.reduce((sum, each, at) => sum + 1.5 * each + 0.25 * inputs.h.values[at]!, 0);
    expect(Math.abs(outputs["l"]![0]! / l - 1)).toBeLessThan(1e-3);
  }, 120_000);

  it("exists for small workgroups too, and for no odd ones", () => {
    for (const lanes of [4, 16, 64]) expect(tilesOf(lanes).map((tile) => lanesOf(tile) / lanes)).toEqual([4, 2, 2, 2, 1, 1, 1]);
    expect(() => tilesOf(32)).toThrow(/no tiles for 32 lanes/);
  });
});
