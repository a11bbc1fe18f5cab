import { InternalError } from "../util/internal-error.js";
import type { TensorNode } from "../ir/tensor/nodes.js";
import { emitUnit } from "./emit/emit-unit.js";
import { inSequence, sideBySide } from "./merge-kernels.js";
import type { Placed, PlacedKernel } from "./placed.js";
import { type UnitPlan, viewAt } from "./plan-units.js";
import { type Cluster, kernelsOf, type Part } from "./stages.js";
import { staticShape } from "./static-shape.js";
import type { TemplateKernel, View } from "./templates/template.js";
import { titleOf } from "./titles.js";
import { type Facts, uniqueOrigins } from "./unit-facts.js";

export interface EmittedStages {
  /** Of a loop's body: what runs once before the steps, of which nothing needs another. */
  readonly preamble: readonly PlacedKernel[];
  readonly launches: readonly Placed[];
}

/** Writes the kernels of a plan, its arena at `base`; `outside`: where what does not lie in that arena is. */
export function emitStages(plan: UnitPlan, base = 0, outside: ReadonlyMap<TensorNode, View> = new Map()): EmittedStages {
  const { options, order, ordered, facts, probe, made, stages, preamble, memory, loops, surroundings } = plan;
  const places = (node: TensorNode): View | undefined => {
    if (!order.stored.has(node)) return undefined;
    const given = outside.get(node);
    if (given || surroundings === undefined || node.op.kind !== "input") return given ?? viewAt(base + memory.offsetOf(node), node);
    return undefined; // the index
  };
  const final = new Map(ordered.map((unit) => {
    let at = 0;
    const reserved = memory.scratchOf.get(unit)!;
    const first = probe.get(unit)!;
    const emitted = emitUnit({
      unit, options, places, inPlace: memory.inPlaceUnits.has(unit), facts: facts.get(unit)!, loops: surroundings?.loops ?? [], planLoop: () => loops.get(unit)!, decided: first.decisions,
      reserve: () => base + (reserved[at++] ?? 0),
    });
    if (emitted.scratch.length !== reserved.length || emitted.template.before.length !== first.template.before.length) throw new InternalError(`node %${unit.results[0]!.id}: its template asked for other memory the second time`);
    return [unit, emitted];
  }));
  const kernelOf = (part: Part): TemplateKernel => {
    const { unit, which } = made.get(part)!;
    const { template } = final.get(unit)!;
    return template.before[which] ?? template;
  };
  const kernel = (clusters: readonly Cluster[]): PlacedKernel => {
    const piece = sideBySide(clusters.map((cluster) => inSequence(cluster.parts.map(kernelOf), options.target.simt)));
    const members = clusters.flatMap((cluster) => cluster.parts);
    const units = [...new Set(members.map((part) => made.get(part)!.unit))];
    const title = titleOf(members.map((part) => ({ unit: made.get(part)!.unit, main: isMain(plan, part), title: kernelOf(part).title })));
    const sizes = [...new Set(units.map((unit) => staticShape(unit.results[0]!).join("×") || "1"))].join(", ");
    return {
      title, origins: uniqueOrigins(units.flatMap((unit) => facts.get(unit)!.origins)), groups: piece.groups, ...(piece.lanes ? { lanes: piece.lanes } : {}), ...(piece.shared ? { shared: piece.shared } : {}),
      body: piece.body, ...costOf(plan, clusters), sizes, units: units.length,
    };
  };
  return {
    preamble: preamble.map((part) => kernel([{ parts: [part] }])),
    launches: stages.flatMap(kernelsOf).flatMap((clusters): readonly Placed[] => kernelOf(clusters[0]!.parts[0]!).launches?.() ?? [kernel(clusters)]),
  };
}

const isMain = ({ mains, made }: UnitPlan, part: Part): boolean => mains.get(made.get(part)!.unit) === part;

/** What one kernel costs, as far as the first emission knows: all of it. */
export function costOf(plan: UnitPlan, clusters: readonly Cluster[]): { readonly flops: number; readonly bytes: number } {
  const { made, facts, probe } = plan;
  let [flops, bytes] = [0, 0];
  for (const part of clusters.flatMap((cluster) => cluster.parts)) {
    const { unit, which } = made.get(part)!;
    const own: Facts = facts.get(unit)!;
    const { template } = probe.get(unit)!;
    const each = template.before[which] ?? template;
    flops += each.flops + (isMain(plan, part) ? own.flops : 0);
    bytes += isMain(plan, part) ? own.bytes : each.bytes;
  }
  return { flops, bytes };
}
