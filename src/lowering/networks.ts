import type { Frame, LoweringContext } from "./context.js";
import type { Expr } from "../ir/model/model.js";
import type { Value } from "./value.js";

/** Outputs of a network call. Calls with the same arguments are one call: its weights, and its dropout masks, are the same. */
export function lowerCall(
  context: LoweringContext,
  frame: Frame,
  name: string,
  args: readonly Value[],
  lowerExpression: (context: LoweringContext, frame: Frame, expr: Expr) => Value,
): ReadonlyMap<string, Value> {
  const { b } = context;
  const key = `${name}(${args.map((arg) => `${arg.node.id}:${arg.axes.join("+")}`).join(",")})`;
  return context.memoizedCall(key, (call) => {
    const network = context.network(name);
    return b.inScope({ network: name, call }, () => {
      const inputs = new Map(network.inputs.map((input, at) => [input.name, args[at]!]));
      const bindings = new Map<string, Value>();
      const inner: Frame = { of: frame.of, network: { inputs, bindings, name } };
      for (const binding of network.bindings) {
        const value = lowerExpression(context, inner, binding.value);
        b.named(value.node, binding.name);
        bindings.set(binding.name, value);
      }
      return new Map(
        network.outputs.map((output) => {
          const value = lowerExpression(context, inner, output.value);
          b.named(value.node, output.name);
          return [output.name, value];
        }),
      );
    });
  });
}

