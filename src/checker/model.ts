import type * as ast from "../parser/ast.js";
import type { Fix } from "../diagnostics/diagnostic.js";
import { choice as unasked, freshName, removal, replacement, withoutQuestionMark } from "../diagnostics/fix.js";
import type { Span } from "../diagnostics/span.js";
import { textOf } from "../diagnostics/span.js";
import { printSupport } from "../types/support.js";
import { printType, type Size, type Type } from "../types/type.js";
import { type Binding, type Column, type DistributionCall, letterOf, type Plate, type Site, type Step } from "../ir/model/model.js";
import { addDefined, type Body, chainedBy, createBody, declareBroken, elaborateLet, enterLoop, indicesFit, isFree, isNoItem, platesOf, type RowLength, startOf, statementScope } from "./body.js";
import type { Context } from "./context.js";
import { elaborateDistribution } from "./expressions/distribution-calls.js";
import { loopWord, rangeEdit, sequencePlates } from "./loop-plates.js";
import { checkRowLength } from "./rules/row-length.js";
import { type Starts, sequenceOf } from "./rules/sequence-of.js";
import { createScope, declare, type Scope } from "./scope.js";
import { elaborateType } from "./type-expressions.js";
import { refuseDropout } from "./diffusion/conditions.js";
import { dependenceOf } from "./rules/dependence.js";
import { withoutBy } from "./rules/estimator.js";
import { checkLikelihood, checkPrior, typeOfDraw } from "./rules/site-support.js";
import { definitionsIn } from "./rules/statement-order.js";
import { isUnsupportedDistribution } from "./rules/unsupported.js";

/** A site whose type is known, even where its distribution has a mistake: the guide can be checked against it. */
export type ModelSite = Omit<Site, "distribution"> & { readonly distribution?: DistributionCall };

/** A model after its own checks, before its guide's. */
export interface CheckedModel {
  readonly item: ast.ModelItem;
  readonly columns: readonly Column[];
  readonly steps: readonly Step[];
  /** Sites by name, in order; those with an elaborated distribution stand in `steps` too. */
  readonly sites: ReadonlyMap<string, ModelSite>;
  readonly bindings: ReadonlyMap<string, Binding>;
  /** Names that the body defines and that are no sites: the guide may not see them. */
  readonly hidden: ReadonlyMap<string, Span>;
  /** Latents that the text draws, elaborated or not. */
  readonly latents: ReadonlyMap<string, ast.SampleStatement>;
  /** Plate names that are taken. */
  readonly plates: Set<string>;
  /** From `where length(x) <= T`. */
  readonly length?: RowLength;
  /** False where something of the model is missing because of a mistake: conclusions from what is missing would be wrong. */
  readonly sound: boolean;
}

/** Where a model is built up. */
interface Draft {
  readonly body: Body;
  readonly model: ast.ModelItem;
  readonly columns: ReadonlyMap<string, Column>;
  readonly steps: Step[];
  readonly sites: Map<string, ModelSite>;
  readonly latents: Map<string, ast.SampleStatement>;
  /** Distributions before the first step of a chain, by site. */
  readonly starts: Starts;
  /** Global latents: what their priors read is known when all is. */
  readonly globals: { readonly site: Site; readonly statement: ast.SampleStatement }[];
  sound: boolean;
}

