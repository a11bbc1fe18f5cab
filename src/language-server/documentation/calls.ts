import { constantFunctions } from "../../checker/constants.js";
import type { CallParameter } from "../../checker/functions/function-rule.js";
import { functionAliases, functionRules } from "../../checker/functions/function-rules.js";
import { layerRules } from "../../checker/layers/layer-rules.js";
import { calls as initializers } from "../../checker/parameters.js";
import { schedules, type ScheduleParameter } from "../../checker/schedules.js";
import { typeNames } from "../../checker/type-expressions.js";
import type { ParameterSpec } from "../../distributions/distribution.js";
import { supportInWordsOf } from "../../distributions/documentation.js";
import { distributionNames, type DistributionName } from "../../distributions/names.js";
import { distributions } from "../../distributions/registry.js";
import type { FunctionName } from "../../ir/model/functions.js";
import type { LayerName } from "../../ir/model/layers.js";
import { printSupport } from "../../types/support.js";
import type { Documented, Form, FormParameter } from "./documented.js";

/** What can be called in models and networks, from the checker's own rules: documentation and parameters stand there. */

const shown: Readonly<Record<CallParameter["kind"], string | undefined>> = { value: undefined, values: undefined, label: undefined, size: "size", sizes: "size", number: "number", axis: undefined, choice: undefined, flag: undefined };

function parameterOf({ name, doc, kind, default: value, optional, choices }: CallParameter): FormParameter {
  const words = kind === "flag" ? ["true", "false"] : choices;
  return {
    name,
    doc,
    takes: words ? "word" : kind === "value" || kind === "values" || kind === "label" ? "value" : "constant",
    ...(shown[kind] === undefined ? {} : { type: shown[kind] }),
    ...(value === undefined ? {} : { default: typeof value === "string" ? `"${value}"` : String(value) }),
    ...(optional ? { optional } : {}),
    ...(kind === "values" || kind === "sizes" ? { many: true } : {}),
    ...(words ? { choices: kind === "choice" ? words.map((word) => `"${word}"`) : words } : {}),
  };
}

const formOf = (parameters: readonly CallParameter[]): Form => ({ parameters: parameters.map(parameterOf) });

/** Operators have rules too, which nobody calls by name. */
const operators: ReadonlySet<FunctionName> = new Set(["add", "subtract", "multiply", "divide", "negate", "less", "less_equal", "greater", "greater_equal", "equal", "not_equal"]);

function functionOf(name: string, rule: FunctionName): Documented {
  const pair = rule === "min" ? [formOf(functionRules.minimum.parameters)] : rule === "max" ? [formOf(functionRules.maximum.parameters)] : [];
  return { kind: "function", name, doc: functionRules[rule].doc + (name === rule ? "" : `\n\nAnother name of \`${rule}\`.`) + (pair.length > 0 ? ` With two arguments: the ${rule === "min" ? "smaller" : "larger"} of them, element by element.` : ""), forms: [formOf(functionRules[rule].parameters), ...pair] };
}

const value = (name: string, doc: string): FormParameter => ({ name, doc, takes: "value" });
const constant = (name: string, doc: string, more: Partial<FormParameter> = {}): FormParameter => ({ name, doc, takes: "constant", ...more });

const repeat: Documented = {
  kind: "layer",
  name: "repeat",
  doc: "`x |> repeat(block, 3)`: copies of a network, each with weights of its own, one after the other; at most 100. The network has one output, of the type of its first input. Its further inputs follow the number and are the same for every copy.",
  forms: [{ unnamed: true, parameters: [value("x", "the input of the first copy"), { name: "block", doc: "a network", takes: "name" }, constant("times", "how many copies", { type: "size" }), { name: "more", doc: "further inputs of the network, the same for every copy", takes: "value", many: true, optional: true }] }],
};

/** `guide(x[t-1] | x[t], noise = f(x[t], t))`: the parameters that stand behind the condition. */
const variance: FormParameter = { name: "variance", doc: "`small`: the variance of the posterior (the default) · `large`: that of the forward step (Ho et al. 2020) · a value in `unit`: between both, as a network says (Nichol & Dhariwal 2021)", takes: "value", default: "small", choices: ["small", "large"] };
const reconstruction: FormParameter = { name: "reconstruction", doc: "of bytes, at the last step: `discretized`, the mass of the byte's bin (the default, Ho et al. 2020) · `gaussian`: its density, which is that of real data", takes: "word", optional: true, choices: ["discretized", "gaussian"] };
const condition: FormParameter = { name: "x[t-1] | x[t]", doc: "the state before, given this one", takes: "name" };
const denoise: Documented = {
  kind: "distribution",
  name: "guide",
  doc: "The guide's own step backwards, q(x[t-1] | x[t], x[0]), with what a network says in place of x[0]: the noise ε of x[t] = s x[0] + σ ε (Ho et al. 2020), the velocity (s ε − σ x[0]) / √(s² + σ²) (Salimans & Ho 2022), or the datum itself.",
  forms: [value("noise", "what the network says of ε"), value("velocity", "what the network says of the velocity"), value("x[0]", "what the network says of the datum")].map((prediction) => ({ parameters: [condition, prediction, variance, reconstruction] })),
};

