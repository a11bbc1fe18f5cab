import { InternalError } from "../util/internal-error.js";
import type { TensorNode, TensorProgram } from "../ir/tensor/nodes.js";
import type { EmitContext } from "./emit/context.js";
import { emitUnit, type EmittedUnit } from "./emit/emit-unit.js";
import { fuse, type Fusion, type FuseOptions, type Unit } from "./fuse.js";
import { type CarryStorage, carryStorage, isInvariant, type LoopPlan, type Surroundings } from "./loop-plan.js";
import { type Order, orderUnits } from "./order.js";
import { optimize, type PassName } from "./pipeline.js";
import { placeUnits } from "./place-units.js";
import { separateOutputs } from "./separate-outputs.js";
import { formStages, type Part, type Stage } from "./stages.js";
import { countOf, staticShape } from "./static-shape.js";
import { denseView } from "./templates/views.js";
import type { Target, TemplateKernel, View } from "./templates/template.js";
import { type Facts, factsOf } from "./unit-facts.js";

export interface PlanOptions extends FuseOptions {
  readonly target: Target;
  /** Inputs that are words of the engine: `step` is word 0. */
  readonly pinned?: Readonly<Record<string, number>>;
  /** Passes to leave out, for tests. */
  readonly without?: readonly PassName[];
  /** Separates the random streams of programs that share a step: evaluation from training. */
  readonly use?: string;
  /** `false` gives every unit a kernel of its own. Default true. */
  readonly merge?: boolean;
}

/** A program's units, in stages and with places: all but the kernels' bodies. */
export interface UnitPlan {
  readonly program: TensorProgram;
  readonly options: PlanOptions;
  readonly fusion: Fusion;
  readonly order: Order;
  readonly ordered: readonly Unit[];
  readonly facts: ReadonlyMap<Unit, Facts>;
  /** How each unit was emitted the first time. */
  readonly probe: ReadonlyMap<Unit, EmittedUnit>;
  readonly made: ReadonlyMap<Part, { readonly unit: Unit; readonly which: number }>;
  readonly mains: ReadonlyMap<Unit, Part>;
  readonly stages: readonly Stage[];
  /** Of a loop's body: what depends on nothing that changes, and runs once before the steps. */
  readonly preamble: readonly Part[];
  readonly memory: ReturnType<typeof placeUnits>;
  readonly loops: ReadonlyMap<Unit, LoopPlan>;
  readonly surroundings: Surroundings | undefined;
  /** Of a loop's body: where its carries are. */
  readonly storage: CarryStorage["storage"] | undefined;
}

/** Plans the loop of a unit, or gives the plan that is known; handed down so that modules need not import each other in a circle. */
export type PlanLoop = (context: EmitContext, known: Map<Unit, LoopPlan>) => LoopPlan;

/**
 * Everything about a program of static sizes but its kernels: optimized, fused, ordered, packed into stages and placed in an arena.
 * @param aliases outputs that take an input's place, of the optimized program
 * @throws InternalError on symbolic sizes and on aliases whose shapes differ
 */
