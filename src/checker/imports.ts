import type * as ast from "../parser/ast.js";
import type { SourceFile } from "../diagnostics/span.js";
import type { Diagnostic, Fix } from "../diagnostics/diagnostic.js";
import { choice, correction, removal, removalFromList } from "../diagnostics/fix.js";
import { parse } from "../parser/parse.js";
import { declareConstants } from "./constants.js";
import { type Context, createContext } from "./context.js";
import { declareNetworks, elaborateNetworks } from "./networks.js";
import { declareParameters } from "./parameters.js";
import { renameNetworks } from "./rules/rename-networks.js";
import { suggestion } from "./rules/suggestion.js";

/** Reads an imported file: `path` as written, `from` the file that it is written in. Undefined where there is none. */
export type Load = (path: string, from: SourceFile) => SourceFile | undefined;

/** One file of a check: its tables after constants, parameters and networks have been elaborated. */
export interface CheckedFile {
  readonly module: ast.Module;
  readonly context: Context;
}

/** What all files of one check share. */
export interface ImportSession {
  readonly load: Load | undefined;
  readonly set: Readonly<Record<string, number>>;
  /** Files by path; each is checked once. */
  readonly files: Map<string, CheckedFile>;
  /** Diagnostics of imported files, in the order in which they were read. */
  readonly diagnostics: Diagnostic[];
  /** Constants of the main file: `--set` means these, and those of imported files only where the main file has none of the name. */
  readonly main: Set<string>;
  /** Names of `--set` that some file declares. */
  readonly consumed: Set<string>;
}

/**
 * The tables of one file: what it imports, then its constants, parameters and networks. Models, guides and train blocks are left to `check`.
 * `chain` holds the paths of the files that are being imported, this one last.
 */
export function checkItems(module: ast.Module, session: ImportSession, chain: readonly string[], importer?: Context): Context {
  const own = new Set(module.items.flatMap((item) => (item.kind === "const" ? [item.name.name] : [])));
  if (!importer) for (const name of own) session.main.add(name);
  // Without a prototype: a constant may be called `constructor`.
  const set = Object.create(null) as Record<string, number>;
  for (const [name, value] of Object.entries(session.set)) {
    if (!own.has(name) || (importer && session.main.has(name))) continue;
    set[name] = value;
    session.consumed.add(name);
  }
  const context = createContext(set, importer);
  checkImports(context, module, session, chain);
  const constants: ast.ConstItem[] = [];
  const params: ast.ParamItem[] = [];
  const networks: ast.NetworkItem[] = [];
  for (const item of module.items) {
    if (item.kind === "import" || item.kind === "guide" || item.kind === "train" || item.name.name === "") continue;
    if (!context.declareItem(item.kind, item.name)) continue;
    if (item.kind === "const") constants.push(item);
    else if (item.kind === "param") params.push(item);
    else if (item.kind === "network") networks.push(item);
  }
  declareConstants(context, constants);
  declareParameters(context, params);
  declareNetworks(context, networks);
  elaborateNetworks(context);
  return context;
}

/** Brings the names of all `import` items into `context`. `chain` holds the paths of the files that are being imported, this one last. */
function checkImports(context: Context, module: ast.Module, session: ImportSession, chain: readonly string[]): void {
  const named = new Map<ast.Item, string>();
  const bringers: (() => void)[] = [];
  for (const item of module.items) {
    if (item.kind !== "import") continue;
    const file = openImport(context, item, session, chain);
    for (const name of item.names) {
      if (name.name === "") continue;
      const known = file?.module.items.find((other) => "name" in other && other.name.name === name.name && exported.has(other.kind));
      const without = (): Fix => (item.names.length === 1 ? removal(item.span, "Remove the import") : removalFromList(name.span, `Remove \`${name.name}\``));
      if (!context.declareItem(known ? known.kind : "import", name, [choice(without())])) continue;
      if (!file) continue;
      if (!known) {
        reportAbsent(context, item, name, file);
        continue;
      }
      named.set(known, name.name);
      bringers.push(() => bring(context, file, name.name, named));
    }
  }
  for (const each of bringers) each();
}

const words: Readonly<Record<Exclude<ast.Item["kind"], "import">, string>> = {
  const: "const",
  param: "param",
  network: "network",
  model: "model",
  guide: "guide",
  train: "train block",
};

const exported: ReadonlySet<string> = new Set(["const", "param", "network"]);

