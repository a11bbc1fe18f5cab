import type { ElementType, KernelBinary, KernelCompare, KernelUnary, Width } from "../../ir/kernel/nodes.js";
import type { Wat } from "./wat.js";

/** Gives a fresh local that lives until the end of the statement. */
export type Temporary = (type: "i32" | "f32" | "v128") => string;

type Rule2 = (a: Wat, b: Wat, temporary: Temporary) => Wat;
type Rule1 = (a: Wat, temporary: Temporary) => Wat;
/** How one operation is written for each type and width; undefined: the kernel IR does not have it. */
type Rules<Rule> = { readonly [type in ElementType]: { readonly [width in Width]: Rule } | undefined };

export const get = (local: string): Wat => ["local.get", local];
const zero: Wat = ["i32.const", "0"];

const one = (name: string): Rule1 => (a) => [name, a];
const two = (name: string): Rule2 => (a, b) => [name, a, b];
const same: Rule1 = (a) => a;

/** A value that is used twice: as it is if it costs nothing, else kept in a local. [first use, second use] */
export function twice(value: Wat, type: "i32" | "v128", temporary: Temporary): readonly [Wat, Wat] {
  if (value[0] === "local.get" || value[0] === "i32.const" || value[0] === "v128.const") return [value, value];
  const local = temporary(type);
  return [["local.tee", local, value], get(local)];
}

/** i32.min and its like do not exist: one of two. */
const pick = (compare: string): Rule2 => (a, b, temporary) => {
  const [[x, xAgain], [y, yAgain]] = [twice(a, "i32", temporary), twice(b, "i32", temporary)];
  return ["select", x, y, [compare, xAgain, yAgain]];
};

/** A scalar instruction for one lane after another, where there is no vector instruction. Operands are evaluated once. */
const byLane = (name: string): Rule2 => (a, b, temporary) => {
  const [[x, xAgain], [y, yAgain]] = [twice(a, "v128", temporary), twice(b, "v128", temporary)];
  const of = (number: string, vector: Wat): Wat =>
    vector[0] === "v128.const" ? ["i32.const", vector[2 + Number(number)] as Wat] : ["i32x4.extract_lane", number, vector];
  const lane = (number: string, left: Wat, right: Wat): Wat => [name, of(number, left), of(number, right)];
  const first: Wat = ["i32x4.splat", lane("0", x, y)];
  return ["1", "2", "3"].reduce<Wat>((vector, number) => ["i32x4.replace_lane", number, vector, lane(number, xAgain, yAgain)], first);
};

/** The count of a vector shift is one scalar. */
const shift = (name: string): Rule2 => (a, b) => [name, a, b];

const float = (scalar: string, vector = scalar) => ({ scalar: two(`f32.${scalar}`), vector: two(`f32x4.${vector}`) });
const integer = (scalar: string, vector = scalar) => ({ scalar: two(`i32.${scalar}`), vector: two(`i32x4.${vector}`) });
const bits = (name: string) => ({ scalar: two(`i32.${name}`), vector: two(`v128.${name}`) });
const divided = (name: string) => ({ scalar: two(`i32.${name}`), vector: byLane(`i32.${name}`) });
const none = { f32: undefined, i32: undefined, u32: undefined, bool: undefined };
const allBits = (name: string): Rules<Rule2> => ({ f32: undefined, i32: bits(name), u32: bits(name), bool: bits(name) });

/** f32x4.min and f32x4.max give NaN if either operand is NaN, as the kernel IR says. Integer division by 0 traps; divisors are positive. */
export const binaryRules: { readonly [op in KernelBinary]: Rules<Rule2> } = {
  add: { ...none, f32: float("add"), i32: integer("add"), u32: integer("add") },
  subtract: { ...none, f32: float("sub"), i32: integer("sub"), u32: integer("sub") },
  multiply: { ...none, f32: float("mul"), i32: integer("mul"), u32: integer("mul") },
  divide: { ...none, f32: float("div"), i32: divided("div_s"), u32: divided("div_u") },
  remainder: { ...none, i32: divided("rem_s"), u32: divided("rem_u") },
  min: { ...none, f32: float("min"), i32: { scalar: pick("i32.lt_s"), vector: two("i32x4.min_s") }, u32: { scalar: pick("i32.lt_u"), vector: two("i32x4.min_u") } },
  max: { ...none, f32: float("max"), i32: { scalar: pick("i32.gt_s"), vector: two("i32x4.max_s") }, u32: { scalar: pick("i32.gt_u"), vector: two("i32x4.max_u") } },
  and: allBits("and"),
  or: allBits("or"),
  xor: allBits("xor"),
  shift_left: { ...none, i32: { scalar: shift("i32.shl"), vector: shift("i32x4.shl") }, u32: { scalar: shift("i32.shl"), vector: shift("i32x4.shl") } },
  shift_right: { ...none, i32: { scalar: shift("i32.shr_s"), vector: shift("i32x4.shr_s") }, u32: { scalar: shift("i32.shr_u"), vector: shift("i32x4.shr_u") } },
};

