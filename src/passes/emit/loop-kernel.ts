import { InternalError } from "../../util/internal-error.js";
import type { ElementType, KernelExpr } from "../../ir/kernel/nodes.js";
import { loopInputNames } from "../../ir/tensor/loops.js";
import type { TensorNode } from "../../ir/tensor/nodes.js";
import { collapse } from "../collapse-loop.js";
import { besides, type Carry, type LoopPlan } from "../loop-plan.js";
import { fillOf, runOf } from "../loop-operands.js";
import { type Piece, sideBySide } from "../merge-kernels.js";
import { plainKernel, type Placed } from "../placed.js";
import { countOf, staticShape } from "../static-shape.js";
import { inGroups } from "../templates/groups.js";
import { kernelBuilder, type Move, type Template, type View } from "../templates/template.js";
import { denseView, movedBy } from "../templates/views.js";
import { uniqueOrigins } from "../unit-facts.js";
import type { EmitContext } from "./context.js";

const stored = (type: ElementType): ElementType => (type === "bool" ? "i32" : type);

/** A carry's words: where a step reads it and where it writes the next one; where the first step reads, and where the last one wrote. */
interface CarryPlaces {
  readonly carry: Carry;
  readonly read: View;
  readonly write: View;
  readonly first: View;
  readonly last: View;
}

/**
 * A loop: launches for each step, with the carries' first values before them and their last ones brought to where they are asked for behind; or, where a step is little
 * work, all that in one kernel. Nothing else is copied: the kernels of the body read and write slices of arrays where these lie.
 */
export function loopKernel(context: EmitContext): Template {
  const { unit, places, target, loops } = context;
  const loop = unit.anchor!;
  const plan = context.planLoop();
  const { op, steps, collapsed } = plan;
  const base = context.scratch(plan.words);
  const resultView = (result: number): View | undefined => {
    const node = result === 0 ? loop : unit.results.find((each) => each.op.kind === "loop-result" && each.op.result === result);
    return node && places(node);
  };
  const depth = loops.length;
  const slices = (view: View, words: number): View => ({ ...view, moves: [...(view.moves ?? []), { depth, words }] });
  const carries = plan.carries.map((carry) => carryPlaces(context, plan, carry, resultView));

  const emission = once(() => plan.emit(base, {
    inputs: new Map([...loopInputNames(op).entries()].flatMap(([at, name]): [string, View][] => {
      const carry = carries.find((each) => each.carry.name === name);
      if (carry) return [[name, carry.read]];
      const view = name.startsWith("carry.") ? undefined : operandView(loop.inputs[at]!, places);
      return view ? [[name, name.startsWith("scan.") ? slices(view, countOf(staticShape(loop.inputs[at]!).slice(1))) : { ...view, moves: view.moves ?? [] }]] : [];
    })),
    outputs: new Map([
      ...carries.map(({ carry, write }): [string, View] => [carry.name, write]),
      ...plan.stacks.map((at): [string, View] => {
        const view = resultView(op.carried + at)!;
        return [`stack.${at}`, slices(view, countOf(view.shape.slice(1)))];
      }),
    ]),
  }));
  const begin = (): readonly Piece[] => [...constantPieces(context, plan, base), ...carries.map(({ carry, first }) => firstValue(context, loop.inputs[Number(carry.name.slice("carry.".length))]!, carry, first))];
  const end = (): readonly Piece[] => carries.flatMap(({ carry, last }) => {
    const to = resultView(Number(carry.name.slice("carry.".length)));
    return to && !isSame(to, last) ? [copy(context, carry.words, carry.type, last, to)] : [];
  });
  const title = `loop of ${steps} steps`;
  const facts = { title, groups: 1, flops: steps * plan.flops, bytes: steps * plan.bytes, before: [] };
  if (collapsed) {
    const whole = once(() => {
      const { preamble, launches } = emission();
      return collapse({ before: [...begin(), ...preamble], steps, reverse: op.reverse, body: launches, after: end() }, depth, target);
    });
    return { ...facts, get shared() { return whole().shared; }, get body() { return whole().body; } };
  }
  return {
    ...facts, body: [],
    launches: (): readonly Placed[] => {
      const { preamble, launches } = emission();
      const bytesOfCarries = carries.reduce((sum, { carry }) => sum + 8 * carry.words, 0);
      const origins = uniqueOrigins(loop.origin ? [loop.origin] : []);
      const kernel = (what: string, pieces: readonly Piece[], bytes: number): readonly Placed[] => (pieces.length === 0 ? [] : [plainKernel(what, sideBySide(pieces), bytes, origins)]);
      return [
        ...kernel(preamble.length === 0 ? `${title}: first carries` : `${title}: first carries, packed operands`, [...begin(), ...preamble], bytesOfCarries + preamble.reduce((sum, { bytes }) => sum + bytes, 0)),
        ...(launches.length === 0 ? [] : [{ steps, reverse: op.reverse, body: launches }]),
        ...kernel(`${title}: last carries`, end(), bytesOfCarries),
      ];
    },
  };
}

