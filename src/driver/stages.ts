import type { Checked } from "../diagnostics/diagnostic.js";
import { hasErrors } from "../diagnostics/diagnostic.js";
import { positionAt, type SourceFile, type Span } from "../diagnostics/span.js";
import { print as printTensorProgram } from "../ir/tensor/print.js";
import type { TensorProgram } from "../ir/tensor/nodes.js";
import { lower } from "../lowering/lower.js";
import { printObjective } from "../objectives/print.js";
import { parse } from "../parser/parse.js";
import type { CompileOptions } from "./analyze.js";
import { derive } from "./derive.js";

/** What `lvmc compile --emit` prints beside the TypeScript, in the order in which it is made. */
export const stages = ["ast", "model", "objective", "tensor"] as const;
export type Stage = (typeof stages)[number];

/** One stage of the compiler as text; undefined when there are errors before it. The tree is printed whatever its mistakes. */
export function printStage(source: SourceFile, stage: Stage, options: CompileOptions = {}): Checked<string | undefined> {
  if (stage === "ast") {
    const { value, diagnostics } = parse(source);
    return { value: hasErrors(diagnostics) && value.items.length === 0 ? undefined : printTree(value), diagnostics };
  }
  const { value: derived, diagnostics } = derive(source, options);
  if (!derived) return { value: undefined, diagnostics };
  const { program, training, evaluation } = derived;
  switch (stage) {
    case "model":
      return { value: printTree(program), diagnostics };
    case "objective":
      return { value: `${printObjective(training, "text")}\n${printObjective(evaluation, "text")}`, diagnostics };
    case "tensor": {
      const { programs } = lower(program, training, evaluation);
      const all: readonly (TensorProgram | undefined)[] = [programs.train, programs.evaluate, programs.importance, programs.sample, programs.infer, programs.reconstruct];
      return { value: all.flatMap((each) => (each ? [printTensorProgram(each)] : [])).join("\n"), diagnostics };
    }
  }
}

/** Nodes as JSON; a span as `line:column-line:column` of its file. */
function printTree(root: unknown): string {
  const write = (_key: string, value: unknown): unknown => {
    if (isSpan(value)) return `${placeOf(value.source, value.start)}-${placeOf(value.source, value.end)}`;
    if (isSourceFile(value)) return value.path;
    // Where a size is from is a note to the checker and may lead back to the whole tree.
    if (isSize(value)) return value.text === undefined || value.text === String(value.value) ? value.value : `${value.value} (${value.text})`;
    if (typeof value === "number" && !Number.isFinite(value)) return String(value);
    return value;
  };
  return `${JSON.stringify(root, write, 2)}\n`;
}

function placeOf(source: SourceFile, offset: number): string {
  const { line, column } = positionAt(source, offset);
  return `${line}:${column}`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isSpan(value: unknown): value is Span {
  return isRecord(value) && "source" in value && typeof value["start"] === "number" && typeof value["end"] === "number";
}

function isSourceFile(value: unknown): value is SourceFile {
  return isRecord(value) && typeof value["path"] === "string" && typeof value["text"] === "string" && !("kind" in value);
}

function isSize(value: unknown): value is { readonly value: number; readonly text?: string } {
  return isRecord(value) && typeof value["value"] === "number" && !("kind" in value) && Object.keys(value).every((key) => key === "value" || key === "text" || key === "why");
}
