import { afterAll, describe, expect, it } from "vitest";
import type { KernelProgram } from "../../src/ir/kernel/nodes.js";
import { canonical, closeGpu, missing, programOf, runReference, runWebGpu, type Fill } from "./support.js";

// Groups as workgroups: what the interpreter of the kernel IR says of lanes, their shared memory and their barriers, a device does.

afterAll(closeGpu);

async function same(program: KernelProgram, fill: Fill = ({ f32 }) => f32.forEach((_, at) => at >= 4 && (f32[at] = at * 0.25 - 3)), steps = 1): Promise<number[]> {
  const got = canonical(await runWebGpu(program, fill, { steps }));
  expect(got).toEqual(canonical(runReference(program, fill, steps)));
  return got;
}

describe.skipIf(missing !== undefined)("workgroups", () => {
  for (const lanes of [1, 2, 64, 256]) {
    it(`${lanes} lanes: a count that is no multiple of them, and every tree`, async () => {
      const n = 3 * lanes + 1;
      await same(programOf(8 + 2 * n + 3, [{
        write: (b) => {
          b.vectorLoop(n, (i) => b.store(b.add(i, 8 + n), b.multiply(b.load(b.add(i, 8), "f32", "vector"), 3)));
          const own = b.bind(b.load(b.integer(8), "f32", "vector"));
          (["add", "min", "max"] as const).forEach((op, at) => b.store(b.integer(8 + 2 * n + at), b.reduceLanes(op, own)));
        },
      }], { lanes }));
    });
  }

  it("registers of resting lanes, and conditions in conditions", async () => {
    await same(programOf(64, [{
      write: (b) => {
        const v = b.variable(b.constant(1, "f32", "vector"));
        const lane = b.laneNumbers();
        b.when(b.less(lane, 9), () => {
          b.set(v, b.constant(2, "f32", "vector"));
          b.when(b.greater(lane, 3), () => b.set(v, b.add(v, b.convert(lane, "f32"))), () => b.store(b.add(b.integer(24), lane), v));
        }, () => b.set(v, b.constant(3, "f32", "vector")));
        b.store(b.integer(40), v);
      },
    }]));
  });

  // Guards barriers: each turn of the loop reads what other lanes wrote in the turn before, in shared memory and in the arena.
  it("lanes see what others wrote after a barrier, turn by turn", async () => {
    const lanes = 64;
    const [from, to] = [8, 8 + 2 * lanes];
    await same(programOf(to + 2 * lanes, [{
      groups: 2,
      shared: lanes,
      write: (b) => {
        const base = b.bind(b.multiply(b.group(), lanes), "base");
        const lane = b.laneNumbers();
        const next = b.bind(b.remainder(b.add(lane, 7), lanes), "next");
        b.storeShared(lane, b.load(b.add(base, from), "f32", "vector"));
        b.store(b.add(base, to), b.convert(lane, "f32"));
        b.barrier();
        b.loop(0, 9, 1, () => {
          const value = b.bind(b.loadShared(next), "value");
          const other = b.bind(b.gather(b.add(b.add(next, base), to)), "other");
          b.barrier();
          b.storeShared(lane, b.add(value, 1));
          b.store(b.add(base, to), b.add(other, value));
          b.barrier();
        });
      },
    }], { lanes }));
  });

  // Guards the group's memory by fours, floats, integers and bools in it, whole and word by word, and kernels with lanes of their own beside others.
  it("four words at a time, by 128 lanes, then by 16", async () => {
    const lanes = 128;
    await same(programOf(8 + 7 * lanes, [{
      lanes,
      shared: 8 * lanes,
      write: (b) => {
        const lane = b.laneNumbers();
        const own = b.bind(b.load(b.integer(8), "f32", "vector"));
        b.storeFour(lane, [own, b.multiply(own, 2), b.add(own, 1), b.unary("negate", own)]);
        b.storeFour(b.add(lane, lanes), [lane, b.less(lane, 9), b.multiply(lane, -3), lane]);
        b.barrier();
        const other = b.bind(b.remainder(b.add(lane, 37), lanes));
        const [x, y, z, w] = b.loadFour(other);
        const [i] = b.loadFour(b.add(other, lanes), "i", "i32");
        b.store(b.integer(8 + lanes), b.multiplyAdd(x, y, b.subtract(z, w)));
        b.store(b.integer(8 + 2 * lanes), b.loadShared(b.add(b.multiply(other, 3), 2)));
        b.store(b.integer(8 + 3 * lanes), i);
        b.store(b.integer(8 + 4 * lanes), b.loadShared(b.add(b.multiply(other, 4), 4 * lanes + 1), "bool"));
        b.store(b.integer(8 + 5 * lanes), b.reduceLanes("add", x));
      },
    }, { groups: 3, write: (b) => b.store(b.add(b.multiply(b.group(), 16), 8 + 6 * lanes), b.gather(b.add(b.laneNumbers(), 8 + 2 * lanes))) }]));
  });

  // Guards that a reduction is a barrier: lanes read what others stored before it, and what it gave decides for all.
  it("a reduction lets lanes see what was stored before it", async () => {
    const lanes = 32;
    await same(programOf(8 + 4 * lanes, [{
      write: (b) => {
        b.store(b.integer(8 + lanes), b.multiply(b.load(b.integer(8), "f32", "vector"), 2));
        const sum = b.bind(b.reduceLanes("add", b.gather(b.subtract(b.constant(8 + 2 * lanes - 1, "i32", "vector"), b.laneNumbers()))));
        b.when(b.greater(sum, 0), () => b.store(b.integer(8 + 2 * lanes), b.reduceLanes("max", b.load(b.integer(8 + lanes), "f32", "vector"))), () => b.store(b.integer(8 + 3 * lanes), sum));
      },
    }], { lanes }));
  });

  // Guards what WGSL calls uniformity: bounds and conditions from the arena are the same for all lanes, but a compiler does not know.
  it("barriers in loops and conditions that depend on the arena", async () => {
    const lanes = 32;
    const fill: Fill = ({ f32, i32 }) => (f32.fill(0.5, 4), i32.set([1, 5, 2, 1], 4));
    await same(programOf(16 + 4 * lanes, [{
      groups: 2,
      shared: lanes,
      write: (b) => {
        const lane = b.laneNumbers();
        const v = b.variable(b.convert(lane, "f32"));
        const turns = b.variable(b.load(b.integer(4), "i32"), "turns");
        b.when(b.compare("equal", b.load(b.integer(7), "i32"), 1), () => b.set(turns, b.add(turns, b.load(b.add(b.group(), 5), "i32"))));
        b.loop(b.load(b.integer(4), "i32"), turns, 1, (i) => {
          b.storeShared(lane, v);
          b.barrier();
          b.set(v, b.add(b.loadShared(b.remainder(b.add(lane, i), lanes)), 1));
          b.barrier();
          b.when(b.load(b.integer(7), "bool"), () => b.set(v, b.add(v, b.reduceLanes("max", v))));
        });
        b.store(b.add(b.multiply(b.group(), lanes), 16), v);
      },
    }], { lanes }), fill);
  });

  it("more groups than a dispatch has along an axis", async () => {
    const groups = 70_001;
    const words = await same(programOf(8 + 2 * groups, [{
      groups,
      write: (b) => b.store(b.add(b.group(), 8), b.add(b.group(), 5)),
    }], { lanes: 1 }), () => undefined);
    expect(words[8 + groups - 1]).toBe(groups + 4);
    expect(words.slice(8 + groups).every((word) => word === 0)).toBe(true);
  });

  // Guards the counter of steps: kernels of one submit see 0, 1, …, those of the next go on, and word 0 is the host's.
  it("count steps, within a submit and over several", async () => {
    const program = programOf(256, [
      { write: (b) => b.store(b.add(b.remainder(b.load(b.integer(0), "i32"), 100), 8), b.convert(b.load(b.integer(0), "u32"), "f32")) },
      { write: (b) => b.store(b.integer(120), b.add(b.load(b.integer(120)), b.load(b.add(b.remainder(b.load(b.integer(0), "i32"), 100), 8)))) },
    ]);
    const fill: Fill = ({ u32 }) => (u32[0] = 40);
    expect(canonical(await runWebGpu(program, fill, { steps: 50, stepsPerSubmit: 7 }))).toEqual(canonical(runReference(program, fill, 50)));
    expect((await runWebGpu(program, fill, { steps: 50 }))[0]).toBe(90);
  });
});
