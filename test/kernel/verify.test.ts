import { describe, expect, it } from "vitest";
import { KernelBuilder } from "../../src/ir/kernel/builder.js";
import type { Kernel, KernelExpr, KernelProgram, Statement } from "../../src/ir/kernel/nodes.js";
import { printKernels } from "../../src/ir/kernel/print.js";
import { verifyKernels } from "../../src/ir/kernel/verify.js";

const f = (value: number, width: "scalar" | "vector" = "scalar"): KernelExpr => ({ kind: "constant", value, type: "f32", width });
const i = (value: number): KernelExpr => ({ kind: "constant", value, type: "i32", width: "scalar" });
const name = (text: string, type: KernelExpr["type"] = "f32"): KernelExpr => ({ kind: "name", name: text, type, width: "scalar" });
const store = (value: KernelExpr, index: KernelExpr = i(0)): Statement => ({ kind: "store", index, value });

function program(body: readonly Statement[], change: Partial<KernelProgram> = {}, kernel: Partial<Kernel> = {}): KernelProgram {
  return { name: "p", lanes: 4, words: 16, functions: [], kernels: [{ name: "k", title: "", origins: [], groups: 1, body, flops: 0, bytes: 0, ...kernel }], ...change };
}

const loop = (step: number, body: readonly Statement[] = [], from: KernelExpr = i(0)): Statement => ({ kind: "for", name: "j", from, to: i(4), step, body });
const shift = (by: KernelExpr): KernelExpr => ({ kind: "binary", op: "shift_left", left: i(1), right: by, type: "i32", width: "scalar" });
const double = { name: "double", parameters: [{ name: "x", type: "f32" as const }], result: "f32" as const, body: [], value: name("x") };
const call = (args: readonly KernelExpr[], type: KernelExpr["type"] = "f32"): KernelExpr => ({ kind: "call", function: "double", args, type, width: "scalar" });

