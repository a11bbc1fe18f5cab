import { type Span, textOf } from "../../diagnostics/span.js";
import { type Binding, type DistributionCall, type Expr, type GuideSite, isDistributionCall, type ModelProgram, type Network } from "../../ir/model/model.js";
import type { Context } from "../context.js";

/** Places that a warning names; the others are counted. */
const mostPlaces = 3;

/**
 * A Categorical that is relaxed, or drawn straight through, passes gradients as a one-hot vector, and `table[k]`, `one_hot(k)` and `embedding(k)` alone
 * take it as one. Everything else takes the label, a whole number: the guide learns nothing through it, and nothing else would say so.
 */
export function checkRelaxedReads(context: Context, program: ModelProgram): void {
  for (const site of program.guide) {
    if (site.kind !== "guide-site" || site.distribution.distribution !== "Categorical") continue;
    const { by } = site;
    if (by?.estimator !== "relaxation" && by?.estimator !== "straight_through") continue;
    const places = readsOfTheLabel(program, site);
    const [first, ...rest] = places;
    if (!first) continue;
    const written = textOf(first).replace(/\s+/g, " ");
    context.warning({
      code: "LVM5024",
      message: `no gradient reaches the guide of \`${site.site}\` through \`${written.length > 40 ? `${written.slice(0, 39)}…` : written}\``,
      span: by.origin,
      label: "its gradient is that of a one-hot vector",
      related: [first, ...rest.slice(0, mostPlaces - 1)].map((span) => ({ span, text: "this takes the label" })),
      notes: places.length > mostPlaces ? [`and ${places.length - mostPlaces} more places`] : [],
      help: `read it as \`table[${site.site}]\`, \`one_hot(${site.site})\` or by an \`embedding\`, or remove \`by\`, so that its values are summed`,
    });
  }
}

/** What stands for the label in a body: the site itself, bindings and inputs that are equal to it. */
interface Body {
  readonly network?: Network;
  readonly bindings: ReadonlyMap<string, Binding | Network["bindings"][number]>;
  /** Inputs of the network that are the label. */
  readonly inputs: ReadonlySet<string>;
}

function readsOfTheLabel(program: ModelProgram, guided: GuideSite): readonly Span[] {
  const found = new Map<string, Span>();
  const networks = new Map(program.networks.map((network) => [network.name, network]));
  const bodies = (["model", "guide"] as const).map((of): Body => ({ bindings: new Map(program[of].flatMap((step) => (step.kind === "binding" ? [[step.name, step] as const] : []))), inputs: new Set() }));

  /** Visits an expression, and tells whether its value is the label with its one-hot vector. */
  const visit = (expr: Expr, body: Body): boolean => {
    switch (expr.kind) {
      case "reference": {
        if (expr.to.kind === "site") return expr.to.name === guided.site && !body.network;
        if (expr.to.kind === "input") return body.inputs.has(expr.to.name);
        if (expr.to.kind !== "binding") return false;
        const binding = body.bindings.get(expr.to.name);
        return binding !== undefined && once(binding.value, body);
      }
      case "gather":
        visit(expr.index, body);
        return take(expr.target, expr, body);
      case "step":
      case "position":
      case "slice":
        return visit(expr.target, body);
      case "apply":
      case "layer": {
        const isOneHot = expr.kind === "apply" ? expr.function === "one_hot" : expr.layer === "embedding";
        for (const arg of expr.args) isOneHot ? visit(arg, body) : take(arg, expr, body);
        return false;
      }
      case "call":
        return visitCall(expr, body);
      default:
        return false;
    }
  };
  /** A part that is taken as a number. */
  const take = (part: Expr, whole: Expr, body: Body): false => (visit(part, body) ? report(whole.origin) : false);
  const report = (span: Span): false => {
    found.set(`${span.source.path}:${span.start}:${span.end}`, span);
    return false;
  };
  /** Bindings are followed each time, and their insides visited once. */
  const carriers = new Map<Body, Map<Expr, boolean>>();
  const once = (value: Expr, body: Body): boolean => {
    const known = carriers.get(body) ?? new Map<Expr, boolean>();
    carriers.set(body, known);
    const before = known.get(value);
    if (before !== undefined) return before;
    known.set(value, false);
    const is = visit(value, body);
    known.set(value, is);
    return is;
  };
  const inner = new Map<string, Body>();
  const visitCall = (expr: Extract<Expr, { kind: "call" }>, body: Body): boolean => {
    const network = networks.get(expr.network);
    const inputs = expr.args.flatMap((arg, at) => (visit(arg, body) ? [network?.inputs[at]?.name ?? ""] : []));
    if (!network || inputs.length === 0) return false;
    const key = `${expr.network}(${inputs.join()})`;
    const inside = inner.get(key) ?? { network, bindings: new Map(network.bindings.map((binding) => [binding.name, binding])), inputs: new Set(inputs) };
    inner.set(key, inside);
    const output = network.outputs.find(({ name }) => name === expr.output);
    return output !== undefined && once(output.value, inside);
  };
  const visitDistribution = (call: DistributionCall, body: Body): void => {
    for (const value of Object.values(call.args)) {
      if (isDistributionCall(value)) visitDistribution(value, body);
      else if (visit(value, body)) report(value.origin);
    }
  };
  for (const [at, of] of (["model", "guide"] as const).entries()) {
    const body = bodies[at];
    if (!body) continue;
    for (const step of program[of]) if (step.kind === "site" || step.kind === "guide-site") for (const call of [step.distribution, ...(step.sequence?.starts ?? []).map(({ value }) => value)]) visitDistribution(call, body);
  }
  return [...found.values()];
}
