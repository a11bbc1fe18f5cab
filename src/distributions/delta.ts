import { real } from "../types/support.js";
import type { Distribution } from "./distribution.js";
import { argument } from "./support/arguments.js";
import { scalarParameter } from "./support/specs.js";

export const delta: Distribution = {
  name: "Delta",
  doc: `All mass at \`value\`: log density 0 there (against the counting measure of that point) and −∞ elsewhere. A deterministic guide: an autoencoder, a MAP estimate.`,
  parameters: [scalarParameter("value", real, "the only value")],
  parameterizations: [["value"]],
  eventRank: 0,
  reparameterization: "identity",
  support: ({ supports }) => supports?.["value"] ?? real,
  logDensity: (b, x, args) => b.select(b.equal(x, argument(args, "value")), 0, -Infinity),
  sample: (b, _stream, args, shape) => b.broadcast(argument(args, "value"), shape),
  entropy: (b, _args, shape) => b.full(0, shape),
  mean: (b, args, shape) => b.broadcast(argument(args, "value"), shape),
};
