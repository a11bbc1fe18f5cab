import type { TensorNode, TensorProgram } from "../ir/tensor/nodes.js";
import { alignedKinds, elementCost, heavyKinds, repetitions } from "./costs.js";
import { isLongFunction } from "./emit/long-functions.js";
import { fillOf, runOf } from "./loop-operands.js";
import { countOf, staticShape } from "./static-shape.js";

/** What one kernel (or one part of a merged kernel) computes: at most one heavy operation, and elementwise results at the places of its own. */
export interface Unit {
  readonly id: number;
  /** The heavy operation; undefined for a map. */
  readonly anchor: TensorNode | undefined;
  /** Everything that it computes at each place, the anchor first, in order of dependence. */
  readonly results: readonly TensorNode[];
  /** Number of places. */
  readonly count: number;
  /** What it reads of other units and of the inputs: `true` where each place reads its own element only. */
  readonly reads: ReadonlyMap<TensorNode, boolean>;
}

export interface Fusion {
  /** In order of dependence. */
  readonly units: readonly Unit[];
  /** Nodes that lie in memory: inputs, arrays of constants, results that something else reads, outputs. */
  readonly stored: ReadonlySet<TensorNode>;
  /** The unit that computes each result. */
  readonly unitOf: ReadonlyMap<TensorNode, Unit>;
}

export interface FuseOptions {
  /** `none`: each node that is no input and no constant has a kernel of its own. Default `full`. */
  readonly fusion?: "none" | "full";
}

/** A store and a load of one element, in units of one addition. */
const storeCost = 4;
const loadCost = 1;
/** Expressions of more nodes than this are cut: registers and code size. */
const largestExpression = 160;

/**
 * Decides what lies in memory and which results one kernel computes.
 *
 * Input: static shapes, no `size`. Promise: every unit's reads are inputs, constants or results of units before it; within a unit, results
 * read each other only at the same place (row-major index). The cost rule: a node is computed where it is used unless
 * uses · cost > cost + store + uses · load, where `uses` counts evaluations for each element and `cost` is that of its whole expression.
 */
export function fuse(program: TensorProgram, options: FuseOptions = {}): Fusion {
  const materialized = chooseMaterialized(program, options);
  const { units, unitOf } = formUnits(program, materialized, options.fusion !== "none");
  const outputs = new Set(Object.values(program.outputs));
  const stored = new Set<TensorNode>([...materialized].filter((node) => !unitOf.has(node)));
  for (const unit of units) for (const node of unit.reads.keys()) stored.add(node);
  for (const node of outputs) stored.add(node);
  return { units, stored, unitOf };
}

const inMemory = (node: TensorNode): boolean => node.op.kind === "input" || (node.op.kind === "constant" && countOf(staticShape(node)) > 1 && !isFilled(node));

function isFilled({ op }: TensorNode): boolean {
  return op.kind === "constant" && op.values.every((value) => Object.is(value, op.values[0]));
}

function chooseMaterialized(program: TensorProgram, { fusion }: FuseOptions): Set<TensorNode> {
  const outputs = new Set(Object.values(program.outputs));
  // What a loop reads, its body finds in memory at every step.
  const operands = new Set(program.nodes.flatMap(({ op, inputs }) => (op.kind === "loop" ? inputs.map((input) => runOf(input, inMemory).node).filter((node) => fillOf(node) === undefined) : [])));
  const certain = (node: TensorNode): boolean => outputs.has(node) || operands.has(node) || heavyKinds.has(node.op.kind) || isLongFunction(node) || inMemory(node);
  if (fusion === "none") return new Set(program.nodes.filter((node) => node.op.kind !== "constant" || inMemory(node) || outputs.has(node)));
  // From the users down, with costs as if everything below were fused: what many ask for lies in memory, and its operands are asked once.
  const candidates = candidatesFrom(program, certain);
  // From the operands up, with costs as they are now: a candidate that would be cheap after all is computed where it is used.
  const evaluations = countEvaluations(program, (node) => certain(node) || candidates.has(node));
  const materialized = new Set<TensorNode>();
  const expressions = new Map<TensorNode, ReadonlySet<TensorNode>>();
  for (const node of program.nodes) {
    const expression = expressionOf(node, materialized, expressions);
    if (certain(node) || (candidates.has(node) && isWorthStoring(node, evaluations.get(node) ?? 0, expression)) || expression.size > largestExpression) materialized.add(node);
  }
  return materialized;
}

