import { dims } from "../types/type.js";
import type { Binding, Expr, GuideSite, Site } from "../ir/model/model.js";
import { assertNever } from "../util/assert-never.js";
import { InternalError } from "../util/internal-error.js";
import type { Frame, LoweringContext } from "./context.js";
import { functionLowerings } from "./functions.js";
import { layerLowerings } from "./layers.js";
import { lowerBinding } from "./chains/bindings.js";
import { renamed } from "./chains/sequence.js";
import { keyOf } from "./chains/variables.js";
import { lowerCall } from "./networks.js";
import { observedValue } from "./observed.js";
import { arrayOverPlates, declarePlate, stepInto, withSoft } from "./plates.js";
import { aligned, canonical, eventShape, unionAxes, type Value } from "./value.js";

/** The value of an expression, with just the compiler axes on which it depends. */
export function lowerExpression(context: LoweringContext, frame: Frame, expr: Expr): Value {
  // The checker shares equal subexpressions; lowering each once keeps the cost linear.
  const known = context.lowered(frame).get(expr);
  if (known) return known;
  const value = context.b.at(expr.origin, () => context.resolve(frame, expr, lowerExpression) ?? lowerUnder(context, frame, expr));
  context.lowered(frame).set(expr, value);
  return value;
}

function lowerUnder(context: LoweringContext, frame: Frame, expr: Expr): Value {
  const { b } = context;
  switch (expr.kind) {
    case "number":
      return { node: b.scalar(expr.value, expr.type.support.kind === "index" ? "i32" : "f32"), axes: [] };
    case "constant":
      return { node: b.constant(expr.values, dims(expr.type), expr.type.support.kind === "index" ? "i32" : "f32"), axes: [] };
    case "reference":
      return reference(context, frame, expr);
    case "loop-variable": {
      const axis = declarePlate(context, expr.plate);
      return { node: b.add(b.cast(b.iota(expr.plate.size), "f32"), expr.plate.from), axes: [axis] };
    }
    case "step":
      return stepInto(context, lowerExpression(context, frame, expr.target), expr.plate, expr.offset);
    case "position": {
      const start = startAt(context, frame, expr);
      if (start) return start;
      return withSoft(lowerExpression(context, frame, expr.target), ({ node, axes }) => {
        const picked = b.sliceAxis(node, axes.length, expr.at, 1);
        return { node: b.reshape(picked, picked.shape.filter((_, axis) => axis !== axes.length)), axes };
      });
    }
    case "slice": {
      return withSoft(lowerExpression(context, frame, expr.target), ({ node, axes }) => ({ node: b.sliceAxis(node, axes.length, expr.start, expr.length), axes }));
    }
    case "gather":
      return gather(context, lowerExpression(context, frame, expr.target), lowerExpression(context, frame, expr.index));
    case "apply": {
      const args = expr.args.map((arg) => lowerExpression(context, frame, arg));
      return functionLowerings[expr.function]({ context, expr, args, stream: `${frame.network?.name ?? frame.of}.${expr.function}` });
    }
    case "layer": {
      const args = expr.args.map((arg) => lowerExpression(context, frame, arg));
      return layerLowerings[expr.layer]({ context, expr, args });
    }
    case "call": {
      const args = expr.args.map((arg) => lowerExpression(context, frame, arg));
      const output = lowerCall(context, frame, expr.network, args, lowerExpression).get(expr.output);
      if (!output) throw new InternalError(`network ${expr.network} has no output ${expr.output}`);
      return output;
    }
    default:
      return assertNever(expr);
  }
}

function siteNamed({ program }: LoweringContext, name: string): Site | undefined {
  return program.model.find((step): step is Site => step.kind === "site" && step.name === name);
}

