import type { TensorNode } from "../ir/tensor/nodes.js";
import type { Unit } from "./fuse.js";

export interface TitledPart {
  readonly unit: Unit;
  /** Whether it is the unit's main kernel. */
  readonly main: boolean;
  /** What the template calls it. */
  readonly title: string;
}

/** The user's name of a node, with its network's: `encoder.h`. */
function nameOf({ name, scope }: TensorNode): string | undefined {
  if (name === undefined) return scope?.network;
  return scope ? `${scope.network}.${name}` : name;
}

function unitTitle({ unit, main, title }: TitledPart): string {
  const names = [...new Set(unit.results.flatMap((node) => nameOf(node) ?? []))];
  const shown = names.length > 3 ? [...names.slice(0, 2), `… ${names.length} in all`] : names;
  return shown.length === 0 ? title : `${shown.join(", ")}: ${main ? title : `${title} (prepares)`}`;
}

/** `encoder.h: dot 128×784×400; …`: for readers. Many parts are counted. */
export function titleOf(parts: readonly TitledPart[]): string {
  const titles = [...new Set(parts.map(unitTitle))];
  return titles.length > 4 ? `${titles.slice(0, 3).join("; ")}; … ${parts.length} parts` : titles.join("; ");
}
