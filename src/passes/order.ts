import type { TensorNode } from "../ir/tensor/nodes.js";
import type { Fusion, Unit } from "./fuse.js";

/** Which units must run before which, beyond what they read of each other. */
export interface Order {
  readonly units: readonly Unit[];
  /** For each unit those that must have run before it. */
  readonly before: ReadonlyMap<Unit, ReadonlySet<Unit>>;
  /** Results that take an input's place; the others that an alias names are copied there at the end. */
  readonly inPlace: ReadonlyMap<TensorNode, TensorNode>;
  /** Copies made at the end: the copy's node and the input whose place it takes. */
  readonly stored: ReadonlySet<TensorNode>;
}

/**
 * Orders the units so that an input that an output overwrites is read by everyone before. Where that is impossible (a cycle, or the writer
 * itself reads other places than its own) the output has memory of its own and is copied by a unit that runs after every reader.
 */
export function orderUnits(fusion: Fusion, aliases: ReadonlyMap<TensorNode, TensorNode>): Order {
  const units = [...fusion.units];
  const before = new Map<Unit, Set<Unit>>(units.map((unit) => [unit, new Set([...unit.reads.keys()].flatMap((read) => fusion.unitOf.get(read) ?? []))]));
  const readers = (node: TensorNode): Unit[] => units.filter((unit) => unit.reads.has(node));
  const inPlace = new Map<TensorNode, TensorNode>();
  const stored = new Set(fusion.stored);
  for (const [output, input] of aliases) {
    const writer = fusion.unitOf.get(output);
    const others = writer ? readers(input).filter((unit) => unit !== writer) : [];
    // Another result that takes the same place would be lost: one alias for each input.
    // The results of a loop are where its carries are, with a slice of histories more than there are steps.
    const direct = writer && writer.anchor?.op.kind !== "loop" && writer.reads.get(input) !== false && !others.some((unit) => reaches(before, writer, unit));
    if (writer && direct) {
      for (const unit of others) before.get(writer)!.add(unit);
      inPlace.set(output, input);
      continue;
    }
    const copy: TensorNode = { ...output, op: { kind: "stop-gradient" }, inputs: [output] };
    const unit: Unit = { id: units.length, anchor: undefined, results: [copy], count: writer?.count ?? copy.shape.reduce<number>((n, dim) => n * (dim as number), 1), reads: new Map([[output, true]]) };
    before.set(unit, new Set([...(writer ? [writer] : []), ...readers(input)]));
    units.push(unit);
    stored.add(output);
    stored.add(copy);
    inPlace.set(copy, input);
  }
  return { units, before, inPlace, stored };
}

/** Whether `from` must run before `to`. */
export function reaches(before: ReadonlyMap<Unit, ReadonlySet<Unit>>, from: Unit, to: Unit): boolean {
  const pending = [to];
  const seen = new Set<Unit>();
  for (let unit = pending.pop(); unit; unit = pending.pop()) {
    if (unit === from) return true;
    if (seen.has(unit)) continue;
    seen.add(unit);
    pending.push(...before.get(unit)!);
  }
  return false;
}
