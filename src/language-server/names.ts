import type { Span } from "../diagnostics/span.js";
import type * as ast from "../parser/ast.js";
import { children } from "../parser/visit.js";

export type DeclarationKind = "import" | "constant" | "parameter" | "network" | "model" | "input" | "output" | "column" | "latent" | "binding" | "local" | "loop variable";

/** Where a name comes into being. */
export interface Declaration {
  readonly name: string;
  readonly kind: DeclarationKind;
  /** The name itself. */
  readonly span: Span;
  /** The item, column or statement that declares it. */
  readonly node: ast.Node;
  /** The item that it belongs to; undefined for those of the file. */
  readonly owner?: ast.Item;
  /** Where the name can be read. */
  readonly scope: Span;
}

/** A place where a name stands. */
export interface Occurrence {
  readonly span: Span;
  readonly declaration: Declaration;
  /** `mean = …` of a network's output, `z ~ …` in a guide: the value is given there. */
  readonly role: "declaration" | "write" | "read";
  /** The item in which it stands. */
  readonly item: ast.Item;
}

/** A name of an input or output of an imported network, as `mean` of `q.mean`: what it means stands in the other file. */
export interface ForeignName {
  readonly name: string;
  readonly kind: "input" | "output";
  readonly span: Span;
  /** The import that brings the network. */
  readonly network: Declaration;
  readonly item: ast.Item;
}

/** What every name of a file means, from the syntax alone: it holds in a file with mistakes too. */
export interface NameTable {
  /** In the order of the file. */
  readonly declarations: readonly Declaration[];
  /** In the order of the file. */
  readonly occurrences: readonly Occurrence[];
  /** In the order of the file. */
  readonly foreign: readonly ForeignName[];
  /** The name at an offset; its end counts as inside. */
  at(offset: number): Occurrence | undefined;
  /** What can be read at an offset, innermost first. */
  visibleAt(offset: number): readonly Declaration[];
  of(declaration: Declaration): readonly Occurrence[];
}

/** Names within one item, outermost first: those of the file, of the model (for its guide), of the item, of its loops. */
type Frames = readonly Map<string, Declaration>[];

