import type * as ast from "../parser/ast.js";
import { declareConstants } from "./constants.js";
import { type Context, createContext } from "./context.js";
import { checkImports, type ImportSession } from "./imports.js";
import { declareNetworks, elaborateNetworks } from "./networks.js";
import { declareParameters } from "./parameters.js";

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
