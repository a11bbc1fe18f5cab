/**
 * Opcodes of the instructions that kernels use (WebAssembly Core Specification 3.0, Appendix "Index of Instructions"): one byte, or a number
 * behind the prefix 0xfc (saturating conversions) or 0xfd (vectors).
 */
export interface Opcode {
  readonly prefix?: 0xfc | 0xfd;
  readonly code: number;
}

const numbered = (prefix: Opcode["prefix"], first: number, names: string): [string, Opcode][] =>
  names.split(" ").map((name, at): [string, Opcode] => [name, { prefix, code: first + at }]);

const words = (of: string, names: string): string => names.split(" ").map((name) => `${of}.${name}`).join(" ");

const comparisons = "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u";

export const opcodes: ReadonlyMap<string, Opcode> = new Map([
  ...numbered(undefined, 0x1b, "select"),
  ...numbered(undefined, 0x45, words("i32", `eqz ${comparisons}`)),
  ...numbered(undefined, 0x5b, words("f32", "eq ne lt gt le ge")),
  ...numbered(undefined, 0x6a, words("i32", "add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u")),
  ...numbered(undefined, 0x8b, words("f32", "abs neg ceil floor trunc nearest sqrt add sub mul div min max")),
  ...numbered(undefined, 0xb2, "f32.convert_i32_s f32.convert_i32_u"),
  ...numbered(undefined, 0xbc, "i32.reinterpret_f32"),
  ...numbered(undefined, 0xbe, "f32.reinterpret_i32"),
  ...numbered(0xfc, 0, "i32.trunc_sat_f32_s i32.trunc_sat_f32_u"),
  ...numbered(0xfd, 13, "i8x16.shuffle"),
  ...numbered(0xfd, 17, "i32x4.splat"),
  ...numbered(0xfd, 19, "f32x4.splat"),
  ...numbered(0xfd, 27, "i32x4.extract_lane i32x4.replace_lane"),
  ...numbered(0xfd, 31, "f32x4.extract_lane f32x4.replace_lane"),
  ...numbered(0xfd, 55, words("i32x4", comparisons)),
  ...numbered(0xfd, 65, words("f32x4", "eq ne lt gt le ge")),
  ...numbered(0xfd, 77, words("v128", "not and andnot or xor bitselect")),
  ...numbered(0xfd, 103, words("f32x4", "ceil floor trunc nearest")),
  ...numbered(0xfd, 160, words("i32x4", "abs neg")),
  ...numbered(0xfd, 171, words("i32x4", "shl shr_s shr_u add")),
  ...numbered(0xfd, 177, "i32x4.sub"),
  ...numbered(0xfd, 181, words("i32x4", "mul min_s min_u max_s max_u")),
  ...numbered(0xfd, 205, "i64x2.shr_u"),
  ...numbered(0xfd, 222, "i64x2.extmul_low_i32x4_u i64x2.extmul_high_i32x4_u"),
  ...numbered(0xfd, 224, words("f32x4", "abs neg")),
  ...numbered(0xfd, 227, words("f32x4", "sqrt add sub mul div min max")),
  ...numbered(0xfd, 248, "i32x4.trunc_sat_f32x4_s i32x4.trunc_sat_f32x4_u f32x4.convert_i32x4_s f32x4.convert_i32x4_u"),
  ...numbered(0xfd, 0x105, "f32x4.relaxed_madd"),
]);

/** Loads and stores, with the logarithm of their natural alignment. */
export const memoryOpcodes: ReadonlyMap<string, Opcode & { readonly align: number }> = new Map([
  ["i32.load", { code: 0x28, align: 2 }],
  ["f32.load", { code: 0x2a, align: 2 }],
  ["i32.store", { code: 0x36, align: 2 }],
  ["f32.store", { code: 0x38, align: 2 }],
  ["v128.load", { prefix: 0xfd, code: 0, align: 4 }],
  ["v128.load32_splat", { prefix: 0xfd, code: 9, align: 2 }],
  ["v128.store", { prefix: 0xfd, code: 11, align: 4 }],
  ["v128.load32_lane", { prefix: 0xfd, code: 86, align: 2 }],
  ["v128.load32_zero", { prefix: 0xfd, code: 92, align: 2 }],
]);
