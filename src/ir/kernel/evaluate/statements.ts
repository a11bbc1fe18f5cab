import type { KernelExpr, KernelFunction, Statement } from "../nodes.js";
import { type Lanes, type Value, type Frame, type Action, type Compiler, lanesOf, slotOf, viewOf } from "./compiler.js";
import { compile } from "./expressions.js";

/** Statements as one closure. */
export function compileBlock(statements: readonly Statement[], compiler: Compiler): Action {
  const actions = statements.map((statement) => compileStatement(statement, compiler));
  return (frame) => {
    for (const action of actions) action(frame);
  };
}

type StatementRules = { readonly [K in Statement["kind"]]: (statement: Extract<Statement, { kind: K }>, compiler: Compiler) => Action };

const assign = ({ name, value }: { readonly name: string; readonly value: KernelExpr }, compiler: Compiler): Action => {
  const [code, slot] = [compile(value, compiler), slotOf(name, compiler)];
  return (frame) => {
    frame.slots[slot] = code(frame);
  };
};

const statementRules: StatementRules = {
  let: assign,
  var: assign,
  set: ({ name, value }, compiler) => {
    const [code, slot] = [compile(value, compiler), slotOf(name, compiler)];
    return (frame) => {
      const after = code(frame);
      const before = frame.slots[slot];
      frame.slots[slot] = frame.mask === undefined || typeof after === "number" || before === undefined || typeof before === "number" ? after : after.map((each, lane) => (frame.mask![lane] ? each : before[lane]!));
    };
  },
  for: ({ name, from, to, step, body }, compiler) => {
    const [start, end, slot, block] = [compile(from, compiler), compile(to, compiler), slotOf(name, compiler), compileBlock(body, compiler)];
    return (frame) => {
      const last = end(frame) as number;
      for (let i = start(frame) as number; i < last; i += step) {
        frame.slots[slot] = i;
        block(frame);
      }
    };
  },
  if: ({ condition, then, otherwise }, compiler) => {
    const [test, yes, no] = [compile(condition, compiler), compileBlock(then, compiler), compileBlock(otherwise, compiler)];
    return (frame) => {
      const met = test(frame);
      if (typeof met === "number") return met !== 0 ? yes(frame) : no(frame);
      const before = frame.mask;
      for (const [block, wanted] of [[yes, true], [no, false]] as const) {
        const mask = Uint8Array.from(met, (each, lane) => ((each !== 0) === wanted && before?.[lane] !== 0 ? 1 : 0));
        if (!mask.includes(1)) continue;
        frame.mask = mask.includes(0) ? mask : undefined;
        block(frame);
      }
      frame.mask = before;
    };
  },
  store: ({ index, value }, compiler) => {
    const [at, code] = [compile(index, compiler), compile(value, compiler)];
    const view = viewOf(value.type, compiler.memory);
    const { writes } = compiler;
    return (frame) => {
      const first = at(frame);
      const stored = code(frame);
      if (typeof stored === "number") {
        writes(first as number, 0);
        view[first as number] = stored;
        return;
      }
      for (let lane = 0; lane < stored.length; lane++) {
        if (frame.mask?.[lane] === 0) continue;
        const word = typeof first === "number" ? first + lane : first[lane]!;
        writes(word, lane);
        view[word] = stored[lane]!;
      }
    };
  },
  "store-shared": ({ index, value }, compiler) => {
    const [at, code] = [compile(index, compiler), compile(value, compiler)];
    const view = viewOf(value.type, compiler.shared);
    const { sharedWrites } = compiler;
    return (frame) => {
      const [words, stored] = [at(frame) as Lanes, code(frame) as Lanes];
      for (let lane = 0; lane < stored.length; lane++) {
        if (frame.mask?.[lane] === 0) continue;
        sharedWrites(words[lane]!, lane);
        view[words[lane]!] = stored[lane]!;
      }
    };
  },
  "load-four": ({ names, type, index }, compiler) => {
    const [at, slots, view] = [compile(index, compiler), names.map((name) => slotOf(name, compiler)), viewOf(type, compiler.shared)];
    const { sharedReads, lanes } = compiler;
    return (frame) => {
      const fours = at(frame) as Lanes;
      slots.forEach((slot, part) => {
        const loaded = lanesOf(type, lanes);
        for (let lane = 0; lane < lanes; lane++) {
          if (frame.mask?.[lane] === 0) continue;
          sharedReads(4 * fours[lane]! + part, lane);
          loaded[lane] = view[4 * fours[lane]! + part]!;
        }
        frame.slots[slot] = loaded;
      });
    };
  },
  "store-four": ({ index, values }, compiler) => {
    const [at, codes] = [compile(index, compiler), values.map((value) => ({ code: compile(value, compiler), view: viewOf(value.type, compiler.shared) }))];
    const { sharedWrites, lanes } = compiler;
    return (frame) => {
      const fours = at(frame) as Lanes;
      codes.forEach(({ code, view }, part) => {
        const stored = code(frame) as Lanes;
        for (let lane = 0; lane < lanes; lane++) {
          if (frame.mask?.[lane] === 0) continue;
          sharedWrites(4 * fours[lane]! + part, lane);
          view[4 * fours[lane]! + part] = stored[lane]!;
        }
      });
    };
  },
  barrier: (_, { barrier }) => barrier,
};

function compileStatement(statement: Statement, compiler: Compiler): Action {
  return (statementRules[statement.kind] as (statement: Statement, compiler: Compiler) => Action)(statement, compiler);
}

/** A function of the program: its body and its value. */
export function compileFunction(definition: KernelFunction, compiler: Compiler): (args: readonly Value[]) => Value {
  const parameters = definition.parameters.map(({ name }) => slotOf(name, compiler));
  const body = compileBlock(definition.body, compiler);
  const value = compile(definition.value, compiler);
  return (args) => {
    const frame: Frame = { slots: [], group: 0, indices: [] };
    parameters.forEach((slot, i) => (frame.slots[slot] = args[i]!));
    body(frame);
    return value(frame);
  };
}
