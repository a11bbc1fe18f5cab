import type { DistributionCall, Plate, Sequence } from "../../ir/model/model.js";
import type { Context } from "../context.js";

/** Distributions before the first step of a chain, by the name that is drawn. */
export type Starts = Map<string, readonly { readonly position: number; readonly value: DistributionCall; readonly origin: Sequence<DistributionCall>["starts"][number]["origin"] }[]>;

/** The sequence of a site that a chain draws: its starts must be of the same family as its steps, with the same parameters. Reports otherwise. */
export function sequenceOf(context: Context, name: string, step: DistributionCall, chain: Plate | undefined, starts: Starts): Sequence<DistributionCall> | undefined {
  const own = [...(starts.get(name) ?? [])].sort((left, right) => left.position - right.position);
  if (!chain) return undefined;
  const parameters = (call: DistributionCall): string => Object.keys(call.args).sort().join(", ");
  for (const { value } of own) {
    if (value.distribution === step.distribution && parameters(value) === parameters(step)) continue;
    const families = value.distribution !== step.distribution;
    context.error({
      code: "LVM4047",
      message: families ? `\`${name}\` begins with ${value.distribution} and goes on with ${step.distribution}` : `\`${name}\` begins with other parameters than it goes on with`,
      span: value.origin,
      label: families ? value.distribution : `given by ${parameters(value)}`,
      related: [{ span: step.origin, text: families ? "the steps of the chain" : `the steps are given by ${parameters(step)}` }],
      help: families ? "use one family for all of them" : `give both by ${parameters(step)}`,
    });
  }
  return { chain, starts: own };
}