/** Each breaks one rule. */
const malformed: readonly (readonly [string, KernelProgram, RegExp])[] = [
  ["a name before its let", program([store(name("t"))]), /t is used before/],
  ["a name outside its block", program([{ kind: "if", condition: { kind: "constant", value: 1, type: "bool", width: "scalar" }, then: [{ kind: "let", name: "t", value: f(1) }], otherwise: [] }, store(name("t"))]), /t is used before/],
  ["a loop variable after its loop", program([loop(1), store(name("j", "i32"))]), /j is used before/],
  ["a name twice", program([{ kind: "let", name: "t", value: f(1) }, { kind: "let", name: "t", value: f(2) }]), /t is defined twice/],
  ["a name that is not one", program([{ kind: "let", name: "a b", value: f(1) }]), /not made of letters/],
  ["a name with another type", program([{ kind: "let", name: "t", value: f(1) }, store(name("t", "i32"))]), /t is a scalar f32/],
  ["set of a let", program([{ kind: "let", name: "t", value: f(1) }, { kind: "set", name: "t", value: f(2) }]), /not a var/],
  ["set of nothing", program([{ kind: "set", name: "t", value: f(2) }]), /set before/],
  ["set to another type", program([{ kind: "var", name: "t", value: f(1) }, { kind: "set", name: "t", value: i(2) }]), /is set to a scalar i32/],
  ["set to another width", program([{ kind: "var", name: "t", value: f(1) }, { kind: "set", name: "t", value: f(2, "vector") }]), /is set to a vector f32/],
  ["types that differ", program([store({ kind: "binary", op: "add", left: f(1), right: i(1), type: "f32", width: "scalar" })]), /meets a scalar i32/],
  ["widths that differ", program([store({ kind: "binary", op: "add", left: f(1), right: f(1, "vector"), type: "f32", width: "scalar" })]), /meets a vector f32/],
  ["a result called something else", program([store({ kind: "binary", op: "add", left: f(1), right: f(1), type: "i32", width: "scalar" })]), /is called a scalar i32/],
  ["bits of a float", program([store({ kind: "binary", op: "and", left: f(1), right: f(1), type: "f32", width: "scalar" })]), /no and of f32/],
  ["not of a float", program([store({ kind: "unary", op: "not", value: f(1), type: "f32", width: "scalar" })]), /no not of f32/],
  ["a comparison that is no bool", program([store({ kind: "compare", op: "less", left: f(1), right: f(2), type: "f32", width: "scalar" })]), /is a scalar bool/],
  ["a condition that is no bool", program([{ kind: "if", condition: f(1), then: [], otherwise: [] }]), /a condition is a scalar f32/],
  ["a vector condition", program([{ kind: "if", condition: { kind: "compare", op: "less", left: f(1, "vector"), right: f(2, "vector"), type: "bool", width: "vector" }, then: [], otherwise: [] }]), /a condition is a vector/],
  ["a select by a number", program([store({ kind: "select", condition: f(1), yes: f(1), no: f(2), type: "f32", width: "scalar" })]), /condition of a select/],
  ["a multiply-add of integers", program([store({ kind: "multiply-add", a: i(1), b: i(1), c: i(1), type: "i32", width: "scalar" })]), /multiply-add of i32/],
  ["a float index", program([store(f(1), f(0))]), /index of a store/],
  ["a store outside", program([store(f(1), i(16))]), /outside the arena/],
  ["a vector store over the end", program([store(f(1, "vector"), i(13))]), /outside the arena/],
  ["a load outside", program([store({ kind: "load", index: i(-1), type: "f32", width: "scalar" })]), /outside the arena/],
  ["a gather by a scalar", program([store({ kind: "gather", index: i(0), type: "f32", width: "vector" })]), /index of a gather/],
  ["a splat of a vector", program([store({ kind: "splat", value: f(1, "vector"), type: "f32", width: "vector" })]), /value of a splat/],
  ["lane numbers in f32", program([store({ kind: "lane-numbers", type: "f32", width: "vector" })]), /lane numbers/],
  ["a vector group", program([store({ kind: "group", type: "i32", width: "vector" })]), /the group/],
  ["lanes of a scalar", program([store({ kind: "reduce-lanes", op: "add", value: f(1), type: "f32", width: "scalar" })]), /value of reduce-lanes/],
  ["bits of a bool", program([store({ kind: "bitcast", value: { kind: "constant", value: 1, type: "bool", width: "scalar" }, type: "i32", width: "scalar" })]), /no bits/],
  ["a conversion to another width", program([store({ kind: "convert", value: f(1), type: "i32", width: "vector" })]), /convert is a scalar i32/],
  ["a constant that is no integer", program([store({ kind: "constant", value: 0.5, type: "i32", width: "scalar" })]), /not a number of type i32/],
  ["a negative u32", program([store({ kind: "constant", value: -1, type: "u32", width: "scalar" })]), /not a number of type u32/],
  ["a shift by 32", program([store(shift(i(32)))]), /not by a constant below 32/],
  ["a shift by a value", program([{ kind: "let", name: "n", value: i(3) }, store(shift(name("n", "i32")))]), /not by a constant below 32/],
  ["a step of 0", program([loop(0)]), /steps by 0/],
  ["a float loop", program([loop(1, [], f(0))]), /a loop's start/],
  ["a set loop variable", program([loop(1, [{ kind: "set", name: "j", value: i(0) }])]), /not a var/],
  ["a function that is not there", program([store(call([f(1)]))]), /no function double/],
  ["too few arguments", program([store(call([]))], { functions: [double] }), /takes 1 arguments/],
  ["an argument of another type", program([store(call([i(1)]))], { functions: [double] }), /argument 1 of double/],
  ["a call of another type", program([store(call([f(1)], "i32"))], { functions: [double] }), /double is a scalar f32/],
  ["a function that stores", program([], { functions: [{ ...double, body: [store(f(1))] }] }), /a function stores/],
  ["a function that loads", program([], { functions: [{ ...double, value: { kind: "load", index: i(0), type: "f32", width: "scalar" } }] }), /a function loads/],
  ["a function that gives something else", program([], { functions: [{ ...double, result: "i32" }] }), /promises/],
  ["a function that calls itself", program([], { functions: [{ ...double, value: call([name("x")]) }] }), /no function double/],
  ["a function twice", program([], { functions: [double, double] }), /defined twice/],
  ["a kernel twice", { ...program([]), kernels: [program([]).kernels[0]!, program([]).kernels[0]!] }, /defined twice/],
  ["a kernel's name", program([], {}, { name: "k;" }), /not made of letters/],
  ["half a group", program([], {}, { groups: 0.5 }), /groups/],
  ["three lanes", program([], { lanes: 3 }), /not a power of two/],
];

describe("verifyKernels", () => {
  for (const [what, broken, message] of malformed) {
    it(`refuses ${what}`, () => expect(() => verifyKernels(broken)).toThrow(message));
  }

  it("takes what is well formed", () => {
    expect(() => verifyKernels(program([{ kind: "var", name: "t", value: f(1) }, loop(2, [{ kind: "set", name: "t", value: call([name("t")]) }]), store(name("t"))], { functions: [double] }))).not.toThrow();
  });
});

describe("printKernels", () => {
  // A golden: what readers of `--emit kernels` see of each kind of node.
  it("is pseudo-C with indices, title, lines, groups, FLOPs and bytes", () => {
    const source = { path: "some/vae.lvm", text: "model\n  a\n  b\n" };
    const k = new KernelBuilder(4);
    const base = k.bind(k.multiply(k.group(), 8), "row");
    const sum = k.variable(k.constant(0, "f32", "vector"), "sum");
    k.loop(0, 8, 4, (at) => k.set(sum, k.multiplyAdd(k.load(k.add(base, at), "f32", "vector"), 0.1, sum)));
    k.when(k.less(base, 3), () => k.store(k.integer(2), k.unary("negate", k.reduceLanes("add", sum))), () => k.store(k.integer(2), k.constant(Infinity)));
    const printed = printKernels({
      name: "train", lanes: 4, words: 4000, functions: [double],
      kernels: [{ name: "k0", title: "dense + bias", origins: [{ source, start: 6, end: 8 }, { source, start: 11, end: 12 }, { source, start: 7, end: 8 }], groups: 2, body: k.body(), flops: 12345, bytes: 800 }],
    });
    expect(printed).toBe(`program train  // 4 lanes, arena of 4000 words (16.0 kB), 1 kernel

function double(x: f32): f32 {
  return x;
}

kernel k0 {  // dense + bias — vae.lvm:2, 3
  // 2 groups, 12.3 kFLOP, 800 B
  let row_0: i32 = group * 8;
  var sum_1: f32xN = 0.0;
  for (i_2 = 0; i_2 < 8; i_2 += 4) {
    sum_1 = fma(vload[row_0 + i_2], 0.1, sum_1);
  }
  if (row_0 < 3) {
    store[2] = -reduce.add(sum_1);
  } else {
    store[2] = inf;
  }
}
`);
  });
});
