import type { ElementType } from "../ir/kernel/nodes.js";
import type { LoopOp, TensorNode, TensorProgram } from "../ir/tensor/nodes.js";
import type { Fusion, Unit } from "./fuse.js";
import { alignment } from "./memory-plan.js";
import { type Order, reaches } from "./order.js";
import type { Placed, PlacedKernel } from "./placed.js";
import { countOf, staticShape } from "./static-shape.js";
import type { Move, View } from "./templates/template.js";

/** What the body of a loop stands in. */
export interface Surroundings {
  /** Steps of the loops around, outermost first, its own included. */
  readonly loops: readonly number[];
  /** Names of the carries whose history something reads. */
  readonly histories: ReadonlySet<string>;
  readonly reverse: boolean;
}

/**
 * Where a carry is. `history`: a step reads slice `index` of its history and writes the next one. `place`: a step overwrites it, element by element or after the last
 * that reads it. `two`: there are two places, and steps read one and write the other.
 */
export type Storage = "history" | "place" | "two";

/** Whether a node is an input of a loop's body that is the same at every step. */
export const isInvariant = ({ op }: TensorNode): boolean => op.kind === "input" && op.role === "loop" && op.name.startsWith("invariant.");

/** From one of two places to the other. */
export const besides = (words: number): number => Math.ceil(Math.max(1, words) / alignment) * alignment;

export interface Carry {
  readonly name: string;
  readonly words: number;
  readonly type: ElementType;
  readonly storage: Storage;
}

/** A loop whose body is planned. */
export interface LoopPlan {
  readonly op: LoopOp;
  readonly steps: number;
  /** Of one step: in units of one addition, and for reports. */
  readonly work: number;
  readonly flops: number;
  readonly bytes: number;
  /** Whether it becomes one kernel. */
  readonly collapsed: boolean;
  /** Words of the body's arena. */
  readonly words: number;
  readonly carries: readonly Carry[];
  /** Numbers of the stacks that something reads. */
  readonly stacks: readonly number[];
  /** Words of the body's arena that hold arrays of constants. */
  readonly constants: readonly { readonly offset: number; readonly type: ElementType; readonly values: readonly number[] }[];
  /** The kernels of the body with its arena at `base`: those before the steps, and those of a step. `given`: where what it takes (`inputs`) and gives lies. */
  readonly emit: (base: number, given: { readonly inputs: ReadonlyMap<string, View>; readonly outputs: ReadonlyMap<string, View> }) => { readonly preamble: readonly PlacedKernel[]; readonly launches: readonly Placed[] };
}

/** A carry in place is worth a kernel more where it has so many words. */
const largeCarry = 1 << 16;

export interface CarryStorage {
  readonly storage: ReadonlyMap<string, Storage>;
  /** How what lies outside of the body's arena moves with the index. */
  readonly moves: ReadonlyMap<TensorNode, readonly Move[]>;
  readonly before: Order["before"];
  readonly inPlace: Order["inPlace"];
}

/** Where the carries of a loop's body are, and how everything that it takes and gives moves from step to step. */
export function carryStorage(program: TensorProgram, fusion: Fusion, order: Order, { loops, histories }: Surroundings): CarryStorage {
  const depth = loops.length - 1;
  const before = new Map<Unit, Set<Unit>>([...order.before].map(([unit, others]) => [unit, new Set(others)]));
  const inPlace = new Map(order.inPlace);
  const storage = new Map<string, Storage>();
  const moves = new Map<TensorNode, readonly Move[]>();
  const inputs = new Map(program.inputs.flatMap((node) => (node.op.kind === "input" ? [[node.op.name, node] as const] : [])));
  const along = (node: TensorNode): Move => ({ depth, words: countOf(staticShape(node)) });
  for (const [name, node] of inputs) if (name.startsWith("invariant.")) moves.set(node, []);
  for (const [name, node] of inputs) if (name.startsWith("scan.")) moves.set(node, [along(node)]);
  for (const [name, output] of Object.entries(program.outputs)) {
    if (!name.startsWith("carry.")) {
      moves.set(output, [along(output)]);
      continue;
    }
    const input = inputs.get(name);
    const kind: Storage = histories.has(name) ? "history" : !input || overwritable(input, output, order, fusion, before) ? "place" : "two";
    storage.set(name, kind);
    const { words } = along(output);
    const far = besides(words);
    const paths: Readonly<Record<Storage, readonly [Move[], Move[]]>> = { history: [[along(output)], [along(output)]], place: [[], []], two: [[{ depth, words: far, alternates: true }], [{ depth, words: -far, alternates: true }]] };
    if (input) moves.set(input, paths[kind][0]);
    moves.set(output, paths[kind][1]);
    if (input && kind === "place") inPlace.set(output, input);
  }
  return { storage, moves, before, inPlace };
}

/** Whether the next value of a carry may be written where the old one is; where that needs an order among units, puts it into `before`. */
function overwritable(input: TensorNode, output: TensorNode, order: Order, { unitOf }: Fusion, before: Map<Unit, Set<Unit>>): boolean {
  const writer = unitOf.get(output)!;
  if (writer.reads.get(input) === false) return false;
  const others = order.units.filter((unit) => unit !== writer && unit.reads.has(input));
  if (others.some((other) => reaches(before, writer, other))) return false;
  const missing = others.filter((other) => !reaches(before, other, writer));
  if (missing.length > 0 && countOf(staticShape(output)) < largeCarry) return false;
  for (const other of missing) before.get(writer)!.add(other);
  return true;
}