/** Checks one `model` item: columns, sites, bindings and plates. */
export function checkModel(context: Context, model: ast.ModelItem, fileScope: Scope): CheckedModel {
  const errorsBefore = context.diagnostics.length;
  const outer = createScope(fileScope);
  const observed = new Set(definitionsIn(model.body).flatMap(({ statement, name }) => (statement.kind === "sample" ? [name] : [])));
  const columns = new Map<string, Column>();
  refuseDropout(context, model.columns, "a column of this model");
  for (const declaration of model.columns) {
    const column = checkColumn(context, declaration, observed.has(declaration.name.name), columns, outer);
    if (column) columns.set(column.name, column);
  }
  const length = model.where && checkRowLength(context, model.where, columns);
  if (length) columns.set(length.column, { name: length.column, type: { support: { kind: "count" }, shape: [] }, role: "input", partlyObserved: false, origin: model.where!.span });
  const plates = new Set<string>();
  const body = createBody(context, "model", outer, model.body, plates, { isColumn: (name) => model.columns.some((column) => column.name.name === name), length });
  const draft: Draft = { body, model, columns, steps: [], sites: new Map(), latents: new Map(), starts: new Map(), globals: [], sound: true };
  checkStatements(draft, model.body, body.scope);
  for (const { site, statement } of draft.globals) checkGlobal(draft, site, statement);
  const sound = draft.sound && !context.diagnostics.slice(errorsBefore).some(({ severity }) => severity === "error");
  const checked: CheckedModel = {
    item: model,
    columns: [...columns.values()],
    steps: draft.steps,
    sites: draft.sites,
    bindings: body.bindings,
    hidden: new Map(definitionsIn(model.body).flatMap(({ statement, name }) => (statement.kind === "let" ? [[name, statement.name.span] as const] : []))),
    latents: draft.latents,
    plates,
    length,
    sound,
  };
  if (sound) checkObservations(context, checked);
  return checked;
}

function checkColumn(context: Context, declaration: ast.ColumnDeclaration, observed: boolean, columns: ReadonlyMap<string, Column>, outer: Scope): Column | undefined {
  const { name } = declaration;
  if (name.name === "") return undefined;
  const broken = (): undefined => void declare(outer, { kind: "broken", name: name.name, declared: declaration.span });
  const earlier = columns.get(name.name);
  if (earlier || outer.entities.has(name.name)) {
    context.error({
      code: "LVM2002",
      message: `\`${name.name}\` is declared twice`,
      span: name.span,
      label: `a second \`${name.name}\``,
      related: [{ span: outer.entities.get(name.name)?.declared ?? name.span, text: "the first is here" }],
      help: "give one of them another name",
      fixes: [unasked(replacement(name.span, freshName(name.name, name.span), `Call it \`${freshName(name.name, name.span)}\``))],
    });
    return undefined;
  }
  const type = elaborateType(context, declaration.type, { subject: name.name, span: declaration.span });
  if (!isNoItem(context, name, "column") || !type) return broken();
  const partlyObserved = declaration.type.optional;
  if (partlyObserved && !observed) {
    context.error({
      code: "LVM4034",
      message: `\`${name.name}\` is missing in some rows, and nothing says how it is distributed`,
      span: declaration.type.span,
      label: "partly observed",
      help: `draw it in the model: \`${name.name} ~ …\`, or remove the \`?\``,
      fixes: [withoutQuestionMark(declaration.type.span)],
    });
    return broken();
  }
  declare(outer, { kind: "column", name: name.name, declared: declaration.span, type });
  context.hover.set(name, { span: name.span, what: "column", name: name.name, type, declared: declaration.span });
  return { name: name.name, type, role: observed ? "observed" : "input", partlyObserved, origin: declaration.span };
}

function checkStatements(draft: Draft, statements: readonly ast.Statement[], scope: Scope): void {
  const { body } = draft;
  const { context } = body;
  for (const statement of statements) {
    switch (statement.kind) {
      case "let": {
        draft.steps.push(...elaborateLet(body, scope, statement));
        break;
      }
      case "sample":
        checkSite(draft, statement, scope);
        break;
      case "loop": {
        const inner = enterLoop(body, scope, statement);
        if (inner) checkStatements(draft, statement.body, inner);
        else {
          draft.sound = false;
          declareBroken(body, statement.body);
          for (const { statement: within } of definitionsIn(statement.body)) {
            if (within.kind === "sample" && !draft.columns.has(within.name.name)) draft.latents.set(within.name.name, within);
          }
        }
        break;
      }
      default:
        context.error({
          code: "LVM4032",
          message: `\`${statement.kind}\` belongs in a guide`,
          span: statement.span,
          label: "says how something is inferred",
          related: [{ span: draft.model.name.span, text: "this is the model" }],
          help: `move it to \`guide ${draft.model.name.name} { … }\``,
        });
        if (statement.kind === "local") declare(body.scope, { kind: "broken", name: statement.name.name, declared: statement.span });
    }
  }
}