const floatOnly = (name: string): Rules<Rule1> => ({ ...none, f32: { scalar: one(`f32.${name}`), vector: one(`f32x4.${name}`) } });
const negated = { scalar: ((a) => ["i32.sub", zero, a]) as Rule1, vector: one("i32x4.neg") };
const absolute: Rule1 = (a, temporary) => {
  const [x, again] = twice(a, "i32", temporary);
  return ["select", x, ["i32.sub", zero, again], ["i32.ge_s", again, zero]];
};
const complement = { scalar: ((a) => ["i32.xor", a, ["i32.const", "-1"]]) as Rule1, vector: one("v128.not") };

export const unaryRules: { readonly [op in KernelUnary]: Rules<Rule1> } = {
  negate: { ...floatOnly("neg"), i32: negated, u32: negated },
  abs: { ...floatOnly("abs"), i32: { scalar: absolute, vector: one("i32x4.abs") }, u32: { scalar: same, vector: same } },
  sqrt: floatOnly("sqrt"),
  floor: floatOnly("floor"),
  nearest: floatOnly("nearest"),
  not: { f32: undefined, i32: complement, u32: complement, bool: { scalar: one("i32.eqz"), vector: one("v128.not") } },
};

const ordered = (name: string): Rules<Rule2> => ({ f32: float(name), i32: integer(`${name}_s`), u32: integer(`${name}_u`), bool: integer(`${name}_u`) });
const equality = (name: string): Rules<Rule2> => ({ f32: float(name), i32: integer(name), u32: integer(name), bool: integer(name) });

/** Vector bools are masks (all ones is true): as unsigned numbers they have the order of 0 and 1. */
export const compareRules: { readonly [op in KernelCompare]: Rules<Rule2> } = {
  less: ordered("lt"),
  less_equal: ordered("le"),
  greater: ordered("gt"),
  greater_equal: ordered("ge"),
  equal: equality("eq"),
  not_equal: equality("ne"),
};

const maskOf: { readonly [width in Width]: Rule1 } = {
  scalar: (a) => ["i32.ne", a, zero],
  vector: (a) => ["i32x4.ne", a, ["v128.const", "i32x4", "0", "0", "0", "0"]],
};
const floatMask: { readonly [width in Width]: Rule1 } = {
  scalar: (a) => ["f32.ne", a, ["f32.const", "0"]],
  vector: (a) => ["f32x4.ne", a, ["v128.const", "f32x4", "0", "0", "0", "0"]],
};
const kept = { scalar: same, vector: same };
/** A mask as 0 and 1: −(−1) is 1. */
const counted = { scalar: same, vector: one("i32x4.neg") };

/** [from][to]. Saturating: NaN gives 0. */
export const convertRules: { readonly [from in ElementType]: { readonly [to in ElementType]: { readonly [width in Width]: Rule1 } } } = {
  f32: {
    f32: kept,
    i32: { scalar: one("i32.trunc_sat_f32_s"), vector: one("i32x4.trunc_sat_f32x4_s") },
    u32: { scalar: one("i32.trunc_sat_f32_u"), vector: one("i32x4.trunc_sat_f32x4_u") },
    bool: floatMask,
  },
  i32: { f32: { scalar: one("f32.convert_i32_s"), vector: one("f32x4.convert_i32x4_s") }, i32: kept, u32: kept, bool: maskOf },
  u32: { f32: { scalar: one("f32.convert_i32_u"), vector: one("f32x4.convert_i32x4_u") }, i32: kept, u32: kept, bool: maskOf },
  bool: {
    f32: { scalar: one("f32.convert_i32_u"), vector: (a) => ["v128.and", a, ["v128.const", "f32x4", "1", "1", "1", "1"]] },
    i32: counted,
    u32: counted,
    bool: kept,
  },
};