export function nameTable(module: ast.Module): NameTable {
  const declarations: Declaration[] = [];
  const occurrences: Occurrence[] = [];
  const foreign: ForeignName[] = [];
  const file = new Map<string, Declaration>();
  const models = new Map<string, { readonly declaration: Declaration; readonly members: Map<string, Declaration> }>();
  const outputs = new Map<ast.Item, Map<string, Declaration>>();

  const declareIn = (frame: Map<string, Declaration>, name: ast.Identifier, kind: DeclarationKind, node: ast.Node, item: ast.Item, scope: Span, owner?: ast.Item): Declaration | undefined => {
    if (name.name === "") return undefined;
    const earlier = frame.get(name.name);
    if (earlier) {
      refer(name, earlier, item, "write");
      return earlier;
    }
    const declaration: Declaration = { name: name.name, kind, span: name.span, node, scope, ...(owner ? { owner } : {}) };
    frame.set(name.name, declaration);
    declarations.push(declaration);
    occurrences.push({ span: name.span, declaration, role: "declaration", item });
    return declaration;
  };
  const refer = (name: { readonly span: Span }, declaration: Declaration | undefined, item: ast.Item, role: Occurrence["role"] = "read"): void => {
    if (declaration) occurrences.push({ span: name.span, declaration, role, item });
  };
  const find = (frames: Frames, name: string): Declaration | undefined => frames.findLast((frame) => frame.has(name))?.get(name);

  for (const item of module.items) {
    if (item.kind === "import") for (const name of item.names) declareIn(file, name, "import", item, item, module.span);
    else if (item.kind !== "guide" && item.kind !== "train") declareIn(file, item.name, itemKinds[item.kind], item, item, module.span);
  }
  // Models first: their guides and train blocks may stand above them.
  for (const item of module.items) if (item.kind === "model" || item.kind === "network") readBlock(item);
  for (const item of module.items) {
    if (item.kind === "const") expression(item.value, [file], item);
    else if (item.kind === "param") for (const child of children(item)) if (child !== item.name) expression(child, [file], item);
    if (item.kind === "guide") readGuide(item);
    else if (item.kind === "train") readTraining(item);
  }
  occurrences.sort((a, b) => a.span.start - b.span.start || a.span.end - b.span.end);
  declarations.sort((a, b) => a.span.start - b.span.start);
  foreign.sort((a, b) => a.span.start - b.span.start);

  function readBlock(item: ast.ModelItem | ast.NetworkItem): void {
    const own = new Map<string, Declaration>();
    const frames = [file, own];
    const column = (declared: ast.ColumnDeclaration, kind: DeclarationKind): void => {
      declareIn(own, declared.name, kind, declared, item, item.span, item);
      for (const part of [declared.type, ...declared.indices, declared.dropout]) if (part) expression(part, [file], item);
    };
    if (item.kind === "network") {
      for (const input of item.inputs) column(input, "input");
      for (const output of item.outputs) column(output, "output");
      outputs.set(item, own);
    } else {
      for (const each of item.columns) column(each, "column");
      if (item.where) expression(item.where, frames, item);
      const declaration = file.get(item.name.name);
      if (declaration?.node === item) models.set(item.name.name, { declaration, members: own });
    }
    statements(item.body, frames, item, own);
  }

  function readGuide(item: ast.GuideItem): void {
    const model = models.get(item.name.name);
    refer(item.name, model?.declaration, item);
    const own = new Map<string, Declaration>();
    statements(item.body, [file, model?.members ?? new Map<string, Declaration>(), own], item, own);
  }

  function readTraining(item: ast.TrainItem): void {
    const model = models.get(item.name.name);
    refer(item.name, model?.declaration, item);
    const frames = [file, model?.members ?? new Map<string, Declaration>()];
    if (item.on) stage(item.on, item);
    for (const statement of item.body) {
      if (statement.kind === "observe") refer(statement.name, model?.members.get(statement.name.name), item);
      for (const child of children(statement)) if (child.kind !== "identifier") expression(child, frames, item);
    }
  }

  /** `vae.z` of `train prior on vae.z`. */
  function stage(on: ast.Expression, item: ast.Item): void {
    const target = on.kind === "member" ? on.target : on;
    const model = target.kind === "name" ? models.get(target.name) : undefined;
    refer(target, model?.declaration, item);
    if (on.kind === "member") refer(on.name, model?.members.get(on.name.name), item);
  }

  function statements(body: readonly ast.Statement[], frames: Frames, item: ast.Item, own: Map<string, Declaration>): void {
    const rest = (node: ast.Node, skip: ast.Node): void => {
      for (const child of children(node)) if (child !== skip) expression(child, frames, item);
    };
    for (const statement of body) {
      switch (statement.kind) {
        case "let":
          rest(statement, statement.name);
          declareIn(own, statement.name, "binding", statement, item, item.span, item);
          break;
        case "sample": {
          rest(statement, statement.name);
          // A guide gives values to what the model declares.
          const known = item.kind === "guide" ? find(frames, statement.name.name) : undefined;
          if (known) refer(statement.name, known, item, "write");
          else declareIn(own, statement.name, "latent", statement, item, item.span, item);
          break;
        }
        case "local":
          rest(statement, statement.name);
          declareIn(own, statement.name, "local", statement, item, item.span, item);
          break;
        case "auto":
          for (const name of statement.sites) refer(name, find(frames, name.name), item, "write");
          if (statement.family.kind === "call") for (const arg of statement.family.args) expression(arg, frames, item);
          break;
        case "marginalize":
          for (const name of statement.sites) refer(name, find(frames, name.name), item, "write");
          break;
        case "loop": {
          const inner = new Map<string, Declaration>();
          expression(statement.range, frames, item);
          declareIn(inner, statement.variable, "loop variable", statement, item, statement.span, item);
          statements(statement.body, [...frames, inner], item, own);
        }
      }
    }
  }

  function expression(node: ast.Node, frames: Frames, item: ast.Item): void {
    switch (node.kind) {
      case "name":
        refer(node, find(frames, node.name), item);
        return;
      case "type":
        for (const part of [...node.args, ...node.sizes]) expression(part, frames, item);
        return;
      case "call": {
        const called = node.callee.kind === "name" ? find(frames, node.callee.name) : undefined;
        if (called && (called.kind === "network" || called.kind === "import")) refer(node.callee, called, item);
        const inputs = called && outputs.get(called.node as ast.Item);
        for (const arg of node.args) {
          const input = arg.name && inputs?.get(arg.name.name);
          if (arg.name && input?.kind === "input") refer(arg.name, input, item);
          else if (arg.name && !arg.indices && called?.kind === "import") foreign.push({ name: arg.name.name, kind: "input", span: arg.name.span, network: called, item });
          // `x[0] = …` of a guide's own step names the datum.
          else if (arg.name && arg.indices) refer(arg.name, find(frames, arg.name.name), item);
          for (const part of [...(arg.indices ?? []), arg.value]) expression(part, frames, item);
        }
        return;
      }
      case "member": {
        expression(node.target, frames, item);
        const network = networkOf(node.target, frames);
        if (network?.kind === "import") foreign.push({ name: node.name.name, kind: "output", span: node.name.span, network, item });
        else if (network) refer(node.name, outputs.get(network.node as ast.Item)?.get(node.name.name), item);
        return;
      }
      default:
        for (const child of children(node)) expression(child, frames, item);
    }
  }

  /** The network whose result this is: its outputs are what may stand behind a `.`. */
  function networkOf(target: ast.Expression, frames: Frames): Declaration | undefined {
    const named = target.kind === "name" ? find(frames, target.name) : undefined;
    const value = named?.node.kind === "let" ? named.node.value : target;
    const last = value.kind === "pipe" ? value.into : value;
    const callee = last.kind === "call" ? last.callee : last;
    return callee.kind === "name" ? find(frames, callee.name) : undefined;
  }

  return {
    declarations,
    occurrences,
    foreign,
    at: (offset) => occurrences.findLast(({ span }) => span.start <= offset && offset <= span.end),
    visibleAt(offset) {
      const item = module.items.find(({ span }) => span.start <= offset && offset <= span.end);
      const model = item && (item.kind === "guide" || item.kind === "train") ? models.get(item.name.name)?.declaration.node : undefined;
      const inside = declarations.filter(({ scope, owner }) => (owner === undefined ? true : owner === model || (owner === item && scope.start <= offset && offset <= scope.end)));
      return inside.reverse();
    },
    of: (declaration) => occurrences.filter((each) => each.declaration === declaration),
  };
}

const itemKinds = { const: "constant", param: "parameter", network: "network", model: "model" } as const;
