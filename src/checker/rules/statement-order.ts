import type * as ast from "../../parser/ast.js";
import { lineOf, type Span, textOf } from "../../diagnostics/span.js";
import type { Fix } from "../../diagnostics/diagnostic.js";
import { choice as unasked, lineAbove, move, replacement } from "../../diagnostics/fix.js";
import type { Context } from "../context.js";
import { strongComponents } from "../../util/strong-components.js";
import { type Access, accessesIn, expressionsWithin } from "./expressions-within.js";
import { constantIn, goesDown, offsetFrom } from "./loop-index.js";

/** One `=`, `~` or `local` statement of a body, loops opened, in the order of the text. */
export interface Definition {
  readonly statement: ast.LetStatement | ast.SampleStatement | ast.LocalStatement;
  readonly name: string;
  /** Place in the text's order, from 0. */
  readonly at: number;
  /** Loops around it, outermost first. */
  readonly loops: readonly ast.LoopStatement[];
  /** Local to its innermost loop: a binding written without an index. */
  readonly local: boolean;
}

/** All definitions of a body, in order. */
export function definitionsIn(body: readonly ast.Statement[]): readonly Definition[] {
  const found: Definition[] = [];
  const visit = (statements: readonly ast.Statement[], loops: readonly ast.LoopStatement[]): void => {
    for (const statement of statements) {
      if (statement.kind === "loop") visit(statement.body, [...loops, statement]);
      else if (statement.kind === "let" || statement.kind === "sample" || statement.kind === "local") {
        const local = statement.kind === "let" && statement.indices.length === 0 && loops.length > 0;
        found.push({ statement, name: statement.name.name, at: found.length, loops, local });
      }
    }
  };
  visit(body, []);
  return found;
}

/** Expressions that a statement reads. */
export function expressionsOf(statement: Definition["statement"]): readonly ast.Expression[] {
  if (statement.kind === "let") return [statement.value];
  if (statement.kind === "sample") return [statement.distribution];
  return statement.init ? [statement.init] : [];
}

function visibleFrom(definition: Definition, from: Definition): boolean {
  return !definition.local || definition.loops.every((loop, at) => from.loops[at] === loop);
}

/**
 * Names that a statement reads although they are defined further down, or by the statement itself. Each is reported, a circle as one
 * mistake; the result says, for each statement, which names are then to be taken as broken. `given` names are
 * read anyway: their values do not come from these statements. In a chain the steps before may be read, wherever they are defined.
 */
