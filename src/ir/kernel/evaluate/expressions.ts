import { InternalError } from "../../../util/internal-error.js";
import type { ElementType, KernelExpr } from "../nodes.js";
import { type Lanes, type Memory, type Code, type Compiler, lanesOf, slotOf, viewOf } from "./compiler.js";
import { binaryMeaning, compareMeaning, convertMeaning, rounded, unaryMeaning } from "./meaning.js";

type ExprRules = { readonly [K in KernelExpr["kind"]]: (expr: Extract<KernelExpr, { kind: K }>, compiler: Compiler) => Code };

/** Lane by lane where one of the values is a vector. */
function lifted(type: ElementType, lanes: number, of: (...values: number[]) => number, codes: readonly Code[]): Code {
  return (frame) => {
    const values = codes.map((code) => code(frame));
    if (values.every((value) => typeof value === "number")) return of(...(values as number[]));
    const result = lanesOf(type, lanes);
    const [a, b, c] = values.map((value) => (typeof value === "number" ? lanesOf("f32", 0) : value)) as [Lanes, Lanes, Lanes];
    if (values.length === 1) for (let lane = 0; lane < lanes; lane++) result[lane] = of(a[lane]!);
    else if (values.length === 2) for (let lane = 0; lane < lanes; lane++) result[lane] = of(a[lane]!, b[lane]!);
    else for (let lane = 0; lane < lanes; lane++) result[lane] = of(a[lane]!, b[lane]!, c[lane]!);
    return result;
  };
}

/** One word, to see its bits as another type. */
const word = new ArrayBuffer(4);
const bits: Memory = { f32: new Float32Array(word), i32: new Int32Array(word), u32: new Uint32Array(word) };

