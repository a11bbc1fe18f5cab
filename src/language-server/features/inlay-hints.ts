import { type InlayHint, InlayHintKind, type InlayHintLabelPart } from "vscode-languageserver";
import { originOf, explainSize } from "../../checker/shape-messages.js";
import type { HoverFact } from "../../checker/context.js";
import type { SourceFile, Span } from "../../diagnostics/span.js";
import type { LatentPlan, Objective } from "../../ir/objective/objective.js";
import type * as ast from "../../parser/ast.js";
import { children } from "../../parser/visit.js";
import { printSupport } from "../../types/support.js";
import { sameShape, type Type } from "../../types/type.js";
import type { Analysis } from "../analysis.js";
import type { Feature } from "../feature.js";
import { pointOf, rangeOf, spanOf } from "../positions.js";
import { defaultSettings, type Settings } from "../settings.js";

/** The address of a source, for parts of a hint that lead to a declaration. */
type AddressOf = (source: SourceFile) => string;

/** Sizes and estimators between the words of a file. */
export const inlayHints: Feature = {
  capabilities: () => ({ inlayHintProvider: true }),
  register({ connection, workspace, settings }) {
    connection.languages.inlayHint.on(({ textDocument, range }) => {
      const analysis = workspace.analysis(textDocument.uri);
      return analysis ? hintsIn(analysis, spanOf(analysis.source, range), (source) => workspace.uriOf(source), settings().inlayHints) : null;
    });
  },
};

/**
 * What stands between the words of a part of a file: types after names that have none written, sizes after each stage of a pipe that changes them or ends its line, and how
 * each site of a guide is estimated. Of what has a mistake there is none, of everything else in the file there is.
 */
export function hintsIn(analysis: Analysis, asked: Span, addressOf: AddressOf, settings: Settings["inlayHints"] = defaultSettings.inlayHints): InlayHint[] {
  const hints: { readonly at: number; readonly hint: InlayHint }[] = [];
  const { source } = analysis;
  const hover = analysis.facts.context.hover;
  const inside = (at: number): boolean => asked.start <= at && at <= asked.end;
  const add = (at: number, hint: Omit<InlayHint, "position">): void => {
    if (inside(at)) hints.push({ at, hint: { position: pointOf(source, at), ...hint } });
  };

  const declared = (statement: ast.LetStatement | ast.SampleStatement): void => {
    if (statement.kind === "sample" && statement.type) return;
    const fact = hover.get(statement.name);
    const label = fact?.type ? typeParts(fact.type, addressOf) : outputParts(analysis, statement, addressOf);
    if (label) add(nameEnd(statement), { label: [{ value: ": " }, ...label], kind: InlayHintKind.Type, ...tooltipOf(fact, statement.name.span) });
  };
  /** Gives the line on which the value's shape stands already. */
  const stages = (pipe: ast.PipeExpression, named: number | undefined): number | undefined => {
    const told = pipe.value.kind === "pipe" ? stages(pipe.value, named) : undefined;
    const fact = hover.get(pipe);
    const earlier = hover.get(pipe.value)?.type;
    const line = lineAt(source, pipe.span.end);
    if (!fact?.type || (named !== undefined && lineAt(source, named) === line && endsLine(source, pipe.span.end))) return undefined;
    if (earlier && sameShape(earlier, fact.type) && (told === line || !endsLine(source, pipe.span.end))) return told;
    const callee = pipe.into.kind === "call" ? pipe.into.callee : pipe.into;
    add(pipe.span.end, { label: shapeParts(fact.type, addressOf), kind: InlayHintKind.Type, paddingLeft: true, ...tooltipOf(hover.get(callee), callee.span) });
    return line;
  };
  const visit = (node: ast.Node, named?: number): void => {
    if (node.span.end < asked.start || node.span.start > asked.end) return;
    if (node.kind === "let" || node.kind === "sample") declared(node);
    // The last stage of a value's own pipe gives the type that stands after its name.
    if (node.kind === "let") return visit(node.value, node.name.span.start);
    if (node.kind === "pipe") {
      stages(node, named);
      for (let at: ast.Expression = node; at.kind === "pipe"; at = at.value) {
        for (const part of children(at.into)) visit(part);
        if (at.value.kind !== "pipe") visit(at.value);
      }
      return;
    }
    for (const child of children(node)) visit(child);
  };
  if (settings.shapes) for (const item of analysis.module.items) if (item.kind === "network" || item.kind === "model" || item.kind === "guide") visit(item);
  if (settings.estimators) {
    for (const program of analysis.programs) {
      if (program.source !== source) continue;
      const guide = analysis.module.items.find((item) => item.kind === "guide" && item.name.name === program.name);
      // Most files have one model, which may lie outside of what is asked.
      if (guide && (guide.span.end < asked.start || guide.span.start > asked.end)) continue;
      const objective = analysis.objective(program);
      for (const plan of objective.latents) {
        const at = statementEnd(analysis.module, plan.origin);
        if (at !== undefined) add(at, { label: estimatorLabel(plan, objective), paddingLeft: true, tooltip: plan.reason });
      }
    }
  }
  return hints.sort((a, b) => a.at - b.at).map(({ hint }) => hint);
}