/** One `~` statement of a model. */
function checkSite(draft: Draft, statement: ast.SampleStatement, scope: Scope): void {
  const { body } = draft;
  const { context } = body;
  const { name } = statement;
  if (name.name === "") return;
  if (statement.by) {
    context.error({
      code: "LVM4032",
      message: "`by` belongs in a guide",
      span: statement.by.span,
      label: "a gradient estimator",
      related: [{ span: name.span, text: `the model's \`${name.name}\`` }],
      help: "write it behind the guide's `~` statement, or remove it",
      fixes: [withoutBy(statement.by)],
    });
  }
  const start = startOf(body, scope, statement);
  const text = body.sequences.get(name.name);
  const chained = text?.chained.statement === statement;
  const isColumn = draft.model.columns.some((column) => column.name.name === name.name);
  const column = draft.columns.get(name.name);
  const earlier = body.scope.entities.get(name.name);
  const known = earlier?.kind === "site" ? earlier : undefined;
  if (earlier && earlier.kind !== "broken" && start === "none" && !chained) {
    context.error({
      code: "LVM2002",
      message: `\`${name.name}\` is drawn twice`,
      span: name.span,
      label: `a second \`${name.name} ~ …\``,
      related: [{ span: earlier.declared, text: "the first is here" }],
      help: isColumn ? "a column has one likelihood: remove one of the two" : "give one of them another name",
      fixes: [unasked(isColumn ? removal(statement.span, "Remove the second") : replacement(name.span, freshName(name.name, name.span), `Call it \`${freshName(name.name, name.span)}\``))],
    });
    return;
  }
  const first = statementsOf(draft, statement)[0]!;
  const typed = typedStatement(draft, statement);
  if (!isColumn) {
    draft.latents.set(name.name, first.global ? first : typed);
    if (statement !== typed && statement.type) reportSaidAgain(context, "type", statement, typed);
    if (statement !== first && statement.global) reportSaidAgain(context, "global", statement, first);
  }
  const declared: Span = statement.type ? { ...name.span, end: statement.type.span.end } : name.span;
  const broken = (): void => {
    draft.sound = false;
    if (!known) declare(body.scope, { kind: "broken", name: name.name, declared });
  };
  const plates = start === "none" ? platesOf(body, scope, name.name) : start && [...scope.plates, start.plates.own];
  if (!plates || (earlier && !known)) return broken();
  const type = known?.type ?? (isColumn ? column && observedType(draft, statement, plates, column) : latentType(draft, typed, declared));
  const indexed = start === "none" ? indicesFit(body, scope, name, statement.indices, true) : true;
  if (isUnsupportedDistribution(context, statement)) return broken();
  const distribution = elaborateDistribution(context, statementScope(body, scope, statement), statement.distribution, type && { type, name: name.name, declared: column?.origin ?? declared });
  if (!isColumn && !type && typed === statement && name.name !== "" && !statement.type) reportUntyped(context, statement, distribution);
  if (chained) addDefined(body, name.name, "all");
  if (!type || !indexed || (!known && !isColumn && !isFree(body, scope, name, "latent"))) return broken();
  if (!known) declare(body.scope, { kind: "site", name: name.name, declared: column?.origin ?? declared, type, plates, indexed: plates.length > 0, chained: chainedBy(body, name.name, plates), ...(start !== "none" && start ? { defined: new Set([start.position]) } : {}) });
  if (chained) addDefined(body, name.name, "all");
  context.hover.set(name, { span: name.span, what: column ? "observed column" : first.global ? "global latent" : "latent", name: name.name, type, declared });
  if (start !== "none" && start) {
    addDefined(body, name.name, start.position);
    if (!distribution) draft.sound = false;
    else draft.starts.set(name.name, [...(draft.starts.get(name.name) ?? []), { position: start.position, value: distribution, origin: statement.span }]);
  }
  const facts: ModelSite = {
    kind: "site",
    name: name.name,
    role: column ? "observed" : "latent",
    scope: first.global && !column ? "global" : "row",
    partlyObserved: column?.partlyObserved ?? false,
    plates,
    type,
    origin: statement.span,
  };
  if (!distribution) {
    draft.sites.set(facts.name, facts);
    draft.sound = false;
    return;
  }
  const site: Site = { ...facts, distribution };
  if (column) checkLikelihood(context, site, column, statement);
  else checkPrior(context, site, statement);
  if (site.scope === "global") draft.globals.push({ site, statement });
  if (start !== "none") return;
  const pieces = chained ? sequenceOf(context, site.name, distribution, sequencePlates(body, scope, name.name)?.chain, draft.starts) : undefined;
  const whole: Site = pieces ? { ...site, sequence: pieces } : site;
  draft.sites.set(site.name, whole);
  draft.steps.push(whole);
}

