import type { Span } from "../diagnostics/span.js";
import { InternalError } from "../util/internal-error.js";
import type { ElementType, Kernel, KernelProgram } from "../ir/kernel/nodes.js";
import type { TensorNode, TensorProgram } from "../ir/tensor/nodes.js";
import { elementCost, elementFlops, repetitions } from "./costs.js";
import type { EmitContext } from "./emit/context.js";
import { heavyKernel } from "./emit/heavy-kernel.js";
import { mapKernel } from "./emit/map-kernel.js";
import { fuse, type FuseOptions, type Unit } from "./fuse.js";
import { type Block, checkMemoryPlan, type MemoryPlan, planMemory } from "./memory-plan.js";
import { inSequence, sideBySide } from "./merge-kernels.js";
import { orderUnits } from "./order.js";
import { optimize, type PassName } from "./pipeline.js";
import { prepareLoops } from "./prepare-loops.js";
import { separateOutputs } from "./separate-outputs.js";
import { formStages, kernelsOf, type Part } from "./stages.js";
import { countOf, staticShape } from "./static-shape.js";
import { denseView } from "./templates/views.js";
import type { Target, Template, TemplateKernel, View } from "./templates/template.js";
import { titleOf } from "./titles.js";

export interface ScheduleOptions extends FuseOptions {
  readonly target: Target;
  /** Outputs that take an input's place in memory, by their names: new parameters. Shapes and types agree. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** Inputs that are words of the engine: `step` is word 0. */
  readonly pinned?: Readonly<Record<string, number>>;
  /** Passes to leave out, for tests. */
  readonly without?: readonly PassName[];
  /** Separates the random streams of programs that share a step: evaluation from training. */
  readonly use?: string;
  /** `false` gives every unit a kernel of its own. Default true. */
  readonly merge?: boolean;
}

/** Where an input, an output or an array of constants lies. */
export interface Region {
  /** In words. */
  readonly offset: number;
  readonly words: number;
  readonly shape: readonly number[];
  readonly type: ElementType;
}

export interface PlannedKernel {
  readonly title: string;
  /** Lines of the model file. */
  readonly origins: readonly Span[];
  /** Sizes of the results, `128×400`. */
  readonly sizes: string;
  readonly groups: number;
  readonly flops: number;
  readonly bytes: number;
  /** How many units were merged into it. */
  readonly units: number;
}

export interface Plan {
  readonly kernels: readonly PlannedKernel[];
  readonly words: number;
  readonly persistentWords: number;
  readonly temporaryWords: number;
}

export interface Schedule {
  readonly kernels: KernelProgram;
  /** Inputs by name; outputs by name, or by `output:<name>` where an input that it does not replace has the same name. */
  readonly regions: Readonly<Record<string, Region>>;
  readonly inputs: Readonly<Record<string, Region>>;
  readonly outputs: Readonly<Record<string, Region>>;
  /** What must stand in the arena before the first run, besides the inputs. */
  readonly constants: readonly (Region & { readonly values: readonly number[] })[];
  readonly plan: Plan;
  readonly memory: { readonly blocks: readonly Block[]; readonly plan: MemoryPlan };
}

/** A unit's kernel as emitted, and what it reserved. */
interface Emitted {
  readonly template: Template;
  readonly scratch: readonly number[];
  /** What its template decided by looking at its expressions. */
  readonly decisions: readonly boolean[];
  /** What a kernel of the template loads; undefined where that is not known. */
  readonly loads: (kernel: TemplateKernel) => ReadonlySet<TensorNode> | undefined;
}

/**
 * A tensor program of static sizes as kernels over one arena: optimized, fused, ordered, packed and placed.
 *
 * @throws InternalError on symbolic sizes, on aliases whose shapes differ and on loops that draw from a Gamma
 */