/** The nodes that are computed together with `node`, itself included. */
function expressionOf(node: TensorNode, materialized: ReadonlySet<TensorNode>, known: Map<TensorNode, ReadonlySet<TensorNode>>): ReadonlySet<TensorNode> {
  const expression = new Set<TensorNode>([node]);
  for (const input of node.inputs) if (!materialized.has(input)) for (const part of known.get(input) ?? []) expression.add(part);
  known.set(node, expression);
  return expression;
}

function isWorthStoring(node: TensorNode, evaluations: number, expression: ReadonlySet<TensorNode>): boolean {
  if (node.op.kind === "constant" || node.op.kind === "iota") return false;
  const count = Math.max(1, countOf(staticShape(node)));
  const uses = evaluations / count;
  // Of an expression with broadcasts inside, the small parts are computed less often.
  let cost = 0;
  for (const part of expression) cost += elementCost(part) * Math.min(1, countOf(staticShape(part)) / count);
  return uses * cost > cost + storeCost + uses * loadCost;
}

function candidatesFrom(program: TensorProgram, certain: (node: TensorNode) => boolean): Set<TensorNode> {
  const ends = new Set(program.nodes.filter(certain));
  const expressions = new Map<TensorNode, ReadonlySet<TensorNode>>();
  for (const node of program.nodes) {
    const expression = expressionOf(node, ends, expressions);
    // Costs saturate: beyond this size the answer does not change.
    if (expression.size > largestExpression) expressions.set(node, new Set([...expression].slice(0, largestExpression)));
  }
  const candidates = new Set<TensorNode>();
  countEvaluations(program, (node, evaluations) => {
    if (certain(node)) return true;
    if (!isWorthStoring(node, evaluations, expressions.get(node)!)) return false;
    candidates.add(node);
    return true;
  });
  return candidates;
}

/** How many evaluations of each node its users ask for; `stored` says, users before operands, which are computed once and stored. */
function countEvaluations(program: TensorProgram, stored: (node: TensorNode, evaluations: number) => boolean): Map<TensorNode, number> {
  const evaluations = new Map<TensorNode, number>();
  for (const node of [...program.nodes].reverse()) {
    const own = countOf(staticShape(node));
    const wanted = evaluations.get(node) ?? 0;
    const asked = stored(node, wanted) ? own : wanted;
    for (const input of node.inputs) {
      const count = countOf(staticShape(input));
      let more: number;
      if (heavyKinds.has(node.op.kind)) more = count * repetitions(node);
      else if (count >= own) more = Math.min(asked, asked * (count / Math.max(1, own)));
      // An operand that does not vary along the last axis is computed outside the loop over it.
      else more = variesAlongLast(input, node) ? asked : (asked * count) / Math.max(1, own);
      evaluations.set(input, (evaluations.get(input) ?? 0) + more);
    }
  }
  return evaluations;
}

function variesAlongLast(input: TensorNode, user: TensorNode): boolean {
  const [from, to] = [staticShape(input), staticShape(user)];
  const last = to.findLastIndex((dim) => dim !== 1);
  const axis = last - (to.length - from.length);
  return axis >= 0 && from[axis] !== 1;
}

