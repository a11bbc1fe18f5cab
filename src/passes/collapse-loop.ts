import { KernelBuilder } from "../ir/kernel/builder.js";
import type { KernelExpr, Statement } from "../ir/kernel/nodes.js";
import { mapStatements } from "./map-statements.js";
import type { Piece } from "./merge-kernels.js";
import { isLoop, type Placed } from "./placed.js";
import type { Target } from "./templates/template.js";

export interface LoopPieces {
  readonly before: readonly Piece[];
  readonly steps: number;
  readonly reverse: boolean;
  readonly body: readonly Placed[];
  readonly after: readonly Piece[];
}

/** A loop of launches as one kernel of one group: everything in order, the groups of each kernel as well. `depth`: how many loops of launches stay around it. */
export function collapse({ before, steps, reverse, body, after }: LoopPieces, depth: number, { simt }: Target): Piece {
  const k = new KernelBuilder(1);
  // Where lanes are invocations they meet before what others of them wrote is read.
  const barrier: readonly Statement[] = simt ? [{ kind: "barrier" }] : [];
  let shared = 0;
  const inOrder = (piece: Piece, prefix: string, indices: ReadonlyMap<number, KernelExpr>): readonly Statement[] => {
    shared = Math.max(shared, piece.shared ?? 0);
    const counter = `${prefix}g`;
    const group: KernelExpr = piece.groups === 1 ? k.integer(0) : { kind: "name", name: counter, type: "i32", width: "scalar" };
    const statements = mapStatements(piece.body, (name) => `${prefix}${name}`, (expr) => (expr.kind === "group" ? group : expr.kind === "loop-index" ? indices.get(expr.depth) : undefined));
    return [...barrier, ...(piece.groups === 1 ? statements : [{ kind: "for", name: counter, from: k.integer(0), to: k.integer(piece.groups), step: 1, body: statements } as const])];
  };
  const loop = (each: Omit<LoopPieces, "before" | "after">, at: number, prefix: string, outer: ReadonlyMap<number, KernelExpr>): Statement => {
    const turn: KernelExpr = { kind: "name", name: `${prefix}step`, type: "i32", width: "scalar" };
    const index: KernelExpr = each.reverse ? { kind: "name", name: `${prefix}index`, type: "i32", width: "scalar" } : turn;
    const indices = new Map([...outer, [at, index] as const]);
    const inner = each.body.flatMap((placed, i) => (isLoop(placed) ? [loop(placed, at + 1, `${prefix}b${i}_`, indices)] : inOrder(placed, `${prefix}b${i}_`, indices)));
    const backwards: readonly Statement[] = each.reverse ? [{ kind: "let", name: `${prefix}index`, value: k.subtract(each.steps - 1, turn) }] : [];
    return { kind: "for", name: `${prefix}step`, from: k.integer(0), to: k.integer(each.steps), step: 1, body: [...backwards, ...inner] };
  };
  const statements = [
    ...before.flatMap((piece, at) => inOrder(piece, `f${at}_`, new Map())), ...(steps === 0 || body.length === 0 ? [] : [loop({ steps, reverse, body }, depth, "", new Map())]),
    ...after.flatMap((piece, at) => inOrder(piece, `l${at}_`, new Map())),
  ];
  return { groups: 1, ...(shared > 0 ? { shared } : {}), body: statements };
}
