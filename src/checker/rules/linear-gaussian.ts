import { textOf, type Span } from "../../diagnostics/span.js";
import type { FunctionName } from "../../ir/model/functions.js";
import { type DistributionCall, type Expr, isDistributionCall, type Network, type Reference } from "../../ir/model/model.js";
import type { SummedLayout } from "../../ir/model/summed-chains.js";
import type { Context } from "../context.js";
import type { CheckedModel } from "../model.js";

type Entries = ReadonlyMap<string, { readonly span: Span }>;

/** How a value depends on the chain: not at all, as a sum of coefficients times its elements, or in another way, with the expression that is to blame. */
type Dependence = "constant" | "affine" | Expr;

/** Functions that are linear in their arguments together. */
const linear: ReadonlySet<FunctionName> = new Set(["negate", "sum", "mean", "cumsum", "transpose", "reshape", "flatten", "broadcast", "reverse", "concat", "stack", "add", "subtract", "diagonal", "trace", "upsample", "global_avg_pool", "avg_pool", "patchify", "unpatchify", "add_channels"]);
/** Products: linear in each argument, as long as the others do not depend on the chain. */
const bilinear: ReadonlySet<FunctionName> = new Set(["multiply", "matmul", "outer", "scale_channels"]);

/**
 * The Kalman filter's conditions: every density that reads the chains is a Normal or MultivariateNormal whose mean is affine in them and whose spread does not read them.
 */
export function checkLinearGaussian(context: Context, model: CheckedModel, layout: SummedLayout, entries: Entries, networkOf: (name: string) => Network | undefined): void {
  const names = new Set(layout.variables.map(({ site }) => site.name));
  const first = layout.variables[0]!.site;
  const blame = (message: string, span: Span, label: string, help: string): void =>
    context.error({
      code: "LVM5027", message, span, label,
      related: [{ span: entries.get(first.name)?.span ?? first.origin, text: `\`${first.name}\` is integrated out here, by the Kalman filter` }], help,
    });
  const walk = affinity(names, model, networkOf);
  if (!layout.chain) {
    blame(`\`${first.name}\` is no chain: nothing reads its step before`, entries.get(first.name)?.span ?? first.origin, "independent steps", `draw it in the guide: \`${first.name} ~ Normal(…)\``);
    return;
  }
  const seen = new Set<DistributionCall>();
  for (const { call, site } of layout.factors) {
    if (seen.has(call)) continue;
    seen.add(call);
    const args = Object.entries(call.args);
    const isNormal = call.distribution === "Normal" || (call.distribution === "MultivariateNormal" && site.type.shape.length === 1);
    if (!isNormal) {
      return blame(`the density of \`${site.name}\` is not Gaussian`, call.origin, call.distribution === "MultivariateNormal" ? "of more than one vector" : call.distribution, `use \`Normal\` or \`MultivariateNormal\`, or draw \`${first.name}\` in the guide: \`${first.name} ~ Normal(…)\``);
    }
    for (const [name, arg] of args) {
      if (isDistributionCall(arg)) continue;
      const depends = walk(arg, undefined);
      if (depends === "constant" || (name === "mean" && depends === "affine")) continue;
      const culprit = depends === "affine" ? arg : depends;
      const read = [...names].join("`, `");
      return name !== "mean"
        ? blame(`the ${name} of \`${site.name}\` depends on \`${read}\``, culprit.origin, "only the mean may", `make it a parameter, or draw \`${first.name}\` in the guide: \`${first.name} ~ Normal(…)\``)
        : blame(`\`${textOf(culprit.origin)}\` is not linear in \`${read}\``, culprit.origin, `part of the mean of \`${site.name}\``, `use sums and products with what does not depend on it, or draw \`${first.name}\` in the guide: \`${first.name} ~ Normal(…)\``);
    }
  }
}

/** Walks expressions through bindings and networks; `inputs` are how a network's inputs depend on the chain. */
function affinity(names: ReadonlySet<string>, model: CheckedModel, networkOf: (name: string) => Network | undefined) {
  type Frame = { readonly inputs: ReadonlyMap<string, Dependence>; readonly network: Network; readonly known: Map<string, Dependence> } | undefined;
  const bindings = new Map<string, Dependence>();

  const joined = (parts: readonly Dependence[]): Dependence => parts.find((part) => typeof part !== "string") ?? (parts.includes("affine") ? "affine" : "constant");
  const reference = (to: Reference, frame: Frame): Dependence => {
    if (to.kind === "site") return names.has(to.name) ? "affine" : "constant";
    if (to.kind === "input") return frame?.inputs.get(to.name) ?? "constant";
    if (to.kind !== "binding") return "constant";
    const known = frame ? frame.known : bindings;
    const before = known.get(to.name);
    if (before) return before;
    known.set(to.name, "constant"); // a binding that reads itself reads its steps before, which layoutOf has refused
    const binding = frame ? frame.network.bindings.find(({ name }) => name === to.name) : model.bindings.get(to.name);
    const made = binding ? joined([binding.value, ...(binding.sequence?.starts ?? []).map(({ value }) => value)].map((value) => visit(value, frame))) : "constant";
    known.set(to.name, made);
    return made;
  };
  const visit = (expr: Expr, frame: Frame): Dependence => {
    switch (expr.kind) {
      case "number":
      case "constant":
      case "loop-variable":
        return "constant";
      case "reference":
        return reference(expr.to, frame);
      case "step":
      case "position":
      case "slice":
        return visit(expr.target, frame);
      case "gather": {
        const index = visit(expr.index, frame);
        return index === "constant" ? visit(expr.target, frame) : expr;
      }
      case "call": {
        const network = networkOf(expr.network);
        const args = expr.args.map((arg) => visit(arg, frame));
        const all = joined(args);
        if (all === "constant" || typeof all !== "string") return all;
        const output = network?.outputs.find(({ name }) => name === expr.output);
        if (!network || !output) return expr;
        const inner = visit(output.value, { network, inputs: new Map(network.inputs.map(({ name }, at) => [name, args[at]!])), known: new Map() });
        return inner;
      }
      case "layer": {
        const all = joined(expr.args.map((arg) => visit(arg, frame)));
        if (all !== "affine") return all;
        return expr.layer === "dense" || expr.layer === "conv2d" || expr.layer === "conv_transpose2d" ? "affine" : expr;
      }
      case "apply": {
        const args = expr.args.map((arg) => visit(arg, frame));
        const all = joined(args);
        if (all !== "affine") return all;
        const affine = args.filter((arg) => arg === "affine").length;
        if (linear.has(expr.function)) return "affine";
        if (bilinear.has(expr.function)) return affine === 1 ? "affine" : expr;
        if (expr.function === "divide") return args[1] === "constant" ? "affine" : expr;
        if (expr.function === "where") return args[0] === "constant" ? "affine" : expr;
        return expr;
      }
    }
  };
  return visit;
}
