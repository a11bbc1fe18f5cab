import { evaluateKernels, poisonedArena } from "../../src/ir/kernel/evaluate.js";
import { evaluate, type EvaluateBindings, type RandomSource } from "../../src/ir/tensor/evaluate.js";
import type { TensorProgram } from "../../src/ir/tensor/nodes.js";
import { bindSizes } from "../../src/passes/bind-sizes.js";
import { siteOf } from "../../src/passes/emit/random.js";
import { schedule, type Schedule, type ScheduleOptions } from "../../src/passes/schedule.js";
import type { Target } from "../../src/passes/templates/template.js";
import { createRandom, fillLogGamma, fillNormal, fillUniform } from "../../src/runtime/random/index.js";

/** A small vector width, so that small programs have vectors and tails. */
export const testTarget: Target = { lanes: 4, registers: 16, l1Bytes: 32 << 10, l2Bytes: 512 << 10 };
/** Workgroups of a GPU, small ones. */
export const simtTarget: Target = { ...testTarget, lanes: 4, simt: true };
const seed = 7;

/** The draws of the kernels, for the reference: they are the run time's, stream by stream. */
export function engineRandom(step = 0): RandomSource {
  const random = createRandom(seed);
  const drawn = (stream: string, count: number, fill: typeof fillUniform): Float64Array => {
    const out = new Float32Array(count);
    fill(out, random.key(siteOf(stream), step));
    return Float64Array.from(out);
  };
  return {
    uniform: (stream, count) => drawn(stream, count, fillUniform),
    normal: (stream, count) => drawn(stream, count, fillNormal),
    logGamma: (stream, alphas) => {
      const out = new Float32Array(alphas.length);
      fillLogGamma(out, Float32Array.from(alphas), random.key(siteOf(stream), step));
      return Float64Array.from(out);
    },
  };
}

/** Puts constants, inputs, step and key in a poisoned arena. */
export function filledArena(scheduled: Schedule, inputs: EvaluateBindings["inputs"], step = 0): ArrayBuffer {
  const arena = poisonedArena(scheduled.kernels.words);
  const views = { f32: new Float32Array(arena), i32: new Int32Array(arena), u32: new Uint32Array(arena), bool: new Int32Array(arena) };
  views.u32.set([step, ...createRandom(seed).seed, 0]);
  for (const { offset, type, values } of scheduled.constants) views[type].set(values, offset);
  for (const [name, { offset, type }] of Object.entries(scheduled.inputs)) {
    const given = inputs[name]!;
    views[type].set(typeof given === "number" ? [given] : Array.from(given.values), offset);
  }
  return arena;
}

export function outputsOf(scheduled: Schedule, arena: ArrayBuffer): Record<string, number[]> {
  return Object.fromEntries(Object.entries(scheduled.outputs).map(([name, { offset, words, type }]) => {
    const view = type === "f32" ? new Float32Array(arena, offset * 4, words) : type === "u32" ? new Uint32Array(arena, offset * 4, words) : new Int32Array(arena, offset * 4, words);
    return [name, Array.from(view)];
  }));
}

/** Runs a program's kernels on a poisoned arena, groups in a shuffled order, watching for races. */
export function runKernels(program: TensorProgram, bindings: EvaluateBindings, options: Partial<ScheduleOptions> = {}): { outputs: Record<string, number[]>; scheduled: Schedule } {
  const bound = bindSizes(program, { rows: bindings.rows ?? 1, dataset: bindings.dataset ?? bindings.rows ?? 1 });
  const scheduled = schedule(bound, { target: testTarget, ...options });
  const arena = filledArena(scheduled, bindings.inputs);
  evaluateKernels(scheduled.kernels, arena, { poison: true, races: true, shuffle: 3 });
  return { outputs: outputsOf(scheduled, arena), scheduled };
}

/** Where the kernels' outputs differ from the reference by more than `tolerance` (absolute and relative to the largest value of the output). */
export function differences(program: TensorProgram, bindings: EvaluateBindings, actual: Record<string, number[]>, tolerance = 2e-5): string[] {
  const given = { ...bindings, random: bindings.random ?? engineRandom() };
  const expected = evaluate(program, given);
  // What float32 rounding does to this program: a large error there excuses one here.
  const rounded = evaluate(program, { ...given, precision: "f32" });
  return Object.entries(expected).flatMap(([name, { values }]) => {
    const got = actual[name]!;
    const scale = values.reduce((most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most), 1e-3);
    if (got.length !== values.length) return [`${name} has ${got.length} values, not ${values.length}`];
    return Array.from(values).flatMap((value, i) => {
      const slack = tolerance * scale + 20 * Math.abs(rounded[name]!.values[i]! - value);
      const near = Object.is(value, got[i]) || value === got[i] || Math.abs(value - got[i]!) <= slack || (Math.abs(value) > 1e37 && Math.abs(got[i]!) > 1e37) || (Number.isNaN(rounded[name]!.values[i]) && Number.isNaN(got[i]));
      return near ? [] : [`${name}[${i}]: ${got[i]} instead of ${value}`];
    });
  });
}