const exprRules: ExprRules = {
  constant: ({ value, type, width }, { lanes }) => {
    const exact = rounded[type](value);
    if (width === "scalar") return () => exact;
    const vector = lanesOf(type, lanes).fill(exact);
    return () => vector;
  },
  name: ({ name }, compiler) => {
    const slot = slotOf(name, compiler);
    return (frame) => {
      const value = frame.slots[slot];
      if (value === undefined) throw new InternalError(`${compiler.place}: ${name} has no value yet`);
      return value;
    };
  },
  group: () => (frame) => frame.group,
  "loop-index": ({ depth }, { place }) => (frame) => {
    const index = frame.indices[depth];
    if (index === undefined) throw new InternalError(`${place} asks for the index of loop ${depth} of ${frame.indices.length}`);
    return index;
  },
  load: ({ index, type, width }, compiler) => {
    const at = compile(index, compiler);
    const view = viewOf(type, compiler.memory);
    const { reads, lanes } = compiler;
    if (width === "scalar") {
      return (frame) => {
        const word = at(frame) as number;
        reads(word, -1);
        return view[word]!;
      };
    }
    return (frame) => {
      const first = at(frame) as number;
      const { mask } = frame;
      if (mask === undefined) {
        for (let lane = 0; lane < lanes; lane++) reads(first + lane, lane);
        return view.slice(first, first + lanes);
      }
      const result = lanesOf(type, lanes);
      for (let lane = 0; lane < lanes; lane++) {
        if (mask[lane] === 0) continue;
        reads(first + lane, lane);
        result[lane] = view[first + lane]!;
      }
      return result;
    };
  },
  gather: ({ index, type }, compiler) => {
    const at = compile(index, compiler);
    const view = viewOf(type, compiler.memory);
    const { reads, lanes } = compiler;
    return (frame) => {
      const words = at(frame) as Lanes;
      const result = lanesOf(type, lanes);
      for (let lane = 0; lane < lanes; lane++) {
        if (frame.mask?.[lane] === 0) continue;
        reads(words[lane]!, lane);
        result[lane] = view[words[lane]!]!;
      }
      return result;
    };
  },
  "load-shared": ({ index, type }, compiler) => {
    const at = compile(index, compiler);
    const view = viewOf(type, compiler.shared);
    const { sharedReads, lanes } = compiler;
    return (frame) => {
      const words = at(frame) as Lanes;
      const result = lanesOf(type, lanes);
      for (let lane = 0; lane < lanes; lane++) {
        if (frame.mask?.[lane] === 0) continue;
        sharedReads(words[lane]!, lane);
        result[lane] = view[words[lane]!]!;
      }
      return result;
    };
  },
  splat: ({ value, type }, compiler) => {
    const code = compile(value, compiler);
    return (frame) => lanesOf(type, compiler.lanes).fill(code(frame) as number);
  },
  "lane-numbers": (_, { lanes }) => {
    const vector = Int32Array.from({ length: lanes }, (_unused, lane) => lane);
    return () => vector;
  },
  unary: ({ op, value, type }, compiler) => lifted(type, compiler.lanes, unaryMeaning(op, type), [compile(value, compiler)]),
  binary: ({ op, left, right, type }, compiler) => lifted(type, compiler.lanes, binaryMeaning(op, type), [compile(left, compiler), compile(right, compiler)]),
  "multiply-add": ({ a, b, c, type }, compiler) => {
    const [times, plus] = [binaryMeaning("multiply", type), binaryMeaning("add", type)];
    return lifted(type, compiler.lanes, (x, y, z) => plus(times(x, y), z), [a, b, c].map((part) => compile(part, compiler)));
  },
  compare: ({ op, left, right }, compiler) => lifted("bool", compiler.lanes, compareMeaning[op], [compile(left, compiler), compile(right, compiler)]),
  select: ({ condition, yes, no, type }, compiler) =>
    lifted(type, compiler.lanes, (test, a, b) => (test !== 0 ? a : b), [condition, yes, no].map((part) => compile(part, compiler))),
  convert: ({ value, type }, compiler) => lifted(type, compiler.lanes, convertMeaning(value.type, type), [compile(value, compiler)]),
  bitcast: ({ value, type, width }, compiler) => {
    const code = compile(value, compiler);
    if (width === "scalar") {
      const [from, to] = [viewOf(value.type, bits), viewOf(type, bits)];
      return (frame) => {
        from[0] = code(frame) as number;
        return to[0]!;
      };
    }
    return (frame) => {
      const { buffer, byteOffset, length } = code(frame) as Lanes;
      return type === "f32" ? new Float32Array(buffer, byteOffset, length) : type === "u32" ? new Uint32Array(buffer, byteOffset, length) : new Int32Array(buffer, byteOffset, length);
    };
  },
  "reduce-lanes": ({ op, value, type }, compiler) => {
    const [code, combine] = [compile(value, compiler), binaryMeaning(op, type)];
    const { barrier } = compiler;
    return (frame) => {
      barrier();
      const lanes = (code(frame) as Lanes).slice();
      for (let half = lanes.length >> 1; half >= 1; half >>= 1) for (let lane = 0; lane < half; lane++) lanes[lane] = combine(lanes[lane]!, lanes[lane + half]!);
      return lanes[0]!;
    };
  },
  call: ({ function: name, args, type, width }, compiler) => {
    const codes = args.map((arg) => compile(arg, compiler));
    if (width === "vector") {
      return (frame) => {
        const target = compiler.functions.get(name);
        if (!target) throw new InternalError(`${compiler.place}: no function ${name}`);
        const vectors = codes.map((code) => code(frame) as Lanes);
        const result = lanesOf(type, compiler.lanes);
        for (let lane = 0; lane < compiler.lanes; lane++) if (frame.mask?.[lane] !== 0) result[lane] = target(vectors.map((vector) => vector[lane]!)) as number;
        return result;
      };
    }
    return (frame) => {
      const target = compiler.functions.get(name);
      if (!target) throw new InternalError(`${compiler.place}: no function ${name}`);
      return target(codes.map((code) => code(frame)));
    };
  },
};

/** An expression as a closure: what each kind means. */
export function compile(expr: KernelExpr, compiler: Compiler): Code {
  return (exprRules[expr.kind] as (expr: KernelExpr, compiler: Compiler) => Code)(expr, compiler);
}