/** `z[1]` of a sequence that is not whole yet: one of its starts. */
function startAt(context: LoweringContext, frame: Frame, { target, at }: Extract<Expr, { kind: "position" }>): Value | undefined {
  if (target.kind !== "reference" || frame.network) return undefined;
  const { to } = target;
  if (to.kind === "binding") {
    const binding = context.program[frame.of].find((step): step is Binding => step.kind === "binding" && step.name === to.name);
    const start = binding?.plates.length === 1 && binding.sequence?.starts.find(({ position }) => position - binding.plates[0]!.from === at);
    return start ? lowerExpression(context, frame, start.value) : undefined;
  }
  if ((to.kind !== "site" && to.kind !== "column") || context.sites.get(to.name)) return undefined;
  return context.chains.get(frame.of)?.start(keyOf(to), at);
}

function reference(context: LoweringContext, frame: Frame, expr: Extract<Expr, { kind: "reference" }>): Value {
  const { to } = expr;
  const found = (value: Value | undefined): Value => {
    if (!value) throw new InternalError(`${to.kind} ${to.name} is used before it has a value`);
    return value;
  };
  switch (to.kind) {
    case "parameter":
      return context.parameter(to.name);
    case "column": {
      const drawn = context.sites.get(to.name);
      return drawn ? arrayOverPlates(context, drawn, siteNamed(context, to.name)?.plates ?? []) : context.inputColumn(to.name);
    }
    case "site": {
      const site = siteNamed(context, to.name);
      // A chain that looks back at another one may stand above it.
      const chains = context.sites.get(to.name) ? undefined : context.chains.get(frame.of);
      if (chains?.isUnknown(to.name)) chains.run(`site ${to.name}`);
      const value = found(context.sites.get(to.name) ?? (site?.role === "observed" ? observedValue(context, site) : undefined));
      if (!site) return value;
      if (to.whole) return arrayOverPlates(context, value, site.plates);
      // The guide's loops have names of their own.
      const entry = frame.of === "guide" && context.program.guide.find((step): step is GuideSite => step.kind === "guide-site" && step.site === to.name);
      return entry ? renamed(context, value, site.plates, entry.plates) : value;
    }
    case "binding": {
      if (frame.network) return found(frame.network.bindings.get(to.name));
      const value = context.binding(frame.of, to.name, (binding) => lowerBinding(context, frame.of, binding, lowerExpression));
      const binding = to.whole && context.program[frame.of].find((step): step is Binding => step.kind === "binding" && step.name === to.name);
      return binding ? arrayOverPlates(context, value, binding.plates) : value;
    }
    case "input":
      return found(frame.network?.inputs.get(to.name));
    default:
      return assertNever(to);
  }
}

/** `table[k]`: a relabelling for an enumerated k, a weighted sum for a relaxed one, else a gather along the first axis of the shape. */
function gather(context: LoweringContext, table: Value, index: Value): Value {
  const { b, space } = context;
  const count = eventShape(table)[0];
  if (typeof count !== "number") throw new InternalError("a table has no fixed length");
  if (index.labelsOf && eventShape(index).length === 0 && !table.axes.includes(index.labelsOf) && index.axes.length === 1 && space.size(index.labelsOf) === count) {
    return canonical(b, space, table.node, [...table.axes, index.labelsOf]);
  }
  const indices = b.cast(index.node, "i32");
  const prefix = table.axes.every((axis, at) => index.axes[at] === axis);
  if (!index.soft && prefix) return { node: b.gather(table.node, indices, table.axes.length), axes: index.axes };
  // General case, and relaxed indices: Σ_k one_hot(index)_k · table_k over the aligned axes.
  const axes = unionAxes(space, [table, index]);
  const many = eventShape(index);
  const rest = eventShape(table).slice(1);
  const weights: Value = { node: index.soft ?? b.oneHot(indices, count), axes: index.axes };
  const left = aligned(b, { node: b.reshape(weights.node, [...weights.node.shape, ...rest.map(() => 1)]), axes: index.axes }, axes, many.length + 1 + rest.length);
  const tableShape = [...table.node.shape.slice(0, table.axes.length), ...many.map(() => 1), count, ...rest];
  const right = aligned(b, { node: b.reshape(table.node, tableShape), axes: table.axes }, axes, many.length + 1 + rest.length);
  return { node: b.sum(b.multiply(left, right), [axes.length + many.length]), axes };
}