function openImport(context: Context, item: ast.ImportItem, session: ImportSession, chain: readonly string[]): CheckedFile | undefined {
  const path = item.path.value;
  if (path === "") return undefined;
  const cannot = (message: string, label: string, help: string): undefined => {
    context.error({ code: "LVM2012", message, span: item.path.span, label, help });
    return undefined;
  };
  if (/^[a-z][a-z0-9+.-]*:/i.test(path)) return cannot("an import path is a file beside this one, not an address", "this is an address", "copy the file and import it by its relative path");
  if (/^[/\\~]/.test(path)) return cannot("an import path is relative to the file that it stands in", "this is absolute", "write it relative to this file: `\"../networks.lvm\"`");
  const source = session.load?.(path, item.span.source);
  if (!source) return cannot(`cannot read \`${path}\``, "no such file", `the path is relative to \`${item.span.source.path}\``);
  const at = chain.indexOf(source.path);
  if (at >= 0) {
    const circle = [...chain.slice(at), source.path];
    context.error({
      code: "LVM2014",
      message: circle.length === 2 ? "a file cannot import itself" : "these files import each other",
      span: item.path.span,
      label: "this closes the circle",
      notes: [circle.map((file) => `\`${file}\``).join(" imports ")],
      help: circle.length === 2 ? "remove the import" : "move what both need into a third file",
    });
    return undefined;
  }
  const known = session.files.get(source.path);
  if (known) return known;
  const parsed = parse(source);
  session.diagnostics.push(...parsed.diagnostics);
  const file = { module: parsed.value, context: checkItems(parsed.value, session, [...chain, source.path], context) };
  session.diagnostics.push(...file.context.diagnostics);
  session.files.set(source.path, file);
  return file;
}


function reportAbsent(context: Context, item: ast.ImportItem, name: ast.Identifier, file: CheckedFile): void {
  const names = file.module.items.flatMap((other) => ("name" in other && exported.has(other.kind) ? [other.name.name] : []));
  const other = file.module.items.find((each) => each.kind !== "import" && each.name.name === name.name);
  const passedOn = file.module.items.some((each) => each.kind === "import" && each.names.some((brought) => brought.name === name.name));
  context.error({
    code: "LVM2013",
    message: other && other.kind !== "import" ? `\`${name.name}\` is a ${words[other.kind]}, which cannot be imported` : `\`${item.path.value}\` declares no \`${name.name}\``,
    span: name.span,
    label: passedOn ? "that file imports it itself" : "not there",
    related: [{ span: other && other.kind !== "import" ? other.name.span : { source: file.module.source, start: 0, end: 0 }, text: other ? "declared here" : "the imported file" }],
    notes: [names.length > 0 ? `it declares ${names.map((each) => `\`${each}\``).join(", ")}` : "it declares nothing that can be imported"],
    help: suggestion(name.name, names) ?? (passedOn ? "import it from where it is declared" : "import networks, parameters and constants"),
    fixes: correction(name.span, name.name, names) ?? [choice(item.names.length === 1 ? removal(item.span, "Remove the import") : removalFromList(name.span, `Remove \`${name.name}\``))],
  });
}

/**
 * Copies an item of another file into this one's tables, with the networks and parameters that it needs. Those that this file imports by name
 * (`named`) keep that name, so that weights are shared; the others get the file's name in front, which no expression can write.
 */
function bring(context: Context, file: CheckedFile, name: string, named: ReadonlyMap<ast.Item, string>): void {
  const constant = file.context.constants.get(name);
  if (constant) {
    context.constants.set(name, constant);
    const item = file.context.constantItems.get(name);
    if (item) context.constantItems.set(name, item);
  }
  const param = file.context.parameterItems.get(name);
  if (param) {
    context.parameterItems.set(name, param);
    context.addParameter(param.parameter);
  }
  if (!file.context.networks.has(name)) return;
  const { networks, parameters } = renameNetworks(file.context, name, (inner) => {
    const item = file.context.networks.get(inner)?.signature.item ?? file.context.parameterItems.get(inner)?.item;
    return (item && named.get(item)) ?? `${stemOf(file.module.source.path)}.${inner}`;
  });
  for (const [key, entry] of networks) context.networks.set(key, entry);
  for (const parameter of parameters) context.addParameter(parameter);
}

/** `vae` of `../models/vae.lvm`. */
function stemOf(path: string): string {
  return (path.split(/[/\\]/).pop() ?? path).replace(/\.lvm$/, "");
}

