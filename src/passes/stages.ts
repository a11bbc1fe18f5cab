import { groupWork } from "./emit/context.js";

/** One part of the work as it is placed: a unit's main kernel, or one that prepares it. */
export interface Part {
  readonly id: number;
  readonly groups: number;
  /** Of its workgroups, where they are not the target's. */
  readonly lanes?: number;
  /** In units of one addition. */
  readonly work: number;
  /** Parts that must run before. */
  readonly before: readonly Part[];
  /** Whether it is more than a kernel: it shares a stage with others, but no kernel. */
  readonly alone?: boolean;
}

/** Parts that run one after the other in a single group, or one part of many groups. */
export interface Cluster {
  readonly parts: readonly Part[];
}

/** Clusters that run side by side: one kernel for each number of lanes. */
export interface Stage {
  readonly clusters: readonly Cluster[];
}

/** Parts of less work than this in one group are strung together: a barrier costs as much. */
const smallWork = groupWork;
const mostClusterWork = 4 * groupWork;

/**
 * Packs parts into as few kernels as their dependences allow. A part stands one stage after the last that it needs; small parts of one group
 * join a small cluster of the same stage instead of waiting for a stage of their own, so that a program of small parts is one kernel.
 *
 * Input: parts in order of dependence. Promise: every part stands in a later stage than what it needs, or in the same cluster after it.
 */
export function formStages(parts: readonly Part[], merge = true): readonly Stage[] {
  if (!merge) return parts.map((part) => ({ clusters: [{ parts: [part] }] }));
  const stages: { parts: Part[]; small: boolean; work: number }[][] = [];
  const placeOf = new Map<Part, { level: number; cluster: object }>();
  for (const part of parts) {
    const places = part.before.map((needed) => placeOf.get(needed)!);
    const last = Math.max(-1, ...places.map((place) => place.level));
    const small = part.groups === 1 && part.lanes === undefined && !part.alone && part.work <= smallWork;
    const open = (level: number) => stages[level]?.find((cluster) => cluster.small && cluster.work + part.work <= mostClusterWork);
    let [level, cluster] = [last + 1, small ? open(last + 1) : undefined];
    if (small && last >= 0) {
      // In the stage of what it needs last, if all of that is one small cluster.
      const there = places.filter((place) => place.level === last).map((place) => place.cluster);
      const same = stages[last]!.find((each) => each.small && there.every((other) => other === each) && each.work + part.work <= mostClusterWork);
      if (same) [level, cluster] = [last, same];
    }
    if (!cluster) {
      cluster = { parts: [], small, work: 0 };
      while (stages.length <= level) stages.push([]);
      stages[level]!.push(cluster);
    }
    cluster.parts.push(part);
    cluster.work += part.work;
    placeOf.set(part, { level, cluster });
  }
  return stages.map((clusters) => ({ clusters: clusters.map(({ parts: members }) => ({ parts: members })) }));
}

/** The kernels of a stage: clusters whose workgroups have as many lanes; then what is more than a kernel, each by itself. */
export function kernelsOf({ clusters }: Stage): readonly (readonly Cluster[])[] {
  const byLanes = new Map<number | undefined | Part, Cluster[]>();
  const isAlone = ({ parts: [part] }: Cluster): boolean => part!.alone === true;
  for (const cluster of [...clusters.filter((each) => !isAlone(each)), ...clusters.filter(isAlone)]) {
    const lanes = isAlone(cluster) ? cluster.parts[0] : cluster.parts[0]!.lanes;
    byLanes.set(lanes, [...(byLanes.get(lanes) ?? []), cluster]);
  }
  return [...byLanes.values()];
}
