import type { SourceFile, Span } from "../../src/diagnostics/span.js";
import type { DistributionName } from "../../src/distributions/names.js";
import type { AutoGroup, Binding, By, Column, DistributionCall, Expr, GuideSite, GuideStep, ModelProgram, Network, Plate, Site, Step, TrainingObjective } from "../../src/ir/model/model.js";
import type { FunctionName } from "../../src/ir/model/functions.js";
import { type Support, binary, index, positive, real, simplex } from "../../src/types/support.js";
import { type Type, sizeOf } from "../../src/types/type.js";

/** Shorthand for model programs by hand, so that the derivation is tested apart from the parser and the checker. */
export const source: SourceFile = { path: "hand.lvm", text: "model hand()\n" };
export const origin: Span = { source, start: 0, end: 5 };

export const type = (support: Support, ...shape: number[]): Type => ({ support, shape: shape.map((size) => sizeOf(size)) });
export const realType = (...shape: number[]): Type => type(real, ...shape);
export const positiveType = (...shape: number[]): Type => type(positive, ...shape);
export const binaryType = (...shape: number[]): Type => type(binary, ...shape);
export const simplexType = (size: number): Type => type(simplex, size);
export const indexType = (size: number, ...shape: number[]): Type => type(index(size), ...shape);

export const num = (value: number): Expr => ({ kind: "number", value, type: realType(), origin });
export const column = (name: string, of: Type = realType()): Expr => ({ kind: "reference", to: { kind: "column", name }, type: of, origin });
export const ref = (name: string, whole = false, of: Type = realType()): Expr => ({ kind: "reference", to: { kind: "site", name, whole }, type: of, origin });
export const bound = (name: string, whole = false): Expr => ({ kind: "reference", to: { kind: "binding", name, whole }, type: realType(), origin });
export const param = (name: string): Expr => ({ kind: "reference", to: { kind: "parameter", name }, type: realType(), origin });
export const gather = (target: Expr, at: Expr): Expr => ({ kind: "gather", target, index: at, type: realType(), origin });
export const fn = (name: FunctionName, ...args: Expr[]): Expr => ({ kind: "apply", function: name, args, attributes: {}, type: realType(), origin });
export const net = (network: string, output: string, ...args: Expr[]): Expr => ({ kind: "call", call: 0, network, args, output, type: realType(), origin });

export const dist = (distribution: DistributionName, args: Record<string, Expr | DistributionCall>, of: Type = realType()): DistributionCall => ({ distribution, args, type: of, origin });
export const normal = (mean: Expr, scale: Expr): DistributionCall => dist("Normal", { mean, scale });
export const standard = normal(num(0), num(1));

export const binding = (name: string, value: Expr, plates: readonly Plate[] = []): Binding => ({ kind: "binding", name, plates, value, origin });
export const site = (name: string, of: Type, distribution: DistributionCall, more: Partial<Site> = {}): Site => ({ kind: "site", name, role: "latent", scope: "row", partlyObserved: false, plates: [], type: of, distribution, origin, ...more });
export const observe = (name: string, of: Type, distribution: DistributionCall, more: Partial<Site> = {}): Site => site(name, of, distribution, { role: "observed", ...more });
export const guideSite = (name: string, distribution: DistributionCall, by?: By, plates: readonly Plate[] = []): GuideSite => ({ kind: "guide-site", site: name, plates, distribution, by, origin });
export const auto = (family: AutoGroup["family"], scope: "row" | "global", ...sites: string[]): AutoGroup => ({
  kind: "auto", family, rank: 2, scope, sites: sites.map((name) => ({ site: name, dimension: 1 })), parameters: { location: "auto.location", scale: "auto.scale" }, origin,
});
export const marginalized = (name: string): GuideStep => ({ kind: "marginalized", site: name, origin });
export const network = (name: string, ...outputs: string[]): Network => ({
  name, doc: "", inputs: [], outputs: outputs.map((output) => ({ name: output, type: realType(), value: num(0), origin })), bindings: [], origin,
});
export const plate = (name: string, size: number): Plate => ({ name, from: 1, size, origin });

