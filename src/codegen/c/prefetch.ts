import type { KernelExpr, Statement } from "../../ir/kernel/nodes.js";

export type For = Extract<Statement, { readonly kind: "for" }>;
type Let = Extract<Statement, { readonly kind: "let" }>;

/** What a loop over the summed axis of a product should bring into the cache while its multiply-adds run. */
export interface Prefetch {
  /** Names of indices that loads of the body use, and by how many words they are ahead of it. */
  readonly ahead: ReadonlyMap<string, number>;
  readonly updates?: Updates;
}

/** What the epilogue reads and overwrites: weights and the optimizer's state. */
export interface Updates {
  /** The variable of the epilogue's loop, for a tile; loops of a band stand at their beginning. */
  readonly name: string;
  /** Parts in which it is asked for. */
  readonly turns: number;
  /** Index arithmetic that the indices need. */
  readonly lets: readonly Let[];
  readonly indices: readonly KernelExpr[];
  /** Of a band: the words that follow each index, and the loop over the band's panels, each of which asks for its share. */
  readonly band?: { readonly words: number; readonly zero: readonly string[]; readonly panel: string; readonly panels: number };
}

/** Turns by which a load is asked for in advance: about what the last cache takes, at a dozen cycles a turn. */
const turnsAhead = 24;
const leastTurns = 4 * turnsAhead;
/** Multiply-adds in a turn that make a loop one of a product: less would not hide anything. */
const leastWork = 8;

/**
 * Rows of a matrix that lie far apart, and the weights that a product's epilogue updates, are found by no hardware prefetcher: the tile waits for
 * them (measured, AVX-512, caches shared with others: 784×400 from the last cache 0.70 ms without, 0.50 with; a gradient with Adam 1.18 and 0.84 by tiles, 0.82 and 0.67 by bands).
 * All at once they would fill the buffers that the product's own loads need: so they are spread over its turns. Hints change no result. Undefined where
 * a loop has no use for them; `after` are the statements that follow it in its block, `band` what an epilogue further out updates.
 */
export function prefetchOf(loop: For, after: readonly Statement[], band?: Updates): Prefetch | undefined {
  const turns = loop.from.kind === "constant" && loop.to.kind === "constant" && loop.step === 1 ? loop.to.value - loop.from.value : 0;
  if (turns < leastTurns || !isProduct(loop)) return undefined;
  const ahead = rowsFarApart(loop);
  const updates = updatesOfTile(turns, after) ?? band;
  return ahead.size > 0 || updates ? { ahead, updates } : undefined;
}

/** Whether a loop does nothing but multiply and add into the registers of a tile. */
function isProduct({ body }: For): boolean {
  return body.filter(({ kind }) => kind === "set").length >= leastWork && body.every(({ kind }) => kind === "let" || kind === "set");
}

/** Turns of a product's loop that is so short that its end would cost as much as a turn (a line of a small image): it is written out. */
export function shortTurns(loop: For): number | undefined {
  const turns = turnsOf(loop);
  return turns > 1 && turns <= 8 && isProduct(loop) ? turns : undefined;
}

/** Vector loads whose words lie further from turn to turn than all of them together are long. */
function rowsFarApart(loop: For): Map<string, number> {
  const lets = new Map(loop.body.flatMap((each) => (each.kind === "let" ? [[each.name, each.value] as const] : [])));
  const strides = [...lets.values()].flatMap((value) => {
    if (value.kind !== "load" || value.width !== "vector" || value.index.kind !== "name") return [];
    const words = strideOf(value.index, loop.name, lets);
    return words === undefined ? [] : [[value.index.name, words] as const];
  });
  return new Map(strides.filter(([, words]) => words >= 256).map(([name, words]) => [name, words * turnsAhead]));
}

/** Words by which an index grows from turn to turn; undefined where it is not linear in the loop's variable. */
function strideOf(expr: KernelExpr, variable: string, lets: ReadonlyMap<string, KernelExpr>): number | undefined {
  switch (expr.kind) {
    case "constant":
    case "group":
    case "loop-index":
      return 0;
    case "name": {
      if (expr.name === variable) return 1;
      const value = lets.get(expr.name);
      return value ? strideOf(value, variable, lets) : 0;
    }
    case "binary": {
      const [left, right] = [strideOf(expr.left, variable, lets), strideOf(expr.right, variable, lets)];
      if (left === 0 && right === 0) return 0;
      if (left === undefined || right === undefined) return undefined;
      if (expr.op === "add") return left + right;
      if (expr.op === "subtract") return left - right;
      if (expr.op !== "multiply") return undefined;
      return expr.right.kind === "constant" ? left * expr.right.value : expr.left.kind === "constant" ? right * expr.left.value : undefined;
    }
    default:
      return undefined;
  }
}

