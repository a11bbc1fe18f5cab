import { printSupport } from "../types/support.js";
import type { Distribution, ParameterSpec } from "./distribution.js";
import { klTable } from "./kl.js";
import { distributionNames, type DistributionName } from "./names.js";
import { distributions } from "./registry.js";

/** Supports that depend on the arguments, in words. */
const supportInWords: Partial<Record<DistributionName, string>> = {
  Uniform: "`interval(low, high)`; `unit` between 0 and 1",
  TruncatedNormal: "`interval(low, high)`; `unit` between 0 and 1",
  Categorical: "`index(K)`, K the length of the argument",
  DiscretizedLogistic: "`byte` for 256 levels, else `index(levels)`",
  Mixture: "that of its components",
  Delta: "that of its value",
};

const gradients: Record<Distribution["reparameterization"], string> = {
  "location-scale": "through the draw, by location and scale",
  "inverse-cdf": "through the draw, by the inverse distribution function",
  implicit: "through the draw, by implicit differentiation",
  identity: "the draw is its argument",
  none: "none through the draw: enumeration or the score function",
};

/** `docs/distributions.md`: every distribution as its own file documents it. */
export function renderDistributions(): string {
  const header = `# Distributions

<!-- Made by renderDistributions from the doc of each distribution: UPDATE_DOCS=1 npx vitest run test/distributions/documentation.test.ts -->

Arguments are given in the order of the first form, or by name in any form. Vector arguments have the length of the event or of the categories; a scalar
stands for a vector of equal numbers. All logarithms are natural. Log densities are −∞ outside the support, and right to 1e-5 relative in float32.
`;
  const divergences = `## Closed-form divergences

KL(q ‖ p) is exact, whatever the parameterizations, for these pairs:

| q | p |
|---|---|
${distributionNames.flatMap((q) => {
  const targets = klTable.filter(([from]) => from === q).map(([, to]) => to);
  return targets.length > 0 ? [`| ${q} | ${targets.join(", ")} |`] : [];
}).join("\n")}
`;
  return [header, ...distributionNames.map((name) => section(distributions[name])), divergences].join("\n");
}

/** `real`, or in words where it depends on the arguments. */
export function supportInWordsOf(distribution: Distribution): string {
  const support = supportInWords[distribution.name] ?? `\`${printSupport(distribution.support({ constants: {}, lastSizes: {} }))}\``;
  return `${support}${distribution.eventRank === 1 ? ", a vector bound jointly" : ""}`;
}

function section(distribution: Distribution): string {
  const { name, doc, parameters, parameterizations } = distribution;
  const forms = parameterizations.map((names) => `\`${name}(${names.map((each) => withDefault(parameters.find((parameter) => parameter.name === each), each)).join(", ")})\``);
  const facts = [
    `Forms: ${forms.join(", ")}`,
    `Support: ${supportInWordsOf(distribution)}`,
    `Gradient: ${gradients[distribution.reparameterization]}`,
    `Closed forms: ${["log density", ...(distribution.mean ? ["mean"] : []), ...(distribution.entropy ? ["entropy"] : [])].join(", ")}`,
  ];
  const rows = parameters.map((parameter) => `| \`${parameter.name}\` | ${typeOf(parameter)} | ${parameter.doc.replaceAll("|", "\\|")} |`);
  return `## ${name}

${doc}

| parameter | type | meaning |
|---|---|---|
${rows.join("\n")}

${facts.map((fact) => `- ${fact}`).join("\n")}
`;
}

function withDefault(parameter: ParameterSpec | undefined, name: string): string {
  return parameter?.default === undefined ? name : `${name} = ${parameter.default}`;
}

function typeOf({ support, eventRank, constant, distribution }: ParameterSpec): string {
  if (distribution) return "a distribution";
  const shape = ["", "[n]", "[n, m]"][eventRank]!;
  return `\`${printSupport(support)}${shape}\`${constant ? ", constant" : ""}`;
}
