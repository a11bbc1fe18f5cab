import type { Span } from "../../diagnostics/span.js";

/**
 * The kernel IR: loop nests over one arena of 32-bit words, made to be rendered by C, WebAssembly and WGSL alike. There are no pointers:
 * every access is an explicit word index. Values are scalars, or vectors of the target's width (`lanes` of the program): 4 for
 * WebAssembly, 16 for AVX-512. A kernel is a number of independent groups that may run in any order on any thread; within a group
 * everything is in order, so results do not depend on the number of threads.
 *
 * On a GPU (`simt`) a group is a workgroup and its lanes are invocations, each with its own place in the code: a vector is one value of each.
 * Scalars are the same for all of them. There, and only there, conditions may be vectors, vectors may be stored at any words, and groups have
 * memory of their own; and lanes see what other lanes wrote, in the arena or in that memory, only after a `barrier`.
 */

export type ElementType = "f32" | "i32" | "u32" | "bool";
/** One value, or one for each lane of the target's vectors. */
export type Width = "scalar" | "vector";

export interface KernelProgram {
  readonly name: string;
  /** Vector width of the target; with `simt` the invocations of a workgroup, of kernels that do not have their own number. */
  readonly lanes: number;
  readonly simt?: true;
  /** Size of the arena in 32-bit words. */
  readonly words: number;
  readonly kernels: readonly Kernel[];
  /** In what order they run; each sees what those before it wrote. Absent: each once, one after the other. */
  readonly launches?: readonly Launch[];
  readonly functions: readonly KernelFunction[];
}

/** A kernel, by its position in `kernels`, or a loop over launches. Every kernel stands in one place. */
export type Launch = number | LoopLaunch;

/** `body` runs for each index from 0 to `steps` − 1, or down where `reverse`: the kernels in it see the index as `loop-index`. */
export interface LoopLaunch {
  readonly steps: number;
  readonly reverse: boolean;
  readonly body: readonly Launch[];
}

/** Loops of launches that may stand in each other: deeper ones are loops within a kernel. */
export const mostLoops = 4;

export interface Kernel {
  /** Made of letters, digits and `_` that the compiler chose; unique in the program. */
  readonly name: string;
  /** For readers: `decoder.dense_2 + bias, Bernoulli log density`. */
  readonly title: string;
  /** Places of the model file that this computes. */
  readonly origins: readonly Span[];
  /** Independent groups; the body sees its own number as `group`. */
  readonly groups: number;
  /** Invocations of its workgroups, where they are not as many as the program's lanes; only with `simt`. */
  readonly lanes?: number;
  /** Words of memory that the lanes of a group share while it runs; only with `simt`. What lies there at first is undefined. */
  readonly shared?: number;
  /** Steps of the loops of launches in which it stands, outermost first. */
  readonly loops?: readonly number[];
  readonly body: readonly Statement[];
  /** Floating-point operations and bytes read and written by one run, for profiles. */
  readonly flops: number;
  readonly bytes: number;
}

/** A scalar function with loops of its own, for what is too long to inline (`gamma_derivative`). */
export interface KernelFunction {
  readonly name: string;
  readonly parameters: readonly { readonly name: string; readonly type: ElementType }[];
  readonly result: ElementType;
  readonly body: readonly Statement[];
  readonly value: KernelExpr;
}

export type Statement =
  /** A name for a value, once. */
  | { readonly kind: "let"; readonly name: string; readonly value: KernelExpr }
  /** A register that `set` changes. */
  | { readonly kind: "var"; readonly name: string; readonly value: KernelExpr }
  | { readonly kind: "set"; readonly name: string; readonly value: KernelExpr }
  /** i32 `name` from `from` (included) to `to` (excluded) by a positive constant `step`. */
  | { readonly kind: "for"; readonly name: string; readonly from: KernelExpr; readonly to: KernelExpr; readonly step: number; readonly body: readonly Statement[] }
  /** A scalar condition. With `simt` also a vector: lanes where it is false rest, and nothing in it concerns all lanes (no barrier, no `reduce-lanes`, no scalar is set or stored). */
  | { readonly kind: "if"; readonly condition: KernelExpr; readonly then: readonly Statement[]; readonly otherwise: readonly Statement[] }
  /** A vector goes to `index`, `index + 1`, …; with `simt` also lane by lane to a vector of indices, all different. Bools are stored as i32 0 and 1. */
  | { readonly kind: "store"; readonly index: KernelExpr; readonly value: KernelExpr }
  /** Lane l's value goes to word `index`_l of the group's own memory; indices differ. Only with `simt`. */
  | { readonly kind: "store-shared"; readonly index: KernelExpr; readonly value: KernelExpr }
  /**
   * Four neighbouring words of the group's own memory at once, which devices move as one: lane l's are 4 · `index`_l and the three after it. A kernel that
   * has any stores nothing there word by word, because a lane that stores one of four words may touch all of them. Only with `simt`.
   */
  | { readonly kind: "load-four"; readonly names: Four<string>; readonly type: ElementType; readonly index: KernelExpr }
  | { readonly kind: "store-four"; readonly index: KernelExpr; readonly values: Four<KernelExpr> }
  /** All lanes of the group have come here, and see what the others wrote. Only with `simt`. */
  | { readonly kind: "barrier" };

