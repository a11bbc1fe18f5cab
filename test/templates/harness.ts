import { expect } from "vitest";
import { KernelBuilder } from "../../src/ir/kernel/builder.js";
import { evaluateKernels, poisonedArena } from "../../src/ir/kernel/evaluate.js";
import type { KernelFunction, KernelProgram } from "../../src/ir/kernel/nodes.js";
import type { Operand, Target, Template, TemplateContext, View, Write } from "../../src/passes/templates/template.js";
import { denseView, readView, storeView, viewOperand } from "../../src/passes/templates/views.js";

export const targets: readonly Target[] = [
  { lanes: 4, registers: 16, l1Bytes: 32768, l2Bytes: 1 << 19 },
  { lanes: 8, registers: 16, l1Bytes: 32768, l2Bytes: 1 << 19 },
  { lanes: 16, registers: 32, l1Bytes: 32768, l2Bytes: 1 << 20 },
];

export type Rng = () => number;

export function rng(seed: number): Rng {
  let state = seed | 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    const t = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
    return ((t ^ (t >>> 13)) >>> 0) / 4294967296;
  };
}

export const pick = <T>(random: Rng, from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
export const integer = (random: Rng, low: number, high: number): number => low + Math.floor(random() * (high - low + 1));

/** An arena that is laid out while a template is built; unused words between tensors stay poisoned, so that an access past an end is seen. */
export class Arena {
  private next = 16;
  private readonly values: { view: View; data: ArrayLike<number> }[] = [];

  reserve(words: number): number {
    const base = this.next;
    this.next += words + 1;
    return base;
  }

  input(data: ArrayLike<number>, shape: readonly number[], type: View["type"] = "f32"): View {
    const view = denseView(this.reserve(data.length), shape, type);
    this.values.push({ view, data });
    return view;
  }

  context(target: Target): TemplateContext {
    return { target, scratch: (words) => this.reserve(words), decide: (look) => look() };
  }

  program(template: Template, lanes: number, functions: readonly KernelFunction[] = []): KernelProgram {
    const kernels = [...template.before, template].map((kernel, i) => ({
      name: `k${i}`, title: kernel.title, origins: [], groups: kernel.groups, body: kernel.body, flops: kernel.flops, bytes: kernel.bytes,
    }));
    return { name: "test", lanes, words: this.next, kernels, functions };
  }

  /** A fresh arena with the inputs in it. */
  memory(): ArrayBuffer {
    const memory = poisonedArena(this.next);
    const [f32, i32] = [new Float32Array(memory), new Int32Array(memory)];
    for (const { view, data } of this.values) for (let i = 0; i < data.length; i++) (view.type === "f32" ? f32 : i32)[view.base + i] = data[i]!;
    return memory;
  }
}

/** Runs a template in order and shuffled, watching for races, unwritten words and accesses outside; both give the same bits. */
export function runTemplate(arena: Arena, template: Template, lanes: number, output: View, functions: readonly KernelFunction[] = []): Float32Array | Int32Array {
  const program = arena.program(template, lanes, functions);
  const [first, second] = [arena.memory(), arena.memory()];
  evaluateKernels(program, first, { poison: true, races: true });
  evaluateKernels(program, second, { poison: true, shuffle: 7 });
  const count = output.shape.reduce((a, b) => a * b, 1);
  const of = (memory: ArrayBuffer) => (output.type === "f32" ? new Float32Array(memory, output.base * 4, count) : new Int32Array(memory, output.base * 4, count));
  expect(Buffer.from(new Uint8Array(first, output.base * 4, count * 4)).equals(Buffer.from(new Uint8Array(second, output.base * 4, count * 4)))).toBe(true);
  const poisoned = new Uint32Array(first, output.base * 4, count).indexOf(0x7fa0dead);
  expect(poisoned, "first word of the result that was not written").toBe(-1);
  return of(first);
}

export function normals(random: Rng, count: number): Float32Array {
  return Float32Array.from({ length: count }, () => (random() + random() + random() - 1.5) * 1.4);
}

/** Closeness for sums of float32 products: relative to the sum of magnitudes. */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, scale: ArrayLike<number> | number = 1, what = ""): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const [a, e] = [actual[i]!, expected[i]!];
    const bound = 4e-6 * (Math.abs(e) + (typeof scale === "number" ? scale : scale[i]!));
    if (!(Math.abs(a - e) <= bound) && !(Number.isNaN(a) && Number.isNaN(e)) && a !== e) expect.fail(`${what}: element ${i} is ${a}, not ${e}`);
  }
}

/** An epilogue: plain, or with one that is neither short nor repeatable: y = 2·v + old y, in place (old y is 1). */
export function epilogue(kind: "store" | "accumulate", output: View): Write {
  return (k, index, value) => {
    if (kind === "store") return storeView(k, output, index, value);
    let result = k.add(k.multiply(value, 2), readView(output)(k, index, value.width));
    for (let i = 0; i < 12; i++) result = k.bind(k.subtract(k.add(result, k.max(value, 1e30)), k.max(value, 1e30)));
    storeView(k, output, index, k.add(k.multiply(value, 2), readView(output)(k, index, value.width)));
    void result;
  };
}

/** An operand through a producer: twice the value, minus the value. */
export function produced(view: View): Operand {
  const read = readView(view);
  return { shape: view.shape, read: (k, index, width) => { const x = k.bind(read(k, index, width)); return k.subtract(k.multiply(x, 2), x); } };
}

export { KernelBuilder, viewOperand };
