import { type DocumentSymbol, type SymbolInformation, SymbolKind } from "vscode-languageserver";
import { type Span, textOf } from "../../diagnostics/span.js";
import type * as ast from "../../parser/ast.js";
import { printType } from "../../types/type.js";
import type { Analysis } from "../analysis.js";
import type { Feature } from "../feature.js";
import { rangeOf } from "../positions.js";

/** The outline of a file: items with their columns, latents, bindings and layers. */
export const symbols: Feature = {
  capabilities: () => ({ documentSymbolProvider: { label: "lvmc" } }),
  register({ connection, workspace, client }) {
    connection.onDocumentSymbol(({ textDocument: { uri } }) => {
      const analysis = workspace.analysis(uri);
      if (!analysis) return null;
      const found = outline(analysis);
      return client.textDocument?.documentSymbol?.hierarchicalDocumentSymbolSupport ? [...found] : flat(uri, found);
    });
  },
};

/** What an item is to an editor, which has pictures for programs only. */
export const itemSymbols: Readonly<Record<ast.Item["kind"], SymbolKind>> = {
  import: SymbolKind.Module, const: SymbolKind.Constant, param: SymbolKind.Variable, network: SymbolKind.Function, model: SymbolKind.Class, guide: SymbolKind.Interface, train: SymbolKind.Event,
};

export function outline(analysis: Analysis): readonly DocumentSymbol[] {
  const { hover } = analysis.facts.context;
  /** `real[20]`: as checked, else as written. */
  const typeOf = (name: ast.Identifier, type?: ast.TypeExpression): string => {
    const fact = hover.get(name)?.type;
    return fact ? printType(fact) : type ? textOf(type.span) : "";
  };
  const column = (node: ast.ColumnDeclaration): DocumentSymbol | undefined => symbol(node.name, node, SymbolKind.Field, typeOf(node.name, node.type));
  const statement = (node: ast.Statement | ast.TrainStatement): DocumentSymbol | undefined => {
    switch (node.kind) {
      case "let":
        return symbol(node.name, node, SymbolKind.Variable, typeOf(node.name), stages(node.value), indexed(node));
      case "sample":
        return symbol(node.name, node, SymbolKind.Variable, [typeOf(node.name, node.type), `~ ${oneLine(textOf(node.distribution.span))}`].filter((part) => part !== "").join(" "), [], indexed(node));
      case "local":
        return symbol(node.name, node, SymbolKind.Variable, typeOf(node.name, node.type));
      case "loop":
        return symbol(node.variable, node, SymbolKind.Namespace, textOf(node.range.span), all(node.body.map(statement)), `${node.loop} ${node.variable.name}`);
      case "setting":
      case "observe":
        return symbol(node.name, node, SymbolKind.Property, oneLine(textOf(node.value.span)));
      case "maximize":
        return made("maximize", node.span, { ...node.span, end: Math.min(node.span.end, node.span.start + "maximize".length) }, SymbolKind.Property, oneLine(textOf(node.objective.span)));
      case "auto":
      case "marginalize":
        return made(node.kind, node.span, node.span, SymbolKind.Variable, node.sites.map(({ name }) => name).join(", "));
    }
  };
  return all(
    analysis.module.items.map((item) => {
      if (item.kind === "import") return made(item.path.value, item.span, item.path.span, itemSymbols.import, item.names.map(({ name }) => name).join(", "));
      const detail = item.kind === "const" ? oneLine(textOf(item.value.span)) : item.kind === "param" ? typeOf(item.name, item.type) : item.kind;
      const columns = item.kind === "network" ? [...item.inputs, ...item.outputs] : item.kind === "model" ? item.columns : [];
      const body: readonly (ast.Statement | ast.TrainStatement)[] = "body" in item ? item.body : [];
      return symbol(item.name, item, itemSymbols[item.kind], detail, all([...columns.map(column), ...body.map(statement)]));
    }),
  );
}

/** The layers of a pipe, one below the other. */
function stages(value: ast.Expression): readonly DocumentSymbol[] {
  const found: DocumentSymbol[] = [];
  for (let left = value; left.kind === "pipe"; left = left.value) {
    const written = oneLine(textOf(left.into.span));
    if (written !== "") found.unshift(made(written, left.into.span, left.into.span, SymbolKind.Operator, ""));
  }
  return found;
}

function symbol(name: ast.Identifier, { span }: ast.Node, kind: SymbolKind, detail: string, children: readonly DocumentSymbol[] = [], shown = name.name): DocumentSymbol | undefined {
  return name.name === "" ? undefined : made(shown, { ...span, start: Math.min(span.start, name.span.start), end: Math.max(span.end, name.span.end) }, name.span, kind, detail, children);
}

function made(name: string, whole: Span, selection: Span, kind: SymbolKind, detail: string, children: readonly DocumentSymbol[] = []): DocumentSymbol {
  return { name: name === "" ? "…" : name, detail, kind, range: rangeOf(whole), selectionRange: rangeOf(selection), ...(children.length > 0 ? { children: [...children] } : {}) };
}

const indexed = ({ name, indices }: ast.LetStatement | ast.SampleStatement): string => (indices.length === 0 ? name.name : `${name.name}[${indices.map(({ span }) => textOf(span)).join(", ")}]`);
const all = (found: readonly (DocumentSymbol | undefined)[]): readonly DocumentSymbol[] => found.filter((each) => each !== undefined);

/** Text on one line, no longer than a label. */
function oneLine(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return line.length > 80 ? `${line.slice(0, 79)}…` : line;
}

/** For clients that show no tree. */
function flat(uri: string, found: readonly DocumentSymbol[], containerName?: string): SymbolInformation[] {
  return found.flatMap(({ name, kind, range, children }) => [{ name, kind, location: { uri, range }, ...(containerName === undefined ? {} : { containerName }) }, ...flat(uri, children ?? [], name)]);
}