export function checkOrder(context: Context, definitions: readonly Definition[], given: (name: string) => boolean = () => false, isColumn: (name: string) => boolean = () => false): ReadonlyMap<ast.Statement, ReadonlySet<string>> {
  const broken = new Map<ast.Statement, Set<string>>();
  const breaks = (definition: Definition, name: string): void => void broken.set(definition.statement, (broken.get(definition.statement) ?? new Set()).add(name));
  const byName = new Map<string, Definition[]>();
  for (const definition of definitions) byName.set(definition.name, [...(byName.get(definition.name) ?? []), definition]);
  /** For each statement what it reads of steps before, wherever that is defined. */
  const back = definitions.map((): number[] => []);
  const reads = definitions.map((definition) => {
    const said = new Set<string>();
    return expressionsOf(definition.statement).flatMap(accessesIn).flatMap((access): readonly Read[] => {
      const { name } = access;
      if (given(name.name) || said.has(name.name)) return [];
      const visible = (byName.get(name.name) ?? []).filter((other) => visibleFrom(other, definition));
      const chained = visible.find((other) => chainOf(other) !== undefined);
      const chain = chained && chainOf(chained);
      if (chained && chain && definition.loops.includes(chain)) {
        const step = stepRead(context, access, chained);
        const started = isColumn(name.name) || visible.some((other) => other !== chained && other.at < chained.at);
        if (step === "before" && started) {
          back[definition.at]!.push(chained.at);
          return [];
        }
        if (step === "before" || step === "after") {
          said.add(name.name);
          breaks(definition, name.name);
          if (step === "before") reportNoStart(context, access, chained, chain);
          else reportAhead(context, access, chained, chain);
          return [];
        }
        return [{ name, target: chained, ...(step === "all" ? { whole: chained } : {}) }];
      }
      // What a chain defines is whole below it; above it, its starts can be read, by their positions.
      const last = access.indices.at(-1);
      const started = last !== undefined && constantIn(context, "", last) !== undefined && visible.some((other) => other !== chained && other.at < definition.at);
      if (chained && !started) return [{ name, target: chained }];
      const target = visible.find((other) => other.at < definition.at) ?? visible[0];
      // Inside of other loops a start is taken from the whole of what the chain defines.
      const whole = chained && target && chained.at > definition.at && definition.loops.length > 0 ? chained : undefined;
      if (whole) back[definition.at]!.push(whole.at);
      return target ? [{ name, target, ...(whole ? { whole } : {}) }] : [];
    });
  });
  const reaches = (from: number, to: number): readonly number[] | undefined => {
    const cameFrom = new Map<number, number>([[from, -1]]);
    const queue = [from];
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      if (next === to) {
        const path: number[] = [];
        for (let at = next; at >= 0; at = cameFrom.get(at) ?? -1) path.unshift(at);
        return path;
      }
      for (const { target } of reads[next] ?? []) {
        if (cameFrom.has(target.at)) continue;
        cameFrom.set(target.at, next);
        queue.push(target.at);
      }
    }
    return undefined;
  };
  const circles = strongComponents(reads.map((all) => all.map(({ target }) => target.at)));
  // With the steps before: what is read whole inside of its chain may not depend on the steps of the reader.
  const recurrences = strongComponents(reads.map((all, at) => [...all.map(({ target }) => target.at), ...back[at]!]));
  const reported = new Set<number>();
  for (const definition of definitions) {
    const seen = new Set<string>();
    for (const { name, target, whole } of reads[definition.at] ?? []) {
      if (seen.has(name.name)) continue;
      if (target.at < definition.at) {
        if (!whole || recurrences[whole.at] !== recurrences[definition.at]) continue;
        seen.add(name.name);
        breaks(definition, name.name);
        reportWhole(context, name, whole);
        continue;
      }
      seen.add(name.name);
      breaks(definition, name.name);
      const path = circles[target.at] === circles[definition.at] ? reaches(target.at, definition.at) : undefined;
      if (!path) reportLater(context, name, target, definition, definitions);
      else if (!reported.has(circles[target.at] ?? -1)) {
        reported.add(circles[target.at] ?? -1);
        reportCycle(context, name, path.map((at) => definitions[at]!));
      }
    }
  }
  return broken;
}

/** A name that a statement reads, where it is defined. `whole`: what a chain defines and is read with all of its steps, or at a fixed one, where they are not all taken. */
interface Read {
  readonly name: ast.NameExpression;
  readonly target: Definition;
  readonly whole?: Definition;
}

/** `chain t in 2..T` of a whole loop. */
export function headOf(loop: ast.LoopStatement): Span {
  return { ...loop.span, end: Math.min(loop.range.span.end, loop.span.end) };
}

/** The chain whose steps this statement defines: `z[s, t]` in both loops, not the start `z[s, 0]` of another inside of the first. */
export function chainOf({ statement, loops, local }: Definition): ast.LoopStatement | undefined {
  const last = loops.at(-1);
  return last?.loop === "chain" && !local && statement.kind !== "local" && statement.indices.length === loops.length ? last : undefined;
}

/** Which step of the chain an access reads, seen from a step of it: of loops around the chain those that differ decide. An index that is no `t`, `t - k` or `t + k` reads all. */
function stepRead(context: Context, { indices }: Access, { loops }: Definition): "same" | "before" | "after" | "all" {
  for (const [axis, loop] of loops.entries()) {
    const index = indices[axis];
    const offset = index && offsetFrom(context, loop.variable.name, index);
    if (offset === undefined) return "all";
    if (offset === 0) continue;
    if (loop.loop === "each") return "all";
    return offset < 0 === !goesDown(context, loop) ? "before" : "after";
  }
  return "same";
}

function written({ name, indices }: Access): string {
  return `${name.name}[${indices.map((index) => textOf(index.span)).join(", ")}]`;
}