/** The statements that draw a latent: of a chain its starts and its step, in the order of the text. */
function statementsOf(draft: Draft, statement: ast.SampleStatement): readonly ast.SampleStatement[] {
  const text = draft.body.sequences.get(statement.name.name);
  if (!text) return [statement];
  const all = [...text.starts, text.chained].sort((left, right) => left.at - right.at).flatMap((each) => (each.statement.kind === "sample" ? [each.statement] : []));
  return all.includes(statement) ? all : [statement];
}

/** The statement that says the type of a latent: the first that does. */
function typedStatement(draft: Draft, statement: ast.SampleStatement): ast.SampleStatement {
  const all = statementsOf(draft, statement);
  return all.find((each) => each.type) ?? all[0]!;
}

/** What a latent is, is said where its first value is drawn. */
function reportSaidAgain(context: Context, what: "type" | "global", statement: ast.SampleStatement, first: ast.SampleStatement): void {
  const { name } = statement;
  const whole = what === "type" ? statement.type!.span : { ...statement.span, end: name.span.start };
  const behind = statement.indices.at(-1);
  const edit = what === "type" && behind ? { span: { ...whole, start: textOf(statement.span).indexOf(":", behind.span.end - statement.span.start) + statement.span.start }, text: "" } : { span: whole, text: "" };
  const said = what === "type" || first.global;
  context.error({
    code: "LVM4048",
    message: what === "type" ? `the type of \`${name.name}\` stands where its first value is drawn` : said ? `\`global\` is said where the first value of \`${name.name}\` is drawn` : `only a later value of \`${name.name}\` is \`global\``,
    span: what === "type" ? whole : { ...name.span, start: statement.span.start },
    label: said ? "said again" : "its first value is not",
    related: [{ span: what === "type" ? first.type!.span : { ...first.name.span, start: first.span.start }, text: what === "type" ? "the type that counts" : "the first value" }],
    help: said ? `write \`${name.name}[${statement.indices.map((index) => textOf(index.span)).join(", ")}] ~ …\`` : `write \`global\` in front of the first value, or remove it here`,
    fixes: said ? [{ title: what === "type" ? "Remove the type" : "Remove `global`", edits: [edit] }] : [unasked(withoutGlobal(statement)), unasked({ title: "Write `global` in front of the first value", edits: [...withoutGlobal(statement).edits, { span: { ...first.span, end: first.span.start }, text: "global " }] })],
  });
}

