import type * as ast from "../parser/ast.js";
import type { Fix } from "../diagnostics/diagnostic.js";
import { choice as unasked, move, removal, replacement } from "../diagnostics/fix.js";
import { lineOf, type Span, textOf } from "../diagnostics/span.js";
import { letterOf, type Plate } from "../ir/model/model.js";
import type { Body } from "./body.js";
import { evaluateConstant } from "./constants.js";
import { describeName } from "./expressions/names.js";
import { runsDown } from "./rules/loop-index.js";
import type { SequenceText } from "./rules/sequences-in.js";
import { type Definition, headOf } from "./rules/statement-order.js";
import type { Scope } from "./scope.js";
import { uniqueName } from "./unique-name.js";

/** The plate of a loop, made when it is first asked for. `each` and `chain` count upwards, a `chain` also downwards: `T..1`. */
export function loopPlate(body: Body, scope: Scope, loop: ast.LoopStatement): Plate | undefined {
  if (body.loops.has(loop)) return body.loops.get(loop);
  const plate = makePlate(body, scope, loop);
  body.loops.set(loop, plate);
  return plate;
}

function makePlate(body: Body, scope: Scope, loop: ast.LoopStatement): Plate | undefined {
  const { context } = body;
  const describe = (name: string): string | undefined => describeName(context, scope, name);
  const first = evaluateConstant(context, loop.range.from, describe);
  const last = evaluateConstant(context, loop.range.to, describe);
  if (first === undefined || last === undefined) return undefined;
  const down = loop.loop === "chain" && runsDown(loop.range, first, last);
  const [from, to] = down ? [last, first] : [first, last];
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from > to || from < 0) {
    context.error({
      code: "LVM4030",
      message: from > to ? `the range ${from}..${to} is empty` : "a loop runs over whole numbers from 0 up",
      span: loop.range.span,
      label: `from ${first} to ${last}`,
      help: loop.loop === "chain" ? "write whole numbers: `chain t in 2..T`, or `chain t in T..1` to go backwards" : "write the smaller number first: `each t in 1..T`",
      fixes: from > to ? [replacement(loop.range.span, `${textOf(loop.range.to.span)}..${textOf(loop.range.from.span)}`)] : undefined,
    });
    return undefined;
  }
  const chain = loop.loop === "chain" ? { chain: down ? ("down" as const) : ("up" as const) } : {};
  const length = body.length && to === body.length.most ? { length: body.length.column } : {};
  const [low, high] = down ? [loop.range.to, loop.range.from] : [loop.range.from, loop.range.to];
  const variable = loop.variable.name || "t";
  const written = { variable, from: sayEnd(low, from), to: sayEnd(high, to) };
  const plate: Plate = { name: uniqueName(variable, body.plates), from, size: to - from + 1, ...chain, ...length, written, origin: loop.span };
  body.plates.add(plate.name);
  return plate;
}

/** An end of a range as it is written, where that is short: `T`, `T - 1`. */
function sayEnd(end: ast.Expression, value: number): string {
  const text = textOf(end.span).replace(/\s+/g, " ").trim();
  return text.length > 0 && text.length <= 20 && !text.includes("//") ? text : String(value);
}

/** `each` or `chain` of a loop's text. */
export function loopWord({ chain, origin }: Plate): Span {
  return { ...origin, end: origin.start + (chain ? "chain" : "each").length };
}

/** The plates of such a name once its positions are known. */
export interface SequencePlates {
  readonly chain: Plate;
  /** All positions, starts included. */
  readonly own: Plate;
  readonly positions: ReadonlyMap<ast.Statement, number>;
}

/** The plates of a sequence, made when they are first asked for; undefined (reported) where its positions do not fit together. */
export function sequencePlates(body: Body, scope: Scope, name: string): SequencePlates | undefined {
  const known = body.sequencePlates.get(name);
  if (known) return known.plates;
  const text = body.sequences.get(name);
  const plates = text && makePlates(body, scope, name, text);
  body.sequencePlates.set(name, { plates });
  return plates;
}

