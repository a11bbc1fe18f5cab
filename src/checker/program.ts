import { type DistributionCall, type Expr, isDistributionCall, type ModelProgram, type Network, type Parameter, type Training } from "../ir/model/model.js";
import type { Context } from "./context.js";
import type { CheckedGuide } from "./guide.js";
import type { CheckedModel } from "./model.js";
import { exprsWithin } from "../ir/model/walk.js";

/** The program of a model without errors: its steps, and of the file's networks and parameters those that it uses, in the file's order. */
export function assembleProgram(context: Context, model: CheckedModel, guide: CheckedGuide, training: Training): ModelProgram {
  const used = { networks: new Set<string>(), parameters: new Set<string>() };
  for (const step of [...model.steps, ...guide.steps]) {
    if (step.kind === "binding") for (const value of [step.value, ...(step.sequence?.starts ?? []).map((start) => start.value)]) collect(context, value, used);
    else if (step.kind === "site" || step.kind === "guide-site") for (const call of [step.distribution, ...(step.sequence?.starts ?? []).map((start) => start.value)]) collectCall(context, call, used);
  }
  const own = new Set(guide.parameters.map(({ name }) => name));
  return {
    name: model.item.name.name,
    doc: model.item.doc,
    source: model.item.span.source,
    origin: model.item.span,
    columns: model.columns,
    ...(model.length ? { length: model.length } : {}),
    parameters: [...[...context.parameters.values()].filter(({ name }) => used.parameters.has(name) && !own.has(name)), ...guide.parameters] satisfies Parameter[],
    networks: [...context.networks].flatMap(([name, { network }]) => (used.networks.has(name) && network ? [network] : [])) satisfies Network[],
    model: model.steps,
    guide: guide.steps,
    training,
  };
}

/** Of the file's networks and parameters those that some expressions use, in the file's order. */
export function usedBy(context: Context, exprs: readonly Expr[]): Pick<ModelProgram, "networks" | "parameters"> {
  const used = { networks: new Set<string>(), parameters: new Set<string>() };
  for (const expr of exprs) collect(context, expr, used);
  return {
    parameters: [...context.parameters.values()].filter(({ name }) => used.parameters.has(name)),
    networks: [...context.networks].flatMap(([name, { network }]) => (used.networks.has(name) && network ? [network] : [])),
  };
}

interface Used {
  readonly networks: Set<string>;
  readonly parameters: Set<string>;
}

function collectCall(context: Context, call: DistributionCall, used: Used): void {
  for (const value of Object.values(call.args)) {
    if (isDistributionCall(value)) collectCall(context, value, used);
    else collect(context, value, used);
  }
}

function collect(context: Context, expr: Expr, used: Used): void {
  for (const part of exprsWithin(expr)) {
    if (part.kind === "reference" && part.to.kind === "parameter") used.parameters.add(part.to.name);
    else if (part.kind === "layer") for (const name of Object.values(part.parameters)) used.parameters.add(name);
    else if (part.kind === "call" && !used.networks.has(part.network)) {
      used.networks.add(part.network);
      const network = context.networks.get(part.network)?.network;
      for (const { value } of [...(network?.bindings ?? []), ...(network?.outputs ?? [])]) collect(context, value, used);
    }
  }
}