/** The type of an observed site: the column's, without one leading axis for each loop. */
function observedType(draft: Draft, statement: ast.SampleStatement, plates: readonly Plate[], column: Column): Type | undefined {
  const { context } = draft.body;
  if (statement.type) {
    const type = statement.type;
    context.error({
      code: "LVM4017",
      message: `\`${column.name}\` is a column and has its type already`,
      span: type.span,
      label: "a second type",
      related: [{ span: column.origin, text: "the column's type stands here" }],
      help: `write \`${column.name} ~ …\``,
      fixes: type.name.name === "" ? undefined : [{ title: "Remove the type", edits: [{ span: { ...type.span, start: statement.name.span.end }, text: " " }] }],
    });
  }
  if (statement.global) {
    context.error({
      code: "LVM4032",
      message: `\`${column.name}\` is a column, which has a value in each row`,
      span: statement.name.span,
      label: "cannot be `global`",
      related: [{ span: column.origin, text: "declared here" }],
      help: "remove `global`",
      fixes: [withoutGlobal(statement)],
    });
  }
  let shape = column.type.shape;
  for (const plate of plates) {
    const [axis, ...rest] = shape;
    if (!axis) {
      context.error({
        code: "LVM4040",
        message: `\`${column.name}\` has ${column.type.shape.length === 0 ? "no axis" : "too few axes"} for its loops`,
        span: statement.name.span,
        label: `observed inside ${plates.length} loop${plates.length > 1 ? "s" : ""}`,
        related: [{ span: column.origin, text: `this is ${printType(column.type)}` }],
        help: `give the column one size for each loop: \`${column.name}: ${printSupport(column.type.support)}[${plates.map(({ size }) => size).join(", ")}]\`, or move the statement out of the loop`,
        fixes: typeEdit(column, `${printSupport(column.type.support)}[${plates.map(({ size }) => size).join(", ")}]`),
      });
      return undefined;
    }
    if (plate.from !== 1 || plate.size !== axis.value) {
      const chain = plate === plates.at(-1) ? draft.body.sequencePlates.get(column.name)?.plates?.chain : undefined;
      const end = plate.from + plate.size - 1;
      context.error({
        code: "LVM4027",
        message: chain ? `\`${column.name}\` is drawn at positions ${plate.from} to ${end}, and has ${axis.value}` : `the loop runs over ${plate.from}..${end}, and \`${column.name}\` has ${axis.value} positions`,
        span: statement.name.span,
        label: `has positions 1 to ${axis.value}`,
        related: [
          { span: loopWord(chain ?? plate), text: chain ? "the steps behind its start" : "this loop" },
          { span: column.origin, text: `\`${column.name}\` got its size here` },
        ],
        help: helpForRange(column, plate, axis, chain),
        fixes: chain || !(plate.chain === undefined || (plate.from === 1 && plate.chain === "up")) ? undefined : [rangeEdit(plate, `1..${axis.text ?? axis.value}`)].flatMap((edit) => (edit ? [{ title: `Let the loop run over \`${edit.text}\``, edits: [edit] }] : [])),
      });
      return undefined;
    }
    shape = rest;
  }
  return { support: column.type.support, shape };
}

/** How the positions at which a column is observed become those that it has. */
function helpForRange(column: Column, plate: Plate, axis: Size, chain: Plate | undefined): string {
  const size = axis.text ?? axis.value;
  const letter = letterOf(plate);
  if (chain) {
    const starts = plate.size - chain.size;
    return `let its first value be \`${column.name}[${chain.chain === "down" ? size : 1}]\`, and the chain run over ${chain.chain === "down" ? `${axis.value - starts}..1` : `${1 + starts}..${size}`}`;
  }
  if (plate.chain === undefined || (plate.from === 1 && plate.chain === "up")) return `write \`in 1..${size}\``;
  return `observe it in a loop of its own: \`each ${letter} in 1..${size} { ${column.name}[${letter}] ~ … }\`, or let its first value be \`${column.name}[${plate.chain === "down" ? size : 1}] ~ …\` above the chain`;
}

function withoutGlobal({ span, name }: ast.SampleStatement): Fix {
  return { title: "Remove `global`", edits: [{ span: { ...span, end: name.span.start }, text: "" }] };
}

/** Another type in a column's head. */
function typeEdit({ origin }: Column, type: string): readonly Fix[] | undefined {
  const colon = /^[^:]*:\s*/.exec(textOf(origin));
  return colon ? [unasked(replacement({ ...origin, start: origin.start + colon[0].length }, type, `Declare it as \`${type}\``))] : undefined;
}

function latentType(draft: Draft, statement: ast.SampleStatement, declared: Span): Type | undefined {
  if (!statement.type) return undefined;
  const { context } = draft.body;
  if (statement.type.optional) {
    context.error({
      code: "LVM4032",
      message: "`?` is for columns of the data",
      span: statement.type.span,
      label: "a latent is never observed",
      related: [{ span: statement.name.span, text: `\`${statement.name.name}\` is no column of the model` }],
      help: "remove the `?`, or declare the column in the model's head",
      fixes: [withoutQuestionMark(statement.type.span)],
    });
  }
  return elaborateType(context, statement.type, { subject: statement.name.name, span: declared });
}