function reportNoStart(context: Context, access: Access, chained: Definition, chain: ast.LoopStatement): void {
  const { name } = access;
  const down = goesDown(context, chain);
  const begin = constantIn(context, chain.variable.name, chain.range.from);
  const beyond = (steps: number): string => (chain.range.from.kind === "number" && begin !== undefined ? String(begin + (down ? steps : -steps)) : `${textOf(chain.range.from.span)}${steps === 0 ? "" : ` ${down ? "+" : "-"} ${steps}`}`);
  const first = beyond(1);
  const sample = chained.statement.kind === "sample";
  context.error({
    code: "LVM4044",
    message: `\`${name.name}\` has no value before the first step of its chain`,
    span: { ...name.span, end: access.indices.at(-1)?.span.end ?? name.span.end },
    label: `at the first step this is \`${name.name}[${first}]\``,
    related: [{ span: headOf(chain), text: "the chain begins here" }, ...(chained.statement.name.span.start === name.span.start ? [] : [{ span: chained.statement.name.span, text: "the chain defines it here" }])],
    help: `write its first value above the chain: \`${name.name}[${first}] ${sample ? "~ …" : "= …"}\`${sample ? `; or \`${name.name}[${beyond(0)}] ~ …\`, and let the chain begin one step later` : ""}`,
    fixes: firstValue(context, chained, chain, first),
  });
}

/** `h[0] = …` above the chain: zeros of a recurrent cell's state, a draw from a distribution on the declared support. */
function firstValue(context: Context, { statement, name, loops }: Definition, chain: ast.LoopStatement, first: string): readonly Fix[] | undefined {
  if (statement.kind === "local" || loops.length > 1) return undefined;
  if (statement.kind === "let") {
    return [unasked(aboveChain(`${name}[${first}] = ${zerosOf(context, statement.value, name)}`))];
  }
  // A guide's positions are those of the model.
  const prior = statement.type && firstPriors[statement.type.name.name];
  if (!statement.type || prior === undefined) return undefined;
  const made = aboveChain(`${name}[${first}]: ${textOf(statement.type.span)} ~ ${prior}`);
  // The type stands where the first value is drawn.
  const bracket = textOf(statement.span).indexOf(":", (statement.indices.at(-1)?.span.end ?? statement.name.span.end) - statement.span.start) + statement.span.start;
  return [unasked({ ...made, edits: [...made.edits, { span: { ...statement.type.span, start: bracket }, text: "" }] })];

  function aboveChain(line: string): Fix {
    return { title: `Add \`${line}\``, edits: [lineAbove(chain.span, line)] };
  }
}

/** Zeros of the shape that the network has for the step before; 64 where a cell alone says what its state is. */
function zerosOf(context: Context, value: ast.Expression, name: string): string {
  for (const part of expressionsWithin(value)) {
    if (part.kind !== "call" || part.callee.kind !== "name") continue;
    const { args, callee } = part;
    const at = args.findIndex(({ value: argument }) => argument.kind === "index" && argument.target.kind === "name" && argument.target.name === name);
    if (at < 0) continue;
    const inputs = context.networks.get(callee.name)?.signature.inputs;
    const input = args[at]!.name ? inputs?.find((each) => each.name === args[at]!.name!.name) : inputs?.[at];
    if (input) return input.type.shape.length === 0 ? "0" : `zeros[${input.type.shape.map((size) => size.text ?? size.value).join(", ")}]`;
    if (callee.name === "gru" || callee.name === "lstm") return "zeros[64]";
  }
  return "0";
}

const firstPriors: Readonly<Record<string, string>> = { real: "Normal(0, 1)", positive: "LogNormal(0, 1)" };

function reportAhead(context: Context, access: Access, chained: Definition, chain: ast.LoopStatement): void {
  const { name } = access;
  const down = goesDown(context, chain);
  context.error({
    code: "LVM4045",
    message: `\`${written(access)}\` is not defined yet: the chain goes ${down ? "down" : "up"}`,
    span: { ...name.span, end: access.indices.at(-1)?.span.end ?? name.span.end },
    label: "a later step",
    related: [{ span: headOf(chain), text: `its steps are taken in this order` }, { span: chained.statement.name.span, text: `\`${name.name}\` is defined here` }],
    help: `read a step before, \`${name.name}[${chain.variable.name} ${down ? "+" : "-"} 1]\`, or let a chain of its own go the other way`,
    fixes: access.indices.at(-1) && [unasked(replacement(access.indices.at(-1)!.span, `${chain.variable.name} ${down ? "+" : "-"} 1`, `Read the step before: \`${chain.variable.name} ${down ? "+" : "-"} 1\``))],
  });
}

function reportLater(context: Context, name: ast.NameExpression, target: Definition, definition: Definition, definitions: readonly Definition[]): void {
  context.error({
    code: "LVM4011",
    message: `\`${name.name}\` is used before it is defined`,
    span: name.span,
    label: "used here",
    related: [{ span: target.statement.name.span, text: "defined here, further down" }],
    help: `move line ${lineOf(target.statement.span)} above line ${lineOf(definition.statement.span)}`,
    fixes: moveApart(target, definition, definitions),
  });
}

