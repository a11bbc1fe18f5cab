import type { Expr, Network, Parameter } from "../../ir/model/model.js";
import { exprsWithin } from "../../ir/model/walk.js";
import type { Context, NetworkEntry } from "../context.js";

/** A network of another file with everything that it calls and learns, under names that are free here. */
export interface BroughtNetworks {
  readonly networks: ReadonlyMap<string, NetworkEntry>;
  readonly parameters: readonly Parameter[];
}

/**
 * Collects `root`, the networks that it calls and their parameters from `context`, inner ones first. `rename` gives the new name of each inner
 * network and of each `param`; the root keeps its own. Call numbers need none: they are unique over all files of a check. A parameter of a network follows the network: `block.dense_1.kernel`.
 */
export function renameNetworks(context: Context, root: string, rename: (name: string) => string): BroughtNetworks {
  const networks = new Map<string, NetworkEntry>();
  const parameters = new Map<string, Parameter>();
  const networkName = (name: string): string => (name === root ? name : renameHead(name, root, rename));
  const parameterName = (name: string): string => renameHead(name, root, rename);
  const names: Renaming = { networkName, parameterName };
  const visit = (name: string): void => {
    const entry = context.networks.get(name);
    if (!entry || networks.has(networkName(name))) return;
    const network = entry.network;
    if (!network) {
      networks.set(networkName(name), entry);
      return;
    }
    const exprs = [...network.bindings.map(({ value }) => value), ...network.outputs.map(({ value }) => value)];
    for (const expr of exprs) {
      for (const part of exprsWithin(expr)) {
        if (part.kind === "call") visit(part.network);
        const used = part.kind === "layer" ? Object.values(part.parameters) : part.kind === "reference" && part.to.kind === "parameter" ? [part.to.name] : [];
        for (const key of used) {
          const parameter = context.parameters.get(key);
          if (parameter) parameters.set(key, { ...parameter, name: parameterName(key) });
        }
      }
    }
    networks.set(networkName(name), { ...entry, network: mapNetwork(network, names) });
  };
  visit(root);
  return { networks, parameters: [...parameters.values()] };
}

/** Renames the part before the first dot, which is the name of an item. */
function renameHead(name: string, root: string, rename: (name: string) => string): string {
  const dot = name.indexOf(".");
  const head = dot < 0 ? name : name.slice(0, dot);
  return head === root ? name : rename(head) + name.slice(head.length);
}

interface Renaming {
  readonly networkName: (name: string) => string;
  readonly parameterName: (name: string) => string;
}

function mapNetwork(network: Network, names: Renaming): Network {
  const map = (expr: Expr): Expr => mapExpr(expr, names);
  return {
    ...network,
    name: names.networkName(network.name),
    bindings: network.bindings.map((binding) => ({ ...binding, value: map(binding.value) })),
    outputs: network.outputs.map((output) => ({ ...output, value: map(output.value) })),
  };
}

function mapExpr(expr: Expr, names: Renaming): Expr {
  const map = (part: Expr): Expr => mapExpr(part, names);
  switch (expr.kind) {
    case "reference":
      return expr.to.kind === "parameter" ? { ...expr, to: { ...expr.to, name: names.parameterName(expr.to.name) } } : expr;
    case "step":
    case "position":
    case "slice":
      return { ...expr, target: map(expr.target) };
    case "gather":
      return { ...expr, target: map(expr.target), index: map(expr.index) };
    case "apply":
      return { ...expr, args: expr.args.map(map) };
    case "layer":
      return {
        ...expr,
        args: expr.args.map(map),
        parameters: Object.fromEntries(Object.entries(expr.parameters).map(([role, name]) => [role, names.parameterName(name)])),
      };
    case "call":
      return { ...expr, network: names.networkName(expr.network), args: expr.args.map(map) };
    default:
      return expr;
  }
}
