import type { InterfaceDeclarationStructure, OptionalKind, PropertySignatureStructure, StatementStructures } from "ts-morph";
import type { LoweredModel } from "../../ir/lowered-model.js";
import type { TensorProgram } from "../../ir/tensor/nodes.js";
import { type Code, layout } from "./expression.js";
import { termsOf } from "./model-tables.js";
import { commentText, propertyKey, stringLiteral, typeNameOf } from "./names.js";
import { tsMorph } from "./ts-morph.js";

/** What an emitted module says of where it is from. */
export interface ModuleOptions {
  /** The model file's text and its path as the user gave it. */
  readonly source: string;
  readonly sourcePath: string;
  /** Of lvmc. */
  readonly version?: string;
  /** Lines for the head of the file: the derived objective. */
  readonly docComment: readonly string[];
}

/** The module's own types, target or not: columns, terms, and what each question answers. */
export function modelTypes(lowered: LoweredModel): { readonly columns: InterfaceDeclarationStructure; readonly term: StatementStructures; readonly answers: readonly InterfaceDeclarationStructure[]; readonly model: StatementStructures } {
  const { StructureKind } = tsMorph();
  const { programs, program } = lowered;
  const type = typeNameOf(program.name);
  const parts = [`${type}Columns`, `${type}Term`, ...["Sample", "Inference", "Reconstruction"].map((part) => type + part)];
  return {
    columns: interfaceOf(`${type}Columns`, "The data, as plain numbers.", lowered.columns.map(({ name, shape }) => {
      const declared = program.columns.find((column) => column.name === name);
      const isLength = name === program.length?.column;
      return {
        name: propertyKey(name),
        isReadonly: true,
        hasQuestionToken: (declared?.partlyObserved ?? false) || isLength,
        type: shape.length === 0 ? "Column<[]>" : "Column",
        docs: [isLength ? "How many steps each row has; where it is left out, those before the end that are not missing" : `${declared ? declared.type.support.kind : "real"}${shape.length > 0 ? ` [${shape.join(", ")}]` : ""}${declared?.partlyObserved ? ", missing in some rows" : ""}`],
      };
    })),
    term: { kind: StructureKind.TypeAlias, isExported: true, name: `${type}Term`, docs: ["The terms of the objective."], type: termsOf(lowered).map(({ name }) => stringLiteral(name)).join(" | ") || "never" },
    answers: [
      interfaceOf(`${type}Sample`, "What `sample` gives.", outputProperties(programs.sample)),
      interfaceOf(`${type}Inference`, "What `infer` gives.", outputProperties(programs.infer)),
      interfaceOf(`${type}Reconstruction`, "What `reconstruct` gives.", outputProperties(programs.reconstruct)),
    ],
    model: { kind: StructureKind.TypeAlias, isExported: true, name: type, docs: [docText(program.doc) || `The model ${program.name}.`], type: `Model<${parts.join(", ")}>` },
  };
}

type Property = OptionalKind<PropertySignatureStructure>;

export function interfaceOf(name: string, doc: string, properties: readonly Property[]): InterfaceDeclarationStructure {
  return { kind: tsMorph().StructureKind.Interface, name, isExported: true, docs: [doc], properties: [...properties] };
}

/** Outputs as plain data: a column where there is a value for each row. Only rows in front are meant; draws stand in front of them nowhere here. */
export function outputProperties(program: TensorProgram | undefined): Property[] {
  return Object.entries(program?.outputs ?? {}).map(([name, node]) => {
    const rows = node.shape[0] === "rows";
    const shape = rows ? node.shape.slice(1) : node.shape;
    return { name: propertyKey(name), isReadonly: true, type: `${rows ? "Column" : "Value"}<[${shape.map((dim) => (typeof dim === "number" ? dim : "number")).join(", ")}]>` };
  });
}

/** The comment at the head of a module: where it is from, and what is maximized. */
export function moduleHeader(lowered: LoweredModel, { sourcePath, version, docComment }: ModuleOptions): string {
  const lines = [`${sourcePath}, model ${lowered.program.name}, compiled by lvmc${version ? ` ${version}` : ""}. Edit the model, not this file.`, ...(docComment.length > 0 ? ["", ...docComment] : [])];
  return `/**\n${lines.map((line) => ` * ${commentText(line)}`.trimEnd()).join("\n")}\n */\n`;
}

/** A doc comment of the model file as one of the module. */
export function docText(doc: string): string {
  return doc.split(/\r?\n|[\u2028\u2029]/).map(commentText).join("\n").trim();
}

export function constant(name: string, value: Code, type?: string): string {
  const before = `const ${name}${type ? `: ${type}` : ""} = `;
  return `\n${before}${layout(value, 0, before.length)};\n`;
}

/** `{ a, b }`, over several lines where it is long. */
export function importList(names: readonly string[]): string {
  const flat = `{ ${names.join(", ")} }`;
  return flat.length < 88 ? flat : `{\n${names.map((name) => `  ${name},`).join("\n")}\n}`;
}
