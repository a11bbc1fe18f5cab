import { KernelBuilder } from "../ir/kernel/builder.js";
import type { KernelExpr, Statement } from "../ir/kernel/nodes.js";
import { mapStatements } from "./map-statements.js";

/** A body that runs in `groups` groups. */
export interface Piece {
  readonly groups: number;
  /** Of a workgroup, where they are not the target's: the same for all pieces that become one kernel. */
  readonly lanes?: number;
  readonly shared?: number;
  readonly body: readonly Statement[];
}

/** The body with its names under a prefix and its group given: what makes one kernel's part of another. */
function embedded(body: readonly Statement[], prefix: string, group: KernelExpr): readonly Statement[] {
  return mapStatements(body, (name) => `${prefix}${name}`, (expr) => (expr.kind === "group" ? group : undefined));
}

const mostShared = (pieces: readonly Piece[]): number => Math.max(...pieces.map(({ shared }) => shared ?? 0));

/** Bodies of one group each, one after the other; `simt`: with a barrier between. */
export function inSequence(pieces: readonly Piece[], simt = false): Piece {
  if (pieces.length === 1) return pieces[0]!;
  const zero: KernelExpr = { kind: "constant", value: 0, type: "i32", width: "scalar" };
  const barrier: readonly Statement[] = simt ? [{ kind: "barrier" }] : [];
  return { groups: 1, lanes: pieces[0]!.lanes, shared: mostShared(pieces), body: pieces.flatMap(({ body }, at) => [...(at > 0 ? barrier : []), ...embedded(body, `s${at}_`, zero)]) };
}

/**
 * Independent pieces in one kernel. It has as many groups as the largest piece; each group does an equal share of every other piece's groups,
 * so that any even division of the groups among threads divides every piece evenly.
 */
export function sideBySide(pieces: readonly Piece[]): Piece {
  if (pieces.length === 1) return pieces[0]!;
  const groups = Math.max(...pieces.map((piece) => piece.groups));
  const k = new KernelBuilder(1);
  const body: Statement[] = [];
  const singles = pieces.filter((piece) => piece.groups === 1).length;
  let single = 0;
  pieces.forEach((piece, at) => {
    const prefix = `p${at}_`;
    if (piece.groups === groups) {
      const own: KernelExpr = groups === 1 ? k.integer(0) : k.group();
      body.push(...embedded(piece.body, prefix, own));
    } else if (piece.groups === 1) {
      // Pieces of one group are spread over the groups.
      const home = Math.floor(((single++ + 0.5) * groups) / singles);
      body.push({ kind: "if", condition: k.compare("equal", k.group(), home), then: embedded(piece.body, prefix, k.integer(0)), otherwise: [] });
    } else {
      const name = `${prefix}share`;
      const share: KernelExpr = { kind: "name", name, type: "i32", width: "scalar" };
      const [from, to] = [k.divide(k.multiply(k.group(), piece.groups), groups), k.divide(k.multiply(k.add(k.group(), 1), piece.groups), groups)];
      body.push({ kind: "for", name, from, to, step: 1, body: embedded(piece.body, prefix, share) });
    }
  });
  return { groups, lanes: pieces[0]!.lanes, shared: mostShared(pieces), body };
}