export type Four<T> = readonly [T, T, T, T];

interface ExprBase {
  readonly type: ElementType;
  readonly width: Width;
}

export const kernelUnary = ["negate", "abs", "sqrt", "floor", "nearest", "not"] as const;
export type KernelUnary = (typeof kernelUnary)[number];

/** f32: add … max; i32 and u32: add, subtract, multiply (wrapping), divide and remainder (truncating, divisor > 0), min, max, and bits. */
export const kernelBinary = ["add", "subtract", "multiply", "divide", "remainder", "min", "max", "and", "or", "xor", "shift_left", "shift_right"] as const;
export type KernelBinary = (typeof kernelBinary)[number];

export const kernelCompare = ["less", "less_equal", "greater", "greater_equal", "equal", "not_equal"] as const;
export type KernelCompare = (typeof kernelCompare)[number];

export type KernelExpr =
  | (ExprBase & { readonly kind: "constant"; readonly value: number })
  /** A let, a var, a loop variable or a function's parameter. */
  | (ExprBase & { readonly kind: "name"; readonly name: string })
  /** The number of this group: i32. */
  | (ExprBase & { readonly kind: "group" })
  /** The index of loop number `depth` (0 is the outermost) of those in which this kernel stands: i32. */
  | (ExprBase & { readonly kind: "loop-index"; readonly depth: number })
  /** A vector from `index`, `index + 1`, …; no alignment is promised. */
  | (ExprBase & { readonly kind: "load"; readonly index: KernelExpr })
  /** A vector whose lane l comes from word `index`_l (a vector of i32). */
  | (ExprBase & { readonly kind: "gather"; readonly index: KernelExpr })
  /** Lane l's value is word `index`_l of the group's own memory. Only with `simt`. */
  | (ExprBase & { readonly kind: "load-shared"; readonly index: KernelExpr })
  | (ExprBase & { readonly kind: "splat"; readonly value: KernelExpr })
  /** 0, 1, … lanes − 1. */
  | (ExprBase & { readonly kind: "lane-numbers" })
  /** `nearest` rounds half to even. `negate` and `abs` touch the sign bit alone. */
  | (ExprBase & { readonly kind: "unary"; readonly op: KernelUnary; readonly value: KernelExpr })
  /** f32 `min` and `max` give NaN if either is NaN. Shifts are by a constant below 32; `shift_right` of i32 keeps the sign. */
  | (ExprBase & { readonly kind: "binary"; readonly op: KernelBinary; readonly left: KernelExpr; readonly right: KernelExpr })
  /** a·b + c; rounded once or twice as the target likes: for sums of products only, where that is harmless. */
  | (ExprBase & { readonly kind: "multiply-add"; readonly a: KernelExpr; readonly b: KernelExpr; readonly c: KernelExpr })
  /** bool. False where either is NaN, but for not_equal. */
  | (ExprBase & { readonly kind: "compare"; readonly op: KernelCompare; readonly left: KernelExpr; readonly right: KernelExpr })
  | (ExprBase & { readonly kind: "select"; readonly condition: KernelExpr; readonly yes: KernelExpr; readonly no: KernelExpr })
  /** Between f32, i32, u32 and bool; f32 → i32 truncates and saturates, NaN gives 0. */
  | (ExprBase & { readonly kind: "convert"; readonly value: KernelExpr })
  /** The same 32 bits as another type. */
  | (ExprBase & { readonly kind: "bitcast"; readonly value: KernelExpr })
  /** All lanes into one scalar, by a fixed tree: halves are combined until one is left. With `simt` it is a barrier as well. */
  | (ExprBase & { readonly kind: "reduce-lanes"; readonly op: "add" | "min" | "max"; readonly value: KernelExpr })
  /** Of scalars; with `simt` also of vectors, lane by lane. */
  | (ExprBase & { readonly kind: "call"; readonly function: string; readonly args: readonly KernelExpr[] });