const only: Readonly<Record<string, string>> = { ceil: "`ceil(x)`: rounded up.", round: "`round(x)`: to the nearest whole number." };

/** Functions of values. */
export const functions: ReadonlyMap<string, Documented> = new Map([
  ...(Object.keys(functionRules) as FunctionName[]).filter((name) => !operators.has(name)).map((name) => [name, functionOf(name, name)] as const),
  ...Object.entries(functionAliases).map(([name, rule]) => [name, functionOf(name, rule)] as const),
]);

/** Functions of constants. */
export const constantCalls: ReadonlyMap<string, Documented> = new Map(
  constantFunctions.map((name): [string, Documented] => {
    const known = functions.get(name);
    const two = name === "min" || name === "max";
    return [name, { kind: "function", name, doc: two ? `\`${name}(a, b)\`: the ${name === "min" ? "smaller" : "larger"} of two.` : (known?.doc ?? only[name] ?? ""), forms: [{ unnamed: true, parameters: two ? [constant("a", "a number"), constant("b", "a number")] : [constant("x", "a number")] }] }];
  }),
);

export const layers: ReadonlyMap<string, Documented> = new Map([
  ...(Object.keys(layerRules) as LayerName[]).map((name): [string, Documented] => [name, { kind: "layer", name, doc: layerRules[name].doc, forms: [formOf(layerRules[name].parameters)] }]),
  ["repeat", repeat],
]);

const boundOf = ({ kind, above, least, below }: ScheduleParameter): string => (kind === "steps" ? "size" : kind === "shares" ? "array" : above === 0 && below === undefined ? "positive" : above === 0 ? "unit" : least === 0 ? "nonnegative" : "number");

export const noiseSchedules: ReadonlyMap<string, Documented> = new Map(
  Object.entries(schedules).map(([name, { doc, parameters }]) => [
    name,
    { kind: "noise schedule", name, doc, forms: [{ parameters: parameters.map((each) => constant(each.name, each.doc, { type: boundOf(each), ...(each.default === undefined ? {} : { default: String(each.default) }) })) }] },
  ]),
);

/** Arrays and numbers that need no declaration. */
export const constants: ReadonlyMap<string, Documented> = new Map([
  ["pi", { kind: "constant", name: "pi", doc: `π = ${Math.PI}`, forms: [] }],
  ["zeros", { kind: "constant", name: "zeros", doc: "`zeros[3, 4]`: a constant array of zeros.", forms: [] }],
  ["ones", { kind: "constant", name: "ones", doc: "`ones[K]`: a constant array of ones.", forms: [] }],
]);

function specOf({ name, doc, support, eventRank, default: value, constant: fixed, distribution }: ParameterSpec): FormParameter {
  return {
    name,
    doc: fixed ? `${doc}; a constant` : doc,
    takes: distribution ? "distribution" : fixed ? "constant" : "value",
    type: distribution ? "distribution" : `${printSupport(support)}${["", "[n]", "[n, m]"][eventRank] ?? ""}`,
    ...(value === undefined ? {} : { default: String(value) }),
  };
}

function distributionOf(name: DistributionName): Documented {
  const { doc, parameters, parameterizations } = distributions[name];
  const forms = parameterizations.map((names) => ({ parameters: names.flatMap((each) => parameters.filter((spec) => spec.name === each).map(specOf)) }));
  return { kind: "distribution", name, doc: `${doc}\n\nSupport: ${supportInWordsOf(distributions[name])}.`, forms };
}

export const distributionCalls: ReadonlyMap<string, Documented> = new Map([...distributionNames.map((name) => [name, distributionOf(name)] as const), ["guide", denoise]]);

const typeForms: Readonly<Record<string, readonly Form[]>> = {
  index: [{ unnamed: true, parameters: [constant("K", "how many labels", { type: "size" })] }],
  interval: [{ unnamed: true, parameters: [constant("low", "the least value", { type: "number" }), constant("high", "the greatest value", { type: "number" })] }],
};

export const types: ReadonlyMap<string, Documented> = new Map(Object.entries(typeNames).map(([name, doc]) => [name, { kind: "type", name, doc, forms: typeForms[name] ?? [] }]));

const initializerDocs: Readonly<Record<(typeof initializers)[number], Omit<Documented, "kind" | "name">>> = {
  normal: { doc: "`normal(mean, scale)`: random numbers of the run's seed; of `real` parameters.", forms: [{ parameters: [constant("mean", "their mean", { type: "number" }), constant("scale", "their standard deviation", { type: "positive" })] }] },
  uniform: { doc: "`uniform(low, high)`: random numbers between two bounds.", forms: [{ parameters: [constant("low", "the least value", { type: "number" }), constant("high", "the greatest value", { type: "number" })] }] },
  identity: { doc: "`identity`: ones on the diagonal; of square matrices.", forms: [] },
};

/** First values of parameters. */
export const firstValues: ReadonlyMap<string, Documented> = new Map(initializers.map((name) => [name, { kind: "first value", name, ...initializerDocs[name] }]));