/** Where an operand lies; undefined where it is the same all over and lies nowhere. */
function operandView(operand: TensorNode, places: EmitContext["places"]): View | undefined {
  const run = runOf(operand, (node) => places(node) !== undefined);
  const view = places(run.node);
  if (view) return { ...denseView(view.base + run.offset, staticShape(operand), operand.dtype), ...(view.moves ? { moves: view.moves } : {}) };
  if (fillOf(run.node) === undefined) throw new InternalError(`node %${operand.id}, an operand of a loop, has no place in memory`);
  return undefined;
}

function carryPlaces(context: EmitContext, { op, steps }: LoopPlan, carry: Carry, resultView: (result: number) => View | undefined): CarryPlaces {
  const at = Number(carry.name.slice("carry.".length));
  const { words, type, storage } = carry;
  const depth = context.loops.length;
  const [firstIndex, lastIndex] = op.reverse ? [steps - 1, 0] : [0, steps - 1];
  const view = (base: number, moves: readonly Move[] = []): View => ({ ...denseView(base, [words], type), moves });
  switch (storage) {
    case "history": {
      const history = resultView(op.carried + op.stacked + at)!;
      const on = op.reverse ? -words : words;
      const around = history.moves ?? [];
      const moves = [...around, { depth, words }];
      return {
        carry, read: view(history.base, moves), write: view(history.base + on, moves),
        first: view(history.base + words * firstIndex, around), last: view(history.base + (steps === 0 ? words * firstIndex : words * lastIndex + on), around),
      };
    }
    case "place": {
      const result = resultView(at);
      const place = result ? { ...view(result.base, result.moves ?? []) } : view(context.scratch(words));
      return { carry, read: place, write: place, first: place, last: place };
    }
    case "two": {
      const base = context.scratch(2 * besides(words));
      const far = besides(words);
      const first = view(base + far * (firstIndex & 1));
      return {
        carry, read: view(base, [{ depth, words: far, alternates: true }]), write: view(base + far, [{ depth, words: -far, alternates: true }]),
        first, last: steps === 0 ? first : view(base + far * (1 - (lastIndex & 1))),
      };
    }
  }
}

const isSame = (a: View, b: View): boolean => a.base === b.base && JSON.stringify(a.moves ?? []) === JSON.stringify(b.moves ?? []);

/** Words of a group that copies. */
const copiedTogether = 4096;

/** Writes `words` neighbouring words, a run of them for each group. */
function fillWords({ target }: EmitContext, words: number, type: ElementType, to: View, value: (k: ReturnType<typeof kernelBuilder>, i: KernelExpr, width: "scalar" | "vector") => KernelExpr): Piece {
  const k = kernelBuilder(target);
  const at = movedBy(k, to) ?? k.integer(0);
  const store = (i: KernelExpr, width: "scalar" | "vector"): void => k.store(k.add(k.share(k.add(i, at)), to.base), k.widened(value(k, i, width), width));
  if (words <= copiedTogether) {
    k.vectorLoop(words, store);
    return { groups: 1, body: k.body() };
  }
  const whole = Math.floor(words / copiedTogether);
  const groups = inGroups(k, whole, (id) => {
    const from = k.share(k.multiply(id, copiedTogether));
    k.vectorLoop(copiedTogether, (i, width) => store(k.add(from, i), width));
    if (words % copiedTogether > 0) k.when(k.compare("equal", id, whole - 1), () => k.vectorLoop(words - whole * copiedTogether, (i, width) => store(k.add(i, whole * copiedTogether), width)));
  });
  return { groups, body: k.body() };
}

function copy(context: EmitContext, words: number, type: ElementType, from: View, to: View): Piece {
  return fillWords(context, words, type, to, (k, i, width) => k.load(k.add(k.share(k.add(i, movedBy(k, from) ?? k.integer(0))), from.base), stored(type), width));
}

/** Brings a carry's first value to where the first step reads it. */
function firstValue(context: EmitContext, operand: TensorNode, { words, type }: Carry, to: View): Piece {
  const from = operandView(operand, context.places);
  if (from) return copy(context, words, type, from, to);
  const fill = fillOf(runOf(operand, (node) => context.places(node) !== undefined).node)!;
  return fillWords(context, words, type, to, (k) => k.constant(type === "f32" ? Math.fround(fill) : fill, stored(type)));
}

/** Arrays of constants of the body's own. */
function constantPieces({ target }: EmitContext, { constants }: LoopPlan, base: number): readonly Piece[] {
  return constants.map(({ offset, type, values }): Piece => {
    const k = kernelBuilder(target);
    values.forEach((value, at) => k.store(k.integer(base + offset + at), k.constant(value, stored(type))));
    return { groups: 1, body: k.body() };
  });
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
