import { InternalError } from "../../util/internal-error.js";

interface Helper {
  readonly text: string;
  readonly needs?: readonly string[];
}

/** What kernels call. Where WGSL leaves NaN, zeros' signs or subnormal numbers to the device, bits decide. */
const helpers: Readonly<Record<string, Helper>> = {
  exact: { text: "// Keeps a product or sum as it was rounded: nobody knows that launch.y is 0, so it cannot be fused or reordered.\nfn exact(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ launch.y); }" },
  is_nan: { text: "fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }" },
  negative: { text: "fn negative(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ 0x80000000u); }" },
  magnitude: { text: "fn magnitude(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) & 0x7fffffffu); }" },
  inside: { text: "// Whether bits lie in a range.\nfn inside(x: f32, low: u32, span: u32) -> bool { return (bitcast<u32>(x) - low) <= span; }" },
  inside_either: { text: "fn inside_either(x: f32, low: u32, span: u32, other: u32, reach: u32) -> bool { let u = bitcast<u32>(x); return ((u - low) <= span) | ((u - other) <= reach); }" },
  bounded: { text: "// min or max with a constant, which takes the place of floats in a range.\nfn bounded(x: f32, bound: f32, low: u32, span: u32) -> f32 { return select(x, bound, (bitcast<u32>(x) - low) <= span); }" },
  bounded_either: { text: "fn bounded_either(x: f32, bound: f32, low: u32, span: u32, other: u32, reach: u32) -> f32 { let u = bitcast<u32>(x); return select(x, bound, ((u - low) <= span) | ((u - other) <= reach)); }" },
  place: { text: "// Ordered as the floats are; both zeros are 0.\nfn place(x: f32) -> i32 { let s = bitcast<i32>(x); return select(s, i32(-2147483648) - s, s < 0i); }" },
  equal: { text: "fn equal(a: f32, b: f32) -> bool { return (place(a) == place(b)) & !is_nan(a); }", needs: ["place", "is_nan"] },
  less: { text: "fn less(a: f32, b: f32) -> bool { return (place(a) < place(b)) & !is_nan(a) & !is_nan(b); }", needs: ["place", "is_nan"] },
  less_equal: { text: "fn less_equal(a: f32, b: f32) -> bool { return (place(a) <= place(b)) & !is_nan(a) & !is_nan(b); }", needs: ["place", "is_nan"] },
  order: { text: "// The same, but -0 is less than +0.\nfn order(x: f32) -> i32 { let s = bitcast<i32>(x); return s ^ ((s >> 31u) & 0x7fffffffi); }" },
  smaller: { text: "fn smaller(a: f32, b: f32) -> f32 { return select(select(b, a, (order(a) < order(b)) & !is_nan(b)), a, is_nan(a)); }", needs: ["order", "is_nan"] },
  larger: { text: "fn larger(a: f32, b: f32) -> f32 { return select(select(b, a, (order(a) > order(b)) & !is_nan(b)), a, is_nan(a)); }", needs: ["order", "is_nan"] },
  int_of: { text: `// Truncated and saturated; NaN gives 0.
fn int_of(x: f32) -> i32 {
  let u = bitcast<u32>(x);
  let size = u & 0x7fffffffu;
  let end = select(select(2147483647i, i32(-2147483648), (u >> 31u) == 1u), 0i, size > 0x7f800000u);
  return select(end, i32(select(0f, x, size < 0x4f000000u)), size < 0x4f000000u);
}` },
  uint_of: { text: `fn uint_of(x: f32) -> u32 {
  let u = bitcast<u32>(x);
  let end = select(0u, 4294967295u, (u - 0x4f800000u) <= 0x30000000u);
  return select(end, u32(select(0f, x, u < 0x4f800000u)), u < 0x4f800000u);
}` },
};

/** The texts of helpers, each after those it needs. */
export function renderHelpers(used: Iterable<string>): string[] {
  const done = new Set<string>();
  const lines: string[] = [];
  const add = (name: string): void => {
    if (done.has(name)) return;
    done.add(name);
    const helper = helpers[name];
    if (!helper) throw new InternalError(`no helper ${name}`);
    helper.needs?.forEach(add);
    lines.push(helper.text);
  };
  for (const name of [...used].sort()) add(name);
  return lines;
}

const combined: Readonly<Record<string, Readonly<Record<"f32" | "i32" | "u32", (a: string, b: string) => string>>>> = {
  add: { f32: (a, b) => `${a} + ${b}`, i32: (a, b) => `${a} + ${b}`, u32: (a, b) => `${a} + ${b}` },
  min: { f32: (a, b) => `smaller(${a}, ${b})`, i32: (a, b) => `min(${a}, ${b})`, u32: (a, b) => `min(${a}, ${b})` },
  max: { f32: (a, b) => `larger(${a}, ${b})`, i32: (a, b) => `max(${a}, ${b})`, u32: (a, b) => `max(${a}, ${b})` },
};

/**
 * Halves are combined until one is left, through a word for each lane: the tree that every device has. `workgroupUniformLoad` meets the other lanes
 * before and after it reads, so that the tree can be used again.
 */
export function renderReduction(op: "add" | "min" | "max", type: "f32" | "i32" | "u32", lanes: number): string {
  const value = (at: string): string => `bitcast<${type}>(tree[${at}])`;
  return `\
fn ${op}_lanes_${type}(value: ${type}, lane: i32) -> ${type} {
  tree[lane] = bitcast<u32>(value);
  workgroupBarrier();
  for (var half = ${lanes >> 1}i; half > 0i; half >>= 1u) {
    if (lane < half) { tree[lane] = bitcast<u32>(${combined[op]![type](value("lane"), value("lane + half"))}); }
    workgroupBarrier();
  }
  return bitcast<${type}>(workgroupUniformLoad(&tree[0]));
}`;
}

/** WGSL must see that all lanes go the same way to a barrier; of a value from the arena it cannot. Lane 0 tells the others. */
export const uniformWord = `\
fn uniform_word(value: u32, lane: i32) -> u32 {
  if (lane == 0i) { tree[0] = value; }
  return workgroupUniformLoad(&tree[0]);
}`;