export function planUnits(source: TensorProgram, options: PlanOptions, aliases: (program: TensorProgram) => ReadonlyMap<TensorNode, TensorNode>, planLoop: PlanLoop, surroundings?: Surroundings): UnitPlan {
  const program = separateOutputs(optimize(source, { without: options.without }), surroundings !== undefined);
  const fusion = fuse(program, options);
  const free = orderUnits(fusion, aliases(program));
  const storage = surroundings && carryStorage(program, fusion, free, surroundings);
  const order: Order = storage ? { ...free, before: storage.before, inPlace: storage.inPlace } : free;
  const ordered = topological(order.units, order.before);
  const outside = new Set(storage?.moves.keys());
  const loops = new Map<Unit, LoopPlan>();
  const stepsAround = surroundings?.loops ?? [];

  const own = new Map(ordered.map((unit) => [unit, factsOf(unit, order.stored)]));
  // First emission: which kernels there are and what they reserve. Places do not matter yet, but all differ, as they will.
  const indexOf = indexInput(program);
  const anywhere = (node: TensorNode): View | undefined => {
    if (!order.stored.has(node) || node === indexOf) return undefined;
    const view = viewAt((1 << 20) + 16 * node.id, node);
    return outside.has(node) ? { ...view, moves: storage!.moves.get(node)! } : view;
  };
  const overwrites = (unit: Unit): boolean => unit.results.some((node) => order.inPlace.has(node) && unit.reads.has(order.inPlace.get(node)!));
  const common = { options, loops: stepsAround, planLoop: (context: EmitContext) => planLoop(context, loops) };
  const probe = new Map(ordered.map((unit) => [unit, emitUnit({ ...common, unit, places: anywhere, inPlace: overwrites(unit), facts: own.get(unit)!, reserve: () => 0 })]));
  // What a loop costs is known once its body is planned.
  const facts = new Map([...own].map(([unit, each]) => {
    const loop = loops.get(unit);
    return [unit, loop ? { ...each, work: Math.max(each.work, loop.steps * loop.work) } : each] as const;
  }));

  // Parts, stages.
  const mains = new Map<Unit, Part>();
  const parts: Part[] = [];
  const preamble: Part[] = [];
  const made = new Map<Part, { unit: Unit; which: number }>();
  for (const unit of ordered) {
    const { template, loads } = probe.get(unit)!;
    const needed = [...order.before.get(unit)!].map((other) => mains.get(other)!);
    const ownParts: Part[] = [];
    [...template.before, template].forEach((kernel: TemplateKernel, which) => {
      const work = which === template.before.length ? facts.get(unit)!.work : kernel.bytes;
      const loaded = kernel.independent ? loads(kernel) : undefined;
      const steady = surroundings !== undefined && loaded !== undefined && [...loaded].every(isInvariant);
      const before = loaded ? [...loaded].flatMap((node) => fusion.unitOf.get(node) ?? []).map((other) => mains.get(other)!) : [...ownParts, ...needed];
      const part: Part = { id: parts.length + preamble.length, groups: kernel.groups, lanes: kernel.lanes, work, before, ...(kernel.launches ? { alone: true } : {}) };
      made.set(part, { unit, which });
      if (steady) return preamble.push(part);
      parts.push(part);
      return ownParts.push(part);
    });
    mains.set(unit, parts.at(-1)!);
  }
  const stages = formStages(parts, options.merge !== false);
  const stageOf = new Map<Part, number>(stages.flatMap((stage, at) => stage.clusters.flatMap((cluster) => cluster.parts.map((part) => [part, at] as const))));
  const scratch = new Map([...probe].map(([unit, emitted]) => [unit, emitted.scratch] as const));
  const memory = placeUnits({ program, ordered, stored: order.stored, outside: indexOf ? new Set([...outside, indexOf]) : outside, inPlace: order.inPlace, mains, made, stageOf, scratch, overwrites, pinned: options.pinned ?? {} });
  return { program, options, fusion, order, ordered, facts, probe, made, mains, stages, preamble, memory, loops, surroundings, storage: storage?.storage };
}

/** What the body of a loop calls its index: no word holds it. */
function indexInput(program: TensorProgram): TensorNode | undefined {
  return program.inputs.find(({ op }) => op.kind === "input" && op.role === "loop" && op.name === "index");
}

export const viewAt = (base: number, node: TensorNode): View => denseView(base, staticShape(node), node.dtype);

export const wordsOf = (node: TensorNode): number => countOf(staticShape(node));

/** Units in an order that keeps `before`. */
function topological(units: readonly Unit[], before: ReadonlyMap<Unit, ReadonlySet<Unit>>): Unit[] {
  const ordered: Unit[] = [];
  const state = new Map<Unit, "open" | "done">();
  const visit = (unit: Unit): void => {
    if (state.get(unit) === "done") return;
    if (state.get(unit) === "open") throw new InternalError("units wait for each other");
    state.set(unit, "open");
    for (const other of before.get(unit)!) visit(other);
    state.set(unit, "done");
    ordered.push(unit);
  };
  units.forEach(visit);
  return ordered;
}