export function schedule(program: TensorProgram, options: ScheduleOptions): Schedule {
  const optimized = separateOutputs(optimize(prepareLoops(program), { without: options.without }));
  const fusion = fuse(optimized, options);
  const order = orderUnits(fusion, aliasNodes(optimized, options.aliases ?? {}));
  const ordered = topological(order.units, order.before);
  const bodies = new Map<TensorProgram, Schedule>();
  const scheduleBody = (body: TensorProgram): Schedule => {
    // The kernels of a body become one: their lanes are the same.
    const known = bodies.get(body) ?? schedule(body, { ...options, target: { ...options.target, workgroup: undefined }, aliases: undefined, pinned: undefined });
    bodies.set(body, known);
    return known;
  };
  const facts = new Map(ordered.map((unit) => [unit, factsOf(unit, order.stored)]));

  // First emission: which kernels there are and what they reserve. Places do not matter yet, but all differ, as they will.
  const anywhere = (node: TensorNode): View | undefined => (order.stored.has(node) ? viewAt((1 << 20) + 16 * node.id, node) : undefined);
  const overwrites = (unit: Unit): boolean => unit.results.some((node) => order.inPlace.has(node) && unit.reads.has(order.inPlace.get(node)!));
  const probe = new Map(ordered.map((unit) => [unit, emitUnit(unit, options, anywhere, overwrites(unit), facts.get(unit)!, scheduleBody, () => 0)]));

  // Parts, stages.
  const mains = new Map<Unit, Part>();
  const parts: Part[] = [];
  const made = new Map<Part, { unit: Unit; which: number }>();
  for (const unit of ordered) {
    const { template, loads } = probe.get(unit)!;
    const needed = [...order.before.get(unit)!].map((other) => mains.get(other)!);
    const own: Part[] = [];
    [...template.before, template].forEach((kernel, which) => {
      const work = which === template.before.length ? facts.get(unit)!.work : kernel.bytes;
      const loaded = kernel.independent ? loads(kernel) : undefined;
      const before = loaded ? [...loaded].flatMap((node) => fusion.unitOf.get(node) ?? []).map((other) => mains.get(other)!) : [...own, ...needed];
      const part: Part = { id: parts.length, groups: kernel.groups, lanes: kernel.lanes, work, before };
      parts.push(part);
      own.push(part);
      made.set(part, { unit, which });
    });
    mains.set(unit, parts.at(-1)!);
  }
  const stages = formStages(parts, options.merge !== false);
  const stageOf = new Map<Part, number>(stages.flatMap((stage, at) => stage.clusters.flatMap((cluster) => cluster.parts.map((part) => [part, at] as const))));

  // Memory.
  const memory = placeEverything({ optimized, ordered, stored: order.stored, inPlace: order.inPlace, unitOf: fusion.unitOf, mains, made, stageOf, probe, overwrites, pinned: options.pinned ?? {} });
  const places = (node: TensorNode): View | undefined => (order.stored.has(node) ? viewAt(memory.offsetOf(node), node) : undefined);

  // Second emission, in place.
  const final = new Map(ordered.map((unit) => {
    let at = 0;
    const reserved = memory.scratchOf.get(unit)!;
    const emitted = emitUnit(unit, options, places, memory.inPlaceUnits.has(unit), facts.get(unit)!, scheduleBody, () => reserved[at++] ?? 0, probe.get(unit)!.decisions);
    if (emitted.scratch.length !== reserved.length || emitted.template.before.length !== probe.get(unit)!.template.before.length) throw new InternalError(`node %${unit.results[0]!.id}: its template asked for other memory the second time`);
    return [unit, emitted];
  }));
  const kernelOf = (part: Part): TemplateKernel => {
    const { unit, which } = made.get(part)!;
    const { template } = final.get(unit)!;
    return template.before[which] ?? template;
  };
  const planned: PlannedKernel[] = [];
  const kernels = stages.flatMap(kernelsOf).map((clusters, at): Kernel => {
    const piece = sideBySide(clusters.map((cluster) => inSequence(cluster.parts.map(kernelOf), options.target.simt)));
    const members = clusters.flatMap((cluster) => cluster.parts);
    const units = [...new Set(members.map((part) => made.get(part)!.unit))];
    const isMain = (part: Part): boolean => mains.get(made.get(part)!.unit) === part;
    const total = (of: (facts: Facts) => number, other: (kernel: TemplateKernel) => number): number =>
      members.reduce((sum, part) => sum + (isMain(part) ? of(facts.get(made.get(part)!.unit)!) : 0) + other(kernelOf(part)), 0);
    const flops = total((each) => each.flops, (kernel) => kernel.flops);
    const bytes = members.reduce((sum, part) => sum + (isMain(part) ? facts.get(made.get(part)!.unit)!.bytes : kernelOf(part).bytes), 0);
    const title = titleOf(members.map((part) => ({ unit: made.get(part)!.unit, main: isMain(part), title: kernelOf(part).title })));
    const origins = uniqueOrigins(units.flatMap((unit) => facts.get(unit)!.origins));
    const sizes = [...new Set(units.map((unit) => staticShape(unit.results[0]!).join("×") || "1"))].join(", ");
    planned.push({ title, origins, sizes, groups: piece.groups, flops, bytes, units: units.length });
    return { name: `kernel_${at}`, title, origins, groups: piece.groups, ...(piece.lanes ? { lanes: piece.lanes } : {}), ...(piece.shared ? { shared: piece.shared } : {}), body: piece.body, flops, bytes };
  });

  const region = (node: TensorNode, at = node): Region => ({ offset: memory.offsetOf(at), words: countOf(staticShape(node)), shape: staticShape(node), type: node.dtype });
  const inputs = Object.fromEntries(optimized.inputs.map((node) => [inputName(node), region(node)]));
  const outputs = Object.fromEntries(Object.entries(optimized.outputs).map(([name, node]) => {
    const alias = options.aliases?.[name];
    return [name, alias === undefined ? region(node) : { ...region(node), offset: inputs[alias]?.offset ?? memory.offsetOf(node) }];
  }));
  const regions: Record<string, Region> = { ...inputs };
  for (const [name, each] of Object.entries(outputs)) regions[name in inputs && inputs[name]!.offset !== each.offset ? `output:${name}` : name] = each;
  const constants = [...order.stored].flatMap((node) => (node.op.kind === "constant" && !fusion.unitOf.has(node) ? [{ ...region(node), values: node.op.values }] : []));
  const { words, persistentWords, temporaryWords } = memory.plan;
  return {
    kernels: { name: program.name, lanes: options.target.lanes, ...(options.target.simt ? { simt: true } : {}), words, kernels, functions: [] },
    regions, inputs, outputs, constants, plan: { kernels: planned, words, persistentWords, temporaryWords }, memory: { blocks: memory.blocks, plan: memory.plan },
  };
}