/** `reparameterized, KL in closed form`: the words for how a latent's gradient is estimated. */
export function estimatorLabel(plan: LatentPlan, objective: Objective): string {
  const closed = objective.terms.some(({ kind, estimator, sites }) => kind === "kl" && estimator === "closed-form" && plan.sites.every((site) => sites.includes(site)));
  return `${estimatorWords(plan)}${closed ? ", KL in closed form" : ""}`;
}

function estimatorWords({ estimator, guide, baseline, temperature }: LatentPlan): string {
  switch (estimator) {
    case "closed-form":
      return "integrated out";
    case "enumeration":
      return guide === "marginalized" ? "summed out" : "enumerated";
    case "reparameterization":
      return "reparameterized";
    case "implicit-reparameterization":
      return "implicitly reparameterized";
    case "score-function":
      return baseline === "leave_one_out" ? "score + leave-one-out" : "score";
    case "relaxation":
      return `relaxed, temperature ${temperature ?? 1}`;
    case "straight-through":
      return "straight through";
    case "deterministic":
      return "a point";
  }
}

/** Behind a declared name: after `[t]` of `h[t] = …`. */
function nameEnd({ name, indices }: ast.LetStatement | ast.SampleStatement): number {
  const last = indices[indices.length - 1];
  if (!last) return name.span.end;
  const close = name.span.source.text.indexOf("]", last.span.end);
  return close < 0 ? last.span.end : close + 1;
}

/** The end of the innermost statement around a place. */
function statementEnd(module: ast.Module, { source, start }: Span): number | undefined {
  if (source !== module.source) return undefined;
  const around = (node: ast.Node): boolean => node.span.start <= start && start < node.span.end;
  const item = module.items.find(around);
  if (!item || (item.kind !== "guide" && item.kind !== "model")) return undefined;
  let found: ast.Statement | undefined;
  for (let body = item.body; ; ) {
    const statement = body.find(around);
    if (!statement) return found?.span.end;
    found = statement;
    if (statement.kind !== "loop") return found.span.end;
    body = statement.body;
  }
}

/** `real[20]`; sizes lead to what fixed them. */
function typeParts(type: Type, addressOf: AddressOf): InlayHintLabelPart[] {
  const square = type.support.kind === "cholesky" || type.support.kind === "covariance";
  const shown = square ? type.shape.slice(0, -1) : type.shape;
  return [{ value: printSupport(type.support) }, ...(shown.length === 0 ? [] : sizeParts(shown, addressOf))];
}

/** `[14, 14, 32]`; `[]` of a single number. */
function shapeParts(type: Type, addressOf: AddressOf): InlayHintLabelPart[] {
  return sizeParts(type.shape, addressOf);
}

function sizeParts(shape: Type["shape"], addressOf: AddressOf): InlayHintLabelPart[] {
  const parts: InlayHintLabelPart[] = shape.flatMap((size, axis) => {
    const origin = originOf(size);
    const part: InlayHintLabelPart = { value: String(size.value), ...(origin ? { location: { uri: addressOf(origin.span.source), range: rangeOf(origin.span) } } : {}) };
    return axis === 0 ? [part] : [{ value: ", " }, part];
  });
  // Fewer parts where none of them leads anywhere.
  return parts.some(({ location }) => location) ? [{ value: "[" }, ...parts, { value: "]" }] : [{ value: `[${parts.map(({ value }) => value).join("")}]` }];
}

/** `(mean: real[20], scale: positive[20])` of a network's result that is given one name. */
function outputParts(analysis: Analysis, statement: ast.LetStatement | ast.SampleStatement, addressOf: AddressOf): InlayHintLabelPart[] | undefined {
  if (statement.kind !== "let") return undefined;
  const last = statement.value.kind === "pipe" ? statement.value.into : statement.value;
  const callee = last.kind === "call" ? last.callee : last;
  const signature = callee.kind === "name" ? analysis.facts.context.networks.get(callee.name)?.signature : undefined;
  if (!signature) return undefined;
  return [
    { value: "(" },
    ...signature.outputs.flatMap(({ name, type, origin }, at): InlayHintLabelPart[] => [
      { value: `${at === 0 ? "" : ", "}${name}`, location: { uri: addressOf(origin.source), range: rangeOf(origin) } },
      { value: ": " },
      ...typeParts(type, addressOf),
    ]),
    { value: ")" },
  ];
}

/** What fixed a size, or what a layer is. */
function tooltipOf(fact: HoverFact | undefined, here: Span): Pick<InlayHint, "tooltip"> {
  if (fact?.doc) return { tooltip: { kind: "markdown", value: fact.doc } };
  const why = fact?.type?.shape.map((size) => explainSize(size, here)).find((text) => text !== undefined);
  return why === undefined ? {} : { tooltip: { kind: "markdown", value: why } };
}

function lineAt(source: SourceFile, offset: number): number {
  return pointOf(source, offset).line;
}

/** Whether nothing but a comment follows on the line. */
function endsLine({ text }: SourceFile, offset: number): boolean {
  const end = text.indexOf("\n", offset);
  return /^\s*(\/\/.*)?$/.test(text.slice(offset, end < 0 ? undefined : end));
}
