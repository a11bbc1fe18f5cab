import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import "@tensorflow/tfjs-backend-cpu";
import { afterAll, describe, expect, it } from "vitest";
import { rowPrograms, rowsProgram } from "../../src/codegen/kernels/rows-program.js";
import { compile } from "../../src/driver/compile.js";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import { importProgram } from "../../src/ir/tensor/import-program.js";
import type { TensorNode, TensorOp, TensorProgram } from "../../src/ir/tensor/nodes.js";
import { lowerTrainingStep } from "../../src/lowering/training-step.js";
import { schedule, type Schedule } from "../../src/passes/schedule.js";
import { hostVectorWidth } from "../../src/runtime/node/native/index.js";
import { createRandom } from "../../src/runtime/random/index.js";
import { createDraws } from "../../src/runtime/tfjs/index.js";
import { readModel } from "../codegen/support/type-check.js";
import { concatenate } from "../devices/concatenate.js";
import { compileNative, compileWasm, type Compile } from "../devices/run-on-devices.js";
import { ulpError } from "../kernel/ulp.js";
import { hasCompiler } from "../native/programs.js";
import { testTarget } from "../passes/support.js";

/**
 * Guards that every stream of every model that ships has the same bits on every engine: in a training step with fresh binarization, and in later chunks of rows. Normals
 * are computed in float32 with fused or unfused multiply-adds, or in float64 (TensorFlow.js): within 4 ulp.
 */

type RandomOp = Extract<TensorOp, { readonly kind: "random" }>;
interface Drawn {
  readonly what: string;
  readonly use: string;
  readonly program: TensorProgram;
  readonly streams: ReadonlyMap<string, { readonly op: RandomOp; readonly shape: readonly number[]; readonly rowsAxis: number }>;
}
const [seed, step, batch, rows, chunk] = [7, 3, 5, 6, 2];
const names = readdirSync(new URL("../../models/", import.meta.url)).filter((file) => file.endsWith(".lvm")).map((file) => file.slice(0, -".lvm".length));

/** The draws of a program and nothing else. `axisOf`: of the rows, in the program before its sizes were numbers. */
function drawsOf(what: string, use: string, program: TensorProgram, axisOf: (stream: string) => number): Drawn {
  const b = new TensorBuilder();
  const made = importProgram(b, program);
  const nodes = program.nodes.filter((node): node is TensorNode & { readonly op: RandomOp } => node.op.kind === "random");
  const streams = new Map(nodes.map(({ op, shape }) => [op.stream, { op, shape: shape as number[], rowsAxis: axisOf(op.stream) }]));
  return { what, use, program: b.program(use, Object.fromEntries(nodes.map((node) => [node.op.stream, made.get(node)!]))), streams };
}

function allDraws(): Drawn[] {
  return names.flatMap((name) => {
    const { value } = compile(readModel(name), { load: (path) => readModel(path.replace(/\.lvm$/, "")) });
    if (!value) throw new Error(`${name} does not compile`);
    const { lowered } = value;
    const axisIn = (program: TensorProgram | undefined) => (stream: string): number => {
      const node = program?.nodes.find(({ op }) => op.kind === "random" && op.stream === stream);
      // Coins of binarization are of the rows' grey levels.
      return node ? node.shape.indexOf("rows") : 0;
    };
    const training = drawsOf(`${name}, training`, "train", lowerTrainingStep(lowered, { batch, slots: 1, dataset: 9 }).program, axisIn(lowered.programs.train));
    const others = rowPrograms.flatMap((which) => {
      const made = rowsProgram(lowered, which, rows);
      return made ? [drawsOf(`${name}, ${which}`, which, made.program, axisIn(lowered.programs[which]))] : [];
    });
    return [training, ...others].filter(({ streams }) => streams.size > 0);
  });
}

describe("draws", () => {
  const all = allDraws();
  const folder = mkdtempSync(join(tmpdir(), "lvmc-draws-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("models draw with axes in front of the rows too, and binarize afresh", () => {
    const streams = all.flatMap(({ streams: each }) => [...each.values()]);
    expect(streams.some(({ rowsAxis }) => rowsAxis > 0)).toBe(true);
    expect(streams.some(({ op }) => op.stream.startsWith("binarize."))).toBe(true);
  });

  const devices: readonly (readonly [string, () => Promise<number>, Compile, boolean])[] = [["wasm", async () => 4, compileWasm(false), true], ["native", () => hostVectorWidth(), compileNative(folder, "1"), hasCompiler]];
  for (const [device, lanesOf, compiled, present] of devices) {
    it.skipIf(!present)(`${device}: uniforms are those of TensorFlow.js bit for bit, normals within 4 ulp`, async () => {
      const lanes = await lanesOf();
      const schedules = all.map(({ program, use }): Schedule => schedule(program, { target: { ...testTarget, lanes }, use }));
      const { program, bases } = concatenate(schedules.map(({ kernels }) => kernels));
      const module = await compiled(program);
      all.forEach(({ use }, at) => module.arena.u32.set([step, ...createRandom(seed).seed, use === "train" ? 0 : chunk], bases[at]!));
      module.run(1);
      let worst = 0;
      all.forEach(({ what, use, streams }, at) => {
        const draws = createDraws({ seed: createRandom(seed).seed, step, use, firstRow: use === "train" ? 0 : chunk * rows });
        for (const [stream, { op, shape, rowsAxis }] of streams) {
          const tensor = draws[op.distribution](stream, [...shape], rowsAxis < 0 ? undefined : rowsAxis);
          const expected = tensor.dataSync() as Float32Array;
          tensor.dispose();
          const { offset, words } = schedules[at]!.outputs[stream]!;
          const found = module.arena.f32.slice(bases[at]! + offset, bases[at]! + offset + words);
          if (op.distribution === "uniform") expect(found, `${what}: ${stream}`).toEqual(expected);
          else found.forEach((value, i) => (worst = Math.max(worst, ulpError(value, expected[i]!))));
        }
      });
      module.dispose();
      expect(worst).toBeLessThanOrEqual(4);
      expect(worst).toBeGreaterThan(0);
    });
  }
});