const viewAt = (base: number, node: TensorNode): View => denseView(base, staticShape(node), node.dtype);

function inputName({ id, op }: TensorNode): string {
  if (op.kind !== "input") throw new InternalError(`node %${id} is no input`);
  return op.name;
}

function aliasNodes(program: TensorProgram, aliases: Readonly<Record<string, string>>): Map<TensorNode, TensorNode> {
  return new Map(Object.entries(aliases).flatMap(([output, input]) => {
    const [from, to] = [program.outputs[output], program.inputs.find((node) => inputName(node) === input)];
    if (!from) throw new InternalError(`no output ${output} to take the place of ${input}`);
    if (!to) return []; // nothing reads the input: the output has a place of its own
    if (from.dtype !== to.dtype || staticShape(from).join() !== staticShape(to).join()) throw new InternalError(`output ${output} does not fit in the place of ${input}`);
    return [[from, to] as const];
  }));
}

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

interface Facts {
  /** Of one place, in units of one addition. */
  readonly cost: number;
  readonly work: number;
  readonly flops: number;
  readonly bytes: number;
  readonly origins: readonly Span[];
}

/** What a unit's own expressions cost; heavy operations add theirs. */
function factsOf(unit: Unit, stored: ReadonlySet<TensorNode>): Facts {
  const seen = new Set<TensorNode>();
  let [prologue, epilogue, flops] = [0, 0, 0];
  const anchorShape = unit.anchor?.inputs[0];
  // Of what is gathered or sliced, no more is read than arrives.
  const taken = new Map<TensorNode, number>();
  const visit = (node: TensorNode, inside: boolean): void => {
    if (seen.has(node)) return;
    seen.add(node);
    const count = countOf(staticShape(node));
    if (inside) prologue += elementCost(node) * count;
    else epilogue += elementCost(node) * count;
    flops += elementFlops(node) * count;
    node.inputs.forEach((input, at) => {
      const part = at === 0 && (node.op.kind === "gather" || node.op.kind === "slice");
      taken.set(input, (taken.get(input) ?? 0) + (part ? count : Infinity));
      if (!stored.has(input) && !unit.results.includes(input)) visit(input, inside || node === unit.anchor);
    });
  };
  for (const result of unit.results) visit(result, false);
  const anchored = unit.anchor ? heavyWork(unit.anchor) : 0;
  const touched = [...unit.reads.keys(), ...unit.results.filter((node) => stored.has(node))];
  const walked = unit.anchor && anchorShape ? countOf(staticShape(anchorShape)) : unit.count;
  const work = prologue * (unit.anchor ? repetitions(unit.anchor) : 1) + epilogue + anchored;
  return {
    cost: Math.max(1, work / Math.max(1, walked)), work, flops: flops + (unit.anchor?.op.kind === "reduce" ? walked : 0),
    bytes: 4 * touched.reduce((sum, node) => sum + Math.min(countOf(staticShape(node)), unit.results.includes(node) ? Infinity : (taken.get(node) ?? Infinity)), 0),
    origins: uniqueOrigins([...seen].sort((a, b) => a.id - b.id).flatMap((node) => node.origin ?? [])),
  };
}

