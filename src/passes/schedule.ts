import type { Span } from "../diagnostics/span.js";
import { InternalError } from "../util/internal-error.js";
import { runsOf } from "../ir/kernel/launches.js";
import type { ElementType, Kernel, KernelProgram, Launch } from "../ir/kernel/nodes.js";
import type { TensorNode, TensorProgram } from "../ir/tensor/nodes.js";
import { emitStages } from "./emit-stages.js";
import type { Block, MemoryPlan } from "./memory-plan.js";
import { isLoop, type Placed } from "./placed.js";
import { type LoopOptions, loopPlanner } from "./plan-loop.js";
import { planUnits } from "./plan-units.js";
import { prepareLoops } from "./prepare-loops.js";
import { countOf, staticShape } from "./static-shape.js";

export interface ScheduleOptions extends LoopOptions {
  /** Outputs that take an input's place in memory, by their names: new parameters. Shapes and types agree. */
  readonly aliases?: Readonly<Record<string, string>>;
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
  /** How often it runs in one step, and what all of that costs. */
  readonly runs: number;
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

/**
 * A tensor program of static sizes as kernels over one arena: optimized, fused, ordered, packed and placed.
 *
 * @throws InternalError on symbolic sizes and on aliases whose shapes differ
 */
export function schedule(program: TensorProgram, options: ScheduleOptions): Schedule {
  const plan = planUnits(prepareLoops(program), options, (optimized) => aliasNodes(optimized, options.aliases ?? {}), loopPlanner(options));
  const { program: optimized, memory, order, fusion } = plan;
  const kernels: Kernel[] = [];
  const planned: PlannedKernel[] = [];
  const launches = named(emitStages(plan).launches, [], kernels, planned);

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
    kernels: { name: program.name, lanes: options.target.lanes, ...(options.target.simt ? { simt: true } : {}), words, kernels, ...(launches.every((each) => typeof each === "number") ? {} : { launches }), functions: [] },
    regions, inputs, outputs, constants, plan: { kernels: planned, words, persistentWords, temporaryWords }, memory: { blocks: memory.blocks, plan: memory.plan },
  };
}

/** Gives kernels their numbers, in order. */
function named(placed: readonly Placed[], loops: readonly number[], kernels: Kernel[], planned: PlannedKernel[]): Launch[] {
  return placed.map((each): Launch => {
    if (isLoop(each)) return { steps: each.steps, reverse: each.reverse, body: named(each.body, [...loops, each.steps], kernels, planned) };
    const { sizes, units, ...kernel } = each;
    const { title, origins, groups, flops, bytes } = kernel;
    const runs = runsOf({ loops });
    planned.push({ title, origins, sizes, groups, runs, flops: runs * flops, bytes: runs * bytes, units });
    return kernels.push({ name: `kernel_${kernels.length}`, ...kernel, ...(loops.length > 0 ? { loops } : {}) }) - 1;
  });
}

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