function reportUntyped(context: Context, statement: ast.SampleStatement, distribution: DistributionCall | undefined): void {
  const { name } = statement;
  const type = distribution && typeOfDraw(distribution);
  const last = statement.indices.at(-1);
  // Behind the bracket of its indices.
  const end = last ? statement.span.start + textOf(statement.span).indexOf("]", last.span.end - statement.span.start) + 1 : name.span.end;
  const written = textOf({ ...name.span, end });
  context.error({
    code: "LVM4016",
    message: `the latent \`${name.name}\` has no type`,
    span: name.span,
    label: "neither a column nor typed",
    help: type ? `write \`${written}: ${printType(type)} ~ …\`` : `write \`${written}: real ~ …\`, or declare it as a column of the model`,
    fixes: type ? [{ title: `Declare it as \`${printType(type)}\``, edits: [{ span: { ...name.span, start: end, end }, text: `: ${printType(type)}` }] }] : undefined,
  });
}

/** A global latent has one value: nothing that differs from row to row may stand in its prior. */
function checkGlobal(draft: Draft, site: Site, statement: ast.SampleStatement): void {
  const { context, bindings } = draft.body;
  const { rowwise } = dependenceOf(site.distribution, {
    bindings,
    scopeOf: (name) => draft.sites.get(name)?.scope ?? "row",
    parameters: context.parameters,
  });
  if (!rowwise) return;
  const name = "name" in rowwise.reference ? rowwise.reference.name : "";
  context.error({
    code: "LVM4015",
    message: `the prior of the global latent \`${site.name}\` depends on a row`,
    span: statement.distribution.span,
    label: rowwise.words,
    related: [{ span: draft.sites.get(name)?.origin ?? draft.columns.get(name)?.origin ?? statement.name.span, text: `\`${name}\` is declared here` }],
    help: `remove \`global\`, or let the prior depend on global latents and parameters only`,
    fixes: [unasked(withoutGlobal(statement))],
  });
}

/** Something must be observed, and every latent must matter to something that is. */
function checkObservations(context: Context, model: CheckedModel): void {
  const observed = [...model.sites.values()].filter(({ role }) => role === "observed");
  if (observed.length === 0) {
    const [column] = model.columns;
    context.error({
      code: "LVM4031",
      message: `\`${model.item.name.name}\` observes nothing`,
      span: model.item.name.span,
      label: "no column stands on the left of `~`",
      related: column ? [{ span: column.origin, text: `\`${column.name}\` is only read` }] : [],
      help: column ? `say how the data came about: \`${column.name} ~ …\`` : "give the model a column and a likelihood: `model m(x: real) { … x ~ … }`",
    });
    return;
  }
  const parents = new Map<string, ReadonlySet<string>>();
  for (const site of model.sites.values()) {
    const facts = { bindings: model.bindings, scopeOf: () => "row" as const, parameters: context.parameters };
    if (site.distribution) parents.set(site.name, new Set([site.distribution, ...(site.sequence?.starts ?? []).map(({ value }) => value)].flatMap((call) => [...dependenceOf(call, facts).sites])));
  }
  const alive = new Set<string>();
  const queue = observed.map(({ name }) => name);
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (alive.has(next)) continue;
    alive.add(next);
    queue.push(...(parents.get(next) ?? []));
  }
  // Of latents that feed only each other the last is the mistake: using it makes the others matter.
  const dead = [...model.sites.keys()].filter((name) => !alive.has(name));
  for (const site of model.sites.values()) {
    if (site.role !== "latent" || alive.has(site.name) || dead.some((name) => parents.get(name)?.has(site.name))) continue;
    const statement = model.latents.get(site.name);
    context.warning({
      code: "LVM4019",
      message: `nothing that is observed depends on \`${site.name}\``,
      span: statement?.name.span ?? site.origin,
      label: "its posterior is its prior",
      help: `use \`${site.name}\` in a likelihood, or remove it`,
    });
  }
}