/** Work of the heavy operation itself, in units of one addition. */
function heavyWork(node: TensorNode): number {
  const [a, b] = node.inputs.map((input) => countOf(staticShape(input)));
  const own = countOf(staticShape(node));
  switch (node.op.kind) {
    case "dot":
      return own * staticShape(node.inputs[0]!).at(node.op.transposeLeft ? -2 : -1)!;
    case "conv2d":
      return own * countOf(staticShape(node.inputs[1]!).slice(0, 3));
    case "conv2d-input-gradient":
      return a! * countOf(staticShape(node.inputs[1]!).slice(0, 3));
    case "conv2d-filter-gradient":
      return b! * countOf(staticShape(node).slice(0, 3));
    case "cholesky":
    case "triangular-solve":
      return own * staticShape(node.inputs[0]!).at(-1)!;
    default:
      return Math.max(a ?? 0, own);
  }
}

function uniqueOrigins(origins: readonly Span[]): Span[] {
  const seen = new Set<string>();
  return origins.filter((span) => {
    const key = `${span.source.path}:${span.start}:${span.end}`;
    return !seen.has(key) && seen.add(key);
  });
}

function emitUnit(unit: Unit, { target, use }: ScheduleOptions, places: (node: TensorNode) => View | undefined, inPlace: boolean, facts: Facts, scheduleBody: EmitContext["schedule"], reserve: (words: number) => number, decided?: readonly boolean[]): Emitted {
  const scratch: number[] = [];
  const decisions: boolean[] = [];
  const context: EmitContext = {
    unit, target, places, inPlace, cost: facts.cost, flops: 0, use, schedule: scheduleBody,
    scratch: (words) => {
      scratch.push(words);
      return reserve(words);
    },
    decide: (look) => {
      const decision = decided?.[decisions.length] ?? look();
      decisions.push(decision);
      return decision;
    },
  };
  const { template, loads } = unit.anchor ? heavyKernel(context) : { template: { ...mapKernel(context), before: [] }, loads: () => undefined };
  return { template, scratch, decisions, loads };
}

interface PlacingProblem {
  readonly optimized: TensorProgram;
  readonly ordered: readonly Unit[];
  readonly stored: ReadonlySet<TensorNode>;
  readonly inPlace: ReadonlyMap<TensorNode, TensorNode>;
  readonly unitOf: ReadonlyMap<TensorNode, Unit>;
  readonly mains: ReadonlyMap<Unit, Part>;
  readonly made: ReadonlyMap<Part, { readonly unit: Unit; readonly which: number }>;
  readonly stageOf: ReadonlyMap<Part, number>;
  readonly probe: ReadonlyMap<Unit, Emitted>;
  readonly overwrites: (unit: Unit) => boolean;
  readonly pinned: Readonly<Record<string, number>>;
}

const roleOrder = ["parameter", "state", "scalar", "row-index", "latent", "column"];