export const elbo: TrainingObjective = { kind: "elbo", samples: 1, beta: 1, freeBits: 0, anneal: { steps: 0, cycles: 1 }, supervision: 0, constraints: [], origin };

export function program(model: readonly Step[], guide: readonly GuideStep[], objective: Partial<TrainingObjective> = {}, more: Partial<ModelProgram> = {}): ModelProgram {
  const columns: Column[] = model.filter((step): step is Site => step.kind === "site" && (step.role === "observed" || step.partlyObserved)).map((step) => ({
    name: step.name, type: step.type, role: "observed", partlyObserved: step.partlyObserved, origin,
  }));
  return {
    name: "hand", doc: "", source, origin, columns, parameters: [], model, guide,
    networks: [network("encoder", "mean", "scale"), network("decoder", "logits"), network("classify", "logits")],
    training: {
      objective: { ...elbo, ...objective },
      optimizer: { kind: "adam", rate: { kind: "constant", value: 1e-3 }, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0, momentum: 0 },
      batch: 10, epochs: 1, seed: 0, binarize: { kind: "fresh" }, observe: [], origin,
    },
    ...more,
  };
}

const bernoulli = (logits: Expr): DistributionCall => dist("Bernoulli", { logits });

/** A variational auto-encoder with 784 pixels and 20 coordinates. */
export function vae(objective: Partial<TrainingObjective> = {}, guide?: readonly GuideStep[]): ModelProgram {
  return program(
    [site("z", realType(20), standard), observe("x", binaryType(784), bernoulli(net("decoder", "logits", ref("z"))))],
    guide ?? [guideSite("z", normal(net("encoder", "mean", column("x")), net("encoder", "scale", column("x"))))],
    objective,
  );
}

/** Kingma et al. 2014's M2: a label seen in some rows only. */
export function semiSupervised(supervision = 50): ModelProgram {
  return program(
    [
      site("y", indexType(10), dist("Categorical", { logits: num(0) }), { partlyObserved: true }),
      site("z", realType(20), standard),
      observe("x", binaryType(784), bernoulli(net("decoder", "logits", ref("z"), ref("y")))),
    ],
    [
      guideSite("y", dist("Categorical", { logits: net("classify", "logits", column("x")) }), { estimator: "enumeration", origin }),
      guideSite("z", normal(net("encoder", "mean", column("x"), ref("y")), net("encoder", "scale", column("x"), ref("y")))),
    ],
    { supervision },
  );
}

/** A Bayesian mixture with its assignment summed out. */
export function mixture(objective: Partial<TrainingObjective> = {}): ModelProgram {
  return program(
    [
      site("weights", simplexType(4), dist("Dirichlet", { concentration: num(1) }), { scope: "global" }),
      site("centers", realType(4, 2), normal(num(0), num(5)), { scope: "global" }),
      site("k", indexType(4), dist("Categorical", { probs: ref("weights") })),
      observe("x", realType(2), normal(gather(ref("centers"), ref("k")), num(0.5))),
    ],
    [auto("mean_field", "global", "weights", "centers"), marginalized("k")],
    objective,
  );
}

/** Rubin's eight schools, non-centred. */
export function eightSchools(family: AutoGroup["family"] = "mean_field"): ModelProgram {
  return program(
    [
      site("center", realType(), normal(num(0), num(5)), { scope: "global" }),
      site("spread", positiveType(), dist("HalfCauchy", { scale: num(5) }), { scope: "global" }),
      site("effect", realType(), standard),
      binding("mean", fn("add", ref("center"), fn("multiply", ref("spread"), ref("effect")))),
      observe("y", realType(), normal(bound("mean"), column("sigma"))),
    ],
    [auto(family, "global", "center", "spread"), auto(family, "row", "effect")],
  );
}