/** What the expression of a materialized node reads, and whether only at its own place. */
export function readsOf(root: TensorNode, materialized: ReadonlySet<TensorNode>): Map<TensorNode, boolean> {
  const reads = new Map<TensorNode, boolean>();
  const seen = new Map<TensorNode, boolean>();
  const visit = (node: TensorNode, aligned: boolean): void => {
    for (const input of node.inputs) {
      const same = aligned && alignedKinds.has(node.op.kind) && countOf(staticShape(input)) === countOf(staticShape(node));
      if (materialized.has(input)) reads.set(input, same && (reads.get(input) ?? true));
      else if (!seen.has(input) || (seen.get(input)! && !same)) {
        seen.set(input, same);
        visit(input, same);
      }
    }
  };
  visit(root, true);
  return reads;
}

interface OpenUnit {
  id: number;
  anchor: TensorNode | undefined;
  results: TensorNode[];
  count: number;
  reads: Map<TensorNode, boolean>;
  /** Units that must run before. */
  before: Set<OpenUnit>;
  level: number;
}

function formUnits(program: TensorProgram, materialized: ReadonlySet<TensorNode>, join: boolean): { units: Unit[]; unitOf: Map<TensorNode, Unit> } {
  const units: OpenUnit[] = [];
  const unitOf = new Map<TensorNode, OpenUnit>();
  for (const node of program.nodes) {
    if (!materialized.has(node) || inMemory(node)) continue;
    const reads = readsOf(node, materialized);
    const needed = new Set([...reads.keys()].map((read) => unitOf.get(read)).filter((unit) => unit !== undefined));
    const count = countOf(staticShape(node));
    const heavy = heavyKinds.has(node.op.kind);
    // All results of a loop are made where the loop is.
    const unit = (node.op.kind === "loop-result" && unitOf.get(node.inputs[0]!)) || (!heavy && join && hostOf(node, count, reads, needed, units, unitOf)) || newUnit(heavy ? node : undefined, count, units);
    for (const [read, aligned] of reads) {
      const from = unitOf.get(read);
      if (from === unit) continue;
      unit.reads.set(read, aligned && (unit.reads.get(read) ?? true));
      if (from) {
        unit.before.add(from);
        unit.level = Math.max(unit.level, from.level + 1);
      }
    }
    unit.results.push(node);
    unitOf.set(node, unit);
  }
  const ordered = [...units].sort((a, b) => a.level - b.level || a.id - b.id);
  const closed = new Map<OpenUnit, Unit>(ordered.map((unit, id) => [unit, { id, anchor: unit.anchor, results: unit.results, count: unit.count, reads: unit.reads }]));
  return { units: [...closed.values()], unitOf: new Map([...unitOf].map(([node, unit]) => [node, closed.get(unit)!])) };
}

function newUnit(anchor: TensorNode | undefined, count: number, units: OpenUnit[]): OpenUnit {
  const unit: OpenUnit = { id: units.length, anchor, results: [], count, reads: new Map(), before: new Set(), level: 0 };
  units.push(unit);
  return unit;
}

/**
 * The unit that takes a map node in: first one that computes what the node reads at its own place (an epilogue), else a map over as many
 * places that reads something in common. It must stand at a level where everything that the node reads is there, so that no unit is delayed.
 */
function hostOf(
  node: TensorNode, count: number, reads: ReadonlyMap<TensorNode, boolean>, needed: ReadonlySet<OpenUnit>, units: readonly OpenUnit[], unitOf: ReadonlyMap<TensorNode, OpenUnit>,
): OpenUnit | undefined {
  const fits = (unit: OpenUnit): boolean =>
    unit.count === count &&
    unit.anchor?.op.kind !== "loop" &&
    !(isLongFunction(node) && !unit.results.every(isLongFunction)) &&
    !(unit.results.some(isLongFunction) && !isLongFunction(node)) &&
    [...needed].every((other) => other === unit || other.level < unit.level) &&
    [...reads].every(([read, aligned]) => aligned || unitOf.get(read) !== unit);
  const producers = [...needed].filter((unit) => fits(unit)).sort((a, b) => b.level - a.level || b.id - a.id);
  if (producers[0]) return producers[0];
  return units.find((unit) => !unit.anchor && fits(unit) && [...reads.keys()].some((read) => unit.reads.has(read) && countOf(staticShape(read)) > 1));
}