function makePlates(body: Body, scope: Scope, name: string, { loop, starts, chained }: SequenceText): SequencePlates | undefined {
  const { context } = body;
  const chain = loopPlate(body, scope, loop);
  if (!chain) return undefined;
  const down = chain.chain === "down";
  const end = chain.from + chain.size - 1;
  const positions = new Map<ast.Statement, number>();
  const statementAt = new Map<number, ast.Statement>();
  for (const { statement, at, name: named } of starts) {
    const index = indexOf(statement);
    if (at > chained.at) {
      context.error({
        code: "LVM4011",
        message: `\`${named}\` begins below its chain`,
        span: statement.name.span,
        label: "a value before the first step",
        related: [{ span: chained.statement.name.span, text: "the chain goes on from it" }],
        help: `move line ${lineOf(statement.span)} above line ${lineOf(loop.span)}`,
        fixes: [move(statement.span, loop.span, `Move \`${named}\` up`)].filter((fix) => fix !== undefined),
      });
      return undefined;
    }
    const position = index && evaluateConstant(context, index, (each) => describeName(context, scope, each));
    if (!index || position === undefined) return undefined;
    const earlier = statementAt.get(position);
    const inside = position >= chain.from && position <= end;
    if (!Number.isSafeInteger(position) || position < 0 || earlier || inside) {
      const related = inside ? { span: headOf(loop), text: `the chain defines positions ${chain.from} to ${end}` } : { span: ((earlier ?? chained.statement) as Definition["statement"]).name.span, text: earlier ? "the first is here" : "the chain's own" };
      context.error({
        code: "LVM4042",
        message: inside || earlier ? `\`${name}[${position}]\` is defined twice` : "a position is a whole number from 0 up",
        span: index.span,
        label: inside ? "also a step of the chain" : earlier ? "defined before" : `this is ${position}`,
        related: [related],
        help: inside ? (down ? `let the chain run to ${position - 1} at most: \`chain ${loop.variable.name} in ${position - 1}..${chain.from}\`` : `let the chain begin at ${position + 1}: \`chain ${loop.variable.name} in ${position + 1}..${end}\``) : "remove one of the two",
        fixes: inside ? [unasked(beginAt(loop, down ? position - 1 : position + 1))] : earlier ? [unasked(removal(statement.span, "Remove the second"))] : undefined,
      });
      return undefined;
    }
    positions.set(statement, position);
    statementAt.set(position, statement);
  }
  const sorted = [...statementAt.keys()].sort((a, b) => a - b);
  for (let back = 1; back <= sorted.length; back++) {
    const wanted = down ? end + back : chain.from - back;
    const statement = statementAt.get(wanted);
    if (statement) continue;
    const odd = (down ? sorted[back - 1] : sorted[sorted.length - back])!;
    context.error({
      code: "LVM4043",
      message: `nothing defines \`${name}[${wanted}]\``,
      span: indexOf(statementAt.get(odd)!)!.span,
      label: "the nearest value before the chain",
      related: [{ span: headOf(loop), text: `the chain begins at ${down ? end : chain.from}` }],
      help: back === 1 ? `write \`${name}[${wanted}]\` here, or let the chain begin at ${down ? odd - 1 : odd + 1}` : `add \`${name}[${wanted}]\``,
      fixes: back === 1 ? [replacement(indexOf(statementAt.get(odd)!)!.span, String(wanted)), unasked(beginAt(loop, down ? odd - 1 : odd + 1))] : undefined,
    });
    return undefined;
  }
  const farthest = down ? sorted.at(-1)! : sorted[0]!;
  const at = sayEnd(indexOf(statementAt.get(farthest)!)!, farthest);
  const variable = letterOf(chain);
  const own: Plate = {
    name: uniqueName(variable, body.plates), from: down ? chain.from : farthest, size: chain.size + sorted.length, ...(chain.length === undefined ? {} : { length: chain.length }),
    written: { variable, from: down ? chain.written!.from : at, to: down ? at : chain.written!.to }, origin: chain.origin,
  };
  body.plates.add(own.name);
  return { chain, own, positions };
}

/** Another range of a plate's loop, written where its own stands. */
export function rangeEdit({ origin }: Pick<Plate, "origin">, text: string): Fix["edits"][number] | undefined {
  const head = /^(\s*(?:each|chain)\s+\w+\s+in\s+)([^{]*?)\s*\{/.exec(textOf(origin));
  if (!head) return undefined;
  const start = origin.start + head[1]!.length;
  return { span: { ...origin, start, end: start + head[2]!.length }, text };
}

/** Another first step of a loop. */
function beginAt(loop: ast.LoopStatement, first: number): Fix {
  return replacement(loop.range.from.span, String(first), `Let the loop begin at ${first}`);
}

/** The last index on the left of a statement. */
function indexOf(statement: ast.Statement): ast.Expression | undefined {
  return statement.kind === "let" || statement.kind === "sample" ? statement.indices.at(-1) : undefined;
}
