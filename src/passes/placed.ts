import type { Span } from "../diagnostics/span.js";
import type { Kernel } from "../ir/kernel/nodes.js";

/** A kernel whose place among the others, and so its name, is not known yet; what people want to know of it. */
export interface PlacedKernel extends Omit<Kernel, "name" | "loops"> {
  /** Sizes of the results, `128×400`. */
  readonly sizes: string;
  /** How many units were merged into it. */
  readonly units: number;
}

/** A loop of launches. */
export interface PlacedLoop {
  readonly steps: number;
  readonly reverse: boolean;
  readonly body: readonly Placed[];
}

export type Placed = PlacedKernel | PlacedLoop;

export const isLoop = (placed: Placed): placed is PlacedLoop => "steps" in placed;

/** A kernel that a loop adds to those of its units: nothing of the model file. */
export function plainKernel(title: string, piece: Pick<Kernel, "groups" | "lanes" | "shared" | "body">, bytes: number, origins: readonly Span[]): PlacedKernel {
  return { title, origins, groups: piece.groups, ...(piece.lanes ? { lanes: piece.lanes } : {}), ...(piece.shared ? { shared: piece.shared } : {}), body: piece.body, flops: 0, bytes, sizes: "", units: 1 };
}