function placeEverything(problem: PlacingProblem) {
  const { optimized, ordered, stored, inPlace, mains, made, stageOf, probe, overwrites, pinned } = problem;
  const blocks: Block[] = [];
  const blockOf = new Map<TensorNode, number>();
  const add = (node: TensorNode, live: Block["live"], replaces?: number): void => {
    blockOf.set(node, blocks.length);
    blocks.push({ words: countOf(staticShape(node)), live, replaces });
  };
  const role = (node: TensorNode): number => (node.op.kind === "input" ? roleOrder.indexOf(node.op.role) + 1 || roleOrder.length + 1 : 0);
  for (const node of [...optimized.inputs].sort((a, b) => role(a) - role(b) || a.id - b.id)) add(node, undefined);
  const outputs = new Set(Object.values(optimized.outputs));
  for (const node of stored) if (!blockOf.has(node) && !inPlace.has(node) && (outputs.has(node) || node.op.kind === "constant") && !isAliasSource(node, inPlace)) add(node, undefined);

  // Lives of the rest, in stages.
  const written = new Map<TensorNode, number>();
  const read = new Map<TensorNode, { last: number; units: { unit: Unit; stage: number }[] }>();
  for (const unit of ordered) {
    const stage = stageOf.get(mains.get(unit)!)!;
    for (const node of unit.results) written.set(node, stage);
    for (const node of unit.reads.keys()) {
      const known = read.get(node) ?? { last: 0, units: [] };
      read.set(node, { last: Math.max(known.last, stage), units: [...known.units, { unit, stage }] });
    }
  }
  const inPlaceUnits = new Set(ordered.filter(overwrites));
  const taken = new Set<TensorNode>();
  for (const unit of ordered) {
    for (const node of unit.results) {
      if (!stored.has(node) || blockOf.has(node) || inPlace.has(node)) continue;
      const from = written.get(node)!;
      const live = { from, to: Math.max(from, read.get(node)?.last ?? from) };
      // In the place of an operand of as many words that this unit is the last to read, and reads in step. Templates may take other memory then.
      const heir = (unit.anchor && unit.anchor.op.kind !== "reduce" ? [] : [...unit.reads]).find(([operand, aligned]) => {
        const block = blockOf.get(operand);
        const readers = read.get(operand)!;
        return aligned && block !== undefined && blocks[block]!.live && !taken.has(operand) && countOf(staticShape(operand)) === countOf(staticShape(node))
          && readers.last === from && readers.units.filter((each) => each.stage === from).length === 1 && written.get(operand)! < from;
      });
      if (heir) {
        taken.add(heir[0]);
        inPlaceUnits.add(unit);
      }
      add(node, live, heir && blockOf.get(heir[0]));
    }
  }
  // Memory of the templates, from their first kernel to the last.
  const scratchBlocks = new Map<Unit, number[]>();
  for (const unit of ordered) {
    const own = [...made].filter(([, each]) => each.unit === unit).map(([part]) => stageOf.get(part)!);
    scratchBlocks.set(unit, probe.get(unit)!.scratch.map((words) => blocks.push({ words, live: { from: Math.min(...own), to: Math.max(...own) } }) - 1));
  }
  const plan = planMemory(blocks);
  checkMemoryPlan(blocks, plan);
  const offsetOf = (node: TensorNode): number => {
    const fixed = node.op.kind === "input" ? pinned[node.op.name] : undefined;
    if (fixed !== undefined) return fixed;
    const block = blockOf.get(inPlace.get(node) ?? node);
    if (block === undefined) throw new InternalError(`node %${node.id} has no place`);
    return plan.offsets[block]!;
  };
  return { blocks, plan, offsetOf, inPlaceUnits, scratchOf: new Map([...scratchBlocks].map(([unit, ids]) => [unit, ids.map((id) => plan.offsets[id]!)])) };
}

/** Outputs that are copied into an input's place at the end have memory of their own only until then. */
function isAliasSource(node: TensorNode, inPlace: ReadonlyMap<TensorNode, TensorNode>): boolean {
  return [...inPlace.keys()].some((copy) => copy.op.kind === "stop-gradient" && copy.inputs[0] === node);
}
