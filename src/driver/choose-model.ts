import type { Checked, Diagnostic } from "../diagnostics/diagnostic.js";
import type { Span } from "../diagnostics/span.js";
import { suggest } from "../diagnostics/suggest.js";
import type { ModelProgram } from "../ir/model/model.js";
import type { Module } from "../parser/ast.js";
import { mainModel } from "./training-order.js";

/** The model that a command is about: the one that is named, the only one, the only one with a `train` block, or of stages the one whose samples go through the others. */
export function chooseModel(module: Module, programs: readonly ModelProgram[], name: string | undefined): Checked<ModelProgram | undefined> {
  const names = programs.map((program) => program.name);
  const start: Span = { source: module.source, start: 0, end: 0 };
  const refuse = (diagnostic: Pick<Diagnostic, "code" | "message" | "help"> & Partial<Diagnostic>): Checked<undefined> => ({
    value: undefined,
    diagnostics: [{ severity: "error", primary: { span: start, text: "in this file" }, related: [], notes: [], ...diagnostic }],
  });
  if (programs.length === 0) return refuse({ code: "LVM2019", message: "no model in the file", help: "write a model: `model m(x: real) { … }`" });

  if (name !== undefined) {
    const named = programs.find((program) => program.name === name);
    if (named) return { value: named, diagnostics: [] };
    const near = suggest(name, names);
    return refuse({
      code: "LVM2017",
      message: `there is no model \`${name}\``,
      notes: [`the file has ${names.map((each) => `\`${each}\``).join(", ")}`],
      help: near === undefined ? `name one of them: \`--model ${names[0] ?? ""}\`` : `did you mean \`--model ${near}\`?`,
    });
  }

  const [only, ...others] = programs;
  if (only && others.length === 0) return { value: only, diagnostics: [] };
  const trained = new Set(module.items.flatMap((item) => (item.kind === "train" ? [item.name.name] : [])));
  const candidates = programs.filter((program) => trained.has(program.name));
  const single = mainModel(candidates);
  if (single) return { value: single, diagnostics: [] };
  const declared = module.items.flatMap((item) => (item.kind === "model" ? [item.name] : []));
  const [first, ...rest] = declared;
  return refuse({
    code: "LVM2018",
    message: `the file has ${programs.length} models`,
    primary: { span: first?.span ?? start, text: "one" },
    related: rest.map((each) => ({ span: each.span, text: "another" })),
    notes: [candidates.length === 0 ? "none of them has a `train` block" : `${candidates.length} of them have a \`train\` block`],
    help: `say which: \`--model ${candidates[0]?.name ?? names[0] ?? ""}\``,
  });
}