/** The next loop's, where it goes over the rows of one tile. */
function updatesOfTile(turns: number, after: readonly Statement[]): Updates | undefined {
  const { loop, late } = nextLoop(after);
  const count = loop ? turnsOf(loop) : 0;
  if (!loop || count === 0 || count * 4 > turns) return undefined;
  const found = updatedIn(loop.body, [], late);
  return found && { ...found, name: loop.name, turns: count };
}

const bandParts = 8;

/** Of a loop over panels: what is updated by the loops over rows and columns that stand after it, if those rows lie one after the other. */
export function updatesOfBand(panels: For, after: readonly Statement[]): Updates | undefined {
  const count = turnsOf(panels);
  const { loop: rows, late } = nextLoop(after.filter((each) => each.kind !== "for" || each.body.some(({ kind }) => kind === "for")));
  const columns = rows?.body.find((each) => each.kind === "for");
  if (count < 2 || !rows || columns?.kind !== "for" || rows.to.kind !== "constant" || columns.from.kind !== "constant" || columns.to.kind !== "constant") return undefined;
  const outer = rows.body.filter((each) => each.kind === "let");
  const found = updatedIn(columns.body, outer, late);
  if (!found) return undefined;
  const lets = new Map([...outer, ...columns.body].flatMap((each) => (each.kind === "let" ? [[each.name, each.value] as const] : [])));
  const length = columns.to.value;
  if (!found.indices.every((index) => strideOf(index, rows.name, lets) === length && strideOf(index, columns.name, lets) === 1)) return undefined;
  return { ...found, name: `${panels.name}_part`, turns: bandParts, band: { words: Math.ceil((length * rows.to.value) / count), zero: [rows.name, columns.name], panel: panels.name, panels: count } };
}

const turnsOf = ({ from, to, step }: For): number => (from.kind === "constant" && from.value === 0 && to.kind === "constant" && step === 1 ? to.value : 0);

/** The next loop, and the names that are given before it. */
function nextLoop(after: readonly Statement[]): { readonly loop: For | undefined; readonly late: ReadonlySet<string> } {
  const at = after.findIndex(({ kind }) => kind === "for");
  const loop = after[at];
  const late = new Set(after.slice(0, Math.max(0, at)).flatMap((each) => (each.kind === "let" || each.kind === "var" ? [each.name] : [])));
  return { loop: loop?.kind === "for" ? loop : undefined, late };
}

/** The indices at which a body loads and stores vectors, computed by nothing but its own lets, those of `outer` and names that are not `late`. */
function updatedIn(body: readonly Statement[], outer: readonly Let[], late: ReadonlySet<string>): Pick<Updates, "lets" | "indices"> | undefined {
  if (body.some(({ kind }) => kind !== "let" && kind !== "store")) return undefined;
  const own = new Map([...outer, ...body].flatMap((each) => (each.kind === "let" ? [[each.name, each] as const] : [])));
  const lets = new Map<string, Let>();
  const isKnown = (expr: KernelExpr): boolean => {
    if (expr.kind === "constant" || expr.kind === "group" || expr.kind === "loop-index") return true;
    if (expr.kind === "binary") return isKnown(expr.left) && isKnown(expr.right);
    if (expr.kind !== "name" || late.has(expr.name)) return false;
    const definition = own.get(expr.name);
    if (!definition || lets.has(expr.name)) return true;
    if (!isKnown(definition.value)) return false;
    lets.set(expr.name, definition);
    return true;
  };
  const loaded = new Set(body.flatMap((each) => (each.kind === "let" && each.value.kind === "load" && each.value.index.kind === "name" ? [each.value.index.name] : [])));
  const indices = body.flatMap((each) =>
    each.kind === "store" && each.value.width === "vector" && each.index.kind === "name" && loaded.has(each.index.name) && isKnown(each.index) ? [each.index] : []);
  return indices.length === 0 ? undefined : { lets: [...lets.values()], indices };
}