/** Moves what is read above its reader, or, where it reads what stands between, the reader below it. Of statements in different loops these move whole. */
function moveApart(target: Definition, reader: Definition, definitions: readonly Definition[]): readonly Fix[] | undefined {
  const common = target.loops.findIndex((loop, at) => reader.loops[at] !== loop);
  const depth = common < 0 ? target.loops.length : common;
  const [lower, upper] = [target.loops[depth] ?? target.statement, reader.loops[depth] ?? reader.statement];
  if (lower === upper) return undefined;
  const within = (block: ast.Statement): readonly Definition[] => definitions.filter(({ statement, loops }) => statement === block || loops.some((loop) => loop === block));
  const between = definitions.filter(({ at }) => at > reader.at && at < target.at && !within(lower).some((each) => each.at === at) && !within(upper).some((each) => each.at === at));
  const reads = (readers: readonly Definition[], names: readonly Definition[]): boolean =>
    readers.some((each) => expressionsOf(each.statement).flatMap(accessesIn).some((access) => names.some((defined) => defined.name === access.name.name)));
  const fix = !reads(within(lower), [...within(upper), ...between]) ? move(lower.span, upper.span, `Move \`${target.name}\` up`) : !reads(between, within(upper)) ? move(upper.span, lower.span, `Move \`${reader.name}\` down`, "below") : undefined;
  return fix && [fix];
}

function helpFor(context: Context, definition: Definition): string {
  const { name, loops } = definition;
  const chain = chainOf(definition);
  const outside = loops.find((loop) => loop.loop === "chain");
  if (!chain && outside) return `only the innermost loop looks back: put \`chain ${outside.variable.name}\` inside of \`each ${loops.at(-1)?.variable.name ?? ""}\``;
  if (!chain) return loops.length > 0 ? "a loop that looks back is a `chain`" : "use another name on the right, or remove the dependence";
  const indices = loops.map((loop) => (loop === chain ? `${loop.variable.name} ${goesDown(context, loop) ? "+" : "-"} 1` : loop.variable.name));
  const outer = loops.some((loop) => loop.loop === "each") ? "; a loop around it that looks back is a `chain`, too" : "";
  return `inside its chain only the steps before can be read, by their distance: \`${name}[${indices.join(", ")}]\`${outer}`;
}

/** `z[t - 1]` where a chain reads all of its steps, a fixed one, or the step that it defines. */
function stepBefore(context: Context, name: ast.NameExpression, target: Definition): readonly Fix[] | undefined {
  const chain = chainOf(target);
  if (!chain || name.name !== target.name) return undefined;
  const indices = target.loops.map((loop) => (loop === chain ? `${loop.variable.name} ${goesDown(context, loop) ? "+" : "-"} 1` : loop.variable.name));
  const bracket = /^\s*\[[^[\]]*(?:\[[^[\]]*\][^[\]]*)*\]/.exec(name.span.source.text.slice(name.span.end));
  const read = `${name.name}[${indices.join(", ")}]`;
  return [unasked(replacement({ ...name.span, end: name.span.end + (bracket?.[0].length ?? 0) }, read, `Read the step before: \`${read}\``))];
}

function reportWhole(context: Context, name: ast.NameExpression, target: Definition): void {
  context.error({
    code: "LVM4012",
    message: `\`${name.name}\` depends on steps of its chain that are not taken yet`,
    span: name.span,
    label: "all of its steps, or a fixed one",
    related: [{ span: headOf(chainOf(target)!), text: "inside the chain that defines it" }, { span: target.statement.name.span, text: "which needs this step's value" }],
    help: helpFor(context, target),
    fixes: stepBefore(context, name, target),
  });
}

function reportCycle(context: Context, name: ast.NameExpression, path: readonly Definition[]): void {
  const [first] = path;
  if (path.length === 1 && first) {
    context.error({
      code: "LVM4012",
      message: `\`${name.name}\` depends on itself`,
      span: name.span,
      label: "read here",
      related: [{ span: first.statement.name.span, text: "while it is being defined" }],
      help: helpFor(context, first),
      fixes: stepBefore(context, name, first),
    });
    return;
  }
  const last = path[path.length - 1];
  context.error({
    code: "LVM4012",
    message: `${[...path].sort((left, right) => left.at - right.at).map((each) => `\`${each.name}\``).join(" and ")} depend on each other`,
    span: name.span,
    label: `\`${last?.name ?? name.name}\` needs \`${name.name}\``,
    related: path.slice(0, -1).map((each, at) => ({ span: each.statement.name.span, text: `\`${each.name}\` needs \`${path[at + 1]?.name ?? ""}\`` })),
    help: "let one of them depend on something else",
  });
}
