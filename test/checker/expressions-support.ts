import type { Diagnostic } from "../../src/diagnostics/diagnostic.js";
import { lineOf, textOf, type SourceFile } from "../../src/diagnostics/span.js";
import type { DistributionCall, Expr } from "../../src/ir/model/model.js";
import { parse } from "../../src/parser/parse.js";
import { printType } from "../../src/types/type.js";
import { declareConstants } from "../../src/checker/constants.js";
import { createContext, type Context } from "../../src/checker/context.js";
import { elaborateDistribution } from "../../src/checker/expressions/distribution-calls.js";
import { elaborateLet } from "../../src/checker/expressions/let.js";
import { declareNetworks, elaborateNetworks } from "../../src/checker/networks.js";
import { createScope, declare, type Scope } from "../../src/checker/scope.js";
import { elaborateType } from "../../src/checker/type-expressions.js";
import type * as ast from "../../src/parser/ast.js";

export interface Elaborated {
  readonly context: Context;
  readonly messages: readonly Diagnostic[];
  readonly scope: Scope;
  /** Values of the model's `name = …` statements. */
  readonly values: ReadonlyMap<string, Expr>;
  /** Distributions of the model's `name ~ …` statements. */
  readonly draws: ReadonlyMap<string, DistributionCall>;
}

/**
 * Elaborates the constants, networks and the model's statements of a text, without the rules about models (those are `check`'s): its columns, then its
 * statements in order, with loops.
 */
export function elaborateText(text: string, set: Readonly<Record<string, number>> = {}): Elaborated {
  const source: SourceFile = { path: "test.lvm", text };
  const parsed = parse(source);
  const context = createContext(set);
  const items = parsed.value.items;
  for (const item of items) if (item.kind === "const" || item.kind === "network") context.declareItem(item.kind, item.name);
  declareConstants(context, items.filter((item) => item.kind === "const"));
  declareNetworks(context, items.filter((item) => item.kind === "network"));
  elaborateNetworks(context);
  const scope = createScope();
  const values = new Map<string, Expr>();
  const draws = new Map<string, DistributionCall>();
  const model = items.find((item) => item.kind === "model");
  for (const column of model?.columns ?? []) {
    const type = elaborateType(context, column.type, { subject: column.name.name, span: column.span });
    if (type) declare(scope, { kind: "column", name: column.name.name, declared: column.span, type });
  }
  const walk = (statements: readonly ast.Statement[], inner: Scope): void => {
    for (const statement of statements) {
      if (statement.kind === "let") {
        for (const binding of elaborateLet(context, inner, statement)) values.set(binding.name, binding.value);
      } else if (statement.kind === "sample") {
        const declared = statement.type ? { ...statement.name.span, end: statement.type.span.end } : statement.name.span;
        const known = scope.entities.get(statement.name.name);
        const type = statement.type ? elaborateType(context, statement.type, { subject: statement.name.name, span: declared }) : known?.kind === "column" && statement.indices.length === 0 ? known.type : undefined;
        const call = elaborateDistribution(context, inner, statement.distribution, type && { type, name: statement.name.name, declared: known?.declared ?? declared });
        if (call) draws.set(statement.name.name, call);
        const drawn = type ?? call?.type;
        if (!known && drawn) declare(scope, { kind: "site", name: statement.name.name, declared, type: drawn, plates: inner.plates, indexed: inner.plates.length > 0 });
      } else if (statement.kind === "loop" && statement.range.from.kind === "number" && statement.range.to.kind === "number") {
        const plate = { name: statement.variable.name, from: statement.range.from.value, size: statement.range.to.value - statement.range.from.value + 1, origin: statement.span };
        const loop = createScope(inner, { plate });
        declare(loop, { kind: "loop-variable", name: statement.variable.name, declared: statement.variable.span, plate });
        walk(statement.body, loop);
      }
    }
  };
  walk(model?.body ?? [], scope);
  return { context, messages: [...parsed.diagnostics, ...context.diagnostics], scope, values, draws };
}

/** The type of `expression` over columns; or the codes of its messages. */
export function typeOf(columns: string, expression: string): string {
  const { messages, values } = elaborateText(`model m(${columns}) {\n  result = ${expression}\n}\n`);
  const value = values.get("result");
  return messages.length > 0 ? messages.map((message) => message.code).join(" ") : value ? printType(value.type) : "nothing";
}

/** `code line:text` of every message, and what its help says. */
export function brief(messages: readonly Diagnostic[]): readonly string[] {
  return messages.map((message) => `${message.code} ${lineOf(message.primary.span)} ${textOf(message.primary.span)}: ${message.primary.text}`);
}
